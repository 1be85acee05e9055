"""Which words a trained student keeps: a file's size is mostly that of its words."""

from __future__ import annotations

import numpy as np

from tfkd.text.vocabulary import SPECIAL_IDS, UNKNOWN_ID


def words_that_matter(alone: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    """Returns the ids of the words to keep, ascending, the special ones among them.

    What is left out is read as UNKNOWN_ID. A word matters as much as that would
    change the logits of the word alone, times how often the corpus has it. Words
    that it doesn't have count as if it had them once: the next text may.

    Args:
      alone: float [vocabulary, classes], the logits of each word as a text of its own.
      counts: int [vocabulary], how often the corpus has each word.
      size: words to keep at most, the special ones included.
    """
    matter = np.abs(alone - alone[UNKNOWN_ID]).sum(1) * np.maximum(counts, 1)
    matter[list(SPECIAL_IDS.values())] = np.inf
    return np.sort(np.argsort(-matter, kind="stable")[:size])
