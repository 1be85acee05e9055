"""Texts to click on."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tfkd.demo.examples import examples_of_file, examples_of_run
from tfkd.errors import InputError
from tfkd.transfer_set.shards import sentences_schema, write_shard


def test_lines_of_a_file(tmp_path):
    path = tmp_path / "texts"
    path.write_bytes("\ufeffone\r\n\n  \n  café <b>two</b> \nthree".encode())
    assert examples_of_file(path) == ("one", "café <b>two</b>", "three")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be read: No such file"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"caf\xe9", r"UTF-8 \(byte 4\)"),
    ],
)
def test_files_without_texts(content, reason, tmp_path):
    path = tmp_path / "texts"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"^--examples=.*texts: .*{reason}"):
        examples_of_file(path)


def test_short_sentences_of_a_run_of_each_label_in_turn(tmp_path):
    rows = [
        ("the first of label zero", "train", 0),
        ("too short", "train", 0),
        ("the second of label zero", "train", 0),
        ("the third of label zero", "train", 0),
        ("the first of label one", "train", 1),
        ("a sentence with far too many words to be read at a glance on a button", "train", 1),
        ("four words, " + "very" * 20 + " long ones", "train", 1),
        ("no label has this one", "unlabelled", None),
        *((f"number {i} of label two", "train", 2) for i in range(9)),
    ]
    (tmp_path / "sentences").mkdir()
    columns = [list(column) for column in zip(*rows, strict=True)]
    write_shard(tmp_path / "sentences", 0, pa.table(columns, schema=sentences_schema(pairs=False)))
    assert examples_of_run(tmp_path) == (
        "the first of label zero",
        "the first of label one",
        "number 0 of label two",
        "the second of label zero",
        "number 1 of label two",
        "the third of label zero",
    )


def test_of_long_texts_the_shortest(tmp_path):
    (tmp_path / "sentences").mkdir()
    columns: list[list[object]] = [[f"a mail {i} " + "of many words " * (19 - i) for i in range(8)], ["train"] * 8]
    table = pa.table([*columns, [0, 1] * 4], schema=sentences_schema(pairs=False))
    write_shard(tmp_path / "sentences", 0, table)
    assert [text.split()[2] for text in examples_of_run(tmp_path)] == ["6", "7", "4", "5", "2", "3"]


def test_a_run_without_sentences(tmp_path):
    assert examples_of_run(tmp_path) == ()
    (tmp_path / "sentences").mkdir()
    (tmp_path / "sentences" / "shard-00000.parquet").write_bytes(b"no Parquet")
    assert examples_of_run(tmp_path) == ()
