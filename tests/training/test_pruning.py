"""Which words a student keeps, by hand."""

import numpy as np
import pytest

from tfkd.training.pruning import words_that_matter

# <PAD>, <UNKNOWN>, [MASK], and five words; their distances from <UNKNOWN>'s logits are 4, 2, 0, 6 and 2.
ALONE = np.array([[9, 9], [1, 1], [1, 1], [3, -1], [2, 0], [1, 1], [4, -2], [0, 0]], np.float32)
# What a word would be read as if it were left out: <UNKNOWN>.
INSTEAD = np.tile(ALONE[1], (8, 1))
COUNTS = np.array([0, 0, 0, 1, 5, 100, 0, 2])  # so they matter by 4, 10, 0, 6 and 4
NONE = np.zeros(8, bool)


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        (3, [0, 1, 2]),
        (4, [0, 1, 2, 4]),
        (5, [0, 1, 2, 4, 6]),
        (6, [0, 1, 2, 3, 4, 6]),  # of two that matter alike the first, which is the more frequent one
        (7, [0, 1, 2, 3, 4, 6, 7]),
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (99, [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_words_that_matter(size, kept):
    assert words_that_matter(ALONE, INSTEAD, COUNTS, [0, 1, 2], NONE, size).tolist() == kept


def test_a_piece_matters_as_much_as_it_differs_from_what_is_read_in_its_place():
    # The seventh is read as what has its very logits, the second word as what is farther from it than <UNKNOWN>.
    instead = INSTEAD.copy()
    instead[6] = ALONE[6]
    instead[3] = [-4, 6]
    assert words_that_matter(ALONE, instead, COUNTS, [0, 1, 2], NONE, 4).tolist() == [0, 1, 2, 3]
    assert words_that_matter(ALONE, instead, COUNTS, [0, 1, 2], NONE, 6).tolist() == [0, 1, 2, 3, 4, 7]
    assert words_that_matter(ALONE, instead, COUNTS, [0, 1, 2, 5], NONE, 4).tolist() == [0, 1, 2, 5]


def test_what_is_indispensable_is_kept_however_small_the_vocabulary():
    assert words_that_matter(ALONE, INSTEAD, COUNTS, [0, 1, 2, 5], NONE, 3).tolist() == [0, 1, 2, 5]


def test_words_that_are_too_rare_are_not_kept_whatever_room_there_is():
    too_rare = np.isin(np.arange(8), [3, 6])
    assert words_that_matter(ALONE, INSTEAD, COUNTS, [0, 1, 2], too_rare, 5).tolist() == [0, 1, 2, 4, 7]
    assert words_that_matter(ALONE, INSTEAD, COUNTS, [0, 1, 2], too_rare, 99).tolist() == [0, 1, 2, 4, 5, 7]
