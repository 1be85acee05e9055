"""The student's vocabulary: spellings to ids, several spellings to one id.

MediaPipe doesn't lowercase, so the vocabulary does: `movie`, `Movie` and
`MOVIE` are entries of their own that share an id. The file is MediaPipe's,
`token id` a line.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PAD_ID, UNKNOWN_ID, MASK_ID = 0, 1, 2
PAD_TOKEN, UNKNOWN_TOKEN = "<PAD>", "<UNKNOWN>"  # the names that MediaPipe looks for
MASK_MARKER = "[MASK]"  # as BERT's tokenizer knows it, and as augmented text holds it
# What is left of the marker when a delimiter expression drops its brackets,
# and the marker itself for one that keeps them.
MASK_SPELLINGS = (MASK_MARKER, "MASK")
START_TOKEN = "<START>"  # where the vocabulary has it MediaPipe writes it before every text: never a word
SPECIAL_IDS = {PAD_TOKEN: PAD_ID, UNKNOWN_TOKEN: UNKNOWN_ID} | dict.fromkeys(MASK_SPELLINGS, MASK_ID)
_NO_WORDS = {*SPECIAL_IDS, START_TOKEN}


def normalized(word: str) -> str:
    """Returns the word in lower case without accents, as uncased BERT reads it."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn") or word


@dataclass(frozen=True)
class Vocabulary:
    """Spellings and their ids.

    Attributes:
      ids: id by spelling, the special ones included.
      words: the normalized word of each id; `words[id]`.
    """

    ids: Mapping[str, int]
    words: tuple[str, ...]

    def __len__(self) -> int:
        """The number of ids, which is the number of rows of the embedding table."""
        return len(self.words)

    @property
    def indispensable(self) -> list[int]:
        """The ids that are no words."""
        return sorted(set(SPECIAL_IDS.values()))

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_size: int, further: Sequence[str] = ()) -> Vocabulary:
        """Returns the vocabulary of the most frequent words, filled up with further ones.

        Args:
          counts: how often each spelling occurs.
          max_size: number of ids at most, the three special ones included.
          further: spellings to fill it up with, the most wanted first.
        """
        totals: Counter[str] = Counter()
        for spelling, count in counts.items():
            if _can_be_word(spelling):
                totals[normalized(spelling)] += count
        frequent = sorted(totals, key=lambda w: (-totals[w], w))
        wanted = dict.fromkeys([*frequent, *(normalized(spelling) for spelling in further if _can_be_word(spelling))])
        room = max(max_size - len(set(SPECIAL_IDS.values())), 0)
        words = (PAD_TOKEN, UNKNOWN_TOKEN, MASK_MARKER, *itertools.islice(wanted, room))
        id_of = {word: i for i, word in enumerate(words) if i > MASK_ID}
        ids = dict(SPECIAL_IDS)
        for spelling in sorted({*counts, *further}):
            if (i := id_of.get(normalized(spelling))) is not None:
                for variant in _case_variants(spelling):
                    if _can_be_word(variant) and id_of.get(normalized(variant)) == i:
                        ids[variant] = i
        return cls(ids=ids, words=words)

    def keeping(self, words: Iterable[int]) -> Vocabulary:
        """Returns the vocabulary of these ids alone, numbered anew in this order; the special ones come first."""
        number = {int(old): new for new, old in enumerate(words)}
        return Vocabulary(
            ids={spelling: number[i] for spelling, i in self.ids.items() if i in number},
            words=tuple(self.words[i] for i in number),
        )

    def to_lines(self) -> Iterable[str]:
        """Returns MediaPipe's vocabulary file, line by line without line ends."""
        return (f"{spelling} {i}" for spelling, i in self.ids.items())

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Vocabulary:
        """Reads what `to_lines` wrote.

        Raises:
          ValueError: a line isn't `token id`, the ids leave a gap, or `<PAD>` and `<UNKNOWN>` aren't the first two.
        """
        ids: dict[str, int] = {}
        words: dict[int, str] = {}
        for number, line in enumerate(lines, start=1):
            spelling, _, i = line.rpartition(" ")
            if not spelling or not i.isdecimal():
                raise ValueError(f"line {number} of the vocabulary is {line!r}, not 'token id'")
            ids[spelling] = int(i)
            if spelling in SPECIAL_IDS:
                words[int(i)] = MASK_MARKER if int(i) == MASK_ID else spelling
            else:
                words.setdefault(int(i), normalized(spelling))
        if sorted(words) != list(range(len(words))):
            raise ValueError("the vocabulary's ids leave a gap")
        for token, expected in ((PAD_TOKEN, PAD_ID), (UNKNOWN_TOKEN, UNKNOWN_ID)):
            if ids.get(token) != expected:
                raise ValueError(f"{token} is {ids.get(token, 'not there')} in the vocabulary; expected {expected}")
        return cls(ids=ids, words=tuple(words[i] for i in range(len(words))))


def _can_be_word(spelling: str) -> bool:
    return spelling not in _NO_WORDS and not any(c.isspace() for c in spelling)


def _case_variants(spelling: str) -> tuple[str, ...]:
    """The spelling as it is, and as a sentence's start, a shout or a plain text would have it."""
    lower = spelling.lower()
    return (spelling, lower, lower[:1].upper() + lower[1:], spelling.upper())
