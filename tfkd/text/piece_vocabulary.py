"""A vocabulary of word pieces in BERT's form: a piece a line, `##` before one that goes on with a word."""

from __future__ import annotations

import functools
import itertools
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfkd.text.vocabulary import MASK_MARKER

CLS_TOKEN, SEP_TOKEN = "[CLS]", "[SEP]"
# In the order of their ids, the first three of which are those of every vocabulary (see tfkd.text.vocabulary). The
# last two are for MediaPipe, which puts them around a text; students don't read them.
SPECIAL_PIECES = ("[PAD]", "[UNK]", MASK_MARKER, CLS_TOKEN, SEP_TOKEN)
INNER = "##"
# A longer word is [UNK], in UTF-8's bytes.
MAX_WORD_BYTES = 100

_CHARACTERS = (*string.ascii_lowercase, *string.digits, *string.punctuation)
# With these any word of ASCII letters and digits is made of pieces, if need be one by one.
_ALWAYS = (*_CHARACTERS, *(INNER + c for c in string.ascii_lowercase + string.digits))


@dataclass(frozen=True)
class PieceVocabulary:
    """Pieces and their ids.

    Attributes:
      words: the piece of each id; `words[id]`.
    """

    words: tuple[str, ...]

    def __len__(self) -> int:
        """The number of ids, which is the number of rows of the embedding table."""
        return len(self.words)

    @functools.cached_property
    def ids(self) -> Mapping[str, int]:
        """The id of each piece."""
        return {piece: i for i, piece in enumerate(self.words)}

    @functools.cached_property
    def indispensable(self) -> list[int]:
        """The ids without which texts couldn't be read: the special ones, ASCII's letters, digits and punctuation."""
        return [self.ids[piece] for piece in (*SPECIAL_PIECES, *_ALWAYS)]

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_size: int, further: Sequence[str] = ()) -> PieceVocabulary:
        """Returns the vocabulary of the indispensable pieces, the most frequent words, and further pieces.

        A frequent word is one piece, whatever its own pieces are.

        Args:
          counts: how often each word occurs, as `PieceTokenizer` splits them.
          max_size: number of ids at most, but the indispensable ones are always there.
          further: a BERT's vocabulary, the most wanted first.
        """
        frequent = sorted(counts, key=lambda w: (-counts[w], w))
        wanted = itertools.chain(frequent, (piece for piece in further if not _is_special(piece)))
        always = (*SPECIAL_PIECES, *_ALWAYS)
        pieces = dict.fromkeys(itertools.chain(always, (piece for piece in wanted if _can_be_line(piece))))
        return cls(tuple(itertools.islice(pieces, max(max_size, len(always)))))

    def keeping(self, ids: Iterable[int]) -> PieceVocabulary:
        """Returns the vocabulary of these ids alone, numbered anew in this order; the special ones come first."""
        return PieceVocabulary(tuple(self.words[i] for i in ids))

    def to_lines(self) -> Iterable[str]:
        """Returns BERT's vocabulary file, line by line without line ends."""
        return self.words

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> PieceVocabulary:
        """Reads what `to_lines` wrote.

        Raises:
          ValueError: a piece is there twice, or the special ones aren't the first.
        """
        words = tuple(lines)
        if words[: len(SPECIAL_PIECES)] != SPECIAL_PIECES:
            raise ValueError(f"the vocabulary doesn't begin with {', '.join(SPECIAL_PIECES)}")
        if len(set(words)) < len(words):
            raise ValueError("the vocabulary has a piece twice")
        return cls(words)


def _is_special(piece: str) -> bool:
    """Whether a line of a BERT's vocabulary is no text: [CLS], [unused7]."""
    return len(piece) > 2 and piece.startswith("[") and piece.endswith("]")


def _can_be_line(piece: str) -> bool:
    return (
        bool(piece)
        and len(piece.splitlines()) == 1
        and piece == piece.strip()
        and len(piece.encode()) <= MAX_WORD_BYTES
    )
