"""Which words a trained student keeps: a file's size is mostly that of its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def words_that_matter(
    alone: np.ndarray,
    instead: np.ndarray,
    counts: np.ndarray,
    indispensable: Sequence[int],
    too_rare: np.ndarray,
    size: int,
) -> np.ndarray:
    """Returns the ids of the words or pieces to keep, ascending.

    A word matters as much as leaving it out would change the logits of the word
    alone, times how often the corpus has it. Words that it doesn't have count as
    if it had them once: the next text may.

    Args:
      alone: float [vocabulary, classes], the logits of each word as a text of its own.
      instead: the same of what would be read in its place.
      counts: int [vocabulary], how often the corpus has each word.
      indispensable: ids that are kept whatever they do.
      too_rare: bool [vocabulary], words that aren't kept, whatever they do.
      size: words to keep at most, but the indispensable ones are always kept.
    """
    matter = np.abs(alone - instead).sum(1) * np.maximum(counts, 1)
    matter[list(indispensable)] = np.inf
    by_matter = np.argsort(-matter, kind="stable")
    return np.sort(by_matter[~too_rare[by_matter]][: max(size, len(indispensable))])
