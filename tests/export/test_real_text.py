"""Real sentences, raw, through every runtime that the exported file is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.export.test_mediapipe import AWKWARD_TEXTS, compiled_probabilities, mediapipe_scores
from tfkd.config import DataConfig, DistillConfig, ExportConfig, StudentConfig
from tfkd.export.exporter import export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.text.corpus import read_corpus
from tfkd.text.examples import Corpus, Examples
from tfkd.training.distil import train_baseline
from tfkd.training.student_setup import set_up_student

SENTENCES = 500
SHAPE = StudentConfig(embedding_dim=64, hidden_size=32, dense_size=32, vocabulary_size=8000, embeddings="random")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return read_corpus(DataConfig(data="asset:movie_reviews"), seed=1)


@pytest.fixture(scope="module", params=["words", "pieces"])
def exported(request, corpus, tmp_path_factory):
    """A student that learned from real sentences, exported; the rest of the road has tests of its own."""
    folder = tmp_path_factory.mktemp("real")
    few = Examples(corpus.train.texts[::4], corpus.train.labels[::4])  # the file has film after film
    learned = Corpus(few, corpus.dev, Examples.without_labels([]), corpus.label_names)
    shape = replace(SHAPE, tokenizer=request.param)
    setup = set_up_student(learned, shape, DistillConfig(baseline_epochs=4), teacher="minilm_l6", seed=1)
    student = train_baseline(setup, folder / "s", seed=1)
    path = folder / "student.tflite"
    return export_student(
        student.model, student.tokenizer, corpus.label_names, corpus.dev, corpus.train, path, ExportConfig()
    )


@pytest.mark.real
def test_all_runtimes_agree_on_real_and_awkward_sentences(corpus, exported):
    texts = [*corpus.dev.texts[:: len(corpus.dev) // SENTENCES], *AWKWARD_TEXTS.values()]
    ours = LiteRtClassifier.from_file(exported.path).predict(texts)
    assert 0.1 < np.mean(ours.argmax(1)) < 0.9  # not one label for all
    with mediapipe_scores(exported.path.read_bytes()) as scores:
        phones = np.stack([scores(text) for text in texts])
    np.testing.assert_allclose(phones, ours, atol=1e-3)
    np.testing.assert_array_equal(phones.argmax(1), ours.argmax(1))
    np.testing.assert_allclose(compiled_probabilities(exported.path, texts), ours, atol=1e-3)
