"""GLUE's files, of tests as GLUE and TensorFlow Datasets have them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tfkd.config import DataConfig, ExportConfig
from tfkd.errors import InputError
from tfkd.export.exporter import export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.models.student import BiLstmClassifier
from tfkd.report.glue import GLUE_TASKS, write_glue_file
from tfkd.text.examples import Examples
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer

TOKENIZER = WordTokenizer(Vocabulary.from_counts(dict.fromkeys(["good", "bad", "film"], 1), max_size=9))


def classifier(folder: Path, labels: tuple[str, ...], pairs: bool = False) -> LiteRtClassifier:
    model = BiLstmClassifier(6, len(labels), 8, 8, 8, pairs=pairs)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 1, w.shape) for w in model.get_weights()])
    dev = Examples.without_labels(["good film"], ["bad"] if pairs else None)
    export_student(model, TOKENIZER, labels, dev, dev, folder / "m.tflite", ExportConfig(max_tokens=4))
    return LiteRtClassifier.from_file(folder / "m.tflite")


def tsv(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


TEXTS = ["good", "bad", "film", "good film", "bad bad film"]


@pytest.mark.parametrize("labels", [("negative", "positive"), ("positive", "negative"), ("0", "1"), ("1", "0")])
def test_labels_are_the_servers_whatever_their_order_in_the_model(tmp_path, labels):
    model = classifier(tmp_path, labels)
    source = tsv(tmp_path / "test.tsv", "index\tsentence", *(f"{i}\t{text}" for i, text in enumerate(TEXTS)))
    path = write_glue_file(model, "sst2", source, tmp_path / "out", DataConfig())
    said = [labels[label] for label in model.predict(TEXTS).argmax(1)]
    assert len(set(said)) == 2
    numbers = {"negative": "0", "positive": "1", "0": "0", "1": "1"}
    assert path == tmp_path / "out" / "SST-2.tsv"
    assert path.read_text() == "index\tprediction\n" + "".join(f"{i}\t{numbers[s]}\n" for i, s in enumerate(said))


def test_labels_of_other_names_are_taken_by_their_order_and_this_is_said(tmp_path, capsys):
    source = tsv(tmp_path / "test.tsv", "sentence", *TEXTS)
    path = write_glue_file(classifier(tmp_path, ("no", "yes")), "sst2", source, tmp_path, DataConfig())
    assert set(path.read_text().split()[3::2]) == {"0", "1"}
    assert "labels: no for negative, yes for positive, by their order" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "file", "columns"),
    [
        ("mnli_matched", "MNLI-m.tsv", ("premise", "hypothesis")),
        ("ax", "AX.tsv", ("premise", "hypothesis")),
    ],
)
def test_pairs_of_tensorflow_datasets_in_the_order_of_their_index(tmp_path, tfds_folder, task, file, columns):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    first, second, order = TEXTS, TEXTS[::-1], [3, 0, 4, 1, 2]

    def rows(builder, split, **_):
        assert (builder.info.full_name, split) == (f"glue/{task}/2.0.0", "test")
        texts = {name: [texts[i] for i in order] for name, texts in zip(columns, (first, second), strict=True)}
        return tf.data.Dataset.from_tensor_slices({**texts, "idx": order, "label": [-1] * len(order)})

    model = classifier(tmp_path, ("neutral", "contradiction", "entailment"), pairs=True)
    with tfds.testing.mock_data(as_dataset_fn=rows, data_dir=tfds_folder):
        path = write_glue_file(model, task, "", tmp_path, DataConfig())
    said = [model.label_names[label] for label in model.predict(first, second).argmax(1)]
    assert path.name == file
    assert path.read_text().splitlines()[1:] == [f"{i}\t{label}" for i, label in enumerate(said)]


def test_glues_own_file_of_mrpc(tmp_path):
    header = "index\t#1 ID\t#2 ID\t#1 String\t#2 String"
    rows = [f"{i}\t10{i}\t20{i}\t{text}\t{TEXTS[-1 - i]}" for i, text in enumerate(TEXTS)]
    model = classifier(tmp_path, ("different", "same"), pairs=True)
    path = write_glue_file(model, "mrpc", tsv(tmp_path / "test.tsv", header, *rows), tmp_path, DataConfig())
    said = model.predict(TEXTS, TEXTS[::-1]).argmax(1)
    assert path.read_text().splitlines()[1:] == [f"{i}\t{label}" for i, label in enumerate(said)]


@pytest.mark.parametrize("column", ["index", "id"])
def test_rows_of_a_file_are_put_in_the_order_of_their_index(tmp_path, column):
    order = [3, 0, 4, 1, 2]
    source = tsv(tmp_path / "test.tsv", f"{column}\tsentence", *(f"{i}\t{TEXTS[i]}" for i in order))
    model = classifier(tmp_path, ("0", "1"))
    path = write_glue_file(model, "cola", source, tmp_path, DataConfig())
    assert path.read_text().split()[3::2] == [model.label_names[label] for label in model.predict(TEXTS).argmax(1)]


def test_every_row_gets_a_label_but_one_without_a_text(tmp_path):
    model = classifier(tmp_path, ("negative", "positive"))
    whole, null, half = (tmp_path / f"{name}.jsonl" for name in ("whole", "null", "half"))
    whole.write_text('{"idx": 0, "sentence": "good"}\n{"idx": 1, "sentence": " "}\n')
    assert len(write_glue_file(model, "sst2", str(whole), tmp_path, DataConfig()).read_text().splitlines()) == 3
    null.write_text('{"idx": 0, "sentence": "good"}\n{"idx": 1, "sentence": null}\n')
    half.write_text('{"idx": 0, "sentence": "good"}\n{"idx": 1, "sentence": "\\ud800"}\n')
    for source, says in ((null, "line 2: no text"), (half, "line 2: half a surrogate pair in the text")):
        with pytest.raises(InputError, match=f"{says}; every row needs a label"):
            write_glue_file(model, "sst2", str(source), tmp_path, DataConfig())


def test_texts_are_detokenized(tmp_path, monkeypatch):
    model = classifier(tmp_path, ("negative", "positive"))
    met = []

    def predict(texts):
        met.extend(texts)
        return np.eye(2)

    monkeypatch.setattr(model, "predict", predict)
    source = tsv(tmp_path / "test.tsv", "index\tsentence", "0\tit 's good .", "1\ta film you ca n't miss")
    write_glue_file(model, "sst2", source, tmp_path, DataConfig(detokenize="treebank"))
    assert met == ["it's good.", "a film you can't miss"]


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (("negative", "positive"), "cola"),
        (("entailment", "not_entailment"), "sst2"),
        (("acceptable", "wrong"), "cola"),  # which is the second of cola's
    ],
)
def test_glues_own_names_of_labels_stand_for_no_others(tmp_path, labels, task):
    source = tsv(tmp_path / "test.tsv", "sentence", *TEXTS)
    with pytest.raises(InputError, match=f"^the model has the labels {', '.join(labels)}; GLUE's {task} has "):
        write_glue_file(classifier(tmp_path, labels), task, source, tmp_path / "out", DataConfig())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("task", "lines", "says"),
    [
        (
            "mnli_matched",
            ("sentence1\tsentence2", "good\tbad"),
            "the model has the labels no, yes; GLUE's mnli_matched",
        ),
        ("mrpc", ("sentence1\tsentence2", "good\tbad"), "has pairs; the model classifies single texts"),
        ("sst2", ("sentence",), "or there are none"),
        ("sst2", ("idx\tsentence", "1\tgood", "2\tbad"), "aren't numbered by idx from 0 without a gap"),
        ("sst2", ("index\tsentence", "5\tgood", "6\tbad"), "aren't numbered by index from 0 without a gap"),
        ("sst2", ("idx\tsentence", "0\tgood", "bad"), "every row needs a label"),
        ("sst2", ("idx\tsentence", "0\tgood", "a1\tbad"), "line 3: idx is 'a1'; expected a whole number"),
    ],
)
def test_what_is_no_test_set(tmp_path, task, lines, says):
    source = tsv(tmp_path / "test.tsv", *lines)
    with pytest.raises(InputError, match=re.escape(says)):
        write_glue_file(classifier(tmp_path, ("no", "yes")), task, source, tmp_path / "out", DataConfig())
    assert not (tmp_path / "out").exists()


def test_files_and_labels_are_those_that_the_server_takes():
    assert {name: (task.file, *task.labels) for name, task in GLUE_TASKS.items()} == {
        "ax": ("AX.tsv", "entailment", "neutral", "contradiction"),
        "cola": ("CoLA.tsv", "0", "1"),
        "mnli_matched": ("MNLI-m.tsv", "entailment", "neutral", "contradiction"),
        "mnli_mismatched": ("MNLI-mm.tsv", "entailment", "neutral", "contradiction"),
        "mrpc": ("MRPC.tsv", "0", "1"),
        "qnli": ("QNLI.tsv", "entailment", "not_entailment"),
        "qqp": ("QQP.tsv", "0", "1"),
        "rte": ("RTE.tsv", "entailment", "not_entailment"),
        "sst2": ("SST-2.tsv", "0", "1"),
        "wnli": ("WNLI.tsv", "0", "1"),
    }


def test_tasks_are_those_of_tensorflow_datasets():
    tfds = pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is an extra that isn't installed")
    for name, task in GLUE_TASKS.items():
        assert tuple(tfds.builder(f"glue/{name}").info.features["label"].names) == task.tfds_labels
