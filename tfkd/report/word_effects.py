"""What each word of a text does to the label that a classifier gives it: the text is read again without the word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# What stands between white space; an ideograph is a word of its own.
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNBROKEN = re.compile(rf"[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+")
# Nearer to 0 or 1 a probability of float32 tells nothing.
_SMALLEST = 1e-6


@dataclass(frozen=True)
class WordEffect:
    """A word in its place.

    Attributes:
      before: what stands between it and the word before it.
      word: as the text has it.
      effect: what it adds to the log-odds of the text's predicted label.
    """

    before: str
    word: str
    effect: float


@dataclass(frozen=True)
class ExplainedText:
    """A text or pair, and what its words do.

    Attributes:
      columns: the words of the text, or of both texts of a pair.
      ends: what stands after the last word of each.
      label: the true one.
      predicted: the label that the classifier gives.
      probability: that it gives that label.
    """

    columns: tuple[tuple[WordEffect, ...], ...]
    ends: tuple[str, ...]
    label: int
    predicted: int
    probability: float

    @property
    def strongest(self) -> float:
        """The largest effect of a word, for or against; 0 if there are no words."""
        return max((abs(word.effect) for words in self.columns for word in words), default=0.0)

    def most(self, sign: int, count: int = 3) -> list[WordEffect]:
        """Returns the words that do most for the label (sign 1) or against it (sign -1), the strongest first."""
        words = [word for words in self.columns for word in words if sign * word.effect > 0]
        return sorted(words, key=lambda word: -abs(word.effect))[:count]


def explain(predict: Callable[..., np.ndarray], texts: Sequence[str], label: int) -> ExplainedText:
    """Returns what each word of a text or pair does to its predicted label.

    A word's effect is the log-odds of that label, log p / (1 - p), less what they are without the word. The signs
    around it stay.

    Args:
      predict: raw texts, or pairs in two columns, to probabilities, float [texts, classes].
      texts: the text, or a pair's two.
      label: the true one.
    """
    places = [list(_words(text)) for text in texts]
    # The text itself, and then without each word of it: in each of the columns one after the other.
    columns = [
        [text]
        + [
            text[:start] + text[end:] if column == changed else text
            for changed, words in enumerate(places)
            for start, end in words
        ]
        for column, text in enumerate(texts)
    ]
    probabilities = predict(*columns)
    predicted = int(probabilities[0].argmax())
    odds = _log_odds(probabilities[:, predicted])
    effects = iter((odds[0] - odds[1:]).tolist())
    explained, rest = [], []
    for text, words in zip(texts, places, strict=True):
        befores = [0, *(end for _, end in words)]
        explained.append(
            tuple(
                WordEffect(text[before:start], text[start:end], next(effects))
                for before, (start, end) in zip(befores, words, strict=False)
            )
        )
        rest.append(text[befores[-1] :])
    return ExplainedText(tuple(explained), tuple(rest), label, predicted, float(probabilities[0, predicted]))


def rows_to_explain(
    labels: np.ndarray, probabilities: np.ndarray, columns: Sequence[Sequence[str]], count: int = 8, max_words: int = 40
) -> list[int]:
    """Returns rows that show how a classifier decides.

    Of each label, the most frequent first, the right answer of median confidence; a quarter of them are the wrong
    answers that it is surest of.

    Args:
      labels: int [rows], the true ones.
      probabilities: float [rows, classes].
      columns: the texts, and of pairs the second ones.
      count: rows at most.
      max_words: of a text; longer ones, and those of fewer than three, show little.
    """
    words = np.array([[len(list(_words(text))) for text in texts] for texts in columns])
    fits = (words.min(0) >= 3) & (words.max(0) <= max_words)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    surest_first = np.argsort(-confidence, kind="stable")
    wrong = [int(row) for row in surest_first if fits[row] and predicted[row] != labels[row]][: count // 4]
    right = [[int(r) for r in surest_first if fits[r] and predicted[r] == labels[r] == i] for i in np.unique(labels)]
    by_frequency = sorted((rows for rows in right if rows), key=len, reverse=True)
    most = max((count - len(wrong)) // max(len(by_frequency), 1), 1)
    chosen = [rows[len(rows) * place // (most + 1)] for place in range(1, most + 1) for rows in by_frequency]
    return [*dict.fromkeys(chosen)][: count - len(wrong)] + wrong


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Yields where the words of a text begin and end: without the punctuation around them, unless that is all.

    A lone "!" or ":-(" may well speak for a label.
    """
    for found in _UNBROKEN.finditer(text):
        start, end = found.span()
        inner = [i for i in range(start, end) if not unicodedata.category(text[i]).startswith("P")]
        yield (inner[0], inner[-1] + 1) if inner else (start, end)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    p = np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.log(p) - np.log1p(-p)
