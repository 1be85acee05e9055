"""Words in the place of others of like meaning, which train may never have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tfkd.text.augmentation import TaggedText

# Nouns, verbs, adjectives and adverbs, by how their Penn tags begin.
_CONTENT_TAGS = ("NN", "VB", "JJ", "RB")


class NearWords:
    """Replaces words by others that the teacher knows to be like them.

    Some are of the same meaning and some of the opposite one ("boring" is near to "dull" and to "exciting"), and many
    are in none of train's sentences: the teacher's logits tell the student what becomes of a sentence by them. The rule
    is that of TinyBERT's augmentation (Jiao et al. 2020) for the words that it looks up in word vectors.

    Args:
      near: for each word, in lower case, those that are most like it; see `tfkd.training.near_words`.
      share: probability with which a noun, verb, adjective or adverb is replaced.
    """

    def __init__(self, near: Mapping[str, Sequence[str]], share: float):
        self.near, self.share = near, share

    def replaced_in(self, text: TaggedText, rng: np.random.Generator) -> str:
        """Returns the text with some of its words replaced, each by any of those near to it alike."""
        words = text.words
        for i in np.flatnonzero(rng.random(len(words)) < self.share).tolist():
            if text.tags[i].startswith(_CONTENT_TAGS) and (near := self.near.get(words[i].lower())):
                words[i] = near[int(rng.integers(0, len(near)))]
        return text.with_words(words)
