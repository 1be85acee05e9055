"""Whether texts to learn from hold what is measured on."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from tfkd.text.examples import Examples
from tfkd.text.words import WORD

_WORD = re.compile(WORD)
_WORD_OF_ASCII = re.compile("[a-z0-9]+")  # the same for such texts, in a third of the time
# So many words in a row of two corpora are seldom the same by chance; shorter dev texts count only if they are equal.
_SHINGLE_WORDS = 6


class RowsHeld:
    """Finds which rows of dev a text or pair holds.

    It holds one if both are the same but for case, punctuation and spaces ("it 's n't" and "it's n't" are), or, of
    single texts, if a dev text of _SHINGLE_WORDS words or more stands inside it. Of pairs both texts must be the same,
    in either order.
    """

    def __init__(self, dev: Examples):
        # Words are joined by blanks: of a million texts tuples of them would take gigabytes.
        self._by_key: dict[str, list[int]] = defaultdict(list)
        self._by_words: dict[str, list[int]] = defaultdict(list)
        lengths: dict[str, set[int]] = defaultdict(set)
        for row, texts in enumerate(zip(*dev.columns, strict=True)):
            words = list(map(_words, texts))
            self._by_key[_key(texts, words)].append(row)
            if dev.text_pairs is None and len(words[0]) >= _SHINGLE_WORDS:
                self._by_words[" ".join(words[0])].append(row)
                lengths[" ".join(words[0][:_SHINGLE_WORDS])].add(len(words[0]))
        self._lengths = {opening: sorted(found) for opening, found in lengths.items()}

    def any_by(self, texts: Sequence[str]) -> bool:
        """Says whether a text, or the two texts of a pair, holds any row of dev."""
        return any(True for _ in self._by(texts))

    def longest_by(self, texts: Sequence[str]) -> set[int]:
        """Returns the rows of dev that a text, or the two texts of a pair, is, and those that it holds besides: of what
        begins at one of its words the longest, which hold the others."""
        return {row for rows in self._by(texts) for row in rows}

    def _by(self, texts: Sequence[str]) -> Iterator[Sequence[int]]:
        words_of_each = list(map(_words, texts))
        if rows := self._by_key.get(_key(texts, words_of_each)):
            yield rows
        if not self._lengths:
            return
        words = words_of_each[0]
        for start in range(len(words) - _SHINGLE_WORDS + 1):
            lengths = self._lengths.get(" ".join(words[start : start + _SHINGLE_WORDS]), ())
            for length in reversed(lengths[: bisect_right(lengths, len(words) - start)]):
                if rows := self._by_words.get(" ".join(words[start : start + length])):
                    yield rows
                    if length < len(words):  # the text itself, if it is there too, doesn't stand for those it holds
                        break


def find_overlap(texts: Examples, dev: Examples) -> np.ndarray:
    """Returns which rows hold a row of dev: bool [rows]."""
    rows_held = RowsHeld(dev)
    return np.array([rows_held.any_by(row) for row in zip(*texts.columns, strict=True)], bool)


def inseparable(examples: Examples) -> list[str]:
    """Returns a key for each row, the same for rows one of which holds the other, directly or by way of others.

    A row that neither holds another one nor is held has its key of `overlap_keys`.
    """
    keys = overlap_keys(examples)
    first_rows = list({key: row for row, key in reversed([*enumerate(keys)])}.values())
    parents = {key: key for key in keys}

    def root(key: str) -> str:
        while parents[key] != key:
            parents[key] = key = parents[parents[key]]
        return key

    each_once = examples.take(first_rows)
    rows_held = RowsHeld(each_once)
    for row, texts in zip(first_rows, zip(*each_once.columns, strict=True), strict=True):
        for other in rows_held.longest_by(texts):
            low, high = sorted((root(keys[row]), root(keys[first_rows[other]])))
            parents[high] = low
    return [root(key) for key in keys]


def overlap_keys(examples: Examples) -> list[str]:
    """Returns the key of each row."""
    return list(map(overlap_key, zip(*examples.columns, strict=True)))


def overlap_key(texts: Sequence[str]) -> str:
    """Returns what makes a text, or a pair in either order, the same as another: letters and digits in lower case."""
    return _key(texts, list(map(_words, texts)))


def _key(texts: Sequence[str], words: Sequence[Sequence[str]]) -> str:
    return "\t".join(sorted("".join(own) or text.strip() for text, own in zip(texts, words, strict=True)))


def _words(text: str) -> list[str]:
    if text.isascii():
        return _WORD_OF_ASCII.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFC", text.lower()))
