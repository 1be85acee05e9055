"""A student in, a checked file out, or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.export.conftest import DEV, DEV_TEXTS, DYNAMIC, LABELS, MAX_TOKENS, PAIRS, TEXTS, TEXTS_OF_PAIRS, randomized
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export import exporter, parity
from tfkd.export.exporter import export_student, first_that_holds, fitted
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.parity import Parity
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.text.examples import Examples
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES

SHORT = ExportConfig(max_tokens=3)  # converts sooner


def test_says_size_truncation_and_parity(exported):
    assert exported.size_bytes == exported.path.stat().st_size
    assert exported.truncated == 1  # the text of twenty words
    assert exported.parity.rows == len(DEV_TEXTS)
    assert exported.parity.label_agreement == 1
    assert exported.probabilities.shape == (len(DEV_TEXTS), len(LABELS))


def test_pieces_take_the_inputs_of_a_bert_and_pairs_of_them_two(piece_export, piece_tokenizer, tmp_path):
    assert piece_export.parity.label_agreement == 1
    classifier = LiteRtClassifier.from_file(piece_export.path)
    assert (classifier.tokenizer, classifier.max_tokens, classifier.pairs) == (piece_tokenizer, MAX_TOKENS, False)
    assert classifier.truncated(DEV_TEXTS) == piece_export.truncated
    signature = Interpreter(str(piece_export.path)).get_signature_runner().get_input_details()
    assert {name: tuple(details["shape"]) for name, details in signature.items()} == dict.fromkeys(
        BERT_INPUT_NAMES, (1, MAX_TOKENS + 2)
    )
    pairs = randomized(BiLstmClassifier(len(piece_tokenizer.vocabulary), 2, 8, 8, 8, pairs=True))
    of_pairs = export_student(pairs, piece_tokenizer, LABELS, PAIRS, TEXTS_OF_PAIRS, tmp_path / "pairs.tflite", SHORT)
    loaded = LiteRtClassifier.from_file(of_pairs.path)
    assert (loaded.tokenizer, loaded.max_tokens, loaded.pairs) == (piece_tokenizer, 3, True)


def test_the_same_student_gives_the_same_file(exported, student, tokenizer, tmp_path):
    copy = BiLstmClassifier.from_config(student.get_config())  # other variables, other names inside TensorFlow
    copy.set_weights(student.get_weights())
    again = export_student(copy, tokenizer, LABELS, DEV, TEXTS, tmp_path / "again.tflite", DYNAMIC)
    assert again.path.read_bytes() == exported.path.read_bytes()


def test_auto_is_int8_if_that_agrees_and_dynamic_int8_if_not(tokenizer, tmp_path, capsys):
    tame = randomized(BiLstmClassifier(len(tokenizer.vocabulary), 2, 40, 24, 16), scale=0.3)

    def export(texts: Examples, **limits: Any) -> str:
        config = ExportConfig(max_tokens=MAX_TOKENS, **limits)
        return export_student(tame, tokenizer, LABELS, TEXTS, texts, tmp_path / "s.tflite", config).quantization

    assert export(TEXTS, min_agreement=0.9) == "int8"
    assert "export:" not in capsys.readouterr().err
    assert export(TEXTS.take(range(9)), min_agreement=0.9) == "dynamic_int8"
    said = "export: dynamic_int8 is tried, as int8 won't do: 9 different texts to calibrate with"
    assert said in capsys.readouterr().err
    with pytest.raises(InputError, match=r"at most 0\.001 expected"):
        export(TEXTS, max_size=0.001)


def test_why_it_is_not_int8_does_not_read_as_a_failure(capsys):
    def export(config: ExportConfig) -> str:
        agree = {"int8": 0.89, "dynamic_int8": 0.995}[config.quantization]
        parity.check(Parity(200, agree, 0.001, 0.01), config)
        return config.quantization

    config = ExportConfig(min_agreement=0.9)
    assert first_that_holds(config, config.quantizations, export) == "dynamic_int8"
    assert capsys.readouterr().err == (
        "export: dynamic_int8 is tried, as int8 won't do: the exported file gives the Keras model's label for 89.00% "
        "of 200 dev texts; at least 90.00% expected (--min_agreement)\n"
    )


@pytest.mark.parametrize("earlier", [None, b"an earlier good file"])
def test_an_export_that_differs_leaves_nothing(student, tokenizer, tmp_path, monkeypatch, earlier):
    other = randomized(BiLstmClassifier.from_config(student.get_config()), seed=1)
    broken_lowering = exporter.weights_of(other)
    monkeypatch.setattr(exporter, "weights_of", lambda model: broken_lowering)
    path = tmp_path / "student.tflite"
    if earlier is not None:
        path.write_bytes(earlier)
    with pytest.raises(InputError, match=r"exported (model|file)"):
        export_student(student, tokenizer, LABELS, DEV, TEXTS, path, SHORT)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if earlier is None else [earlier])


@pytest.mark.parametrize(
    ("labels", "dev", "says"),
    [
        (("a", "b", "c"), DEV, "3 label names for a model of 2"),
        (LABELS, Examples.without_labels([]), "no dev texts"),
        (LABELS, Examples.without_labels(["a"], ["b"]), "dev has pairs; the student classifies single texts"),
    ],
)
def test_what_does_not_fit_is_refused(student, tokenizer, tmp_path, labels, dev, says):
    with pytest.raises(InputError, match=says):
        export_student(student, tokenizer, labels, dev, TEXTS, tmp_path / "student.tflite", SHORT)


def test_a_vocabulary_of_another_student_is_refused(tokenizer, tmp_path):
    with pytest.raises(InputError, match="a vocabulary of 15 ids for a model of 99: it is of another model"):
        export_student(BiLstmClassifier(99, 2, 4, 4, 4), tokenizer, LABELS, DEV, TEXTS, tmp_path / "s.tflite", SHORT)


def test_pairs_are_refused_for_mediapipe_alone(student, pair_student, tokenizer, tmp_path):
    for_mediapipe = ExportConfig(max_tokens=3, runtime="mediapipe")
    with pytest.raises(InputError, match="--runtime=mediapipe: MediaPipe has no task for pairs of texts"):
        export_student(pair_student, tokenizer, LABELS, PAIRS, TEXTS_OF_PAIRS, tmp_path / "pairs.tflite", for_mediapipe)
    assert not any(tmp_path.iterdir())
    export_student(student, tokenizer, LABELS, DEV, TEXTS, tmp_path / "s.tflite", for_mediapipe)


def test_a_path_that_can_not_be_written_is_named(student, tokenizer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/student\.tflite: can't be written"):
        export_student(student, tokenizer, LABELS, DEV, TEXTS, tmp_path / "file" / "student.tflite", SHORT)


@pytest.mark.parametrize(
    ("field", "value"), [("max_tokens", 0), ("quantization", "int4"), ("runtime", "tfjs"), ("export_table_bits", 2)]
)
def test_config_names_the_flag(field, value):
    with pytest.raises(ValueError, match=f"--{field}={value}"):
        ExportConfig(**{field: value})


@pytest.mark.parametrize("pairs", [False, True], ids=["texts", "pairs"])
@pytest.mark.parametrize("lowering", ["unrolled", "folded", "while"])
@pytest.mark.parametrize("quantization", ["dynamic_int8", "int8", "float16", "float32"])
def test_every_combination_passes_its_parity_gate(
    student, pair_student, tokenizer, tmp_path, quantization, lowering, pairs
):
    config = ExportConfig(max_tokens=MAX_TOKENS, quantization=quantization, lowering=lowering)
    model, dev, texts = (pair_student, PAIRS, TEXTS_OF_PAIRS) if pairs else (student, DEV, TEXTS)
    labels = ("a", "b", "c")[: model.num_classes]
    result = export_student(model, tokenizer, labels, dev, texts, tmp_path / "s.tflite", config)
    assert result.parity.label_agreement == 1


def test_a_rank_and_a_table_narrower_than_the_students(student, tokenizer, tmp_path):
    config = ExportConfig(max_tokens=MAX_TOKENS, quantization="float32", export_rank=30, table_dim=14)
    result = export_student(student, tokenizer, LABELS, TEXTS, TEXTS, tmp_path / "s.tflite", config)
    assert result.parity.mean_probability_difference < 0.01
    tensors = Interpreter(str(result.path)).get_tensor_details()
    assert (len(tokenizer.vocabulary), 14) in [tuple(t["shape"]) for t in tensors]


def test_a_rank_too_low_for_the_student_leaves_nothing(student, tokenizer, tmp_path):
    config = ExportConfig(max_tokens=MAX_TOKENS, export_rank=2)
    with pytest.raises(InputError, match="the exported file"):
        export_student(student, tokenizer, LABELS, TEXTS, TEXTS, tmp_path / "s.tflite", config)
    assert not any(tmp_path.iterdir())


def test_limits_of_size_and_agreement(student, tokenizer, tmp_path):
    path = tmp_path / "s.tflite"

    def export(max_size: float, min_agreement: float = 1.0) -> None:
        config = ExportConfig(max_tokens=MAX_TOKENS, max_size=max_size, min_agreement=min_agreement)
        export_student(student, tokenizer, LABELS, TEXTS, TEXTS, path, config)

    with pytest.raises(InputError, match=r"the file would be of 0\.0\d MB; at most 0\.01 expected \(--max_size\)"):
        export(max_size=0.01)
    assert not any(tmp_path.iterdir())
    export(max_size=0.1, min_agreement=0.9)
    assert path.stat().st_size < 1e5
    with pytest.raises(ValueError, match="--min_agreement=2: expected a share"):
        ExportConfig(min_agreement=2)


def test_long_texts_need_a_loop(student, tokenizer, tmp_path):
    with pytest.raises(ValueError, match=r"--max_tokens=513: expected at most 512 with --lowering=unrolled; .*while"):
        ExportConfig(max_tokens=513)
    config = ExportConfig(max_tokens=10_000, lowering="while")
    long = Examples.without_labels(["a good bad film " * 2400])
    result = export_student(student, tokenizer, LABELS, long, TEXTS, tmp_path / "long.tflite", config)
    assert result.parity.max_probability_difference < 0.02
    assert result.truncated == 0


def test_texts_that_are_alike_count_once(student):
    weights, config = weights_of(student), ExportConfig(max_tokens=4, quantization="int8")
    different = np.array([[1 + i // 6, 1 + i % 6, 1, 1] for i in range(32)], np.int32)
    with pytest.raises(InputError, match="31 different texts to calibrate with; at least 32 expected"):
        fitted(weights, np.tile(different[:31], (9, 1)), config)
    fitted(weights, different, config)


def test_int8_with_too_few_texts_is_refused(student, tokenizer, tmp_path):
    few = Examples.without_labels(TEXTS.texts[:9] * 9)
    with pytest.raises(InputError, match=r"9 different texts to calibrate with; .* --quantization=int8, --export_rank"):
        export_student(
            student,
            tokenizer,
            LABELS,
            DEV,
            few,
            tmp_path / "s.tflite",
            ExportConfig(max_tokens=12, quantization="int8"),
        )
    assert not any(tmp_path.iterdir())


def test_lengths_are_numbers_below_the_longest():
    as_a_flag: Any = ("8", "4", "8")
    assert ExportConfig(max_tokens=9, shorter_tokens=as_a_flag).lengths == (4, 8, 9)
    given: Any
    for given, says in (
        (("x",), "whole numbers"),
        (("9",), "from 1 to below --max_tokens=9"),
        ((0,), "from 1 to below"),
    ):
        with pytest.raises(ValueError, match=f"--shorter_tokens={given[0]}: expected .*{says}"):
            ExportConfig(max_tokens=9, shorter_tokens=given)
    with pytest.raises(ValueError, match="--shorter_tokens=4: expected none with --runtime=mediapipe"):
        ExportConfig(shorter_tokens=(4,), runtime="mediapipe")


def test_a_loop_is_refused_for_mediapipe():
    with pytest.raises(ValueError, match="--lowering=while: expected unrolled or folded with --runtime=mediapipe"):
        ExportConfig(lowering="while", runtime="mediapipe")
