"""Whether texts to learn from hold what is measured on."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from tfkd.text.examples import Examples

_WORD = re.compile(r"[^\W_]+")
# So many words in a row of two corpora are seldom the same by chance; shorter dev texts count only if they are equal.
_SHINGLE_WORDS = 6


def find_overlap(texts: Examples, dev: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Returns which rows hold a dev row, and which dev rows they hold: bool [rows], bool [dev rows].

    A row holds a dev row if both are the same but for case, punctuation and
    spaces ("it 's n't" and "it's n't" are), or, of single texts, if a dev text of
    _SHINGLE_WORDS words or more stands inside it. Of pairs both texts must be the same.
    """
    by_key: dict[str, list[int]] = defaultdict(list)
    by_shingle: dict[tuple[str, ...], list[int]] = defaultdict(list)
    dev_words = [_words(text) for text in dev.texts]
    for row, key in enumerate(overlap_keys(dev)):
        by_key[key].append(row)
        if dev.text_pairs is None and len(dev_words[row]) >= _SHINGLE_WORDS:
            by_shingle[tuple(dev_words[row][:_SHINGLE_WORDS])].append(row)
    holds, held = np.zeros(len(texts), bool), np.zeros(len(dev), bool)
    for row, key in enumerate(overlap_keys(texts)):
        found = list(by_key.get(key, ()))
        if by_shingle:
            words = _words(texts.texts[row])
            for start in range(len(words) - _SHINGLE_WORDS + 1):
                for i in by_shingle.get(tuple(words[start : start + _SHINGLE_WORDS]), ()):
                    if words[start : start + len(dev_words[i])] == dev_words[i]:
                        found.append(i)
        holds[row] = bool(found)
        held[found] = True
    return holds, held


def overlap_keys(examples: Examples) -> list[str]:
    """Returns what makes two rows the same: their letters and digits in lower case."""
    columns = [["".join(_words(text)) or text.strip() for text in texts] for texts in examples.columns]
    return ["\t".join(keys) for keys in zip(*columns, strict=True)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
