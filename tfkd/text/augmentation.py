"""Sentences made of sentences: masking, POS-guided replacement, n-grams (Tang et al. 2019, section 3.3)."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tfkd.config import AugmentationConfig
from tfkd.text.examples import Examples
from tfkd.text.vocabulary import MASK_MARKER
from tfkd.text.words import WORD

# A word with its inner apostrophes and hyphens, or one other visible character,
# which the tagger reads but no rule changes.
_TOKEN = re.compile(rf"(?P<word>{WORD}(?:['’\-]{WORD})*)|[^\w\s]")

Tagger = Callable[[list[str]], list[str]]


def pattern_tagger() -> Tagger:
    """Returns TextBlob's rule-based English tagger (Penn tags); its lexicon comes with the package."""
    from textblob.en import parser

    return lambda tokens: [tag for _, tag in parser.find_tags(tokens)] if tokens else []


@dataclass(frozen=True)
class TaggedText:
    """A text and its words.

    Attributes:
      text: the raw text.
      spans: start and end of each word in `text`, in characters.
      tags: the part of speech of each word.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    tags: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [self.text[start:end] for start, end in self.spans]


def tag_text(text: str, tagger: Tagger) -> TaggedText:
    """Returns the words of a text with their parts of speech; punctuation is tagged along, but no word."""
    tokens = list(_TOKEN.finditer(text))
    tags = tagger([token.group() for token in tokens])
    words = [(token.span(), tag) for token, tag in zip(tokens, tags, strict=True) if token["word"]]
    return TaggedText(text, tuple(span for span, _ in words), tuple(tag for _, tag in words))


class PosUnigrams:
    """For each part of speech, the distribution of its words in a corpus."""

    def __init__(self, texts: Iterable[TaggedText]):
        counts: dict[str, Counter[str]] = {}
        for text in texts:
            for word, tag in zip(text.words, text.tags, strict=True):
                counts.setdefault(tag, Counter())[word] += 1
        self._words = {tag: sorted(c) for tag, c in counts.items()}
        self._cumulative = {tag: np.cumsum([c[w] for w in self._words[tag]]) for tag, c in counts.items()}

    def draw(self, tag: str, u: float) -> str:
        """Returns the word at quantile `u` (0 <= u < 1) of the tag's unigram distribution."""
        cumulative = self._cumulative[tag]
        return self._words[tag][int(np.searchsorted(cumulative, u * cumulative[-1], side="right"))]


def turns_of(pairs: bool) -> tuple[list[int], ...]:
    """Returns which texts of a row are changed, in turn: of pairs the first, the second, both."""
    return ([0], [1], [0, 1]) if pairs else ([0],)


class Augmenter:
    """The paper's three rules over a corpus.

    Args:
      examples: the sentences or pairs to make others of.
      config: the rules' probabilities.
      tagger: gives each token's part of speech.
    """

    def __init__(self, examples: Examples, config: AugmentationConfig, tagger: Tagger | None = None):
        tagger = tagger or pattern_tagger()
        self.config = config
        self.rows = [tuple(tag_text(text, tagger) for text in texts) for texts in zip(*examples.columns, strict=True)]
        self.unigrams = PosUnigrams(itertools.chain.from_iterable(self.rows))
        self._turns = turns_of(examples.text_pairs is not None)

    def generate(self, seed: int) -> Iterator[tuple[str, ...]]:
        """Yields `n_iter` sentences or pairs for each row, all rows once before any comes again.

        Of pairs the first text is augmented, the next time the second one, then both.
        They may repeat, and may equal their source; a text to be augmented that has no word is passed over.
        """
        for iteration in range(self.config.n_iter):
            rng = np.random.default_rng([seed, iteration])
            turn = self._turns[iteration % len(self._turns)]
            for row in self.rows:
                if all(row[i].spans for i in turn):
                    yield tuple(self.augment(text, rng) if i in turn else text.text for i, text in enumerate(row))

    def augment(self, text: TaggedText, rng: np.random.Generator) -> str:
        """Returns one sentence made of `text`.

        For each word X ~ U(0, 1) is drawn: X < p_mask masks it, p_mask <= X < p_mask + p_pos
        replaces it by a word of its part of speech. Then, with p_ng, only n words in a
        row are kept, n from 1 to ngram_max. What stands between words stays as it is.
        """
        config = self.config
        words = text.words
        x = rng.random(len(words))
        for i in np.flatnonzero(x < config.p_mask + config.p_pos).tolist():
            words[i] = MASK_MARKER if x[i] < config.p_mask else self.unigrams.draw(text.tags[i], rng.random())
        first, last = 0, len(words) - 1
        if rng.random() < config.p_ng:
            n = min(int(rng.integers(1, config.ngram_max + 1)), len(words))
            first = int(rng.integers(0, len(words) - n + 1))
            last = first + n - 1
        whole = (first, last) == (0, len(words) - 1)
        start = 0 if whole else text.spans[first][0]
        end = len(text.text) if whole else text.spans[last][1]
        parts = []
        for i in range(first, last + 1):
            parts += [text.text[start : text.spans[i][0]], words[i]]
            start = text.spans[i][1]
        return "".join([*parts, text.text[start:end]])
