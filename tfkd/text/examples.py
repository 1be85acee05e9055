"""Labelled sentences, and what is known of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

NO_LABEL = -1


@dataclass(frozen=True)
class Examples:
    """Texts and their labels.

    Attributes:
      texts: the raw texts.
      labels: int32 [rows]; NO_LABEL where there is none.
      text_pairs: the second text of each pair, or None for single sentences.
    """

    texts: list[str]
    labels: np.ndarray
    text_pairs: list[str] | None = None

    def __post_init__(self) -> None:
        assert len(self.texts) == len(self.labels), "one label a text"

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """What one task has to learn from and to be measured on.

    Attributes:
      train: labelled examples to learn from.
      dev: labelled examples to measure on.
      unlabelled: texts for the teacher alone to label; may be empty.
      label_names: the names of labels 0, 1, ...
      notes: what a user should hear of the reading: guessed columns, rejected
        rows, dev rows that are also in train.
    """

    train: Examples
    dev: Examples
    unlabelled: list[str]
    label_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def digest(examples: Examples) -> str:
    """Returns a SHA-256 over the rows in their order, in hex."""
    sha = hashlib.sha256(examples.labels.astype("<i4").tobytes())
    for texts in (examples.texts, examples.text_pairs or []):
        for text in texts:
            sha.update(text.encode() + b"\0")
    return sha.hexdigest()
