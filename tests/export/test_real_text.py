"""Real sentences, raw, through every runtime that the exported file is for."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel

from tests.export.test_mediapipe import AWKWARD_TEXTS, mediapipe_scores
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


@pytest.fixture(scope="module")
def exported(corpus, tmp_path_factory):
    """A student that learned from real sentences, exported; the rest of the road has tests of its own."""
    folder = tmp_path_factory.mktemp("real")
    few = Examples(corpus.train.texts[::4], corpus.train.labels[::4])  # the file has film after film
    learned = Corpus(few, corpus.dev, Examples.without_labels([]), corpus.label_names)
    setup = set_up_student(learned, SHAPE, DistillConfig(baseline_epochs=4), teacher="", seed=1)
    student = train_baseline(setup, folder / "s", seed=1)
    path = folder / "student.tflite"
    return export_student(student.model, student.tokenizer, corpus.label_names, corpus.dev, path, ExportConfig())


@pytest.mark.real
def test_all_runtimes_agree_on_real_and_awkward_sentences(corpus, exported):
    texts = [*corpus.dev.texts[:: len(corpus.dev) // SENTENCES], *AWKWARD_TEXTS.values()]
    classifier = LiteRtClassifier.from_file(exported.path)
    ours = classifier.predict(texts)
    assert 0.1 < np.mean(ours.argmax(1)) < 0.9  # not one label for all
    with mediapipe_scores(exported.path.read_bytes()) as scores:
        phones = np.stack([scores(text) for text in texts])
    np.testing.assert_allclose(phones, ours, atol=1e-3)
    np.testing.assert_array_equal(phones.argmax(1), ours.argmax(1))

    model = CompiledModel.from_file(str(exported.path))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    compiled = np.empty_like(ours)
    for row, ids in enumerate(classifier.tokenizer.encode(texts).padded(length=classifier.max_tokens)):
        inputs[0].write(ids)
        model.run_by_index(0, inputs, outputs)
        compiled[row] = outputs[0].read(ours.shape[1], np.float32)
    np.testing.assert_allclose(compiled, ours, atol=1e-3)
