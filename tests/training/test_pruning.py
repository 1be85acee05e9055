"""Which words a student keeps, by hand."""

import numpy as np
import pytest

from tfkd.training.pruning import words_that_matter

# <PAD>, <UNKNOWN>, [MASK], and five words; their distances from <UNKNOWN>'s logits are 4, 2, 0, 6 and 2.
ALONE = np.array([[9, 9], [1, 1], [1, 1], [3, -1], [2, 0], [1, 1], [4, -2], [0, 0]], np.float32)
COUNTS = np.array([0, 0, 0, 1, 5, 100, 0, 2])  # so they matter by 4, 10, 0, 6 and 4


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
    assert words_that_matter(ALONE, COUNTS, size).tolist() == kept
