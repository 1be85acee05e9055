"""The weights of Keras models of a student's shape: Embedding, LSTM or GRU in one direction or two, dense layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfkd.errors import InputError
from tfkd.models.student import BiLstmClassifier
from tfkd.models.student_weights import ACTIVATIONS, DenseWeights, GruWeights, LstmWeights, StudentWeights
from tfkd.text.vocabulary import PAD_ID

# What does nothing outside training.
_PASSED_OVER = (
    keras.layers.InputLayer,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)
_SHAPE = "Embedding, then LSTM or GRU, alone or Bidirectional, that returns its last state, then Dense layers"


def weights_of(model: keras.Model) -> StudentWeights:
    """Returns the weights of a student, or of any Keras model of its shape.

    That is Embedding (with mask_zero or without), LSTM or GRU, alone or Bidirectional, and Dense layers, in a row;
    dropout may stand between. A student's logits get a softmax.

    Raises:
      InputError: it is no model, isn't built, has another shape, or weights that are NaN or infinite.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"the model is a {type(model).__name__}; expected what keras.models.load_model returns")
    if isinstance(model, BiLstmClassifier):
        layers = [model.get_layer(name) for name in ("embedding", "bilstm", "hidden", "logits")]
        activations = ["relu", "softmax"]
    else:
        layers = [layer for layer in _operations(model) if not isinstance(layer, _PASSED_OVER)]
        activations = [getattr(getattr(layer, "activation", None), "__name__", "none") for layer in layers[2:]]
    if len(layers) < 3:
        raise InputError(f"the model has {len(layers)} layers; expected {_SHAPE}")
    for layer in layers:
        _check(layer, isinstance(layer, keras.layers.Layer), "layers alone")
    if not all(layer.built for layer in layers):
        raise InputError("the model isn't built: it has no weights before it is called on token ids")
    embedding, recurrent, *dense = layers
    for layer in layers:
        if not all(np.isfinite(array).all() for array in layer.get_weights()):
            raise InputError(
                f"the model's layer '{layer.name}' has weights that are NaN or infinite: "
                "its training diverged; train it again with a lower learning rate"
            )
    _check(embedding, isinstance(embedding, keras.layers.Embedding), "an Embedding")
    (table,), masked = embedding.get_weights(), bool(embedding.mask_zero)
    directions, of_words = _directions(recurrent), None
    if masked and isinstance(directions[0], keras.layers.LSTM):
        # As large as a row's largest entry mostly is, so that one scale of integers serves all.
        of_words = max(float(np.median(np.abs(table).max(axis=1))), 1e-6)
        table = np.pad(table, [(0, 0), (0, 1)], constant_values=of_words)
        table[PAD_ID] = 0
    return StudentWeights(
        embedding=table,
        directions=tuple(_direction(layer, of_words) for layer in directions),
        head=tuple(map(_dense, dense, activations)),
        pairs=isinstance(model, BiLstmClassifier) and model.pairs,
        masked=masked,
    )


def _operations(model: keras.Model) -> list[Any]:
    """A model's layers in their order, and what it computes between them, but for the mask of its texts."""
    operations = getattr(model, "operations", model.layers)
    return [operation for operation in operations if type(operation).__name__ != "NotEqual"]


def in_keras_order(matrix: np.ndarray) -> np.ndarray:
    """Returns what has a column for each gate's unit, in the order of StudentWeights, in that of Keras."""
    return _last_two_swapped(matrix)


def _last_two_swapped(matrix: np.ndarray) -> np.ndarray:
    first, second, third, fourth = np.split(matrix, 4, axis=-1)
    return np.concatenate([first, second, fourth, third], axis=-1)


def _check(layer: keras.layers.Layer, condition: bool, expected: str) -> None:
    if not condition:
        raise InputError(
            f"the model's layer '{layer.name}', {type(layer).__name__}: expected {expected}; a model may be of {_SHAPE}"
        )


def _directions(layer: Any) -> list[Any]:
    if isinstance(layer, keras.layers.Bidirectional):
        _check(layer, layer.merge_mode == "concat", "merge_mode='concat'")
        directions = [layer.forward_layer, layer.backward_layer]
        alike = len({(type(direction), getattr(direction, "units", 0)) for direction in directions}) == 1
        _check(layer, alike, "directions of one kind and size")
        return directions
    return [layer]


def _direction(layer: Any, of_words: float | None) -> LstmWeights:
    """The weights of a Keras LSTM, or GRU."""
    _check(layer, isinstance(layer, (keras.layers.LSTM, keras.layers.GRU)), "an LSTM or a GRU")
    _check(layer, not layer.return_sequences and not layer.return_state, "its last state alone as its output")
    _check(layer, not layer.stateful, "stateful=False")
    _check(layer, layer.activation is keras.activations.tanh, "activation='tanh'")
    _check(layer, layer.recurrent_activation is keras.activations.sigmoid, "recurrent_activation='sigmoid'")
    if isinstance(layer, keras.layers.GRU):
        return _gru(layer)

    # Keras' order is input, forget, candidate, output.
    kernel, recurrent, *bias = map(_last_two_swapped, layer.get_weights())
    lstm = LstmWeights(
        kernel, recurrent, bias[0] if bias else np.zeros(kernel.shape[1], np.float32), backward=layer.go_backwards
    )
    return lstm if of_words is None else _with_candidate_bias_in_table(lstm, of_words)


def _gru(layer: Any) -> GruWeights:
    _check(layer, layer.reset_after, "reset_after=True")
    # Keras' order is update, reset, candidate.
    kernel, recurrent, *biases = (
        array * np.repeat([-1, 1, 1], layer.units).astype(np.float32) for array in layer.get_weights()
    )
    of_words, of_state = biases[0] if biases else np.zeros((2, 3 * layer.units), np.float32)
    reset_too = np.arange(len(of_state)) >= 2 * layer.units
    return GruWeights(
        kernel,
        recurrent,
        np.where(reset_too, of_words, of_words + of_state),
        backward=layer.go_backwards,
        recurrent_bias=np.where(reset_too, of_state, 0).astype(np.float32),
    )


def _with_candidate_bias_in_table(lstm: LstmWeights, of_words: float) -> LstmWeights:
    """The direction with one more row of its kernel, for the column that is `of_words` for each word."""
    of_candidate = np.arange(len(lstm.bias)) >= 3 * lstm.hidden_size
    row = np.where(of_candidate, lstm.bias / of_words, 0).astype(np.float32)
    return LstmWeights(
        np.concatenate([lstm.kernel, row[np.newaxis]]),
        lstm.recurrent,
        np.where(of_candidate, 0, lstm.bias).astype(np.float32),
        backward=lstm.backward,
    )


def _dense(layer: Any, activation: str) -> DenseWeights:
    _check(layer, isinstance(layer, keras.layers.Dense), "a Dense layer")
    _check(layer, activation in ACTIVATIONS, f"its activation to be one of {', '.join(ACTIVATIONS)}")
    kernel, *bias = layer.get_weights()
    return DenseWeights(kernel, bias[0] if bias else np.zeros(kernel.shape[1], np.float32), activation)
