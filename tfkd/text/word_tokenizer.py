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
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfkd.text.encoded_texts import EncodedTexts
from tfkd.text.vocabulary import UNKNOWN_ID, Vocabulary

# Everything but letters, digits and combining marks. An apostrophe separates too: `don't` and `don’t` are the
# same two words, and `film's` is one that is known and one that is frequent.
DEFAULT_DELIMITER_REGEX = r"[^\pL\pN\pM]+"


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
    pc.match_substring_regex(pa.array([""]), regex)  # by itself first, so that what is wrong with it is said of it
    return any(
        pc.match_substring_regex(pa.array([before + after]), rf"\A{before}(?:{regex}){after}\z")[0].as_py()
        for before, after in itertools.product(("", "a", " ", "\n"), repeat=2)
    )


@dataclass(frozen=True)
class WordTokenizer:
    """Raw texts to word ids.

    Attributes:
      vocabulary: the words.
      delimiter_regex: RE2; what it matches separates them.
    """

    name: ClassVar[str] = "words"

    vocabulary: Vocabulary
    delimiter_regex: str = DEFAULT_DELIMITER_REGEX

    def encode(self, texts: Sequence[str] | pa.Array, masked: bool = False) -> EncodedTexts:
        """Returns the ids of each text's words; words not in the vocabulary get UNKNOWN_ID.

        Args:
          texts: the raw texts.
          masked: of no matter: MASK_MARKER is read as MASK_ID on the phone too.
        """
        words = split_words(texts, self.delimiter_regex)
        # A plain dict: Arrow's index_in would hash the whole vocabulary at each call.
        known = self.vocabulary.ids
        return EncodedTexts(
            ids=np.array([known.get(word, UNKNOWN_ID) for word in words.flatten().to_pylist()], np.int32),
            offsets=words.offsets.to_numpy().astype(np.int64),
        )

    @functools.cached_property
    def instead(self) -> EncodedTexts:
        """What each word of the vocabulary would be read as if the vocabulary lacked it: UNKNOWN_ID."""
        size = len(self.vocabulary)
        return EncodedTexts(np.full(size, UNKNOWN_ID, np.int32), np.arange(size + 1))

    def keeping(self, words: Iterable[int]) -> WordTokenizer:
        """Returns the tokenizer of these ids alone (see Vocabulary.keeping); other words become UNKNOWN_ID."""
        return WordTokenizer(self.vocabulary.keeping(words), self.delimiter_regex)
