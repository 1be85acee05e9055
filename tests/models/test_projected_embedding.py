"""The embedding that keeps to word vectors: by hand, in training, and as a table."""

import keras
import numpy as np
import pytest

from tfkd.models.projected_embedding import ProjectedEmbedding

# Five words, of three columns each; 0 is padding.
VECTORS = np.array([[0, 0, 0], [1, 0, 2], [0, 1, 0], [1, 0, 2], [3, 1, 0]], np.float32)


@pytest.fixture
def embedding() -> ProjectedEmbedding:
    layer = ProjectedEmbedding(VECTORS, 2)
    layer.build((None, None))
    return layer


def test_starts_as_the_leading_columns(embedding):
    np.testing.assert_array_equal(embedding(np.array([[1, 4], [2, 0]])), [[[1, 0], [3, 1]], [[0, 1], [0, 0]]])
    np.testing.assert_array_equal(embedding.table(), VECTORS[:, :2])


def test_row_by_hand(embedding):
    own = np.zeros((5, 2))
    own[1] = [0.5, -0.5]
    embedding.set_weights([np.array([[1, 2], [0, 1], [3, 0]]), own])
    # (1, 0, 2) @ projection = (1 + 6, 2), and its own (0.5, -0.5); word 3 is alike, but for what is word 1's own.
    np.testing.assert_allclose(embedding(np.array([[1, 3]])), [[[7.5, 1.5], [7.0, 2.0]]])
    np.testing.assert_allclose(embedding.table()[[1, 3]], [[7.5, 1.5], [7.0, 2.0]])


def test_only_projection_and_own_are_weights(embedding):
    assert [(w.name, w.shape) for w in embedding.weights] == [("projection", (3, 2)), ("own", (5, 2))]
    assert embedding.trainable_weights == embedding.weights


def test_padding_is_masked(embedding):
    np.testing.assert_array_equal(embedding.compute_mask(np.array([[4, 1, 0]])), [[True, True, False]])


def test_words_alike_learn_with_the_one_that_is_seen():
    """Word 1 alone is trained; word 3, its like, moves along, word 2, at a right angle to it, doesn't."""
    ids = keras.Input((None,), dtype="int32")
    layer = ProjectedEmbedding(VECTORS, 2)
    model = keras.Model(ids, layer(ids))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = layer.table()
    model.fit(np.full((4, 1), 1), np.ones((4, 1, 2)), epochs=3, verbose=0)
    moved = np.abs(layer.table() - before).max(1)
    assert moved[1] > moved[3] > 0.1
    assert moved[2] == 0
