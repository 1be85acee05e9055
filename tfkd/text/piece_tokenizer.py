"""Word pieces by MediaPipe's rule, so that training and a phone see the same ids.

For a BERT's three inputs MediaPipe lowercases ASCII alone, splits at white space, at punctuation and around CJK
ideographs (both of which are words of their own), and reads of each word the longest piece that the vocabulary has,
again and again; a word that can't be covered so is [UNK] as a whole
(`mediapipe/tasks/cc/text/tokenizers/bert_tokenizer.h`, tensorflow_text's WordpieceTokenizer). Arrow runs the same RE2
over a whole column at once; it knows the punctuation of Unicode 14, MediaPipe 1.2.2 that of 17.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfkd.text.encoded_texts import EncodedTexts
from tfkd.text.piece_vocabulary import CLS_TOKEN, INNER, MAX_WORD_BYTES, SEP_TOKEN, PieceVocabulary
from tfkd.text.vocabulary import MASK_ID, MASK_MARKER, PAD_ID, UNKNOWN_ID
from tfkd.text.word_tokenizer import split_words

# ASCII's signs, all that Unicode calls punctuation, and the blocks of CJK ideographs.
_ALONE = (
    r"[!-/:-@\[-`{-~]|\p{P}|[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]"
)
_MASK = r"\[MASK\]"
# MediaPipe's inputs of a BERT, by the names that it looks for: the ids with [CLS] and [SEP] around them, 1 for each
# of these, and zeros.
BERT_INPUT_NAMES = ("ids", "mask", "segment_ids")


def split_at_punctuation(texts: Sequence[str] | pa.Array, masked: bool = False) -> pa.ListArray:
    """Returns the words and signs of each text in lower case, a list<string> array of the same length.

    Args:
      texts: the raw texts.
      masked: whether MASK_MARKER is one of the words ("[mask]"), or, as on the phone, three.
    """
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, type=pa.string())
    alone = f"({_MASK}|{_ALONE})" if masked else f"({_ALONE})"
    apart = pc.replace_substring_regex(column, alone, r" \1 ")
    return split_words(pc.ascii_lower(apart), r"\s+")


@dataclass(frozen=True)
class PieceTokenizer:
    """Raw texts to the ids of word pieces.

    Attributes:
      vocabulary: the pieces.
    """

    name: ClassVar[str] = "pieces"

    vocabulary: PieceVocabulary

    def encode(self, texts: Sequence[str] | pa.Array, masked: bool = False) -> EncodedTexts:
        """Returns the ids of each text's pieces, without [CLS] and [SEP]; words without pieces get UNKNOWN_ID.

        Args:
          texts: the raw texts.
          masked: whether MASK_MARKER is read as MASK_ID, as in augmented texts, or as what it looks like.
        """
        words = split_at_punctuation(texts, masked)
        flat = words.flatten().dictionary_encode()
        distinct = _concatenated([self._read(word) for word in flat.dictionary.to_pylist()])
        return distinct.taken(flat.indices.to_numpy()).joined(words.offsets.to_numpy().astype(np.int64))

    @functools.cached_property
    def instead(self) -> EncodedTexts:
        """What each piece of the vocabulary would be read as if the vocabulary lacked it; the special ones as [UNK]."""
        always = set(range(MASK_ID + 1))
        return _concatenated(
            [[UNKNOWN_ID] if i in always else self._segmented(piece) for i, piece in enumerate(self.vocabulary.words)]
        )

    def keeping(self, pieces: Iterable[int]) -> PieceTokenizer:
        """Returns the tokenizer of these ids alone (see PieceVocabulary.keeping); others give way to shorter ones."""
        return PieceTokenizer(self.vocabulary.keeping(pieces))

    def bert_inputs(self, token_ids: np.ndarray) -> dict[str, np.ndarray]:
        """Returns a text as BERT takes it, by BERT_INPUT_NAMES, int32 [tokens + 2] each.

        Args:
          token_ids: int32 [tokens], PAD_ID after the text's end.
        """
        words = int(np.count_nonzero(token_ids != PAD_ID))
        ids, mask, segment_ids = np.zeros((3, len(token_ids) + 2), np.int32)
        known = self.vocabulary.ids
        ids[: words + 2] = known[CLS_TOKEN], *token_ids[:words], known[SEP_TOKEN]
        mask[: words + 2] = 1
        return dict(zip(BERT_INPUT_NAMES, (ids, mask, segment_ids), strict=True))

    @functools.cached_property
    def _longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self.vocabulary.words))

    def _read(self, word: str) -> list[int]:
        if word == MASK_MARKER.lower():
            return [MASK_ID]
        if (i := self.vocabulary.ids.get(word)) is not None and len(word.encode()) <= MAX_WORD_BYTES:
            return [i]
        return self._segmented(word)

    def _segmented(self, word: str) -> list[int]:
        """Returns the pieces of a word, or of a piece that goes on with one, but that itself."""
        known, inner = self.vocabulary.ids, word.startswith(INNER) and len(word) > len(INNER)
        if inner:
            word = word.removeprefix(INNER)
        if len(word.encode()) > MAX_WORD_BYTES:
            return [UNKNOWN_ID]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = INNER if start or inner else ""
            last = len(word) - (start == 0)
            for end in range(min(last, start + self._longest), start, -1):
                if (i := known.get(prefix + word[start:end])) is not None:
                    break
            else:
                return [UNKNOWN_ID]
            pieces.append(i)
            start = end
        return pieces


def _concatenated(texts: Sequence[Sequence[int]]) -> EncodedTexts:
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in texts], dtype=np.int64)])
    return EncodedTexts(np.array([i for ids in texts for i in ids], np.int32), offsets)
