"""Tables of text files: TSV, CSV, JSONL and Parquet, read row by row.

A file that can't be read at all raises; a row that can't be used comes as a
`Reject` with its line and reason, so that the caller can count and keep it.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TextIO, cast

from tfkd.errors import InputError, UsageError

# As much as csv takes in one field: more is no sentence, but a file of another
# kind or a quote that was never closed.
MAX_LINE_CHARS = 131_072
_EXCERPT_CHARS = 80
# Half a surrogate pair (JSON can hold one) can't be written as UTF-8 again.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_PARQUET_BATCH_ROWS = 4096
_LOOKED_AT_ROWS = 1000


@dataclass(frozen=True)
class Row:
    """The wanted cells of one row; `line` counts from 1, as an editor does."""

    line: int
    cells: tuple[Any, ...]


@dataclass(frozen=True)
class Reject:
    """A row that can't be used, and why."""

    file: str
    line: int
    reason: str
    excerpt: str


class Table(Protocol):
    """Named columns, and rows that are read when asked for.

    Attributes:
      name: what messages call it: a path, or such as "tfds:glue/sst2 train".
      unit: what `Row.line` counts: "line" or "row".
      has_header: whether its first line names the columns.
      columns: the names of the columns, in order.
      label_names: names of the labels 0, 1, ... if the source itself fixes them.
      note: what a user should hear of how it is read; mostly "".
    """

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def has_header(self) -> bool: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def label_names(self) -> tuple[str, ...]: ...

    @property
    def note(self) -> str: ...

    def rows(self, wanted: Sequence[str]) -> Iterator[Row | Reject]:
        """Yields the cells of the `wanted` columns, row by row."""
        ...


def open_table(path: str | Path, encoding: str = "utf-8", quoting: str = "auto") -> Table:
    """Returns the table in a file, its kind told by the suffix (.gz may follow).

    Args:
      path: a .tsv, .csv, .jsonl, .ndjson or .parquet file, with a header line
        (TSV, CSV) or its columns as keys of the objects (JSONL). A CSV whose header
        has no comma but semicolons, as spreadsheets write it where the comma is
        the decimal point, is separated by these.
      encoding: of text files; "utf-8" takes a byte order mark too.
      quoting: "yes" if fields may be quoted, "no" if a quote is text, "auto":
        CSV yes, TSV no.

    Raises:
      InputError: the file is missing, empty, of an unknown kind, or its header
        can't be read.
      UsageError: there is no such encoding.
    """
    path = Path(path)
    kind = suffix_of(path)
    if is_folder(path):
        raise InputError(f"{path}: is a folder, expected a file")
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    if not kind:
        advice = "; save it as CSV, in UTF-8" if path.suffix.lower() in _OF_SPREADSHEETS else ""
        raise InputError(f"{path}: unknown kind of file, expected one of {', '.join(SUFFIXES)}{advice}")
    if kind == ".parquet":
        return _open_parquet(path)
    source = _TextSource(path, _known_encoding(encoding))
    if kind in (".jsonl", ".ndjson"):
        return _open_json_lines(source)
    quoted = quoting == "yes" or (quoting == "auto" and kind == ".csv")
    table = _open_delimited(source, "," if kind == ".csv" else "\t", quoted)
    if quoting == "auto" and not quoted:
        table = dataclasses.replace(table, note=_note_on_quotes(table))
    return table


def is_folder(path: Path) -> bool:
    """Returns whether `path` is a folder.

    Raises:
      InputError: the path can't be looked at (a name too long, no permission).
    """
    try:
        return path.is_dir()
    except OSError as e:
        raise InputError(f"{str(path)[:_EXCERPT_CHARS]}: can't be looked at: {e.strerror}") from e


SUFFIXES = (".tsv", ".csv", ".jsonl", ".ndjson", ".parquet")
_OF_SPREADSHEETS = (".xlsx", ".xls", ".ods")


def suffix_of(path: Path) -> str:
    """Returns which of SUFFIXES tells the kind of a file ("" if none); .gz may follow, but for Parquet."""
    name = path.name.lower()
    kind = Path(name.removesuffix(".gz")).suffix
    if kind not in SUFFIXES or (kind == ".parquet" and name.endswith(".gz")):
        return ""
    return kind


def text_fault(text: object) -> str:
    """Returns why `text` can't be an example's text, or "" if it can."""
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return f"the text is of type {type(text).__name__}, expected a string"
    if not text.strip():
        return "empty text"
    if len(text) > MAX_LINE_CHARS:
        return f"a text of {len(text):,} characters, at most {MAX_LINE_CHARS:,} are taken"
    if unusable := unusable_in(text):
        return f"{unusable} in the text"
    return ""


def unusable_in(text: str) -> str:
    """Returns what `text` holds that can't be written to a file as text; "" if nothing."""
    found = _UNUSABLE.search(text)
    return "" if found is None else "a NUL" if found[0] == "\0" else "half a surrogate pair"


def excerpt_of(cells: Sequence[object]) -> str:
    """Returns the start of a row, printable and encodable, for a message or the rejects file."""
    line = "\t".join("" if cell is None else str(cell)[:_EXCERPT_CHARS] for cell in cells)
    return line[:_EXCERPT_CHARS].encode("utf-8", "backslashreplace").decode("utf-8")


# --- text files -------------------------------------------------------------


def _known_encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)  # refuses codecs that aren't of text, such as base64
    except (LookupError, UnicodeError) as e:
        raise UsageError(
            f"--encoding={encoding}: there is no such text encoding; utf-8 or latin-1, for instance"
        ) from e
    return "utf-8-sig" if name == "utf-8" else name


class _BoundedLines:
    """Lines of a stream. One over MAX_LINE_CHARS is given as an empty line, its number kept in `overlong`.

    However long a line is, no more than the bound is held in memory.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.number = 0
        self.overlong = 0

    def __iter__(self) -> _BoundedLines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE_CHARS + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) <= MAX_LINE_CHARS or line.endswith("\n"):
            return line
        while (rest := self._stream.readline(MAX_LINE_CHARS)) and not rest.endswith(("\n", "\r")):
            pass
        self.overlong = self.number
        return "\n"


@dataclass(frozen=True)
class _TextSource:
    """A text file, perhaps gzipped, whose faults become InputErrors."""

    path: Path
    encoding: str

    def lines(self, newline: str) -> Iterator[tuple[int, str | None]]:
        """Yields (number, line without its end); None for one over MAX_LINE_CHARS."""
        with self.open(newline) as lines:
            for line in lines:
                overlong = lines.overlong == lines.number
                yield lines.number, None if overlong else line.removesuffix("\n").removesuffix("\r")

    def open(self, newline: str) -> _OpenLines:
        return _OpenLines(self, newline)

    def binary(self) -> IO[bytes]:
        if self.path.name.lower().endswith(".gz"):
            return cast(IO[bytes], gzip.open(self.path, "rb"))
        return open(self.path, "rb")

    def undecodable(self) -> str:
        """Returns what to say of the first bytes that aren't in the encoding.

        The decoder of a text stream knows its place only within a chunk, so the
        file is read once more, which costs nothing unless there is a fault.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)()
        spoken = "UTF-8" if self.encoding == "utf-8-sig" else self.encoding
        read_bytes, line = 0, 1
        with self.binary() as f:
            while True:
                chunk = f.read(1 << 20)
                read_bytes += len(chunk)
                try:
                    line += decoder.decode(chunk, final=not chunk).count("\n")
                except UnicodeDecodeError as e:
                    line += e.object[: e.start].count(b"\n")
                    offset = read_bytes - len(e.object) + e.start
                    return (
                        f"line {line}: byte {offset:,} of the file (0x{e.object[e.start]:02x}) isn't {spoken}; "
                        f"say what it is in with --encoding, such as --encoding={self._likely_encoding()}"
                    )
                except UnicodeError as e:  # of codecs that don't say where, such as UTF-16 without its mark
                    return f"isn't {spoken} ({e}); say what it is in with --encoding"
                if not chunk:
                    return f"isn't {spoken}; say what it is in with --encoding"

    def _likely_encoding(self) -> str:
        """What a file that isn't UTF-8 is most likely in: with a mark at its start UTF-16, else old Windows' own."""
        with self.binary() as f:
            return "utf-16" if f.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "cp1252"


class _OpenLines:
    """A context manager: the bounded lines of a text source, faults as InputErrors."""

    def __init__(self, source: _TextSource, newline: str) -> None:
        self._source = source
        self._newline = newline
        self._stream: TextIO | None = None

    def __enter__(self) -> _BoundedLines:
        path, encoding = self._source.path, self._source.encoding
        try:
            if path.name.lower().endswith(".gz"):
                self._stream = cast(TextIO, gzip.open(path, "rt", encoding=encoding, newline=self._newline))
            else:
                self._stream = open(path, encoding=encoding, newline=self._newline)
        except OSError as e:
            raise InputError(f"{path}: can't be read: {e.strerror or e}") from e
        return _BoundedLines(self._stream)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._stream is not None:
            self._stream.close()
        path = self._source.path
        if isinstance(error, UnicodeError):
            raise InputError(f"{path}: {self._source.undecodable()}") from error
        if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)):
            raise InputError(f"{path}: isn't a whole gzip file: {error}") from error
        if isinstance(error, OSError):
            raise InputError(f"{path}: can't be read: {error.strerror or error}") from error


_OVERLONG = f"a line of more than {MAX_LINE_CHARS:,} characters"
# The reason of a Reject that holds nothing at all.
EMPTY_LINE = "empty line"


def _without_trailing_blanks(records: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Drops the blank records ([]) after the last one that isn't: they are how a file ends, not rows."""
    blanks: list[tuple[int, Any]] = []
    for record in records:
        if record[1] == []:
            blanks.append(record)
            continue
        yield from blanks
        blanks.clear()
        yield record


@dataclass(frozen=True)
class _DelimitedTable:
    """TSV or CSV with a header line."""

    source: _TextSource
    delimiter: str
    quoted: bool
    columns: tuple[str, ...] = ()
    unit: str = "line"
    has_header: bool = True
    label_names: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        return str(self.source.path)

    def rows(self, wanted: Sequence[str]) -> Iterator[Row | Reject]:
        places = [self.columns.index(column) for column in wanted]
        width = len(self.columns)
        for line, cells in itertools.islice(self.records(), 1, None):
            if isinstance(cells, str):
                yield Reject(self.name, line, cells, "")
            elif not any(cells):
                yield Reject(self.name, line, EMPTY_LINE, "")
            elif len(cells) != width:
                found = f"{len(cells)} field{'s' * (len(cells) != 1)}"
                yield Reject(self.name, line, f"{found}, expected {width} columns", excerpt_of(cells))
            else:
                yield Row(line, tuple(cells[place] for place in places))

    def records(self) -> Iterator[tuple[int, list[str] | str]]:
        """Yields (line, fields), the header's too; in place of fields the reason why there are none."""
        return _without_trailing_blanks(self._quoted() if self.quoted else self._unquoted())

    def _unquoted(self) -> Iterator[tuple[int, list[str] | str]]:
        # Only \n ends a line here: other line ends within a text are the text's.
        for number, line in self.source.lines(newline="\n"):
            if line is None:
                yield number, _OVERLONG
            else:
                yield number, line.split(self.delimiter) if line else []

    def _quoted(self) -> Iterator[tuple[int, list[str] | str]]:
        with self.source.open(newline="") as lines:
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True)
            while True:
                first = lines.number + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as e:
                    yield first, _OVERLONG if "field limit" in str(e) else f"wrongly quoted ({e})"
                    for lost in range(first + 1, lines.number + 1):
                        yield lost, f"lost to the quote of line {first}"
                else:
                    yield first, _OVERLONG if lines.overlong >= first else cells


def _open_delimited(source: _TextSource, delimiter: str, quoted: bool) -> _DelimitedTable:
    table = _DelimitedTable(source, delimiter, quoted)
    first = next(table.records(), None)
    if delimiter == "," and first is not None and len(first[1]) == 1 and ";" in first[1][0]:
        table = dataclasses.replace(table, delimiter=";", note="separated by semicolons, as its header is")
        first = next(table.records(), None)
    if first is None:
        raise InputError(f"{source.path}: is empty, expected a header line and rows")
    line, header = first
    if isinstance(header, str) or not any(name.strip() for name in header):
        fault = header if isinstance(header, str) else EMPTY_LINE
        raise InputError(f"{source.path}: line {line}: {fault}, expected a header with the names of the columns")
    if any("\0" in name for name in header):
        raise InputError(
            f"{source.path}: line {line}: NULs in the header, expected names of columns; "
            "if it is UTF-16, say --encoding=utf-16"
        )
    return dataclasses.replace(table, columns=tuple(name.strip() for name in header))


def _note_on_quotes(table: _DelimitedTable) -> str:
    """What to say of fields that look as if a spreadsheet, or pandas, had put them in quotes, and doubled theirs."""
    looked_at = itertools.islice(table.records(), 1, 1 + _LOOKED_AT_ROWS)
    rows = [cells for _, cells in looked_at if isinstance(cells, list)]
    quoted = sum(any(map(_looks_quoted, cells)) for cells in rows)
    return (
        f"{quoted:,} of the first {len(rows):,} rows hold a field in quotes with doubled ones inside, which are read "
        "as they stand; if they only enclose fields, say --quoting=yes"
    ) * bool(quoted)


def _looks_quoted(cell: str) -> bool:
    return len(cell) > 3 and cell[0] == cell[-1] == '"' and '""' in cell[1:-1]


@dataclass(frozen=True)
class _JsonLinesTable:
    """One JSON object a line."""

    source: _TextSource
    columns: tuple[str, ...]
    unit: str = "line"
    has_header: bool = False
    label_names: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        return str(self.source.path)

    def rows(self, wanted: Sequence[str]) -> Iterator[Row | Reject]:
        for line, found, text in _json_objects(self.source):
            if isinstance(found, str):
                yield Reject(self.name, line, found, excerpt_of([text]))
            else:
                yield Row(line, tuple(found.get(column) for column in wanted))


def _json_objects(source: _TextSource) -> Iterator[tuple[int, dict[str, Any] | str, str]]:
    """Yields (line, object or the reason why there is none, the line itself)."""
    lines: Iterator[tuple[int, Any]] = (
        (number, [] if line is not None and not line.strip() else line) for number, line in source.lines("\n")
    )
    for number, line in _without_trailing_blanks(lines):
        if line is None:
            yield number, _OVERLONG, ""
        elif line == []:
            yield number, EMPTY_LINE, ""
        else:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as e:
                yield number, f"isn't JSON ({e})", line
            else:
                yield number, value if isinstance(value, dict) else "isn't a JSON object", line


def _open_json_lines(source: _TextSource) -> Table:
    first = next(_json_objects(source), None)
    if first is None:
        raise InputError(f"{source.path}: is empty, expected a JSON object a line")
    line, found, _ = first
    if isinstance(found, str):
        raise InputError(f"{source.path}: line {line}: {found}, expected a JSON object a line")
    # An exporter may leave out what is null, and the first labelled row may stand behind all others.
    columns = dict.fromkeys(key for _, value, _ in _json_objects(source) if isinstance(value, dict) for key in value)
    return _JsonLinesTable(source, tuple(columns))


# --- Parquet ----------------------------------------------------------------


@dataclass(frozen=True)
class _ParquetTable:
    """A Parquet file, read batch by batch; rows count from 1."""

    path: Path
    columns: tuple[str, ...]
    unit: str = "row"
    has_header: bool = False
    label_names: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        return str(self.path)

    def rows(self, wanted: Sequence[str]) -> Iterator[Row | Reject]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        number = 0
        try:
            with pq.ParquetFile(self.path) as f:
                for batch in f.iter_batches(_PARQUET_BATCH_ROWS, columns=list(wanted)):
                    columns = [_cells(batch.column(name)) for name in wanted]
                    for cells in zip(*columns, strict=True):
                        number += 1
                        yield Row(number, cells)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
            raise InputError(f"{self.path}: can't be read after row {number:,}: {_one_line(e)}") from e


def _cells(column: Any) -> Sequence[Any]:
    """The cells of Arrow's column as Python has them; of one that Python can't have (nanoseconds, say) its type."""
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return [column.type] * len(column)


def _open_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty, expected a Parquet file")
    try:
        columns = tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: isn't a Parquet file: {_one_line(e)}") from e
    return _ParquetTable(path, columns)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
