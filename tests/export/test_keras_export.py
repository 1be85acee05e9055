"""The user's own Keras model as a .tflite."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from keras import layers
from scipy.special import expit, softmax

from tests.export.conftest import LABELS, WORDS, randomized
from tests.export.test_mediapipe import mediapipe_scores
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export import keras_export
from tfkd.export.keras_export import export_keras_model
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.litert_model import LiteRtModel

WORDS_KNOWN, TOKENS = 40, 7


def texts(mask_zero: bool = True) -> np.ndarray:
    rng = np.random.default_rng(0)
    words = TOKENS + 1 if not mask_zero else rng.integers(0, TOKENS + 1, (200, 1))
    return (rng.integers(1, WORDS_KNOWN, (200, TOKENS)) * (np.arange(TOKENS) < words)).astype(np.int32)


def model_of(*parts: keras.layers.Layer, mask_zero: bool = True, rows: int = WORDS_KNOWN) -> keras.Model:
    embedding = layers.Embedding(rows, 12, mask_zero=mask_zero)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embedding, *parts])
    return randomized(model)


SHAPES = {
    "one direction": [layers.LSTM(9), layers.Dense(3, activation="softmax")],
    "backward": [layers.LSTM(9, go_backwards=True), layers.Dense(3, activation="softmax")],
    "both": [layers.Dropout(0.1), layers.Bidirectional(layers.LSTM(9)), layers.Dense(3, activation="softmax")],
    "deep": [layers.LSTM(9), layers.Dense(8, "tanh"), layers.Dense(8, "relu"), layers.Dense(2, "softmax")],
    "logits": [layers.Bidirectional(layers.LSTM(9)), layers.Dense(4)],
    "one unit": [layers.LSTM(9, use_bias=False), layers.Dense(1, activation="sigmoid", use_bias=False)],
    "one logit": [layers.LSTM(9), layers.Dense(1)],
    "GRU": [layers.GRU(9, use_bias=False), layers.Dense(3, activation="softmax")],
    "GRUs": [layers.Bidirectional(layers.GRU(9)), layers.Dense(3)],
}


@pytest.mark.parametrize("mask_zero", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("lowering", ["unrolled", "folded", "while"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_file_gives_what_keras_gives(tmp_path, shape, lowering, mask_zero):
    parts = [type(part).from_config(part.get_config()) for part in SHAPES[shape]]
    model, ids = model_of(*parts, mask_zero=mask_zero), texts(mask_zero)
    config = ExportConfig(max_tokens=TOKENS, quantization="float32", lowering=lowering)
    exported = export_keras_model(model, tmp_path / "m.tflite", ids, config)
    file = LiteRtModel(exported.path.read_bytes())
    found = np.stack([file.run(row) for row in ids[:20]])
    np.testing.assert_allclose(found, model.predict(ids[:20], verbose=0), atol=1e-5)
    assert exported.parity.label_agreement == 1
    CompiledModel.from_file(str(exported.path))  # takes it


def test_int8_of_one_direction(tmp_path):
    model = model_of(layers.LSTM(20), layers.Dense(2, activation="softmax"))
    randomized(model, scale=0.3)
    config = ExportConfig(max_tokens=TOKENS, quantization="int8")
    assert export_keras_model(model, tmp_path / "m.tflite", texts(), config).parity.mean_probability_difference < 0.02


@pytest.mark.parametrize("recurrent", [layers.LSTM, layers.GRU])
def test_with_words_and_labels_mediapipe_takes_it(tmp_path, tokenizer, recurrent):
    model = model_of(recurrent(6), layers.Dense(2, activation="softmax"), rows=len(tokenizer.vocabulary))
    ids = tokenizer.encode([" ".join(WORDS[i : i + 3]) for i in range(len(WORDS))]).padded(length=4)
    exported = export_keras_model(
        model, tmp_path / "m.tflite", ids, ExportConfig(max_tokens=4), tokenizer=tokenizer, label_names=LABELS
    )
    expected = model.predict(tokenizer.encode(["a good film"]).padded(length=4), verbose=0)[0]
    with mediapipe_scores(exported.path.read_bytes()) as scores:
        np.testing.assert_allclose(scores("a GOOD film"), expected, atol=0.01)


@pytest.mark.parametrize(
    ("last", "of_output"),
    [
        (layers.Dense(1, activation="sigmoid"), lambda z: np.concatenate([1 - z, z], axis=1)),
        (layers.Dense(1), lambda z: np.concatenate([1 - expit(z), expit(z)], axis=1)),
        (layers.Dense(2), lambda z: softmax(z, axis=1)),
    ],
    ids=["one unit", "one logit", "logits"],
)
def test_with_labels_the_output_is_the_probability_of_each(tmp_path, tokenizer, last, of_output):
    model = model_of(layers.LSTM(9), last, rows=len(tokenizer.vocabulary))
    ids = np.minimum(texts(), len(tokenizer.vocabulary) - 1)
    config = ExportConfig(max_tokens=TOKENS, shorter_tokens=(2, 4), quantization="float32")
    path = export_keras_model(model, tmp_path / "m.tflite", ids, config, tokenizer, LABELS).path
    classifier, read = LiteRtClassifier.from_file(path), ["a good film", "bad", ""]
    assert classifier.lengths == (2, 4, TOKENS)
    expected = of_output(model.predict(tokenizer.encode(read).padded(length=TOKENS), verbose=0))
    np.testing.assert_allclose(classifier.predict(read), expected, atol=1e-5)


def test_the_file_is_tried_at_each_of_its_lengths(tmp_path, monkeypatch):
    model, run, tried = model_of(layers.LSTM(9), layers.Dense(3)), LiteRtModel.run, set()

    def noted(file, ids):
        tried.add(len(ids))
        return run(file, ids)

    monkeypatch.setattr(LiteRtModel, "run", noted)
    config = ExportConfig(max_tokens=TOKENS, shorter_tokens=(2, 4), quantization="float32")
    export_keras_model(model, tmp_path / "m.tflite", texts(), config)
    assert tried == {2, 4, TOKENS}


@pytest.mark.parametrize(
    ("further", "labels", "says"),
    [
        (-1, LABELS, "a vocabulary of 15 ids for a model of 14: it is of another model"),
        (1, LABELS, "a vocabulary of 15 ids for a model of 16"),
        (0, (), "0 label names for a model of 2 classes"),
        (0, (*LABELS, "neutral"), "3 label names"),
    ],
)
@pytest.mark.parametrize("last", [layers.Dense(2, activation="softmax"), layers.Dense(1, activation="sigmoid")])
def test_words_and_labels_of_another_model_are_refused(tmp_path, tokenizer, monkeypatch, last, further, labels, says):
    model = model_of(layers.LSTM(4), type(last).from_config(last.get_config()), rows=15 + further)
    monkeypatch.delattr(keras_export, "lower")  # before any work
    ids, config = np.ones((40, TOKENS), int), ExportConfig(max_tokens=TOKENS)
    with pytest.raises(InputError, match=says):
        export_keras_model(model, tmp_path / "m.tflite", ids, config, tokenizer, labels)


def test_mediapipe_needs_words(tmp_path):
    model, config = model_of(layers.LSTM(4), layers.Dense(2)), ExportConfig(max_tokens=TOKENS, runtime="mediapipe")
    with pytest.raises(InputError, match="expected a tokenizer and label_names"):
        export_keras_model(model, tmp_path / "m.tflite", texts(), config)


@pytest.mark.parametrize("several", [True, False])
def test_one_output_whatever_holds_it(tmp_path, several):
    ids = keras.Input((None,), dtype="int32")
    state = layers.LSTM(4)(layers.Embedding(WORDS_KNOWN, 4, mask_zero=True)(ids))
    outputs = {"label": layers.Dense(2)(state), **({"other": layers.Dense(4)(state)} if several else {})}
    says = pytest.raises(InputError, match="the model has 2 outputs; expected one")
    with says if several else contextlib.nullcontext():
        export_keras_model(keras.Model(ids, outputs), tmp_path / "m.tflite", texts(), ExportConfig(max_tokens=TOKENS))


@pytest.mark.parametrize(
    ("ids", "mask_zero", "says"),
    [
        (np.zeros((3, TOKENS)), True, r"token_ids are float64 \[3, 7\]; expected integers"),
        (np.zeros((0, TOKENS), int), True, r"int64 \[0, 7\]"),
        (np.zeros((3, 0), int), True, r"int64 \[3, 0\]"),
        (np.array([[1, 2, 0], [0, 1, 2]]), True, r"padding before words; expected it after them \(padding='post'\)"),
        (np.array([[1, 0, 2]]), True, "padding before words"),
        (np.full((3, TOKENS), WORDS_KNOWN), True, "from 40 to 40; the model's table has 40 rows"),
        (np.full((3, TOKENS), -1), True, "from -1 to -1"),
        (np.ones((3, TOKENS - 1), int), False, "reads padding .* expected token_ids of max_tokens=7 columns, found 6"),
    ],
)
def test_texts_that_do_not_fit_are_refused(tmp_path, ids, mask_zero, says):
    model = model_of(layers.LSTM(4), layers.Dense(2), mask_zero=mask_zero)
    with pytest.raises(InputError, match=says):
        export_keras_model(model, tmp_path / "m.tflite", ids, ExportConfig(max_tokens=TOKENS))
    assert not any(tmp_path.iterdir())


def test_a_file_that_differs_is_not_written(tmp_path):
    model = model_of(layers.LSTM(20), layers.Dense(5, activation="softmax"))
    with pytest.raises(InputError, match=r"differ|label") as raised:
        export_keras_model(model, tmp_path / "m.tflite", texts(), ExportConfig(max_tokens=TOKENS, export_rank=2))
    assert str(raised.value).endswith("nothing was exported: leave out export_rank=2")
    assert not any(tmp_path.iterdir())


def test_a_value_far_from_zero_is_held_to_its_spread(tmp_path):
    """As a probability of its own it is 1 in either model, whatever the file gives."""
    model = model_of(layers.LSTM(20), layers.Dense(1))
    last = model.layers[-1]
    last.set_weights([last.get_weights()[0], np.array([30], np.float32)])
    config = ExportConfig(max_tokens=TOKENS, quantization="float32")
    assert export_keras_model(model, tmp_path / "m.tflite", texts(), config).parity.label_agreement == 1
    with pytest.raises(InputError, match=r"values differ from the Keras model's by .*; at most 10% of that expected"):
        export_keras_model(
            model, tmp_path / "n.tflite", texts(), ExportConfig(max_tokens=TOKENS, quantization="int8", export_rank=2)
        )
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]


def test_a_path_is_named_as_it_is(tmp_path):
    (tmp_path / "my--file").touch()
    path = tmp_path / "my--file" / "m.tflite"
    model = model_of(layers.LSTM(4), layers.Dense(2))
    with pytest.raises(InputError, match=f"^{path.parent}"):
        export_keras_model(model, path, texts(), ExportConfig(max_tokens=TOKENS, quantization="float32"))


def test_a_file_larger_than_it_may_be_is_not_written(tmp_path):
    model, config = model_of(layers.LSTM(4), layers.Dense(2)), ExportConfig(max_tokens=TOKENS, max_size=0.001)
    with pytest.raises(InputError, match=r"would be of 0\.0\d MB; at most 0\.001 expected \(max_size\)"):
        export_keras_model(model, tmp_path / "m.tflite", texts(), config)
    assert not any(tmp_path.iterdir())
