"""The teacher in int8: near to float32, and the same whatever stands beside a sentence."""

import numpy as np
import pytest

from tests.conftest import Count, random_teacher
from tfkd.models.int8_teacher import Int8Teacher
from tfkd.models.teacher import Pieces, Teacher

TEXTS = ["the film is good", "bad", "", "so very dull a plot , it was", "great cast", "[MASK] scene", "it 's awful ."]


@pytest.fixture(scope="module")
def teacher(small_bert) -> Teacher:
    return random_teacher(small_bert, num_classes=3, seed=0)


@pytest.fixture(scope="module")
def int8(teacher) -> Int8Teacher:
    return Int8Teacher(teacher)


def test_logits_are_near_those_of_keras(teacher, int8):
    expected = teacher.logits(teacher.encode(TEXTS))
    found = int8.logits(int8.encode(TEXTS))
    assert found.dtype == np.float32
    assert np.mean((found - expected) ** 2) < 0.02 * expected.var(0).mean()
    assert np.abs(found - expected).max() > 1e-4  # it is another model


def test_the_second_texts_of_pairs_are_told_from_the_first(teacher, int8):
    second = TEXTS[::-1]
    expected = teacher.logits(teacher.encode(TEXTS, second))
    found = int8.logits(int8.encode(TEXTS, second))
    assert np.mean((found - expected) ** 2) < 0.02 * expected.var(0).mean()
    pieces = teacher.encode(TEXTS, second)
    as_one = teacher.logits(Pieces(pieces.ids, pieces.lengths))
    assert np.mean((as_one - expected) ** 2) > 0.04 * expected.var(0).mean()  # else the bound above would prove nothing


def test_sentence_has_the_same_logits_alone_in_company_and_again(int8):
    together = int8.logits(int8.encode(TEXTS), batch_size=3)
    alone = np.concatenate([int8.logits(int8.encode([text])) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_array_equal(together, int8.logits(int8.encode(TEXTS), batch_size=3))


def test_progress_counts_every_sentence_and_no_sentences_are_none(int8):
    count = Count()
    int8.logits(int8.encode(TEXTS), batch_size=2, progress=count)
    assert count.n == pytest.approx(len(TEXTS))
    assert int8.logits(int8.encode([])).shape == (0, 3)
