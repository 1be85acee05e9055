"""Texts as ids: padded, taken, joined, rare ones forgotten."""

import numpy as np
import pytest

from tfkd.text.encoded_texts import EncodedTexts
from tfkd.text.vocabulary import UNKNOWN_ID

THREE = EncodedTexts(ids=np.array([7, 8, 9, 5], np.int32), offsets=np.array([0, 3, 3, 4]))


@pytest.mark.parametrize(
    ("rows", "length", "expected"),
    [
        (slice(None), None, [[7, 8, 9], [0, 0, 0], [5, 0, 0]]),
        (slice(None), 2, [[7, 8], [0, 0], [5, 0]]),
        (slice(None), 5, [[7, 8, 9, 0, 0], [0, 0, 0, 0, 0], [5, 0, 0, 0, 0]]),
        (np.array([2, 0]), None, [[5, 0, 0], [7, 8, 9]]),
        (np.array([2]), None, [[5]]),
        (np.array([1]), None, [[0]]),
        (slice(1, 3), 1, [[0], [5]]),
    ],
)
def test_padded(rows, length, expected):
    padded = THREE.padded(rows, length)
    assert padded.tolist() == expected
    assert padded.dtype == np.int32


def test_padded_of_texts_without_any_word():
    assert EncodedTexts(np.zeros(0, np.int32), np.array([0, 0, 0])).padded(length=2).tolist() == [[0, 0], [0, 0]]


def test_only_rare_words_are_forgotten_and_as_often_as_said():
    encoded = EncodedTexts(np.tile(np.array([3, 4, 5], np.int32), 1000), np.arange(0, 3001, 3))
    rare = np.array([False, False, False, False, True, False])
    unknown = EncodedTexts(np.full(6, UNKNOWN_ID, np.int32), np.arange(7))
    forgotten = encoded.forgetting(rare, unknown, 0.5, np.random.default_rng(0))
    assert set(forgotten.ids[0::3]) == {3}
    assert set(forgotten.ids[2::3]) == {5}
    assert set(forgotten.ids[1::3]) == {UNKNOWN_ID, 4}
    # Binomial of 1000 draws at 0.5: standard deviation 15.8, four of them are 63.
    assert abs((forgotten.ids == UNKNOWN_ID).sum() - 500) <= 63
    assert (forgotten.offsets == encoded.offsets).all()
    assert (encoded.forgetting(rare, unknown, 0.0, np.random.default_rng(0)).ids == encoded.ids).all()


def test_what_is_read_instead_may_be_longer_or_nothing():
    encoded = EncodedTexts(np.array([2, 3, 1, 3], np.int32), np.array([0, 2, 2, 4]))
    instead = EncodedTexts(np.array([7, 8, 9], np.int32), np.array([0, 0, 0, 1, 3]))  # of 2: 7, of 3: 8 and 9
    rare = np.array([False, True, False, True])
    forgotten = encoded.forgetting(rare, instead, 1.0, np.random.default_rng(0))
    assert forgotten.ids.tolist() == [2, 8, 9, 8, 9]
    assert forgotten.offsets.tolist() == [0, 3, 3, 5]


def test_texts_are_taken_and_joined():
    taken = THREE.taken(np.array([2, 0, 1, 2]))
    assert taken.ids.tolist() == [5, 7, 8, 9, 5]
    assert taken.offsets.tolist() == [0, 1, 4, 4, 5]
    assert taken.joined(np.array([0, 2, 2, 4])).offsets.tolist() == [0, 4, 4, 5]
    assert THREE.taken(np.zeros(0, np.int64)).offsets.tolist() == [0]


def test_counts():
    assert THREE.counts(11).tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0]
    assert EncodedTexts(np.zeros(0, np.int32), np.zeros(1, np.int64)).counts(2).tolist() == [0, 0]
