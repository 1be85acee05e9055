"""A BERT's file against the BERT, in LiteRT and MediaPipe."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from tests.conftest import random_teacher
from tests.export.conftest import LABELS
from tests.export.test_mediapipe import mediapipe_scores
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.teacher_export import export_teacher
from tfkd.models.teacher import Teacher
from tfkd.text.examples import Examples

TEXTS = ["the film is good", "BAD", "", "so very dull a plot , it was", "great cast", "what films!", "good " * 20]
DEV = Examples.without_labels(TEXTS)
FLOAT = ExportConfig(max_tokens=10, quantization="float32")


@pytest.fixture(scope="module")
def teacher(small_bert) -> Teacher:
    return random_teacher(small_bert, num_classes=2, seed=0)


@pytest.mark.parametrize(("quantization", "near"), [("float32", 1e-5), ("float16", 2e-3), ("dynamic_int8", 0.05)])
def test_the_file_gives_what_the_bert_gives(teacher, tmp_path, quantization, near):
    config = dataclasses.replace(FLOAT, quantization=quantization, min_agreement=0.5)
    result = export_teacher(teacher, LABELS, DEV, tmp_path / "teacher.tflite", config)
    as_long = Teacher(teacher.classifier, teacher.tokenizer, max_pieces=12)
    expected = softmax(as_long.logits(as_long.encode(TEXTS)), axis=1)
    np.testing.assert_allclose(result.probabilities, expected, atol=near)
    assert result.truncated == 1
    classifier = LiteRtClassifier.from_file(result.path)
    assert (classifier.label_names, classifier.max_tokens, classifier.pairs) == (LABELS, 10, False)
    with mediapipe_scores(result.path.read_bytes()) as scores:
        np.testing.assert_allclose(scores(TEXTS[3]), result.probabilities[3], atol=1e-5)


def test_what_is_refused(teacher, tmp_path):
    def export(dev: Examples = DEV, **changes) -> None:
        export_teacher(teacher, LABELS, dev, tmp_path / "teacher.tflite", dataclasses.replace(FLOAT, **changes))

    for changes, says in (
        ({"dev": DEV.take(np.array([], int))}, "no dev texts"),
        ({"dev": Examples.without_labels(TEXTS, TEXTS)}, "dev has pairs of texts; a teacher is exported for single"),
        ({"max_tokens": 15}, "--max_tokens=15: the teacher reads 14 word pieces"),
        ({"quantization": "int8"}, r"--quantization=int8: is for students; .* \(dynamic_int8\)"),
        ({"max_size": 0.01}, r"at most 0\.01 expected \(--max_size\)"),
    ):
        with pytest.raises(InputError, match=says):
            export(**changes)
    assert not any(tmp_path.iterdir())


def test_larger_weights_are_not_tried_where_int8_is_too_large(teacher, tmp_path, capsys):
    config = dataclasses.replace(FLOAT, quantization="auto", max_size=0.01)
    with pytest.raises(InputError, match=r"at most 0\.01 expected .*: dynamic_int8 is as small as a teacher gets$"):
        export_teacher(teacher, LABELS, DEV, tmp_path / "teacher.tflite", config)
    assert "is tried" not in capsys.readouterr().err


def test_weights_of_int8_give_way_to_real_ones_where_they_change_labels(small_bert, tmp_path, capsys):
    """A BERT that is unsure of half of 400 texts, since the bias of its logits is so chosen."""
    teacher = random_teacher(small_bert, num_classes=2, seed=0)
    words = np.array(["good", "bad", "film", "plot", "the", "so", "very", "dull", "cast", "it"])
    texts = [" ".join(row) for row in np.random.default_rng(0).choice(words, (400, 8))]
    *weights, bias = teacher.classifier.get_weights()
    bias[1] -= np.median(np.diff(teacher.logits(teacher.encode(texts))))
    teacher.classifier.set_weights([*weights, bias])
    config = ExportConfig(max_tokens=10, min_agreement=1.0)
    result = export_teacher(teacher, LABELS, Examples.without_labels(texts), tmp_path / "teacher.tflite", config)
    assert result.quantization in ("float16", "float32")
    assert (
        "export: float16 is tried, as dynamic_int8 won't do: the exported file gives the Keras model's label for "
        in capsys.readouterr().err
    )
