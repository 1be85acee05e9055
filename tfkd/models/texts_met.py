"""The texts that an export is fitted to: which words they have, and what a student makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfkd.errors import InputError
from tfkd.models.student_weights import Step, StudentWeights
from tfkd.text.vocabulary import PAD_ID


@dataclass(frozen=True)
class Ranges:
    """The largest magnitudes that are met in a student's LSTM, both directions taken together.

    Attributes:
      projected: what a word gives to a gate, or to what is expanded to the gates.
      recurrent: what the state gives.
      total: their sum.
    """

    projected: float
    recurrent: float
    total: float


class TextsMet:
    """Texts as ids, such as those of a transfer set.

    Args:
      token_ids: int32 [texts, tokens], PAD_ID after a text's end; of pairs, both texts.
    """

    def __init__(self, token_ids: np.ndarray):
        self.token_ids = np.unique(token_ids, axis=0)

    def __len__(self) -> int:
        """How many texts differ."""
        return len(self.token_ids)

    def word_counts(self, vocabulary_size: int) -> np.ndarray:
        """Returns how often each id stands in the texts, int64 [vocabulary_size]; PAD_ID never."""
        counts = np.bincount(self.token_ids.ravel(), minlength=vocabulary_size)
        counts[PAD_ID] = 0
        return counts

    def steps(self, weights: StudentWeights) -> list[Iterator[Step]]:
        """Returns each direction's steps over the texts, computed as they are asked for.

        Padding that all texts have, and that changes nothing, is left out.
        """
        ids, words = self.token_ids, np.zeros((1, 1), int)
        if weights.masked:
            words = (ids != PAD_ID).sum(axis=1, keepdims=True)
            ids = ids[:, : words.max()]
        backward, tokens = ids[:, ::-1], ids.shape[1]
        forward = np.take_along_axis(ids, (np.arange(tokens) + words) % tokens, axis=1)
        embedding = weights.embedding
        return [lstm.steps(embedding, backward if lstm.backward else forward) for lstm in weights.directions]

    def ranges(self, weights: StudentWeights) -> Ranges:
        """Returns the largest magnitudes in a student's LSTM over the texts.

        Raises:
          InputError: the student gives all texts the same, so that there is no range.
        """
        names = ("projected", "recurrent", "total")
        largest = [
            [np.abs(getattr(step, name)).max() for name in names]
            for direction in self.steps(weights)
            for step in direction
        ]
        projected, recurrent, total = map(float, np.max(largest, axis=0))
        if not total:
            raise InputError("the student's states are zero whatever the texts: its weights are dead; distil it again")
        # Texts of one word each have no state before it.
        return Ranges(projected, recurrent or projected, total)
