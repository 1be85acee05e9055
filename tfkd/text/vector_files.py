"""Word vectors from files: word2vec's binary, and the text of GloVe, fastText and word2vec; plain or gzipped.

A file is read once from end to end, and only the rows of a vocabulary's words are kept.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from tfkd.errors import InputError
from tfkd.progress import progress_bar
from tfkd.text.tokenizer import TokenVocabulary
from tfkd.text.vocabulary import SPECIAL_IDS, normalized

_CHUNK = 1 << 20
# No word or line is longer; what is, is of another kind.
_MAX_LINE = 1 << 20
# How files of other kinds begin, whatever they are named.
_OTHER_KINDS = {
    b"\x1f\x8b": "is gzipped; add .gz to its name",
    b"PK\x03\x04": "is a zip archive; unpack it",
    (793712314).to_bytes(4, "little"): "is fastText's own model; take its .vec",
}
_NUMERALS = b"0123456789.+-eE \n"


@dataclass(frozen=True)
class FileVectors:
    """What a file knows of a vocabulary.

    Attributes:
      vectors: float32 [vocabulary, width of the file]; rows of words that it lacks are zero.
      found: bool [vocabulary], which words it has.
      notes: coverage, duplicates and bad rows, for the user.
    """

    vectors: np.ndarray
    found: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """A word of the file and where it stands; its numbers are read only if they are wanted.

    The last line of a file that was cut off in it may have all its numbers, and the last of them be wrong.
    """

    place: str
    word: bytes
    numbers: Callable[[], np.ndarray]
    is_whole: bool = True


def read_vectors(path: str | Path, vocabulary: TokenVocabulary) -> FileVectors:
    """Returns the vectors that a file has for a vocabulary's words.

    A word's vector is that of its normalized spelling (lower case, no accents), else of the
    first of its other spellings in the file. Rows that aren't UTF-8, whose numbers
    aren't finite or whose line has no end are counted and left out.

    Args:
      path: `.bin` (word2vec's binary), `.txt` or `.vec` (text, with or without a first line of
        "words width"); `.gz` may follow.
      vocabulary: the words wanted.

    Raises:
      InputError: the file is missing, truncated, of mixed widths, of another kind than its name says, or has
        none of the words.
    """
    path = Path(path)
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind not in (".bin", ".txt", ".vec"):
        raise InputError(f"{path}: expected .bin (word2vec's binary), .txt or .vec (text), with or without .gz")
    try:
        with open(path, "rb") as raw, progress_bar(path.stat().st_size, "word vectors", unit="bytes") as bar:
            stream: Any = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            for beginning, problem in _OTHER_KINDS.items():
                if stream.peek(len(beginning)).startswith(beginning):
                    raise InputError(f"{path}: {problem}")
            entries = _binary_entries(stream, path) if kind == ".bin" else _text_entries(stream, path)
            return _collected(entries, vocabulary, path, lambda: bar.update(raw.tell() - bar.n))
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise InputError(f"{path}: truncated, or not gzipped: {e}; fetch it again") from e
    except OSError as e:
        raise InputError(f"{path}: can't be read: {e.strerror or e}") from e


def _collected(
    entries: Iterator[_Entry], vocabulary: TokenVocabulary, path: Path, tick: Callable[[], object]
) -> FileVectors:
    special = set(SPECIAL_IDS.values())
    id_of = {word: i for i, word in enumerate(vocabulary.words) if i not in special}
    table: np.ndarray | None = None  # made with the first vector, which tells the width
    found, exact = np.zeros((2, len(vocabulary)), bool)  # exact: by the normalized spelling itself
    seen: set[str] = set()
    duplicates = bad = 0
    first_bad = ""
    for number, entry in enumerate(entries):
        if number % 10_000 == 0:
            tick()
        if not entry.is_whole:
            bad, first_bad = bad + 1, first_bad or f"{entry.place}: has no line end, and may be cut off"
            continue
        try:
            spelling = entry.word.decode("utf-8")
        except UnicodeDecodeError:
            bad, first_bad = bad + 1, first_bad or f"{entry.place}: its word isn't UTF-8"
            continue
        i = id_of.get(spelling)
        is_exact = i is not None
        if i is None:
            i = vocabulary.ids[spelling] if spelling in vocabulary.ids else id_of.get(normalized(spelling))
        if i is None or i in special:
            continue
        duplicates += spelling in seen
        if spelling not in seen and (not found[i] or (is_exact and not exact[i])):
            try:
                vector = entry.numbers()
            except ValueError:
                bad, first_bad = bad + 1, first_bad or f"{entry.place}: has something that is no number"
                continue
            if not np.isfinite(vector).all():
                bad, first_bad = bad + 1, first_bad or f"{entry.place}: has a number that isn't finite"
                continue
            if table is None:
                table = np.zeros((len(vocabulary), len(vector)), np.float32)
            table[i], found[i], exact[i] = vector, True, is_exact
        seen.add(spelling)
    tick()
    if table is None:
        raise InputError(f"{path}: has none of the vocabulary's {len(id_of):,} words; is it of the same language?")
    notes = [f"{path}: has {found.sum():,} of {len(id_of):,} words ({found.sum() / len(id_of):.1%})"]
    if duplicates:
        notes.append(f"{path}: {duplicates:,} rows repeat a word; the first of each was taken")
    if bad:
        notes.append(f"{path}: {bad:,} rows left out; the first: {first_bad}")
    return FileVectors(table, found, tuple(notes))


def _text_entries(stream: IO[bytes], path: Path) -> Iterator[_Entry]:
    """Yields the rows of "word number number ..."."""
    rows = width = None
    found = 0
    for number, whole in enumerate(iter(lambda: stream.readline(_MAX_LINE), b""), start=1):
        if len(whole) == _MAX_LINE:
            raise InputError(f"{path}: line {number} is over {_MAX_LINE:,} bytes; expected a word and its numbers")
        line = whole.strip(b" \t\r\n")
        if number == 1 and (header := _header(line)):
            rows, width = header
            continue
        if not line:
            continue
        spaces = line.count(b" ")
        width = width or spaces
        word, _, rest = line.partition(b" ")
        too_few = not width or spaces < width
        too_many = spaces > width and _are_numbers(rest.split(b" ")[: spaces - width])
        is_whole = whole.endswith(b"\n")
        if too_few and not is_whole and (found or _is_text(line)):
            raise InputError(f"{path}: truncated in line {number}; fetch it again")
        if too_few or too_many or (b"\t" in line and not found):
            raise InputError(f"{path}: line {number} {_misfit(line, spaces, width)}")
        found += 1
        if spaces == width:  # else a word with spaces in it, which is none of ours
            yield _Entry(f"line {number}", word, functools.partial(_from_text, rest), is_whole)
    if rows is not None and found < rows:
        raise InputError(f"{path}: truncated: {found:,} rows; its first line says {rows:,}; fetch it again")
    if not found:
        raise InputError(f"{path}: has no rows")


def _binary_entries(stream: IO[bytes], path: Path) -> Iterator[_Entry]:
    """Yields the rows of a word, a space and its little-endian float32s."""
    header = _header(stream.readline(_MAX_LINE).strip())
    if not header:
        raise InputError(f"{path}: its first line isn't word2vec's 'words width'; if it is text, name it .txt or .vec")
    rows, width = header
    size, buffer, start = 4 * width, b"", 0
    for row in range(1, rows + 1):
        while (space := buffer.find(b" ", start)) < 0 or len(buffer) < space + 1 + size:
            if space < 0 and len(buffer) - start > _MAX_LINE:
                raise InputError(f"{path}: row {row} has no end of its word; it is damaged")
            more = stream.read(_CHUNK)
            if not more:
                raise InputError(f"{path}: truncated in row {row:,} of {rows:,}; fetch it again")
            buffer, start = buffer[start:] + more, 0
        word, body = buffer[start:space].lstrip(b"\n"), buffer[space + 1 : space + 1 + size]
        start = space + 1 + size
        if row == 1 and not body.strip(_NUMERALS):
            raise InputError(f"{path}: is text; name it .vec")
        yield _Entry(f"row {row}", word, functools.partial(_from_binary, body))


def _from_text(numbers: bytes) -> np.ndarray:
    return np.array(numbers.split(b" "), np.float32)


def _from_binary(numbers: bytes) -> np.ndarray:
    return np.frombuffer(numbers, "<f4").astype(np.float32)


def _misfit(line: bytes, numbers: int, width: int) -> str:
    """Returns what is wrong with a line of another width."""
    if not _is_text(line):
        return "isn't a word and its numbers; if it is word2vec's binary, name it .bin"
    if b"\t" in line:
        return "has tabs; expected a word and its numbers, separated by single spaces"
    return f"has {numbers} numbers; expected {f'{width}, as before' if width else 'some, separated by spaces'}"


def _is_text(line: bytes) -> bool:
    try:
        return line.replace(b"\t", b" ").decode().isprintable()
    except UnicodeDecodeError:
        return False


def _header(line: bytes) -> tuple[int, int] | None:
    """Returns the numbers of "words width", or None if a line is none."""
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 16 for part in parts):
        return None
    rows, width = map(int, parts)
    return (rows, width) if 0 < width <= _MAX_LINE // 4 else None


def _are_numbers(parts: list[bytes]) -> bool:
    try:
        return bool([float(part) for part in parts])
    except ValueError:
        return False
