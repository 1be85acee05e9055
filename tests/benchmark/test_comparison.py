"""Several models in one table: their ratios, and what has no vocabulary of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.benchmark.test_phone import Desk
from tests.conftest import random_teacher
from tests.export.conftest import DEV_TEXTS, LABELS
from tfkd.benchmark.comparison import Latency, ModelFigures, PhoneRun, compare_models
from tfkd.benchmark.host import RUNNERS, StartUp
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.keras_export import export_keras_model
from tfkd.export.metadata import read_metadata, with_metadata
from tfkd.export.teacher_export import export_teacher
from tfkd.models.int8_teacher import converted
from tfkd.report.costs import costs_rows, kernel_rows, names_of_files
from tfkd.text.examples import Examples
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer
from tools.peers import fused_lstm, keras_stock

LABELLED = Examples(DEV_TEXTS, np.array([1, 0, 1, 0, 1, 0], np.int32))


def test_models_are_measured_in_their_order(exported, student, tmp_path):
    stock, fused = tmp_path / "stock.tflite", tmp_path / "fused.tflite"
    stock.write_bytes(keras_stock(student, 12))
    fused.write_bytes(fused_lstm(student, 12))
    own, other, third = compare_models([exported.path, stock, fused], LABELLED, LABELS, rounds=10)
    assert (own.path, own.size_bytes) == (exported.path, exported.size_bytes)
    for figures in (own, other):
        assert set(figures.latency) == set(RUNNERS)
        assert not figures.refused
        assert 0 < figures.latency["Interpreter"].median_us <= figures.latency["Interpreter"].p95_us
        assert figures.start is not None
        assert figures.start.first_result_ms > 0
    assert set(third.latency) == {"Interpreter"}
    assert "fused.tflite: LiteRT's CompiledModel can't run it" in third.refused["CompiledModel"]
    rows = costs_rows([own, other, third], {})
    assert rows[0] == ("", "student.tflite", "stock.tflite", "fused.tflite")
    assert {row[0]: row[3] for row in rows}["CompiledModel, median"] == "-"
    assert own.accuracy == np.mean(exported.probabilities.argmax(1) == LABELLED.labels)
    assert ModelFigures.of_json(json.loads(json.dumps(own.as_json()))) == own
    assert own.sha256 == hashlib.sha256(exported.path.read_bytes()).hexdigest()
    assert (own.weights, third.weights, own.is_berts, third.is_berts) == ("int8", "float32", False, False)


def test_a_teachers_file_is_told_from_a_students(exported, small_bert, tmp_path):
    config = ExportConfig(max_tokens=10, quantization="dynamic_int8", min_agreement=0.1)
    path = tmp_path / "bert.tflite"
    export_teacher(random_teacher(small_bert, num_classes=2, seed=0), ("no", "yes"), LABELLED, path, config)
    berts, own = compare_models([path, exported.path], LABELLED, LABELS, rounds=10)
    assert (berts.is_berts, own.is_berts) == (True, False)
    # An earlier tfkd wrote neither hash nor description: the name tells.
    earlier = {n: v for n, v in berts.as_json().items() if n not in ("sha256", "weights", "description")}
    assert not ModelFigures.of_json(earlier).is_berts
    assert ModelFigures.of_json({**earlier, "path": "my_teacher.tflite"}).is_berts


def test_a_file_without_vocabulary_reads_the_ids_of_the_one_before_it(exported, student, piece_export, tmp_path):
    """Those of word pieces would be out of its table."""
    stock = tmp_path / "stock.tflite"
    stock.write_bytes(keras_stock(student, 12))
    *_, found = compare_models([piece_export.path, exported.path, stock], LABELLED, LABELS, rounds=10)
    assert found.path == stock
    assert found.accuracy == np.mean(exported.probabilities.argmax(1) == LABELLED.labels)
    with pytest.raises(InputError, match=r"stock\.tflite: fails on these inputs, which may be another model's ids"):
        compare_models([piece_export.path, stock], LABELLED, LABELS, rounds=10)


def test_a_file_without_vocabulary_alone(student, tmp_path):
    stock = tmp_path / "stock.tflite"
    stock.write_bytes(keras_stock(student, 12))
    with pytest.raises(InputError, match=r"stock\.tflite: has no metadata, so its words and labels are unknown"):
        compare_models([stock], LABELLED, LABELS, rounds=10)


def test_pairs(pair_export):
    pairs = Examples(DEV_TEXTS, LABELLED.labels, DEV_TEXTS[::-1])
    (figures,) = compare_models([pair_export.path], pairs, ("contradiction", "neutral", "entailment"), rounds=10)
    assert set(figures.latency) == set(RUNNERS)
    assert figures.accuracy is not None


def test_accuracy_is_of_the_models_own_labels_alone(exported, student, tmp_path, capsys):
    """In another order they are others: it would be right where it is wrong."""
    stock = tmp_path / "stock.tflite"
    stock.write_bytes(keras_stock(student, 12))
    own, other = compare_models([exported.path, stock], LABELLED, LABELS[::-1], rounds=10)
    assert (own.accuracy, other.accuracy) == (None, None)
    assert "classifies into negative, positive; the data has positive, negative" in capsys.readouterr().err
    assert "accuracy" not in [row[0] for row in costs_rows([own], {})]
    assert ModelFigures.of_json(json.loads(json.dumps(own.as_json()))) == own


def test_one_number_a_text_is_none_for_each_label(exported, tmp_path, capsys):
    """As `export_keras_model` writes a single unit without a tokenizer: the largest of one is always the first."""
    one_unit = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(15, 8, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.LSTM(4)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    path, ids = tmp_path / "one_unit.tflite", np.arange(1, 13).reshape(3, 4)
    export_keras_model(one_unit, path, ids, ExportConfig(max_tokens=12, quantization="dynamic_int8"))
    _, other = compare_models([exported.path, path], LABELLED, LABELS, rounds=10)
    assert other.accuracy is None
    assert "one_unit.tflite: gives 1 numbers, not one a label: its accuracy isn't measured" in capsys.readouterr().err


def test_a_vocabulary_that_cannot_be_read_is_no_reason_to_read_anothers(exported, tmp_path):
    foreign = Vocabulary({"<PAD>": 0, "good": 1, "<UNKNOWN>": 2}, ("<PAD>", "good", "<UNKNOWN>"))
    path = tmp_path / "foreign.tflite"
    metadata = replace(read_metadata(exported.path), tokenizer=WordTokenizer(foreign))
    path.write_bytes(with_metadata(exported.path.read_bytes(), metadata))
    with pytest.raises(InputError, match=r"foreign\.tflite: its vocabulary isn't as tfkd writes it"):
        compare_models([exported.path, path], LABELLED, LABELS, rounds=10)


def test_a_file_that_takes_other_numbers(exported, tmp_path):
    real = keras.Sequential([keras.Input((12,)), keras.layers.Dense(2)])
    path = tmp_path / "real.tflite"
    path.write_bytes(converted(real, lambda x: {"y": real(x)}, [tf.TensorSpec([1, 12], tf.float32, "x")], "float32"))
    with pytest.raises(InputError, match=r"real\.tflite: fails on these inputs"):
        compare_models([exported.path, path], LABELLED, LABELS, rounds=10)


def test_files_of_one_name_are_told_apart():
    paths = [Path("runs/one/export/a.tflite"), Path("runs/two/export/a.tflite"), Path("runs/one/export/b.tflite")]
    assert names_of_files(paths) == ["one/export/a.tflite", "two/export/a.tflite", "b.tflite"]
    assert names_of_files([Path("a.tflite"), Path("x/a.tflite")]) == ["a.tflite", "x/a.tflite"]


def test_phones_are_in_the_table_too(exported, tmp_path, monkeypatch):
    desk = Desk(tmp_path, monkeypatch)
    desk.plug("B2")
    run = PhoneRun(desk.adb, desk.adb.phones(), desk.binary)
    (figures,) = compare_models([exported.path], LABELLED, LABELS, rounds=10, phone_run=run)
    assert {serial: times.mean_us for serial, times in figures.phones.items()} == {"A1": 105.8, "B2": 105.8}
    assert "--input_layer_value_range=token_ids,1,14" in str(desk.calls())  # fifteen ids, the first of padding
    assert ("Pixel, mean", "105.8 us") in costs_rows([figures], {"A1": "Pixel", "B2": "Other"})
    assert ModelFigures.of_json(json.loads(json.dumps(figures.as_json()))) == figures


def test_what_instructions_go_into():
    kernels = {"gemm": 900, "lut": 95, "python": 4, "libc": 1}
    figures = ModelFigures(Path("a.tflite"), 1, {}, {}, StartUp(1.0, 2.0), 0.9, kernels=kernels)
    assert kernel_rows(figures) == [
        ("a.tflite", "instructions", "share"),
        ("gemm", "900", "90.0 %"),
        ("lut", "95", "9.5 %"),
        ("the rest", "5", "0.5 %"),
    ]


def test_what_was_not_measured_has_no_rows():
    figures = ModelFigures(Path("a"), 1, {"Interpreter": Latency(300.0, 400.0)}, {}, None, 0.9)
    assert ModelFigures.of_json(json.loads(json.dumps(figures.as_json()))) == figures
    names = [name for name, *_ in costs_rows([figures, figures], {})]
    assert names == ["", "accuracy", "size", "Interpreter, median", "Interpreter, 95 %"]


def test_ratios_are_to_the_first():
    def figures(name: str, size: int, median_us: float) -> ModelFigures:
        return ModelFigures(Path(name), size, {"Interpreter": Latency(median_us, 400.0)}, {}, StartUp(1.0, 2.0), 0.9)

    rows = costs_rows([figures("a", 2_000_000, 300.0), figures("b", 500_000, 450.0)], {})
    cells = {name: list(row) for name, *row in rows}
    assert cells["accuracy"] == ["90.00 %", "90.00 %"]
    assert cells["size"] == ["2.00 MB", "0.50 MB (4.0x less)"]
    assert cells["Interpreter, median"] == ["300.0 us", "450.0 us (1.5x more)"]
    assert cells["Interpreter, 95 %"] == ["400.0 us", "400.0 us (1.0x less)"]
