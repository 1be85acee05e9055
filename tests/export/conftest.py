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
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer

WORDS = ("a", "good", "bad", "film", "doesn't", "it's", "café", "naïve", "映画", "don’t", "10", "и")
LABELS = ("negative", "positive")
DEV_TEXTS = ["a good film", "A BAD film!", "it's", "", "unheard words", "good " * 20]
DEV = Examples.without_labels(DEV_TEXTS)
PAIRS = Examples.without_labels(DEV_TEXTS, [*DEV_TEXTS[3:], *DEV_TEXTS[:3]])
MAX_TOKENS = 12


def randomized(model: keras.Model, seed: int = 0) -> keras.Model:
    """The model with weights large enough for gates to open and close."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.7, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


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
    words = len(tokenizer.vocabulary)
    return randomized(BiLstmClassifier(words, len(LABELS), embedding_dim=40, hidden_size=24, dense_size=16))


@pytest.fixture(scope="session")
def exported(
    student: BiLstmClassifier, tokenizer: WordTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    path = tmp_path_factory.mktemp("export") / "student.tflite"
    return export_student(student, tokenizer, LABELS, DEV, path, ExportConfig(max_tokens=MAX_TOKENS))


@pytest.fixture(scope="session")
def piece_student(piece_tokenizer: PieceTokenizer) -> BiLstmClassifier:
    pieces = len(piece_tokenizer.vocabulary)
    return randomized(BiLstmClassifier(pieces, len(LABELS), embedding_dim=40, hidden_size=24, dense_size=16))


@pytest.fixture(scope="session")
def piece_export(
    piece_student: BiLstmClassifier, piece_tokenizer: PieceTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    path = tmp_path_factory.mktemp("pieces") / "student.tflite"
    return export_student(piece_student, piece_tokenizer, LABELS, DEV, path, ExportConfig(max_tokens=MAX_TOKENS))


@pytest.fixture(scope="session")
def pair_student(tokenizer: WordTokenizer) -> BiLstmClassifier:
    words = len(tokenizer.vocabulary)
    return randomized(BiLstmClassifier(words, 3, embedding_dim=40, hidden_size=24, dense_size=16, pairs=True))


@pytest.fixture(scope="session")
def pair_export(
    pair_student: BiLstmClassifier, tokenizer: WordTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> ExportResult:
    path = tmp_path_factory.mktemp("pairs") / "student.tflite"
    labels = ("contradiction", "neutral", "entailment")
    return export_student(pair_student, tokenizer, labels, PAIRS, path, ExportConfig(max_tokens=MAX_TOKENS))


@pytest.fixture(scope="session")
def tflite(exported: ExportResult) -> Path:
    return exported.path
