"""Batches of sentences of about one length, so that little is padding."""

from __future__ import annotations

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


def sorted_batches(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Returns the rows of each batch from the shortest row to the longest, for inference."""
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
