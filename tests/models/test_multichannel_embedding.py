"""The paper's two channels: by hand, in training, and as a table."""

import keras
import numpy as np

from tfkd.models.multichannel_embedding import MultichannelEmbedding

VECTORS = np.array([[0, 0], [1, 2], [3, -1]], np.float32)


def test_one_channel_is_trained_and_the_other_stays():
    ids = keras.Input((None,), dtype="int32")
    layer = MultichannelEmbedding(VECTORS)
    model = keras.Model(ids, layer(ids))
    np.testing.assert_array_equal(model(np.array([[2, 1]])), [[[3, -1, 3, -1], [1, 2, 1, 2]]])
    assert [(w.name, w.shape) for w in layer.weights] == [("trained", (3, 2))]
    np.testing.assert_array_equal(layer.compute_mask(np.array([[2, 0]])), [[True, False]])
    # The mean over four entries of (x - 0)^2 has the derivative x / 2: a step of 1 halves what is trained.
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(np.array([[1]]), np.zeros((1, 1, 4)), verbose=0)
    expected = np.array([[0, 0, 0, 0], [1, 2, 0.5, 1], [3, -1, 3, -1]])
    np.testing.assert_allclose(layer.table(), expected, atol=1e-6)
    np.testing.assert_array_equal(model(np.array([[1]])), layer.table()[None, None, 1])
