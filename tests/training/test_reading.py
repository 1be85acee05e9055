from __future__ import annotations

import numpy as np
import pytest

from tests.training.small_corpus import small_corpus
from tfkd.config import StudentConfig
from tfkd.text.examples import Examples
from tfkd.text.tokenizer import Tokenizer
from tfkd.training.reading import Reading
from tfkd.training.student_setup import build_tokenizer

PIECES = ["the", "film", "##s", "##ly", "fine"]


@pytest.fixture(params=["words", "pieces"])
def tokenizer(request) -> Tokenizer:
    return build_tokenizer(small_corpus(), StudentConfig(tokenizer=request.param), PIECES)


def words_of(tokenizer: Tokenizer, ids: np.ndarray) -> list[str]:
    return [tokenizer.vocabulary.words[i] for i in ids]


def test_ids_of_what_is_kept_are_those_of_the_whole_vocabulary(tokenizer):
    rng, texts = np.random.default_rng(0), small_corpus().train.texts
    words, indispensable = tokenizer.vocabulary.words, tokenizer.vocabulary.indispensable
    kept = np.array(sorted({*indispensable, *(words.index(word) for word in ("good", "film"))}))
    reading = Reading.of_all(tokenizer, np.zeros(len(words), bool)).keeping(kept)
    learned, (measured,) = reading.to_learn(texts, 0.5, rng), reading.to_measure(Examples(texts, np.zeros(len(texts))))
    np.testing.assert_array_equal(learned.ids, measured.ids)
    assert set(learned.ids.tolist()) <= set(kept.tolist())
    # As the student reads them in the end, under the numbers of its own vocabulary.
    at_the_end = tokenizer.keeping(kept).encode(texts)
    assert words_of(tokenizer, learned.ids) == words_of(tokenizer.keeping(kept), at_the_end.ids)
    np.testing.assert_array_equal(learned.offsets, at_the_end.offsets)
    assert words.index("good") in learned.ids


def test_all_words_are_kept_at_first(tokenizer):
    texts = small_corpus().train.texts
    reading = Reading.of_all(tokenizer, np.zeros(len(tokenizer.vocabulary), bool))
    np.testing.assert_array_equal(
        reading.to_learn(texts, 1.0, np.random.default_rng(0)).ids, tokenizer.encode(texts, masked=True).ids
    )


def test_rare_words_are_still_forgotten_among_those_that_are_kept(tokenizer):
    words = tokenizer.vocabulary.words
    kept = np.array(sorted({*tokenizer.vocabulary.indispensable, words.index("good"), words.index("film")}))
    rare = np.array([word == "good" for word in words])
    reading = Reading.of_all(tokenizer, rare).keeping(kept)
    rng = np.random.default_rng(0)
    shares = [np.mean(reading.to_learn(["good"] * 400, p, rng).ids == words.index("good")) for p in (0.0, 1.0)]
    assert shares == [1, 0]
    ids = reading.to_learn(["good"] * 400, 0.5, rng)
    known = np.isin(words.index("good"), ids.ids)
    assert known
    assert 150 < np.sum(ids.ids == words.index("good")) < 250
