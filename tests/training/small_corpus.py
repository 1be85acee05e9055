"""A corpus to train on in a second, and labels that kill the training that reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conftest import sentences
from tfkd.text.examples import Corpus, Examples


class KilledError(Exception):
    """What a killed training ends with."""


class DyingLabels(np.ndarray):
    """Labels like others, until predictions have been compared with them as often as `lives` says."""

    lives: int

    @classmethod
    def of(cls, labels: np.ndarray, lives: int) -> DyingLabels:
        made = labels.view(cls)
        made.lives = lives
        return made

    def __eq__(self, other: Any) -> Any:
        if self.lives == 0:
            raise KilledError
        self.lives -= 1
        return np.asarray(self) == other

    __hash__ = None


def small_corpus(dies_after: int | None = None) -> Corpus:
    """Returns 120 sentences of `sentences` to learn from and 40 to measure on, which may die (see DyingLabels)."""
    rows = sentences()
    labels = np.array([int(label == "positive") for _, label in rows], np.int32)
    texts = [text for text, _ in rows]
    dev_labels = labels[1::4] if dies_after is None else DyingLabels.of(labels[1::4], dies_after)
    train = [i for i in range(len(rows)) if i % 4 != 1]
    unlabelled = Examples.without_labels([])
    return Corpus(
        Examples([texts[i] for i in train], labels[train]),
        Examples(texts[1::4], dev_labels),
        unlabelled,
        ("neg", "pos"),
    )
