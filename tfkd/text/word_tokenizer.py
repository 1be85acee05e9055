"""Words by MediaPipe's rule, so that training and a phone see the same ids.

MediaPipe's RegexTokenizer splits the raw text on an RE2 expression, drops what
matched and empty pieces, and looks each piece up as it stands
(`mediapipe/tasks/cc/text/tokenizers/regex_tokenizer.cc`). Arrow's
`split_pattern_regex` runs the same RE2 over a whole column at once.

Two differences, both seen from outside (tests/export/test_mediapipe.py):
MediaPipe 1.2.2 takes a text's end to be its first NUL, here a NUL is a
character like another; and its RE2 knows the letters of Unicode 17, that of
Arrow those of Unicode 14.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfkd.text.vocabulary import PAD_ID, UNKNOWN_ID, Vocabulary

# Everything but letters, digits and combining marks. An apostrophe separates too: `don't` and `don’t` are the
# same two words, and `film's` is one that is known and one that is frequent.
DEFAULT_DELIMITER_REGEX = r"[^\pL\pN\pM]+"

# What a student's inputs are called: the ids of the texts, and of pairs those of the second ones.
INPUT_NAMES = ("token_ids", "pair_token_ids")


def split_words(texts: Sequence[str] | pa.Array, delimiter_regex: str) -> pa.ListArray:
    """Returns the words of each text, a list<string> array of the same length.

    Args:
      texts: the raw texts.
      delimiter_regex: RE2 syntax; what it matches is dropped.

    Raises:
      ValueError: `delimiter_regex` isn't RE2, or matches the empty string (on
        which neither Arrow nor MediaPipe would ever return).
    """
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, type=pa.string())
    if _matches_nothing(delimiter_regex):
        raise ValueError(f"the delimiter regex {delimiter_regex!r} matches the empty string")
    split = pc.split_pattern_regex(column, delimiter_regex)
    # Empty pieces (before a leading and after a trailing delimiter) are no words.
    flat = split.flatten()
    kept = pc.greater(pc.binary_length(flat), 0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(kept)])
    offsets = ends[split.offsets.to_numpy() - split.offsets[0].as_py()]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat.filter(pa.array(kept)))


@functools.lru_cache
def _matches_nothing(regex: str) -> bool:
    """Says whether the expression matches the empty string somewhere: at an end, a word's edge, a line's."""
    return any(
        pc.match_substring_regex(pa.array([before + after]), rf"\A{before}(?:{regex}){after}\z")[0].as_py()
        for before, after in itertools.product(("", "a", " ", "\n"), repeat=2)
    )


@dataclass(frozen=True)
class EncodedTexts:
    """The word ids of many texts, flat.

    Attributes:
      ids: int32 [total words].
      offsets: int64 [texts + 1]; text i has `ids[offsets[i]:offsets[i + 1]]`.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Words in each text, int64 [texts]."""
        return np.diff(self.offsets)

    def forgetting(self, rare: np.ndarray, share: float, rng: np.random.Generator) -> EncodedTexts:
        """Returns the texts with some of the rare words read as UNKNOWN_ID.

        Args:
          rare: bool [vocabulary], which ids are rare.
          share: probability with which each of their occurrences is forgotten.
          rng: where the choice comes from.
        """
        forgotten = rare[self.ids] & (rng.random(len(self.ids)) < share)
        return EncodedTexts(np.where(forgotten, UNKNOWN_ID, self.ids).astype(np.int32), self.offsets)

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


class WordTokenizer:
    """Raw texts to word ids: a delimiter expression and a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, delimiter_regex: str = DEFAULT_DELIMITER_REGEX):
        self.vocabulary = vocabulary
        self.delimiter_regex = delimiter_regex

    def encode(self, texts: Sequence[str] | pa.Array) -> EncodedTexts:
        """Returns the ids of each text's words; words not in the vocabulary get UNKNOWN_ID."""
        words = split_words(texts, self.delimiter_regex)
        # A plain dict: Arrow's index_in would hash the whole vocabulary at each call.
        known = self.vocabulary.ids
        return EncodedTexts(
            ids=np.array([known.get(word, UNKNOWN_ID) for word in words.flatten().to_pylist()], np.int32),
            offsets=words.offsets.to_numpy().astype(np.int64),
        )

    def keeping(self, words: Iterable[int]) -> WordTokenizer:
        """Returns the tokenizer of these ids alone (see Vocabulary.keeping); other words become UNKNOWN_ID."""
        return WordTokenizer(self.vocabulary.keeping(words), self.delimiter_regex)
