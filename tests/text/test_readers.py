"""Readers: what other programs wrote reads back the same; what can't be read is said with file and line."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfkd.errors import InputError, UsageError
from tfkd.text.readers import MAX_LINE_CHARS, Reject, Row, open_table, text_fault

# What a text file can hold: anything but NUL and halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30).filter(
    lambda text: text.strip()
)
# What unquoted TSV can hold in a cell: no tab, no line feed; a carriage return ends a line only before one.
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\n\r"), min_size=1, max_size=30).filter(
    lambda text: text.strip()
)
ROWS = st.lists(st.tuples(TEXT, st.sampled_from(["negative", "positive", "0", "1"])), min_size=1, max_size=20)
PROPERTY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, wanted=("text", "label"), **options) -> list[tuple]:
    rows = list(open_table(path, **options).rows(wanted))
    assert not any(isinstance(row, Reject) for row in rows), rows
    return [row.cells for row in rows if isinstance(row, Row)]


def faults(path: Path, wanted=("text", "label"), **options) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in open_table(path, **options).rows(wanted) if isinstance(row, Reject)]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def without_leading_spaces(rows: list[tuple]) -> list[tuple]:
    """Rows as a reader of quoted fields may give them, which passes over the spaces before a field."""
    return [(text.lstrip(" "), label) for text, label in rows]


# --- what another library wrote reads back the same -------------------------


@PROPERTY
@given(rows=ROWS)
@example(rows=[(" good", "1")])
def test_csv_reads_back(tmp_path, rows):
    path = tmp_path / "a.csv"
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([("text", "label"), *rows])
    assert without_leading_spaces(read(path)) == without_leading_spaces(rows)


@PROPERTY
@given(rows=ROWS)
@example(rows=[(" good", "1")])
def test_quoted_tsv_reads_back(tmp_path, rows):
    path = tmp_path / "a.tsv"
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f, delimiter="\t").writerows([("text", "label"), *rows])
    assert without_leading_spaces(read(path, quoting="yes")) == without_leading_spaces(rows)


@PROPERTY
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20), end=st.sampled_from(["\n", "\r\n"]))
def test_unquoted_tsv_reads_back(tmp_path, rows, end):
    path = tmp_path / "a.tsv"
    path.write_bytes(end.join("\t".join(row) for row in [("text", "label"), *rows]).encode())
    assert read(path) == rows


@PROPERTY
@given(rows=ROWS, ascii_only=st.booleans())
def test_jsonl_reads_back(tmp_path, rows, ascii_only):
    path = tmp_path / "a.jsonl"
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        for text, label in rows:
            f.write(json.dumps({"label": label, "text": text}, ensure_ascii=ascii_only) + "\n")
    assert read(path) == rows


@PROPERTY
@given(rows=ROWS, number=st.integers(-5, 5))
def test_parquet_reads_back(tmp_path, rows, number):
    path = tmp_path / "a.parquet"
    texts, names = zip(*rows, strict=True)
    columns = {
        "text": texts,
        "name": pa.array(names).dictionary_encode(),
        "label": pa.array([number] * len(rows), pa.int8()),
    }
    pq.write_table(pa.table(columns), path)
    assert read(path, ("text", "name", "label")) == [(text, name, number) for text, name in rows]


@PROPERTY
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["tsv", "csv", "jsonl", "parquet", "csv.gz"]))
def test_any_bytes_are_read_or_refused(tmp_path, content, suffix):
    path = write(tmp_path / f"a.{suffix}", content)
    message = ""
    try:
        table = open_table(path)
        rows = list(table.rows(table.columns[:1]))
        assert all(isinstance(row, Row | Reject) for row in rows)
    except InputError as e:
        message = str(e)
    assert message == "" or message.startswith(str(path))
    assert len(message.splitlines()) <= 1


# --- kinds of files ---------------------------------------------------------


def test_quote_is_text_in_glue_tsv_and_quoting_in_csv(tmp_path):
    assert read(write(tmp_path / "a.tsv", 'text\tlabel\n"so\t1\n')) == [('"so', "1")]
    assert read(write(tmp_path / "a.csv", 'text,label\n"so, so ""\nso",1\n')) == [('so, so "\nso', "1")]
    assert read(write(tmp_path / "b.csv", 'text,label\n"so,1\n'), quoting="no") == [('"so', "1")]


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_byte_order_mark_crlf_and_no_last_line_end(tmp_path, suffix):
    content = "text,label\r\ngood,1\r\nbad,0".replace(",", "," if suffix == "csv" else "\t")
    assert read(write(tmp_path / f"a.{suffix}", b"\xef\xbb\xbf" + content.encode())) == [("good", "1"), ("bad", "0")]


def test_csv_of_semicolons_where_the_header_has_no_comma(tmp_path):
    path = write(tmp_path / "a.csv", 'text;label\n"so; so, ""so""";1\n"it is 1,5";0\n')
    assert read(path) == [('so; so, "so"', "1"), ("it is 1,5", "0")]
    assert open_table(path).note == "separated by semicolons, as its header is"
    assert open_table(write(tmp_path / "b.csv", "text,label;\n")).columns == ("text", "label;")
    assert open_table(write(tmp_path / "d.tsv", "text;label\n")).note == ""


def test_jsonl_with_byte_order_mark_and_blank_end(tmp_path):
    path = write(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "good", "label": 1}\r\n{"label": 0}\n\n\n')
    assert read(path) == [("good", 1), (None, 0)]


def test_gzip(tmp_path):
    assert read(write(tmp_path / "a.tsv.gz", gzip.compress(b"text\tlabel\ngood\t1\n"))) == [("good", "1")]
    broken = write(tmp_path / "b.tsv.gz", gzip.compress(b"text\tlabel\n" + b"good\t1\n" * 999)[:40])
    with pytest.raises(InputError, match="gzip"):
        read(broken)


def test_other_encoding_by_flag_only(tmp_path):
    path = write(tmp_path / "a.tsv", "text\tlabel\ngood\t1\nna\u00efve\t0\n".encode("latin-1"))
    assert read(path, encoding="latin-1") == [("good", "1"), ("na\u00efve", "0")]
    # "text\tlabel\n" has 11 bytes, "good\t1\n" 7, "na" 2: the fault is at byte 20 of the file.
    with pytest.raises(InputError, match=r"a\.tsv: line 3: byte 20 of the file \(0xef\) isn't UTF-8.*--encoding"):
        read(path)


def test_the_likely_encoding_is_named(tmp_path):
    windows = write(tmp_path / "a.csv", "text,label\nit\u2019s good,1\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"\(0x92\) isn't UTF-8; .* --encoding=cp1252$"):
        read(windows)
    assert read(windows, encoding="cp1252") == [("it\u2019s good", "1")]
    with pytest.raises(InputError, match=r"\(0xff\) isn't UTF-8; .* --encoding=utf-16$"):
        open_table(write(tmp_path / "b.csv", "text,label\ngood,1\n".encode("utf-16")))


def test_quotes_that_a_spreadsheet_put_around_fields_of_a_tsv_are_noted(tmp_path):
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"he said ""no"""\t1\n"quoted"\t0\n')
    assert open_table(path).note.startswith("1 of the first 2 rows hold a field in quotes with doubled ones inside")
    assert read(path) == [('"he said ""no"""', "1"), ('"quoted"', "0")]
    assert open_table(path, quoting="no").note == ""
    assert read(path, quoting="yes") == [('he said "no"', "1"), ("quoted", "0")]


def test_space_after_a_comma(tmp_path):
    path = write(tmp_path / "a.csv", 'label,text\n1, "fine, in all"\n0, bad\n')
    assert read(path) == [("fine, in all", "1"), ("bad", "0")]


def test_parquet_of_what_python_lacks(tmp_path):
    nanoseconds = pa.array([1, 2], pa.timestamp("ns"))
    long_ago = pa.array([-(10**9), 0], pa.date32())
    columns = {"text": ["good", "bad"], "label": [1, 0], "when": nanoseconds, "day": long_ago}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("good", 1), ("bad", 0)]
    rows = [row for row in open_table(tmp_path / "a.parquet").rows(["when", "day"]) if isinstance(row, Row)]
    assert {type(cell) for row in rows for cell in row.cells} == {pa.TimestampType, pa.DataType}
    for cell in rows[0].cells:
        assert text_fault(cell).startswith(f"the text is of type {type(cell).__name__}, expected a string")


def test_undecodable_byte_is_found_far_into_a_file(tmp_path):
    path = write(tmp_path / "a.csv", b"text,label\n" + b"good,1\n" * 200_000 + b"\xff,1\n")
    with pytest.raises(InputError, match="line 200002: byte 1,400,011 of the file"):
        read(path)


def test_utf_16(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\ngood,1\n".encode("utf-16"))
    assert read(path, encoding="utf-16") == [("good", "1")]
    with pytest.raises(InputError, match="line 1: byte 0 "):
        open_table(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7", "ascii", "idna"])
def test_other_bytes_than_the_flag_says(tmp_path, encoding):
    path = write(tmp_path / "a.csv", "text,label\nna\u00efve,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=rf"a\.csv: .*isn't {encoding}") as e:
        read(path, encoding=encoding)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("encoding", ["klingon", "base64", "undefined"])
def test_unknown_encoding(tmp_path, encoding):
    with pytest.raises(UsageError, match="--encoding"):
        open_table(write(tmp_path / "a.csv", "text,label\n"), encoding=encoding)


# --- files that can't be read -----------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "", "is empty"),
        ("a.csv", b"\xef\xbb\xbf\n\n", "is empty"),
        ("a.jsonl", "\n", "is empty"),
        ("a.parquet", "", "is empty"),
        ("a.parquet", "text\tlabel\n", "isn't a Parquet file"),
        ("a.jsonl", "text\tlabel\n", "line 1: isn't JSON"),
        ("a.jsonl", "[1]\n", "line 1: isn't a JSON object"),
        ("a.tsv", "t\0e\0x\0t\0\n\0", "NULs in the header"),
        ("a.txt", "good\n", "unknown kind"),
        ("a.xlsx", "good\n", "unknown kind of file, .*; save it as CSV, in UTF-8"),
        ("a.parquet.gz", "good\n", "unknown kind"),
        ("a.csv", '"text,label\ngood,1\n', "line 1: wrongly quoted"),
    ],
)
def test_unreadable_file(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as e:
        open_table(write(tmp_path / name, content))
    assert str(tmp_path / name) in str(e.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_table(tmp_path / "a.tsv")
    (tmp_path / "b.tsv").mkdir()
    with pytest.raises(InputError, match="can't be looked at"):
        open_table(Path("x" * 5000 + ".tsv"))
    with pytest.raises(InputError, match="is a folder"):
        open_table(tmp_path / "b.tsv")


def test_damaged_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(i) for i in range(5000)], "label": list(range(5000))}), path)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read after row"):
        read(path)


# --- rows that can't be used ------------------------------------------------


def test_ragged_rows_and_blank_lines(tmp_path):
    path = write(tmp_path / "a.tsv", "text\tlabel\ngood\t1\nbad\n\nso\tso\t1\nok\t0\n\n\n")
    assert faults(path) == [
        (3, "1 field, expected 2 columns"),
        (4, "empty line"),
        (5, "3 fields, expected 2 columns"),
    ]
    assert [row for row in open_table(path).rows(["text"]) if isinstance(row, Row)] == [
        Row(2, ("good",)),
        Row(6, ("ok",)),
    ]


def test_lines_of_quoted_fields_count_as_an_editor_counts(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"a\nb\nc",1\nbad\n"x"y,1\nok,0\n')
    assert faults(path) == [(5, "1 field, expected 2 columns"), (6, "wrongly quoted (',' expected after '\"')")]
    assert next(iter(open_table(path).rows(["label"]))) == Row(2, ("1",))


def test_what_a_quote_that_is_never_closed_takes_along_counts_too(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\ngood,1\n"bad,0\nfine,1\ndull,0\n')
    assert faults(path) == [
        (3, "wrongly quoted (unexpected end of data)"),
        (4, "lost to the quote of line 3"),
        (5, "lost to the quote of line 3"),
    ]


def test_columns_that_a_thousand_objects_leave_out(tmp_path):
    """As unlabelled rows before the labelled ones do."""
    path = write(tmp_path / "a.jsonl", '{"text": "good"}\n' * 1500 + '{"text": "bad", "label": 0}\n')
    assert open_table(path).columns == ("text", "label")


def test_columns_that_the_first_object_leaves_out(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "good"}\n{"text": "bad", "label": 0}\n')
    assert open_table(path).columns == ("text", "label")
    assert list(open_table(path).rows(["label"])) == [Row(1, (None,)), Row(2, (0,))]


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
def test_line_of_a_megabyte_is_one_bad_row(tmp_path, suffix):
    huge = "x" * 1_000_000
    lines = {
        "tsv": f"text\tlabel\ngood\t1\n{huge}\t1\nbad\t0\n",
        "csv": f'text,label\ngood,1\n"{huge}",1\nbad,0\n',
        "jsonl": '{"text": "good", "label": "1"}\n' + json.dumps({"text": huge}) + '\n{"text": "bad", "label": "0"}\n',
    }
    path = write(tmp_path / f"a.{suffix}", lines[suffix])
    line = 2 if suffix == "jsonl" else 3
    assert faults(path) == [(line, f"a line of more than {MAX_LINE_CHARS:,} characters")]
    assert [row.cells for row in open_table(path).rows(["text"]) if isinstance(row, Row)] == [("good",), ("bad",)]


def test_unclosed_quote_does_not_swallow_a_large_file(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"good,1\n' + "bad,0\n" * 100_000)
    line, reason = faults(path)[0]
    assert (line, "more than" in reason) == (2, True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [('{"text": ', "isn't JSON"), ("[1]", "isn't a JSON object"), ("[" * 100_000, "isn't JSON"), ("", "empty line")],
)
def test_bad_json_line(tmp_path, line, reason):
    path = write(tmp_path / "a.jsonl", '{"text": "a", "label": 1}\n' + line + '\n{"text": "b", "label": 0}\n')
    assert [(number, reason in fault) for number, fault in faults(path)] == [(2, True)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("good", ""),
        (" \u3000\t", "empty text"),
        (None, "no text"),
        (3, "of type int"),
        ("a\0b", "a NUL"),
        ("a\ud800b", "surrogate"),
        ("a " * MAX_LINE_CHARS, "characters"),
    ],
)
def test_text_fault(text, fault):
    assert text_fault(text) == fault if not fault else fault in text_fault(text)


def test_csv_of_another_line_end_writer(tmp_path):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("text", "label"), ("a\r\nb", "1")])
    assert read(write(tmp_path / "a.csv", out.getvalue())) == [("a\r\nb", "1")]
