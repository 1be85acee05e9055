"""What a student and its export ask of a tokenizer, be it of words or of word pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from tfkd.text.encoded_texts import EncodedTexts
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.text.piece_vocabulary import PieceVocabulary
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer


class TokenVocabulary(Protocol):
    """Tokens and their ids."""

    @property
    def words(self) -> tuple[str, ...]:
        """The token of each id."""

    @property
    def ids(self) -> Mapping[str, int]:
        """The id of each spelling."""

    @property
    def indispensable(self) -> list[int]:
        """The ids without which texts couldn't be read."""

    def __len__(self) -> int:
        """The number of ids."""

    def to_lines(self) -> Iterable[str]:
        """Returns MediaPipe's vocabulary file, line by line without line ends."""


class Tokenizer(Protocol):
    """Raw texts to the ids of their tokens."""

    @property
    def name(self) -> str:
        """What the flag --tokenizer calls its kind."""

    @property
    def vocabulary(self) -> TokenVocabulary:
        """Its tokens."""

    @property
    def instead(self) -> EncodedTexts:
        """What each token of the vocabulary would be read as if the vocabulary lacked it."""

    def encode(self, texts: Sequence[str] | pa.Array, masked: bool = False) -> EncodedTexts:
        """Returns the ids of each text's tokens; `masked` texts have MASK_MARKER in the place of words."""

    def keeping(self, ids: Iterable[int]) -> Tokenizer:
        """Returns the tokenizer of these ids alone, numbered anew in this order."""


def tokenizer_of(name: str, vocabulary_lines: Iterable[str], delimiter_regex: str | None) -> Tokenizer:
    """Returns the tokenizer of a vocabulary file.

    Args:
      name: "words" or "pieces".
      vocabulary_lines: what its vocabulary's `to_lines` gave.
      delimiter_regex: of words.

    Raises:
      ValueError: there is no such kind of tokenizer, or the vocabulary is none of its kind.
    """
    if name == PieceTokenizer.name:
        return PieceTokenizer(PieceVocabulary.from_lines(vocabulary_lines))
    if name == WordTokenizer.name and delimiter_regex is not None:
        return WordTokenizer(Vocabulary.from_lines(vocabulary_lines), delimiter_regex)
    raise ValueError(f"no such tokenizer: {name}")
