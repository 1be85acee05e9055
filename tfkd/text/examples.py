"""Labelled sentences, and what is known of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfkd.errors import InputError

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
        assert self.text_pairs is None or len(self.text_pairs) == len(self.texts), "one second text a text"

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def without_labels(cls, texts: list[str], text_pairs: list[str] | None = None) -> Examples:
        """Returns texts of unknown label."""
        return cls(texts, np.full(len(texts), NO_LABEL, np.int32), text_pairs)

    @property
    def columns(self) -> tuple[list[str], ...]:
        """The texts, and after them the second texts of pairs: what tokenizers and models take."""
        return (self.texts,) if self.text_pairs is None else (self.texts, self.text_pairs)

    def followed_by(self, others: Examples) -> Examples:
        """Returns these rows and then the others, which are of the same kind."""
        if not len(others):
            return self
        columns = [[*own, *further] for own, further in zip(self.columns, others.columns, strict=True)]
        return Examples(columns[0], np.concatenate([self.labels, others.labels]), *columns[1:])

    def take(self, rows: Iterable[int]) -> Examples:
        """Returns these rows in this order."""
        rows = list(rows)
        pairs = None if self.text_pairs is None else [self.text_pairs[row] for row in rows]
        return Examples([self.texts[row] for row in rows], self.labels[rows], pairs)

    def spread(self, rows: int) -> Examples:
        """Returns at most so many rows, evenly spaced over all."""
        return self.take(np.linspace(0, len(self) - 1, min(rows, len(self))).astype(int))


@dataclass(frozen=True)
class Corpus:
    """What one task has to learn from and to be measured on.

    Attributes:
      train: labelled examples to learn from.
      dev: labelled examples to measure on.
      unlabelled: examples for the teacher alone to label, their labels NO_LABEL; may be empty.
      label_names: the names of labels 0, 1, ...
      notes: what a user should hear of the reading: guessed columns, rejected
        rows, rows left out since they are in dev.
    """

    train: Examples
    dev: Examples
    unlabelled: Examples
    label_names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> bool:
        """Whether its examples are pairs of texts."""
        return self.train.text_pairs is not None

    @property
    def unit(self) -> str:
        """What messages count its examples in."""
        return unit_of(self.pairs)


def kind_of(pairs: bool) -> str:
    """Returns what messages call examples that are pairs, or aren't."""
    return "pairs" if pairs else "single texts"


def unit_of(pairs: bool) -> str:
    """Returns what messages count such examples in."""
    return "pairs" if pairs else "sentences"


def check_task(
    model: str | Path, label_names: Sequence[str], pairs: bool | None, of_data: Sequence[str], pairs_of_data: bool
) -> None:
    """Passes a model that is of the data's task.

    Args:
      model: what messages call it.
      label_names: of its classes, in order.
      pairs: whether it classifies pairs; None if nobody knows.
      of_data: the names that the data has.
      pairs_of_data: whether it has pairs.

    Raises:
      InputError: the model is of other labels, or of the other kind of texts.
    """
    if list(label_names) != list(of_data):
        raise InputError(f"{model}: classifies into {', '.join(label_names)}; the data has {', '.join(of_data)}")
    if pairs not in (None, pairs_of_data):
        raise InputError(f"{model}: classifies {kind_of(not pairs_of_data)}; the data has {kind_of(pairs_of_data)}")


def digest(examples: Examples) -> str:
    """Returns a SHA-256 over the rows in their order, in hex."""
    sha = hashlib.sha256(examples.labels.astype("<i4").tobytes())
    for texts in (examples.texts, examples.text_pairs or []):
        for text in texts:
            sha.update(text.encode() + b"\0")
    return sha.hexdigest()
