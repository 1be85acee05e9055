"""A Keras GRU's graph against the GRU."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tests.export.conftest import randomized
from tests.export.test_lowering import Lowered, padded
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.arithmetic import Reals
from tfkd.export.keras_export import export_keras_model
from tfkd.export.lowering import LOWERINGS, lower
from tfkd.models.keras_layers import weights_of


def model_of(rows: int, dim: int, recurrent: keras.layers.Layer, seed: int = 0, scale: float = 0.7) -> keras.Model:
    embedding = layers.Embedding(rows, dim, mask_zero=True)
    last = layers.Dense(3, activation="softmax")
    return randomized(keras.Sequential([keras.Input((None,), dtype="int32"), embedding, recurrent, last]), seed, scale)


TRAINED = model_of(200, 40, layers.Bidirectional(layers.GRU(32)), scale=0.2)
_rng = np.random.default_rng(1)
IDS = padded([list(_rng.integers(1, 200, n)) for n in _rng.integers(0, 11, 60)], 10)


def lowered(model: keras.Model, tokens: int, weights: str = "float32", lowering: str = "unrolled") -> Lowered:
    return Lowered(lower(weights_of(model), [tokens], lambda graph: Reals(graph, weights), lowering))


@settings(max_examples=12, derandomize=True)
@given(data=st.data())
def test_lowered_gru_equals_keras_masked_gru(data):
    size = st.integers(1, 9)
    rows, tokens = data.draw(st.integers(2, 20)), data.draw(size)
    reads = data.draw(st.sampled_from(["forward", "backward", "both"]))
    gru = layers.GRU(data.draw(size), use_bias=data.draw(st.booleans()), go_backwards=reads == "backward")
    recurrent = layers.Bidirectional(gru) if reads == "both" else gru
    model = model_of(rows, data.draw(size), recurrent, data.draw(st.integers(0, 99)))
    text = st.lists(st.integers(1, rows - 1), max_size=tokens)
    ids = padded([*data.draw(st.lists(text, min_size=1, max_size=5)), []], tokens)
    for lowering in LOWERINGS:
        np.testing.assert_allclose(lowered(model, tokens, lowering=lowering)(ids), model(ids), atol=1e-5)


@pytest.mark.parametrize("lowering", LOWERINGS)
@pytest.mark.parametrize("weights", ["float32", "float16", "int8"])
def test_what_pads_a_text_changes_nothing(weights, lowering):
    model = model_of(50, 40, layers.Bidirectional(layers.GRU(32)))
    short, long = lowered(model, 5, weights, lowering), lowered(model, 40, weights, lowering)
    texts = [[3, 4, 5], [49, 1, 2, 3, 4], [7], []]
    np.testing.assert_allclose(short(padded(texts, 5)), long(padded(texts, 40)), atol=1e-6)


# Of a trained model's size, and matrices of more than 1024 elements.
@pytest.mark.parametrize(
    ("quantization", "lowering", "tolerance"),
    [("float16", "unrolled", 2e-3), ("dynamic_int8", "folded", 0.02), ("dynamic_int8", "while", 0.02)],
)
def test_quantized_gru_gives_keras_probabilities(tmp_path, quantization, lowering, tolerance):
    config = ExportConfig(max_tokens=10, quantization=quantization, lowering=lowering, min_agreement=0.9)
    exported = export_keras_model(TRAINED, tmp_path / "m.tflite", IDS, config)
    assert exported.parity.max_probability_difference < tolerance
    CompiledModel.from_file(str(exported.path))  # takes it


def test_auto_is_dynamic_int8(tmp_path, capsys):
    config = ExportConfig(max_tokens=10, min_agreement=0.9)
    assert export_keras_model(TRAINED, tmp_path / "m.tflite", IDS, config).quantization == "dynamic_int8"
    assert "as int8 won't do: quantization=int8: is for an LSTM" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ({"export_rank": 4}, "^export_rank=4: is for an LSTM; expected 0"),
        ({"quantization": "int8"}, "^quantization=int8: is for an LSTM; expected dynamic_int8"),
    ],
)
def test_what_is_for_an_lstm_alone_is_refused(tmp_path, further, says):
    ids, config = (
        np.arange(1, 46).reshape(5, 9),
        ExportConfig(**{"max_tokens": 9, "quantization": "float32", **further}),
    )
    with pytest.raises(InputError, match=says):
        export_keras_model(model_of(50, 4, layers.GRU(5)), tmp_path / "m.tflite", ids, config)


def test_a_table_of_fewer_columns(tmp_path):
    model = model_of(200, 40, layers.GRU(32), scale=0.2)
    (table,) = model.layers[0].get_weights()
    model.layers[0].set_weights([np.pad(table[:, :6], [(0, 0), (0, 34)])])  # has no more than six to keep
    whole, narrow = (
        export_keras_model(
            model, tmp_path / "m.tflite", IDS, ExportConfig(max_tokens=10, quantization="float32", table_dim=columns)
        )
        for columns in (0, 6)
    )
    assert narrow.parity.max_probability_difference < 1e-4
    assert narrow.size_bytes < whole.size_bytes - 200 * 34 * 4
