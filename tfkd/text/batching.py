"""Batches of sentences of about one length, so that little is padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# Batches that are sorted by length together: enough for near-equal lengths,
# few enough that an epoch stays well shuffled.
_WINDOW_BATCHES = 64


def shuffled_batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns the rows of each batch of one epoch: shuffled, yet of like length within a batch.

    Args:
      lengths: int [rows], the length of each row.
      batch_size: rows a batch; only one batch may have fewer.
      rng: where the order comes from.
    """
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * _WINDOW_BATCHES):
        window = order[start : start + batch_size * _WINDOW_BATCHES]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[i : i + batch_size] for i in range(0, len(window), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch_size: int, progress: Any = None) -> Iterator[np.ndarray]:
    """Yields the rows of each batch from the shortest row to the longest, for inference.

    Args:
      lengths: int [rows], the length of each row.
      batch_size: rows a batch; only the last may have fewer.
      progress: has `update(n)`, called when a batch is done. Its rows count by their length, so that rate and ETA hold
        while rows get longer; all of them together count as many as they are.
    """
    order = np.argsort(lengths, kind="stable")
    counts = lengths / lengths.mean() if lengths.any() else np.ones(len(lengths))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield rows
        if progress is not None:
            progress.update(float(counts[rows].sum()))
