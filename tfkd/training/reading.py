"""How a student in training reads texts: with all words that it has, or with those alone that it is to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tfkd.text.encoded_texts import EncodedTexts
from tfkd.text.examples import Examples
from tfkd.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Reading:
    """Texts as ids of the whole vocabulary, which is the model's, as a tokenizer of some of it reads them.

    Attributes:
      tokenizer: of the words that are known.
      ids: int [known words], the id that the model has of each.
      rare: bool [known words], which ones are read as if they were unknown, from time to time.
    """

    tokenizer: Tokenizer
    ids: np.ndarray
    rare: np.ndarray

    @classmethod
    def of_all(cls, tokenizer: Tokenizer, rare: np.ndarray) -> Reading:
        """Returns the reading with all words; arguments as above."""
        return cls(tokenizer, np.arange(len(tokenizer.vocabulary), dtype=np.int32), rare)

    def keeping(self, words: np.ndarray) -> Reading:
        """Returns the reading with these known words alone, int [words], ascending."""
        return Reading(self.tokenizer.keeping(words), self.ids[words], self.rare[words])

    def to_learn(self, texts: Sequence[str] | pa.Array, p_unknown: float, rng: np.random.Generator) -> EncodedTexts:
        """Returns augmented texts, in which each rare word is forgotten with a probability of `p_unknown`."""
        read = self.tokenizer.encode(texts, masked=True)
        return self._of_model(read.forgetting(self.rare, self.tokenizer.instead, p_unknown, rng))

    def to_measure(self, examples: Examples) -> list[EncodedTexts]:
        """Returns texts, or pairs, as they will be read in the end."""
        return [self._of_model(self.tokenizer.encode(texts)) for texts in examples.columns]

    def _of_model(self, read: EncodedTexts) -> EncodedTexts:
        return EncodedTexts(self.ids[read.ids], read.offsets)
