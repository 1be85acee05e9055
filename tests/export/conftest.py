"""A student of eleven words, and its file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tfkd.config import ExportConfig
from tfkd.export.exporter import ExportResult, export_student
from tfkd.models.student import BiLstmClassifier
from tfkd.text.examples import Examples
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.text.piece_vocabulary import PieceVocabulary
from tfkd.text.tokenizer import Tokenizer
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer

WORDS = ("a", "good", "bad", "film", "doesn't", "it's", "café", "naïve", "映画", "don’t", "10", "и")
LABELS = ("negative", "positive")
DEV_TEXTS = ["a good film", "A BAD film!", "it's", "", "unheard words", "good " * 20]
DEV = Examples.without_labels(DEV_TEXTS)
PAIRS = Examples.without_labels(DEV_TEXTS, [*DEV_TEXTS[3:], *DEV_TEXTS[:3]])
# Some hundred texts of these words, which an export is fitted to.
_rng = np.random.default_rng(0)
TEXTS = Examples.without_labels([" ".join(_rng.choice(WORDS, _rng.integers(1, 13))) for _ in range(200)])
TEXTS_OF_PAIRS = Examples.without_labels(TEXTS.texts, TEXTS.texts[::-1])
MAX_TOKENS = 12
# Of random weights, which int8 loses more of than of trained ones.
DYNAMIC = ExportConfig(max_tokens=MAX_TOKENS, quantization="dynamic_int8")


def randomized(model: keras.Model, seed: int = 0, scale: float = 0.7) -> keras.Model:
    """The model with weights large enough for gates to open and close; a trained model's are rather of 0.3."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, scale, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def small_student(tokenizer: Tokenizer, num_classes: int = len(LABELS), pairs: bool = False) -> BiLstmClassifier:
    """A student of random weights over a tokenizer's vocabulary."""
    size = len(tokenizer.vocabulary)
    return randomized(BiLstmClassifier(size, num_classes, embedding_dim=40, hidden_size=24, dense_size=16, pairs=pairs))


def small_export(student: BiLstmClassifier, tokenizer: Tokenizer, folder: Path) -> ExportResult:
    """Its file, of single texts."""
    return export_student(student, tokenizer, LABELS, DEV, TEXTS, folder / "student.tflite", DYNAMIC)


@pytest.fixture(scope="session")
def tokenizer() -> WordTokenizer:
    return WordTokenizer(Vocabulary.from_counts(dict.fromkeys(WORDS, 1), max_size=100))


@pytest.fixture(scope="session")
def piece_tokenizer() -> PieceTokenizer:
    counts = dict.fromkeys(["a", "good", "bad", "film", "naïve", "映", "10", "и", "é"], 1)
    further = ["##good", "##s", "##ing", "##ness", "##é", "##ly", "##film"]
    return PieceTokenizer(PieceVocabulary.from_counts(counts, max_size=1000, further=further))


@pytest.fixture(scope="session")
def student(tokenizer: WordTokenizer) -> BiLstmClassifier:
    return small_student(tokenizer)


@pytest.fixture(scope="session")
def exported(
    student: BiLstmClassifier, tokenizer: WordTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    return small_export(student, tokenizer, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session")
def piece_student(piece_tokenizer: PieceTokenizer) -> BiLstmClassifier:
    return small_student(piece_tokenizer)


@pytest.fixture(scope="session")
def piece_export(
    piece_student: BiLstmClassifier, piece_tokenizer: PieceTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    return small_export(piece_student, piece_tokenizer, tmp_path_factory.mktemp("pieces"))


@pytest.fixture(scope="session")
def pair_student(tokenizer: WordTokenizer) -> BiLstmClassifier:
    return small_student(tokenizer, num_classes=3, pairs=True)


@pytest.fixture(scope="session")
def pair_export(
    pair_student: BiLstmClassifier, tokenizer: WordTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    path = tmp_path_factory.mktemp("pairs") / "student.tflite"
    labels = ("contradiction", "neutral", "entailment")
    return export_student(pair_student, tokenizer, labels, PAIRS, TEXTS_OF_PAIRS, path, DYNAMIC)


@pytest.fixture(scope="session")
def piece_pair_export(piece_tokenizer: PieceTokenizer, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    path = tmp_path_factory.mktemp("piece_pairs") / "student.tflite"
    student = small_student(piece_tokenizer, pairs=True)
    return export_student(student, piece_tokenizer, LABELS, PAIRS, TEXTS_OF_PAIRS, path, DYNAMIC)


@pytest.fixture(scope="session")
def tflite(exported: ExportResult) -> Path:
    return exported.path
