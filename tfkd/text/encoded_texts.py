"""Texts as a student reads them: the ids of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfkd.text.vocabulary import PAD_ID

# What a student's inputs are called: the ids of the texts, and of pairs those of the second ones.
INPUT_NAMES = ("token_ids", "pair_token_ids")


@dataclass(frozen=True)
class EncodedTexts:
    """The token ids of many texts, flat; a token is a word or a word piece.

    Attributes:
      ids: int32 [total tokens].
      offsets: int64 [texts + 1]; text i has `ids[offsets[i]:offsets[i + 1]]`.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens in each text, int64 [texts]."""
        return np.diff(self.offsets)

    def counts(self, vocabulary_size: int) -> np.ndarray:
        """Returns how often the texts have each token, int64 [vocabulary]."""
        return np.bincount(self.ids, minlength=vocabulary_size)

    def taken(self, texts: np.ndarray) -> EncodedTexts:
        """Returns the texts of these numbers, int [chosen], in their order; a text may be taken several times."""
        lengths = self.lengths[texts]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return EncodedTexts(self.ids[np.repeat(self.offsets[:-1][texts], lengths) + within], offsets)

    def joined(self, offsets: np.ndarray) -> EncodedTexts:
        """Returns longer texts, each of several of these in a row.

        Args:
          offsets: int64 [texts + 1]; text i is made of those from `offsets[i]` to before `offsets[i + 1]`.
        """
        return EncodedTexts(self.ids, self.offsets[offsets])

    def forgetting(
        self, rare: np.ndarray, instead: EncodedTexts, share: float, rng: np.random.Generator
    ) -> EncodedTexts:
        """Returns the texts with some of the rare tokens read as if the vocabulary lacked them.

        Args:
          rare: bool [vocabulary], which ids are rare.
          instead: for each id what is read in its place.
          share: probability with which each of their occurrences is forgotten.
          rng: where the choice comes from.
        """
        forgotten = rare[self.ids] & (rng.random(len(self.ids)) < share)
        known = len(instead)
        either = EncodedTexts(
            np.concatenate([np.arange(known, dtype=np.int32), instead.ids]),
            np.concatenate([np.arange(known), known + instead.offsets]),
        )
        return either.taken(self.ids + known * forgotten).joined(self.offsets)

    def padded(self, rows: np.ndarray | slice = slice(None), length: int | None = None) -> np.ndarray:
        """Returns int32 [rows, length]: the chosen texts' ids, cut or padded at the end.

        Args:
          rows: which texts; all by default.
          length: words kept; by default the longest of `rows`, at least one.
        """
        starts, ends = self.offsets[:-1][rows], self.offsets[1:][rows]
        if length is None:
            length = max(int((ends - starts).max(initial=0)), 1)
        positions = starts[:, None] + np.arange(length)
        inside = positions < ends[:, None]
        ids = self.ids if len(self.ids) else np.array([PAD_ID], np.int32)
        return np.where(inside, ids[np.minimum(positions, len(ids) - 1)], PAD_ID).astype(np.int32)


def longest(columns: Sequence[EncodedTexts], max_tokens: int | None = None) -> np.ndarray:
    """Returns the words of each row's longest text, int64 [rows], at most `max_tokens`."""
    lengths = np.max([encoded.lengths for encoded in columns], axis=0)
    return lengths if max_tokens is None else np.minimum(lengths, max_tokens)


def padded_alike(columns: Sequence[EncodedTexts], rows: np.ndarray, lengths: np.ndarray) -> Any:
    """Returns what a student takes of the chosen rows: int32 [rows, tokens], or for pairs a tuple of two of one shape.

    Args:
      columns: the texts, and the second texts of pairs.
      rows: which of them.
      lengths: words to keep of each row (see `longest`).
    """
    tokens = max(int(lengths[rows].max(initial=0)), 1)
    padded = tuple(encoded.padded(rows, tokens) for encoded in columns)
    return padded if len(columns) > 1 else padded[0]
