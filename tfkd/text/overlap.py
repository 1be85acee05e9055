"""Whether texts to learn from hold what is measured on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from tfkd.text.examples import Examples

_WORD = re.compile(r"[^\W_]+")
# So many words in a row of two corpora are seldom the same by chance; shorter dev texts count only if they are equal.
_SHINGLE_WORDS = 6


def find_overlap(texts: Examples, dev: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Returns which rows hold a dev row, and which dev rows they hold: bool [rows], bool [dev rows].

    A row holds a dev row if both are the same but for case, punctuation and
    spaces ("it 's n't" and "it's n't" are), or, of single texts, if a dev text of
    _SHINGLE_WORDS words or more stands inside it. Of pairs both texts must be the same, in either order.
    """
    holds, held = np.zeros(len(texts), bool), np.zeros(len(dev), bool)
    for row, found in enumerate(_held_rows(texts, dev)):
        holds[row] = bool(found)
        held[found] = True
    return holds, held


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
    for row, held in zip(first_rows, _held_rows(each_once, each_once), strict=True):
        for other in held:
            low, high = sorted((root(keys[row]), root(keys[first_rows[other]])))
            parents[high] = low
    return [root(key) for key in keys]


def _held_rows(texts: Examples, dev: Examples) -> Iterator[list[int]]:
    """Yields for each row of `texts` the rows of `dev` that it holds."""
    by_key: dict[str, list[int]] = defaultdict(list)
    by_words: dict[tuple[str, ...], list[int]] = defaultdict(list)
    lengths: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for row, key in enumerate(overlap_keys(dev)):
        by_key[key].append(row)
        words = tuple(_words(dev.texts[row]))
        if dev.text_pairs is None and len(words) >= _SHINGLE_WORDS:
            by_words[words].append(row)
            lengths[words[:_SHINGLE_WORDS]].add(len(words))
    for row, key in enumerate(overlap_keys(texts)):
        found = list(by_key.get(key, ()))
        if lengths:
            words = tuple(_words(texts.texts[row]))
            for start in range(len(words) - _SHINGLE_WORDS + 1):
                for length in lengths.get(words[start : start + _SHINGLE_WORDS], ()):
                    found += by_words.get(words[start : start + length], ())
        yield found


def overlap_keys(examples: Examples) -> list[str]:
    """Returns the key of each row."""
    return list(map(overlap_key, zip(*examples.columns, strict=True)))


def overlap_key(texts: Sequence[str]) -> str:
    """Returns what makes a text, or a pair in either order, the same as another: letters and digits in lower case."""
    return "\t".join(sorted("".join(_words(text)) or text.strip() for text in texts))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
