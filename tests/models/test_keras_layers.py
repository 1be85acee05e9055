"""Keras models of a student's shape, and what isn't one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.export.conftest import randomized
from tfkd.errors import InputError
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("layer", ["embedding", "bilstm", "logits"])
def test_weights_not_finite_are_refused(layer, value):
    model = randomized(BiLstmClassifier(5, 2, 4, 4, 4))
    weights = model.get_layer(layer).get_weights()
    weights[0][1, 1] = value
    model.get_layer(layer).set_weights(weights)
    with pytest.raises(InputError, match=f"'{layer}'.*NaN or infinite"):
        weights_of(model)


def model_of(*parts: keras.layers.Layer) -> keras.Model:
    batch_size = 1 if any(getattr(part, "stateful", False) for part in parts) else None
    return keras.Sequential([keras.Input((None,), batch_size, "int32"), *parts])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (layers.LSTM(3), "the model is a LSTM; expected what keras.models.load_model returns"),
        ("model.keras", "the model is a str"),
        (keras.Sequential([layers.Embedding(9, 4), layers.LSTM(3), layers.Dense(2)]), "isn't built"),
    ],
)
def test_what_is_no_model_yet_is_one_clear_line(model, says):
    with pytest.raises(InputError, match=says) as raised:
        weights_of(model)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(2)], "SimpleRNN: expected an LSTM or a GRU"),
        ([layers.Embedding(9, 4), layers.GRU(3, reset_after=False), layers.Dense(2)], "expected reset_after=True"),
        (
            [
                layers.Embedding(9, 4),
                layers.Bidirectional(layers.GRU(3), backward_layer=layers.LSTM(3, go_backwards=True)),
                layers.Dense(2),
            ],
            "directions of one kind and size",
        ),
        ([layers.Embedding(9, 4), layers.LSTM(3, return_sequences=True), layers.Dense(2)], "its last state alone"),
        ([layers.Embedding(9, 4), layers.LSTM(3, stateful=True), layers.Dense(2)], "expected stateful=False"),
        ([layers.Embedding(9, 4), layers.LSTM(3, activation="relu"), layers.Dense(2)], "activation='tanh'"),
        ([layers.Embedding(9, 4), layers.LSTM(3, recurrent_activation="tanh"), layers.Dense(2)], "'sigmoid'"),
        ([layers.Embedding(9, 4), layers.Bidirectional(layers.LSTM(3), "sum"), layers.Dense(2)], "merge_mode='concat'"),
        ([layers.Embedding(9, 4), layers.LSTM(3), layers.Dense(2, activation="elu")], "one of linear, relu"),
        ([layers.Embedding(9, 4), layers.LSTM(3), layers.LayerNormalization()], "expected a Dense layer"),
        ([layers.Embedding(9, 4), layers.LSTM(3)], "has 2 layers; expected Embedding"),
    ],
)
def test_another_shape_is_one_clear_line(parts, says):
    with pytest.raises(InputError, match=says) as raised:
        weights_of(model_of(*parts))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda h: layers.Dense(3, "softmax")(h * 1.1), "'multiply.*', Multiply: expected layers alone"),
        (lambda h: keras.ops.softmax(layers.Dense(3)(h)), "'softmax.*', Softmax: expected layers alone"),
    ],
)
def test_what_is_computed_between_layers_is_not_passed_over(made, says):
    ids = keras.Input((None,), dtype="int32")
    state = layers.LSTM(3)(layers.Embedding(9, 4, mask_zero=True)(ids))
    with pytest.raises(InputError, match=says):
        weights_of(keras.Model(ids, made(state)))
    assert len(weights_of(keras.Model(ids, layers.Dense(3, "softmax")(state))).head) == 1  # but the mask is


def test_the_candidates_bias_is_in_the_table():
    model = randomized(BiLstmClassifier(9, 2, 6, 5, 4))
    weights = weights_of(model)
    (table,), (kernel, _, bias, *_) = (model.get_layer(name).get_weights() for name in ("embedding", "bilstm"))
    forward, backward = weights.directions
    assert not weights.embedding[0].any()
    assert (forward.backward, backward.backward) == (False, True)
    i, f, candidate, o = np.split(table[1:] @ kernel + bias, 4, axis=1)
    expected = np.concatenate([i, f, o, candidate], axis=1)
    np.testing.assert_allclose(weights.embedding[1:] @ forward.kernel + forward.bias, expected, atol=1e-5)
    assert not forward.bias[15:].any()
