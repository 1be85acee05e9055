"""Sentences spliced of two or three: a span of one takes the place of a span of another."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from tfkd.text.augmentation import TaggedText, turns_of

# Longest span, in words, and how many of each text are at hand for others.
_MAX_SPAN, _SPANS_OF_EACH = 8, 4
# A shorter text is not spliced: what came of it would hardly be more than one of the spans.
_MIN_WORDS = 4
_P_TWICE = 0.5

_Span = tuple[TaggedText, int, int]  # a text, its first word and its last


class Splicer:
    """Makes sentences by giving one sentence spans of others that begin and end with the same parts of speech.

    What comes of it reads much like a sentence, and says something that none of its sources says: of its turns of
    words, which pull which way, and which of them wins? Of a pair, what is it that makes its texts differ?

    Args:
      rows: the sentences, or pairs, to make others of.
      seed: of the spans that are at hand.
    """

    def __init__(self, rows: Sequence[tuple[TaggedText, ...]], seed: int):
        self.rows = rows
        rng = np.random.default_rng(seed)
        self._spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
        # A text may stand in several pairs.
        for text in dict.fromkeys(itertools.chain.from_iterable(rows)):
            drawn = {_draw_span(len(text.tags), _MAX_SPAN, rng) for _ in range(_SPANS_OF_EACH if text.tags else 0)}
            for first, last in sorted(drawn):
                self._spans[text.tags[first], text.tags[last]].append((text, first, last))

    def generate(self, n: int, seed: int) -> Iterator[tuple[str, ...]]:
        """Yields `n` sentences or pairs for each row on average, of each in proportion to its words, in random order.

        Of pairs the first text is spliced, the next time the second one, then both. They may repeat, and may equal
        their source. Without a text of four words there are none.
        """
        if not self.rows:
            return
        words = np.array([[len(text.tags) for text in row] for row in self.rows])
        turns = turns_of(pairs=words.shape[-1] > 1)
        for iteration in range(n):
            rng, turn = np.random.default_rng([seed, iteration]), turns[iteration % len(turns)]
            weights = np.where((words[:, turn] >= _MIN_WORDS).all(1), words[:, turn].sum(1), 0)
            if not weights.any():
                continue
            for i in rng.choice(len(words), size=len(words), p=weights / weights.sum()):
                yield tuple(
                    self._spliced_once_or_twice(text, rng).text if place in turn else text.text
                    for place, text in enumerate(self.rows[i])
                )

    def _spliced_once_or_twice(self, text: TaggedText, rng: np.random.Generator) -> TaggedText:
        spliced = self.splice(text, rng)
        return self.splice(spliced, rng) if rng.random() < _P_TWICE else spliced

    def splice(self, text: TaggedText, rng: np.random.Generator) -> TaggedText:
        """Returns `text`, which has a word, with one span replaced: of at most half of its words, or two, and at most
        eight. Without a span that would fit, it stays as it is."""
        first, last = _draw_span(len(text.tags), max(2, min(_MAX_SPAN, len(text.tags) // 2)), rng)
        fitting = self._spans.get((text.tags[first], text.tags[last]))
        return _replaced((text, first, last), fitting[int(rng.integers(0, len(fitting)))]) if fitting else text


def _draw_span(words: int, longest: int, rng: np.random.Generator) -> tuple[int, int]:
    """Returns the first and the last word of a span of 1 to `longest` words, of a text of so many."""
    length = int(rng.integers(1, min(longest, words) + 1))
    first = int(rng.integers(0, words - length + 1))
    return first, first + length - 1


def _replaced(old: _Span, new: _Span) -> TaggedText:
    """Returns the text of `old` with `new` in its place; what stands between words comes along with them."""
    text, first, last = old
    source, source_first, source_last = new
    start, end = text.spans[first][0], text.spans[last][1]
    source_start, source_end = source.spans[source_first][0], source.spans[source_last][1]
    shift = start - source_start
    return TaggedText(
        text.text[:start] + source.text[source_start:source_end] + text.text[end:],
        (
            *text.spans[:first],
            *_shifted(source.spans[source_first : source_last + 1], shift),
            *_shifted(text.spans[last + 1 :], source_end + shift - end),
        ),
        (*text.tags[:first], *source.tags[source_first : source_last + 1], *text.tags[last + 1 :]),
    )


def _shifted(spans: Sequence[tuple[int, int]], characters: int) -> list[tuple[int, int]]:
    return [(start + characters, end + characters) for start, end in spans]
