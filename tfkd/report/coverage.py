"""How much of the dev texts a student reads: what is cut off, what it doesn't know."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfkd.config import MOST_UNROLLED_STEPS, ExportConfig, TeacherConfig
from tfkd.text.encoded_texts import longest
from tfkd.text.piece_tokenizer import split_at_punctuation
from tfkd.text.tokenizer import Tokenizer
from tfkd.text.vocabulary import UNKNOWN_ID
from tfkd.text.word_tokenizer import WordTokenizer, split_words

_SHOWN_WORDS = 12
# Of --max_tokens: what is proposed has a tenth more than nearly all dev texts need, in steps of four; when much would
# be saved, or many texts are cut, it is.
_ROOM, _STEP = 1.1, 4
_MUCH_SHORTER, _MUCH_TRUNCATED = 0.75, 0.05


@dataclass(frozen=True)
class Coverage:
    """What a student reads of many texts.

    Attributes:
      tokens_are: "words" or "pieces", as --tokenizer has it.
      rows: texts, or pairs.
      max_tokens: tokens that it reads of a text.
      truncated: rows with a text of more tokens.
      median_tokens, p95_tokens, p995_tokens, most_tokens: of each row's longest text.
      words: all occurrences of words, and of signs if tokens are pieces.
      unknown: of these the ones that are read, in whole, as unknown.
      split: of these the ones that are read as several pieces.
      rows_with_unknown: rows with at least one unknown word.
      most_unknown: the most frequent of the unknown words, and how often they occur.
    """

    tokens_are: str
    rows: int
    max_tokens: int
    truncated: int
    median_tokens: float
    p95_tokens: float
    p995_tokens: float
    most_tokens: int
    words: int
    unknown: int
    split: int
    rows_with_unknown: int
    most_unknown: tuple[tuple[str, int], ...]

    @property
    def truncated_share(self) -> float:
        """Share of the rows that are cut."""
        return self.truncated / self.rows

    @property
    def unknown_share(self) -> float:
        """Share of the words that are read as unknown."""
        return self.unknown / self.words if self.words else 0.0

    @property
    def split_share(self) -> float:
        """Share of the words that are read as several pieces."""
        return self.split / self.words if self.words else 0.0


def long_texts(columns: Sequence[Sequence[str]], texts: str, max_tokens: int, max_pieces: int) -> str:
    """Returns a line on texts of which much isn't read, "" if they are few: before there is a tokenizer to count by.

    A text has about as many words as stand between its blanks, and more pieces.

    Args:
      columns: the dev texts, and of pairs the second ones.
      texts: what they are, "sentences" or "pairs".
      max_tokens: tokens that the file is to read of a text.
      max_pieces: word pieces that teacher and student learn from.
    """
    longest_of_rows = [max(len(text.split()) for text in row) for row in zip(*columns, strict=True)]
    long = sum(words > max_tokens for words in longest_of_rows)
    if long <= _MUCH_TRUNCATED * len(longest_of_rows):
        return ""
    return (
        f"{long:,} of {len(longest_of_rows):,} dev {texts} have more than {max_tokens} words, which is all that the "
        f"file is to read of a text (--max_tokens); teacher and student learn from {max_pieces} (--max_pieces)"
    )


def length_hint(read: Coverage, texts: str, config: ExportConfig) -> str:
    """Returns a line on a --max_tokens that would do better; "" if there is none.

    Args:
      read: how much of dev the file reads.
      texts: what dev is of, "sentences" or "pairs".
      config: how the file was made.
    """
    unrolled = config.is_straight_line  # it takes as many steps as it reads tokens, however short a text is
    enough = _STEP * math.ceil(_ROOM * read.p995_tokens / _STEP)
    if read.truncated_share > _MUCH_TRUNCATED:
        proposed = min(enough, MOST_UNROLLED_STEPS) if config.runtime == "mediapipe" else enough
        if proposed <= read.max_tokens:
            return ""
        as_it_is = proposed <= MOST_UNROLLED_STEPS or config.lowering == "while"
        longer = "" if as_it_is else "--lowering=while "
        much = "nearly all of them to their end" if proposed == enough else "as much of them as MediaPipe runs"
        costs = "; an unrolled file's time goes with it" if unrolled and as_it_is else ""
        learnt = "; teacher and student learn from --max_pieces of a text" * (proposed > TeacherConfig().max_pieces)
        return (
            f"{read.truncated:,} of {read.rows:,} dev {texts} have more than {read.max_tokens} {read.tokens_are}: "
            f"{longer}--max_tokens={proposed} would read {much}{costs}{learnt}"
        )
    if not unrolled or not read.p995_tokens or enough > _MUCH_SHORTER * read.max_tokens:
        return ""
    few = "no dev text has" if read.most_tokens <= read.p995_tokens else "fewer than 1 in 200 dev texts have"
    return (
        f"{few} more than {read.p995_tokens:.0f} of the {read.max_tokens} {read.tokens_are} that the file reads: "
        f"--max_tokens={enough} would make it faster, as an unrolled file's time goes with it"
    )


def coverage(tokenizer: Tokenizer, max_tokens: int, columns: Sequence[Sequence[str]]) -> Coverage:
    """Returns how much of these texts a student reads.

    Args:
      tokenizer: the student's.
      max_tokens: tokens it reads of a text.
      columns: the texts, and of pairs the second ones; at least one row.
    """
    encoded = [tokenizer.encode(texts) for texts in columns]
    tokens = longest(encoded)
    with_unknown = {row for e in encoded for row in np.repeat(np.arange(len(e)), e.lengths)[e.ids == UNKNOWN_ID]}
    counts = Counter(word for texts in columns for word in _words(tokenizer, texts))
    read = tokenizer.encode(list(counts))
    unknown, split = Counter[str](), 0
    for (word, count), start, end in zip(counts.items(), read.offsets[:-1], read.offsets[1:], strict=True):
        if UNKNOWN_ID in read.ids[start:end]:
            unknown[word] = count
        if end - start > 1:
            split += count
    return Coverage(
        tokens_are=tokenizer.name,
        rows=len(columns[0]),
        max_tokens=max_tokens,
        truncated=int((tokens > max_tokens).sum()),
        median_tokens=float(np.median(tokens)),
        p95_tokens=float(np.percentile(tokens, 95)),
        p995_tokens=float(np.percentile(tokens, 99.5, method="higher")),
        most_tokens=int(tokens.max()),
        words=counts.total(),
        unknown=unknown.total(),
        split=split,
        rows_with_unknown=len(with_unknown),
        most_unknown=tuple(unknown.most_common(_SHOWN_WORDS)),
    )


def _words(tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """Returns all words of the texts as the tokenizer looks them up, one after the other."""
    if isinstance(tokenizer, WordTokenizer):
        return split_words(texts, tokenizer.delimiter_regex).flatten().to_pylist()
    return split_at_punctuation(texts).flatten().to_pylist()
