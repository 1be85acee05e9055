"""A corpus from files, folders, TensorFlow Datasets and assets, good and bad."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfkd import assets, progress
from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.text.corpus import read_corpus
from tfkd.text.labels import label_numbers, name_labels
from tfkd.text.overlap import find_overlap
from tfkd.text.split import cut_dev

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} isn't there: it lies beside the project, not in it")


def tsv(path: Path, *rows: tuple, header=("sentence", "label")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in (header, *rows)), encoding="utf-8")
    return path


def corpus(data: Path, **flags):
    return read_corpus(DataConfig(data=str(data), **flags), seed=1)


def folder(path: Path, train, dev, header=("sentence", "label")) -> Path:
    tsv(path / "train.tsv", *train, header=header)
    tsv(path / "dev.tsv", *dev, header=header)
    return path


GOOD = (("good", 1), ("fine", 1), ("bad", 0), ("awful", 0))


# --- sources ----------------------------------------------------------------


def test_folder_with_dev_and_unlabelled(tmp_path):
    folder(tmp_path, GOOD, [("so so", 0)])
    tsv(tmp_path / "unlabelled.tsv", ("who knows",), ("so  so",), ("good",), header=("sentence",))
    found = corpus(tmp_path)
    assert found.train.texts == ["good", "fine", "bad", "awful"]
    assert found.train.labels.tolist() == [1, 1, 0, 0]
    assert found.train.labels.dtype == np.int32
    assert (found.dev.texts, found.dev.labels.tolist()) == (["so so"], [0])
    assert found.label_names == ("0", "1")
    # What stands in dev, be it spaced otherwise, is not learnt; what is in train may come again.
    assert found.unlabelled.texts == ["who knows", "good"]
    assert any("1 of 3 unlabelled texts hold a row of dev" in note for note in found.notes)
    assert any(note.startswith("text column: sentence (guessed") for note in found.notes)


def test_rows_of_train_that_hold_one_of_dev_are_left_out(tmp_path):
    long = "one two three four five six"
    train = [*GOOD, (f"zero {long}", 1), (f"{long[:-3]} seven", 1)]
    found = corpus(folder(tmp_path, train, [("Good !", 1), ("new", 0), (long, 0)]))
    assert found.train.texts == ["fine", "bad", "awful", f"{long[:-3]} seven"]
    assert len(found.dev) == 3
    assert any(
        note.startswith("2 of 6 rows of train hold a row of dev: no model is to learn them")
        and note.endswith("; the first: 'good'")
        for note in found.notes
    )


def test_files_by_flag_override_those_of_the_folder(tmp_path):
    folder(tmp_path, GOOD, [("x", 1)])
    tsv(tmp_path / "other.tsv", ("y", 0))
    tsv(tmp_path / "more.tsv", ("z",), header=("text",))
    found = corpus(tmp_path, dev=str(tmp_path / "other.tsv"), unlabelled=str(tmp_path / "more.tsv"))
    assert (found.dev.texts, found.unlabelled.texts) == (["y"], ["z"])


def test_validation_parquet_and_jsonl_train(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"text": "a", "label": true}\n{"text": "b", "label": false}\n')
    pq.write_table(pa.table({"label": [True], "text": ["c"]}), tmp_path / "validation.parquet")
    found = corpus(tmp_path)
    assert (found.label_names, found.train.labels.tolist(), found.dev.labels.tolist()) == (
        ("false", "true"),
        [1, 0],
        [1],
    )


def test_folder_without_train_or_with_two(tmp_path):
    with pytest.raises(InputError, match=r"has no train file, expected train\.tsv"):
        corpus(tmp_path)
    for suffix in ("csv", "tsv"):
        tsv(tmp_path / f"train.{suffix}", *GOOD)
    with pytest.raises(InputError, match=r"train\.csv, train\.tsv: which"):
        corpus(tmp_path)


def test_no_data_and_unknown_asset(tmp_path):
    with pytest.raises(UsageError, match="--data is missing"):
        read_corpus(DataConfig(), 0)
    with pytest.raises(UsageError, match="movie_reviews"):
        read_corpus(DataConfig(data="asset:novels"), 0)
    with pytest.raises(UsageError, match="is a model"):
        read_corpus(DataConfig(data="asset:minilm_l6"), 0)
    with pytest.raises(InputError, match="no such file"):
        corpus(tmp_path / "train.tsv")


# --- columns ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "text", "pair"),
    [
        (("idx", "Review", "sentiment"), "b", None),
        (("gold_label", "sentence1", "sentence2"), "b", "c"),
        (("question1", "is_duplicate", "question2"), "a", "c"),
        (("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"), "d", "e"),
        (("words", "label"), "a", None),
    ],
)
def test_guessed_columns(tmp_path, header, text, pair):
    labels = ("sentiment", "gold_label", "is_duplicate", "Quality", "label")

    def rows(cells: str) -> list[list[object]]:
        return [
            [label if name in labels else cell for name, cell in zip(header, cells, strict=False)] for label in (0, 1)
        ]

    found = corpus(folder(tmp_path, rows("abcde"), rows("vwxyz"), header))
    assert found.train.texts == [text, text]
    assert found.train.text_pairs == (None if pair is None else [pair, pair])
    assert found.train.labels.tolist() == [0, 1]


def test_columns_by_flag_are_not_said(tmp_path):
    header = ("a", "b", "c")
    found = corpus(
        folder(tmp_path, [("x", "y", 0), ("x", "z", 1)], [("x", "w", 1)], header),
        text_column="a",
        text_pair_column="b",
        label_column="c",
    )
    assert (found.train.text_pairs, found.dev.text_pairs) == (["y", "z"], ["w"])
    assert not any("column" in note for note in found.notes)


@pytest.mark.parametrize(
    ("header", "flags", "message"),
    [
        (("a", "b", "label"), {}, "no column looks like the text; its first line, the header, names 'a', 'b', 'label'"),
        (("sentence", "b", "c"), {}, "no column looks like the label.*--label_column"),
        (("sentence", "b", "label"), {"text_column": "txt"}, "no column is named 'txt'.*'sentence', 'b', 'label'"),
        (("sentence", "label", "label"), {}, "2 columns are named 'label'"),
    ],
)
def test_wrong_columns(tmp_path, header, flags, message):
    with pytest.raises(InputError, match=message):
        corpus(tsv(tmp_path / "a.tsv", ("x", 0, 1), header=header), **flags)


TICKETS = tuple(
    (1000 + i, f"the {noun} of order {i} is {state}", team, i % 4, f"2026-03-{i % 28 + 1:02} 10:{i:02}")
    for i, (noun, state, team) in enumerate(
        (noun, state, team)
        for noun in ("bill", "app")
        for state in ("late", "wrong", "broken", "lost", "fine")
        for team in ("billing", "support", "sales")
    )
)


def of_tickets(path: Path, header: tuple[str, ...], *places: int) -> Path:
    return tsv(path, *(tuple(row[place] for place in places) for row in TICKETS), header=header)


@pytest.mark.parametrize(
    ("header", "places", "text", "label"),
    [
        (("id", "ticket text", "team"), (0, 1, 2), "ticket text", "team"),
        (("made", "team", "id", "what"), (4, 2, 0, 1), "what", "team"),
        (("id", "text", "prio"), (0, 1, 3), "text", "prio"),
        (("id", "what", "label"), (0, 1, 2), "what", "label"),
    ],
)
def test_columns_are_guessed_by_contents_where_no_name_tells(tmp_path, header, places, text, label):
    found = corpus(of_tickets(tmp_path / "a.tsv", header, *places))
    assert {*found.train.texts, *found.dev.texts} == {row[1] for row in TICKETS}
    assert found.label_names == (("0", "1", "2", "3") if label == "prio" else ("billing", "sales", "support"))
    assert [note for note in found.notes if "(guessed" in note] == [
        f"text column: {text} (guessed; --text_column says otherwise)",
        f"label column: {label} (guessed; --label_column says otherwise)",
    ]


@pytest.mark.parametrize(
    ("header", "places", "message"),
    [
        (("id", "ticket text", "team", "prio"), (0, 1, 2, 3), "'team' and 'prio' may each be the label"),
        (("id", "ticket text", "other text", "team"), (0, 1, 1, 2), "'ticket text' and 'other text' may each be the t"),
        (("id", "ticket text", "date"), (0, 1, 4), "no column looks like the label"),
        (("id", "date", "team"), (0, 4, 2), "no column looks like the text"),
    ],
)
def test_nothing_is_guessed_by_contents_that_is_not_sure(tmp_path, header, places, message):
    with pytest.raises(InputError, match=message) as e:
        corpus(of_tickets(tmp_path / "a.tsv", header, *places))
    assert "; name the columns, such as --text_column=" in str(e.value)
    if "date" not in header:
        a_pair = (
            "; what is to be read as one text must stand in one column; if they are a pair, "
            "--text_column='ticket text' --text_pair_column='other text'"
        )
        assert str(e.value).endswith(
            "--text_column='ticket text' --label_column=team" + a_pair * ("other text" in header)
        )


def test_of_several_texts_the_longest_is_proposed(tmp_path):
    rows = [(f"a subject {i}", f"hello, what stands in its mail {i}", f"{i % 2}") for i in range(20)]
    with pytest.raises(InputError, match="such as --text_column=body --label_column=team; what is to be read as one "):
        corpus(tsv(tmp_path / "a.tsv", *rows, header=("subject", "body", "team")))


@pytest.mark.parametrize("second", ["text_pair", "title"])
def test_texts_beside_the_one_that_is_guessed_by_its_name_are_said(tmp_path, second):
    rows = [(f"a text {i} of it", f"some other one {i}", i, f"{i % 2}") for i in range(20)]
    found = corpus(tsv(tmp_path / "a.tsv", *rows, header=("text", second, "number", "label")))
    said = [note for note in found.notes if note.startswith(f"{second} has texts too, which aren't read: name the sec")]
    assert (found.train.text_pairs is not None, len(said)) == ((True, 0) if second == "text_pair" else (False, 1))
    assert corpus(tmp_path / "a.tsv", text_column="text").train.text_pairs is None


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (lambda i: f"user {i % 11}", False),  # not three rows a value
        (lambda i: i / 2, False),
        (lambda i: f"{i % 2} " * 30, False),  # too long
        (lambda i: "" if i % 5 else f"{i % 2}", False),  # mostly empty
        (lambda i: "x", False),
        (lambda i: "prais" if i == 7 else ("bug", "praise")[i % 2], True),
    ],
)
def test_what_looks_like_labels(tmp_path, label, found):
    path = tsv(tmp_path / "a.tsv", *((f"text {i}", label(i)) for i in range(30)), header=("text", "team"))
    with pytest.raises(InputError, match="one row alone" if found else "no column looks like the label"):
        corpus(path)


def test_file_of_a_header_alone_of_one_column_and_without_header(tmp_path):
    with pytest.raises(InputError, match=r"a\.tsv: has no rows"):
        corpus(tsv(tmp_path / "a.tsv", header=("ticket text", "team")))
    with pytest.raises(InputError, match=r"its one column is 'ticket text'; expected a column of texts and one of lab"):
        corpus(of_tickets(tmp_path / "b.tsv", ("ticket text",), 1))
    with pytest.raises(
        InputError, match=r"c\.tsv: line 1: looks like a row, as 'sales' stands further down too; expec"
    ):
        corpus(of_tickets(tmp_path / "c.tsv", ("the bill is wet", "sales"), 1, 2))


def test_named_column_that_is_not_there_is_said_before_others_are_guessed(tmp_path):
    path = tsv(tmp_path / "a.tsv", ("x", 0), header=("ticket text", "team"))
    with pytest.raises(InputError, match=r"no column is named 'text'; .*; choose with --text_column"):
        corpus(path, text_column="text")
    with pytest.raises(InputError, match=r"no column is named 'Team'; .*; choose with --label_column"):
        corpus(path, label_column="Team")


def test_columns_of_dev_are_guessed_if_they_are_not_those_of_train(tmp_path):
    tsv(tmp_path / "train.tsv", *GOOD)
    tsv(tmp_path / "dev.tsv", (1, "x"), header=("quality", "phrase"))
    found = corpus(tmp_path)
    assert (found.dev.texts, found.dev.labels.tolist()) == (["x"], [1])
    assert "dev: text column: phrase (guessed; train's is sentence)" in found.notes
    assert "dev: label column: quality (guessed; train's is label)" in found.notes


def test_columns_of_dev_are_trains_as_far_as_they_are_there(tmp_path):
    """A text that was named isn't guessed anew for want of the label, nor one that was guessed."""
    tsv(tmp_path / "train.tsv", *((text, f"the whole of {text}", label) for text, label in GOOD),
        header=("text", "body", "label"))  # fmt: skip
    tsv(tmp_path / "dev.tsv", ("x", "all of x", "y", 1), header=("text", "body", "sentence", "class"))
    assert corpus(tmp_path, text_column="body").dev.texts == ["all of x"]
    found = corpus(tmp_path)
    assert found.dev.texts == ["x"]
    assert "dev: label column: class (guessed; train's is label)" in found.notes


def test_columns_of_dev_that_can_not_be_told_are_to_be_named_as_trains(tmp_path):
    """Flags name those of train."""
    tsv(tmp_path / "train.tsv", *GOOD)
    tsv(tmp_path / "dev.tsv", *((f"a fine film, n. {i}", f"a bad film, n. {i}", i % 2) for i in range(9)),
        header=("one", "other", "label"))  # fmt: skip
    with pytest.raises(InputError, match=r"'one' and 'other' may each be the text; .*; name its columns as train's: "
                       r"sentence, label$"):  # fmt: skip
        corpus(tmp_path)
    tsv(tmp_path / "dev.tsv", ("x", "y", 1), header=("sentence", "sentence", "label"))
    with pytest.raises(InputError, match=r"2 columns are named 'sentence'; .*; name its columns as train's: "):
        corpus(tmp_path)


def test_objects_have_no_header(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "b": 2}\n')
    with pytest.raises(InputError, match=r"no column looks like the text; its columns are 'a', 'b'; name the columns"):
        corpus(path)


@pytest.mark.parametrize("label", ["po\\ud800s", "po\\u0000s"])
def test_a_label_that_no_file_can_hold(tmp_path, label):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"text": "good {i}", "label": "{name}"}}\n' for i in range(9) for name in ("a", label)))
    with pytest.raises(InputError, match=r"the label '.*' can't be a line of the file's labels: rename it"):
        corpus(path)


def test_wrong_columns_in_dev(tmp_path):
    tsv(tmp_path / "train.tsv", *GOOD)
    tsv(tmp_path / "dev.tsv", ("x", "y", 1), header=("sentence1", "sentence2", "label"))
    with pytest.raises(InputError, match=r"dev\.tsv: has pairs; expected single texts, as in train"):
        corpus(tmp_path)
    tsv(tmp_path / "dev.tsv", ("x",))
    with pytest.raises(InputError, match=r"line 2: 1 field, expected 2 columns"):
        corpus(tmp_path)


def test_column_named_like_texts_that_holds_numbers_is_not_taken(tmp_path):
    rows = [(i, f"a film of {i} scenes", i % 2) for i in range(20)]
    path = tsv(tmp_path / "a.tsv", *rows, header=("review", "the critic's words", "label"))
    found = corpus(path)
    assert {*found.train.texts, *found.dev.texts} == {row[1] for row in rows}
    assert corpus(path, text_column="review").train.texts[0].isdecimal()  # as it was said


def test_pair_flag_alone_and_one_column_twice(tmp_path):
    path = tsv(tmp_path / "a.tsv", *GOOD)
    with pytest.raises(UsageError, match="needs --text_column"):
        corpus(path, text_pair_column="sentence")
    with pytest.raises(UsageError, match="can't be two of"):
        corpus(path, text_column="label")


def test_unlabelled_pairs(tmp_path):
    header = ("sentence1", "sentence2", "label")
    folder(tmp_path, [("a", "b", 0), ("c", "d", 1)], [("e", "f", 1)], header)
    tsv(tmp_path / "unlabelled.tsv", ("g", "h"), ("e", "f"), ("f", "e"), header=header[:2])
    found = corpus(tmp_path)
    assert found.pairs
    assert found.unlabelled.columns == (["g"], ["h"])
    assert any("2 of 3 unlabelled texts hold a row of dev" in note for note in found.notes)


@pytest.mark.parametrize("pairs", [True, False])
def test_unlabelled_texts_of_the_other_kind_are_refused(tmp_path, pairs):
    header, single = ("question1", "question2", "label"), ("text", "label")
    if pairs:
        folder(tmp_path, [("a", "b", 0), ("c", "d", 1)], [("e", "f", 1)], header)
        tsv(tmp_path / "unlabelled.tsv", ("g",), header=("text",))
    else:
        folder(tmp_path, [("a", 0), ("c", 1)], [("e", 1)], single)
        tsv(tmp_path / "unlabelled.tsv", ("g", "h"), header=header[:2])
    kinds = ("single texts; expected pairs", "pairs; expected single texts")[not pairs]
    with pytest.raises(InputError, match=rf"unlabelled\.tsv: has {kinds}, as in train"):
        corpus(tmp_path)


# --- labels -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        (["1", "0", "1"], ("0", "1"), [1, 0, 1]),
        (["-1", "1", "1"], ("-1", "1"), [0, 1, 1]),
        (["10", "9", "5"], ("5", "9", "10"), [2, 1, 0]),
        (["pos", "neg", " pos"], ("neg", "pos"), [1, 0, 1]),
    ],
)
def test_label_order(tmp_path, labels, names, numbers):
    rows = [(f"text {i}", label) for i, label in enumerate(labels)]
    found = corpus(folder(tmp_path, rows, [("another text", labels[0])]))
    assert found.label_names == names
    assert found.train.labels.tolist() == numbers


def test_labels_by_flag_fix_the_order_and_take_numbers(tmp_path):
    by_name = folder(tmp_path / "a", [("a", "pos"), ("b", "neg")], [("c", "neg")])
    by_number = folder(tmp_path / "b", [("a", 0), ("b", 1)], [("c", 1)])
    for data in (by_name, by_number):
        found = corpus(data, labels=("pos", "neg"))
        assert (found.label_names, found.train.labels.tolist(), found.dev.labels.tolist()) == (
            ("pos", "neg"),
            [0, 1],
            [1],
        )


def test_label_by_flag_that_train_lacks_is_said(tmp_path):
    found = corpus(folder(tmp_path, [("a", "x"), ("b", "y")], [("c", "z")]), labels=("x", "y", "z"))
    assert found.dev.labels.tolist() == [2]
    assert "no row of train has the label z" in found.notes


def test_numbers_stand_for_names_only_in_an_order_that_is_known(tmp_path):
    names = ("contradiction", "entailment", "neutral")  # sorted; SNLI's numbers are of another order
    path = folder(tmp_path, [(name[:3], name) for name in names], [("x", 0)])
    with pytest.raises(InputError, match=r"dev\.tsv: line 2: the label '0' is none of contradiction, .* --labels"):
        corpus(path)
    order = ("entailment", "neutral", "contradiction")
    assert corpus(path, labels=order).dev.labels.tolist() == [0]
    assert label_numbers(names, order) == {"contradiction": 0, "entailment": 1, "neutral": 2, "0": 1, "1": 2, "2": 0}


def test_numbers_that_are_names_are_no_indices(tmp_path):
    assert label_numbers(("1", "2"), ("1", "2")) == {"1": 0, "2": 1}
    with pytest.raises(InputError, match="line 3: the label '0' is none of 1, 2"):
        corpus(tsv(tmp_path / "a.tsv", ("a", 1), ("b", 0)), labels=("1", "2"))


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1))
def test_numeric_names_are_sorted_by_value(values):
    assert [int(name) for name in name_labels(map(str, values))] == sorted(set(values))


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        ([("a", "x"), ("b", "x")], {}, "every row has the label 'x', expected two labels"),
        ([("a", "x"), ("b", "y")], {"labels": ("x", "z")}, "line 3: the label 'y' is none of x, z"),
        ([("a", "1.0"), ("b", "0.0")], {}, "line 2: the label is 1.0, expected a name or a whole number"),
        ([("a", 1), ("b", "NaN")], {}, "line 3: the label is NaN"),
        ([("a", 1), ("b", "1e0")], {}, "line 3: the label is 1e0"),
    ],
)
def test_wrong_labels(tmp_path, rows, flags, message):
    with pytest.raises(InputError, match=message) as e:
        corpus(tsv(tmp_path / "a.tsv", *rows), **flags)
    assert str(tmp_path / "a.tsv") in str(e.value)


def test_nan_and_float_labels_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1.0, float("nan")]}), path)
    with pytest.raises(InputError, match=r"row 1: the label is 1\.0"):
        corpus(path)
    pq.write_table(pa.table({"text": ["a", "b"], "label": [[1], [0]]}), path)
    with pytest.raises(InputError, match="row 1: the label is of type list"):
        corpus(path)


def test_label_in_dev_alone(tmp_path):
    with pytest.raises(InputError, match=r"dev\.tsv: line 3: the label '2' is none of 0, 1 \(1 such row\)"):
        corpus(folder(tmp_path / "one", GOOD, [("x", 1), ("y", 2)]))
    with pytest.raises(InputError, match=r"\(2 such rows\)"):
        corpus(folder(tmp_path / "two", GOOD, [("x", 1), ("y", 2), ("z", 2)]))


# --- rows that can't be used ------------------------------------------------


def test_bad_rows_stop_the_run_and_are_written_down(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"sentence\tlabel\ngood\t1\n \t1\nbad\nbad\t0\nno\t\nN\0L\t1\n")
    rejects = tmp_path / "out" / "rejects.jsonl"
    with pytest.raises(
        InputError, match=r"line 3: empty text; .*line 4: 1 field, expected 2 columns; .*4 rows can't be used.*=4"
    ):
        read_corpus(DataConfig(data=str(path)), 0, rejects)
    all_of_them = rejects.read_text()

    path.write_bytes(path.read_bytes() + b"fine\t1\nawful\t0\n")
    found = read_corpus(DataConfig(data=str(path), max_bad_rows=4), 0, rejects)
    assert sorted(found.train.texts + found.dev.texts) == ["awful", "bad", "fine", "good"]
    assert any(note.startswith("4 rows rejected") for note in found.notes)
    assert rejects.read_text() == all_of_them
    assert [json.loads(line) for line in all_of_them.splitlines()] == [
        {"file": str(path), "line": 3, "reason": "empty text", "text": " \t1"},
        {"file": str(path), "line": 4, "reason": "1 field, expected 2 columns", "text": "bad"},
        {"file": str(path), "line": 6, "reason": "no label", "text": "no\t"},
        {"file": str(path), "line": 7, "reason": "a NUL in the text", "text": "N\0L\t1"},
    ]


def test_labels_that_are_none_are_bad_rows_like_others(tmp_path):
    path = tmp_path / "a.jsonl"
    labels = [0, 1, 0, 1, 4.5, float("nan"), [1]]
    path.write_text("".join(json.dumps({"text": f"text {i}", "label": label}) + "\n" for i, label in enumerate(labels)))
    with pytest.raises(
        InputError, match=r"line 5: the label is 4\.5, .*line 6: the label is NaN.*3 rows can't be used"
    ):
        corpus(path, max_bad_rows=2)
    assert len(corpus(path, dev_rows=2, max_bad_rows=3).train) == 2


@pytest.mark.parametrize("flags", [{"labels": ("neg", "pos", "")}, {}])
def test_labels_that_no_file_can_hold_are_refused_when_they_are_read(tmp_path, flags):
    path = tmp_path / "a.jsonl"
    names = ("neg", "pos") if flags else ("neg", "very\npositive")
    rows = [{"text": f"text {i}", "label": names[i % 2]} for i in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="can't be a line of the file's labels: rename it"):
        corpus(path, **flags)


def test_bad_rows_of_all_files_count_together(tmp_path):
    folder(tmp_path, [*GOOD, ("", 1)], [("x", 1), ("", 0)])
    with pytest.raises(InputError, match="2 rows can't be used"):
        corpus(tmp_path, max_bad_rows=1)
    assert len(corpus(tmp_path, max_bad_rows=2).dev) == 1


def test_separator_of_a_csv_is_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text;label\n" + "".join(f"{text};{label}\n" for text, label in GOOD))
    found = corpus(path)
    assert len(found.train) + len(found.dev) == 4
    assert found.notes[0] == f"{path}: separated by semicolons, as its header is"


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
def test_empty_lines_are_skipped_and_said(tmp_path, suffix):
    rows = (("text", "label"), *GOOD)
    lines = {
        "tsv": ["\t".join(map(str, row)) for row in rows],
        "csv": [",".join(map(str, row)) for row in rows],
        "jsonl": [json.dumps({"text": text, "label": label}) for text, label in GOOD],
    }[suffix]
    lines[2:2] = ["", {"tsv": "\t", "csv": ",", "jsonl": " "}[suffix]]  # a spreadsheet's empty row is of separators
    path = tmp_path / f"a.{suffix}"
    path.write_text("\n".join([*lines, "", ""]))
    found = corpus(path)
    assert len(found.train) + len(found.dev) == 4
    assert "2 empty lines skipped" in found.notes
    assert not any("empty line" in note for note in corpus(tsv(tmp_path / "b.tsv", *GOOD)).notes)


def test_no_rejects_no_file(tmp_path):
    (tmp_path / "rejects.jsonl").write_text("of an earlier reading\n")
    read_corpus(DataConfig(data=str(folder(tmp_path, GOOD, [("x", 1)]))), 0, tmp_path / "rejects.jsonl")
    assert not (tmp_path / "rejects.jsonl").exists()


def test_header_alone_and_bad_rows_alone(tmp_path):
    with pytest.raises(InputError, match="has no rows"):
        corpus(tsv(tmp_path / "a.tsv"))
    with pytest.raises(InputError, match="has no rows that can be used"):
        corpus(tsv(tmp_path / "a.tsv", ("", 1)), max_bad_rows=9)


# --- the cut ----------------------------------------------------------------


def test_dev_is_cut_stratified_and_seeded(tmp_path):
    rows = [(f"text {i}", int(i % 4 == 0)) for i in range(200)]
    path = tsv(tmp_path / "a.tsv", *rows)
    found = corpus(path, dev_rows=40)
    assert Counter(found.dev.labels.tolist()) == {0: 30, 1: 10}
    assert Counter(found.train.labels.tolist()) == {0: 120, 1: 40}
    assert not set(found.dev.texts) & set(found.train.texts)
    assert corpus(path, dev_rows=40).dev.texts == found.dev.texts
    assert read_corpus(DataConfig(data=str(path), dev_rows=40), seed=2).dev.texts != found.dev.texts
    assert len(corpus(path).dev) == 20


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=8, max_size=80),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
)
def test_cut_keeps_equal_rows_together(rows, share, seed):
    keys, labels = [str(key) for key, _ in rows], [label for _, label in rows]
    dev_rows = max(int(share * len(rows)), len(set(labels)))
    if min(Counter(labels).values()) < 2:
        with pytest.raises(InputError, match="one row alone"):
            cut_dev(keys, labels, dev_rows, seed)
        return
    train, dev = cut_dev(keys, labels, dev_rows, seed)
    assert sorted([*train.tolist(), *dev.tolist()]) == list(range(len(rows)))
    assert not {keys[row] for row in train} & {keys[row] for row in dev}
    assert len(dev) <= dev_rows
    assert {labels[row] for row in train} == set(labels)
    if len(set(keys)) == len(keys):
        shares = Counter(labels)
        for label, found in Counter(labels[row] for row in dev).items():
            assert 1 <= found < shares[label]
        assert len(dev) == min(dev_rows, len(rows) - len(shares))


@pytest.mark.parametrize(
    ("dev_rows", "message"), [(4, "4 rows for dev can't be cut from 4"), (1, "fewer than the 2 labels")]
)
def test_impossible_cut(tmp_path, dev_rows, message):
    with pytest.raises(InputError, match=message):
        corpus(tsv(tmp_path / "a.tsv", *GOOD), dev_rows=dev_rows)


def test_label_of_one_row_can_not_be_cut(tmp_path):
    with pytest.raises(
        InputError, match=r"a\.tsv: line 4: label 'prais' has one row alone \(praise: 2, prais: 1\): a typo\? "
    ):
        corpus(tsv(tmp_path / "a.tsv", ("fine", "praise"), ("good", "praise"), ("great", "prais")))
    with pytest.raises(
        InputError, match=r"'l0' has one row alone \(l1: 2, l10: 2, l11: 2, l12: 2, l13: 2, l14: 2, ...,"
    ):
        corpus(tsv(tmp_path / "b.tsv", *((f"text {i}", f"l{i // 2}") for i in range(1, 40))))


def test_label_of_equal_rows_can_not_be_cut(tmp_path):
    """A tenth of 45 rows is one of 'loud' and three of 'calm'; the former are one text."""
    rows = [*((f"text {i}", "calm") for i in range(35)), *[("hey", "loud")] * 5, *[("Hey!", "loud")] * 5]
    path = tsv(tmp_path / "a.tsv", *rows)
    with pytest.raises(InputError, match=r"a\.tsv: dev gets none of the 10 rows with the label 'loud': too many are"):
        corpus(path)
    tsv(path, *rows, ("hello", "loud"))
    assert corpus(path).dev.texts.count("hello") == 1


def test_column_of_ids_is_no_column_of_labels(tmp_path):
    path = tsv(tmp_path / "a.tsv", *((f"text {i}", f"u{i // 8 if i < 16 else i}") for i in range(40)))
    with pytest.raises(InputError, match="26 labels in 40 rows, 24 of them with one row alone: is 'label' the column"):
        corpus(path)


def test_rows_of_each_label_are_said(tmp_path):
    found = corpus(folder(tmp_path, [*GOOD, ("so", 1)], [("x", 1)]))
    assert "train: 5 rows (1: 3, 0: 2)" in found.notes
    assert "dev: 1 row (1: 1)" in found.notes


def test_labels_that_differ_by_case_or_blanks_alone(tmp_path):
    labels = ("not spam", "Not  spam", "not spam ", "spam")
    found = corpus(folder(tmp_path, [(f"text {i}", label) for i, label in enumerate(labels)], [("x", "spam")]))
    assert len(found.label_names) == 3
    assert (
        "labels 'Not  spam' (1 row) and 'not spam' (2 rows) differ by case or blanks alone: if they are one, "
        "write them alike"
    ) in found.notes


def test_cut_keeps_a_text_and_what_holds_it_on_one_side(tmp_path):
    rows = [
        (f"{'please ' * (i % 3)}take order number {i // 3} back to us{'!' * (i % 2)}", i // 3 % 2) for i in range(90)
    ]
    found = corpus(tsv(tmp_path / "a.tsv", *rows), dev_rows=18)
    assert len(found.dev) == 18
    sides = [{text.split()[-4] for text in examples.texts} for examples in (found.train, found.dev)]
    assert not sides[0] & sides[1]
    assert not find_overlap(found.train, found.dev).any()


# --- detokenizing ----------------------------------------------------------


def test_texts_are_detokenized_on_both_sides(tmp_path):
    tsv(tmp_path / "unlabelled.tsv", ("it 's good .",), ("is n't it ?",), header=("sentence",))
    found = corpus(
        folder(tmp_path, [("ca n't lose", 1), ("wo n't do", 0)], [("it 's good .", 1)]), detokenize="treebank"
    )
    assert found.train.texts == ["can't lose", "won't do"]
    assert (found.dev.texts, found.unlabelled.texts) == (["it's good."], ["isn't it?"])


# --- TensorFlow Datasets ----------------------------------------------------


@pytest.fixture
def mocked(tfds_folder):
    """What TFDS reads in a test: of each split 30 rows of the dataset's true features, which name the split."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def rows(builder, split, **_):
        columns: dict[str, list[Any]] = {}
        for name, feature in builder.info.features.items():
            if isinstance(feature, tfds.features.ClassLabel):
                columns[name] = [i % feature.num_classes for i in range(30)]
            else:
                is_text = isinstance(feature, tfds.features.Text)
                columns[name] = [f"{name} {i} of {split}" if is_text else i for i in range(30)]
        if (builder.info.full_name.split("/")[1], split) == ("qqp", "train"):  # as GLUE has it
            columns = {name: [*cells, cells[0], cells[0]] for name, cells in columns.items()}
            columns["question2"][-2:] = ["", ""]
        return tf.data.Dataset.from_tensor_slices(columns)

    with tfds.testing.mock_data(as_dataset_fn=rows, data_dir=tfds_folder):
        yield


def rows_of_split(column: str, split: str) -> list[str]:
    return [f"{column} {i} of {split}" for i in range(30)]


@pytest.mark.usefixtures("mocked")
@pytest.mark.parametrize(
    ("name", "names", "columns", "dev_split"),
    [
        ("glue/sst2", ("negative", "positive"), ["sentence"], "validation"),
        ("glue/mnli", ("entailment", "neutral", "contradiction"), ["premise", "hypothesis"], "validation_matched"),
    ],
)
def test_tfds(name, names, columns, dev_split):
    found = read_corpus(DataConfig(data=f"tfds:{name}"), seed=1)
    assert found.label_names == names
    for examples, split in ((found.train, "train"), (found.dev, dev_split)):
        assert list(map(list, examples.columns)) == [rows_of_split(column, split) for column in columns]
        assert examples.labels.tolist() == [i % len(names) for i in range(30)]


@pytest.mark.usefixtures("mocked")
def test_tfds_without_a_dev_split():
    found = read_corpus(DataConfig(data="tfds:imdb_reviews"), seed=1)
    assert (found.label_names, len(found.train), len(found.dev)) == (("neg", "pos"), 27, 3)
    assert sorted([*found.train.texts, *found.dev.texts]) == sorted(rows_of_split("text", "train"))  # none of test


@pytest.mark.usefixtures("mocked")
def test_tfds_split_to_measure_on():
    mismatched = DataConfig(data="tfds:glue/mnli", dev_split="validation_mismatched")
    assert read_corpus(mismatched, seed=1).dev.texts == rows_of_split("premise", "validation_mismatched")
    with pytest.raises(InputError, match="no split 'validation_x', only train, validation_matched, validation_mism"):
        read_corpus(replace(mismatched, dev_split="validation_x"), seed=1)
    with pytest.raises(UsageError, match="--dev_split=validation: splits are of tfds:NAME"):
        read_corpus(DataConfig(data="some.tsv", dev_split="validation"), seed=1)


@pytest.mark.usefixtures("mocked")
@pytest.mark.parametrize(
    ("recipe", "columns", "labels", "dev_split"),
    [
        ("paper_sst2", ["sentence"], ("negative", "positive"), "validation"),
        ("paper_qqp", ["question1", "question2"], ("not_duplicate", "duplicate"), "validation"),
        (
            "paper_mnli",
            ["premise", "hypothesis"],
            ("entailment", "neutral", "contradiction"),
            "validation_matched",
        ),
    ],
)
def test_the_papers_recipes_read_their_data(recipe, columns, labels, dev_split):
    lines = (ROOT / "recipes" / f"{recipe}.flags").read_text("utf-8").splitlines()
    flags: dict[str, Any] = dict(line.removeprefix("--").split("=", 1) for line in lines if line.startswith("--"))
    of_data = {name: type(value)(flags[name]) for name, value in vars(DataConfig()).items() if name in flags}
    found = read_corpus(DataConfig(**of_data), seed=1)
    assert found.label_names == labels
    for examples, split in ((found.train, "train"), (found.dev, dev_split)):
        assert list(map(list, examples.columns)) == [rows_of_split(column, split) for column in columns]


@pytest.mark.usefixtures("mocked")
def test_tfds_class_names_follow_the_numbers_whatever_order_the_flag_asks_for():
    one = read_corpus(DataConfig(data="tfds:glue/sst2"), seed=1).train
    other = read_corpus(DataConfig(data="tfds:glue/sst2", labels=("positive", "negative")), seed=1).train
    assert one.labels.tolist() == [1 - label for label in other.labels.tolist()]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("glue/sst3", "'sst3' is none of sst2, "),
        ("imdb_review", "'imdb_review' is none of imdb_reviews, "),
        ("glue/sst2:9.9.9", "cannot be loaded at version 9.9.9, only: "),
    ],
)
def test_tfds_unknown(tmp_path, monkeypatch, name, says):
    pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is an extra that isn't installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match=f"^tfds:{name}: TensorFlow Datasets knows no such dataset: .*{says}"):
        read_corpus(DataConfig(data=f"tfds:{name}"), 0)


def test_tfds_download_that_breaks_off(tmp_path, monkeypatch, capsys):
    tfds = pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is an extra that isn't installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)

    def breaks_off(self, **_):
        print("Downloading and preparing dataset")
        with tfds.core.utils.async_tqdm(total=0, desc="Dl Size...", unit=" MiB", mininterval=1.0) as bar:
            bar.update_total(4)
            bar.update(1)
        raise ConnectionError("no route to host\nand a second line")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", breaks_off)
    with pytest.raises(InputError, match="can't be downloaded: no route to host and a second line; is there a network"):
        read_corpus(DataConfig(data="tfds:glue/sst2"), 0)
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch(r"Dl Size\.\.\.: 25 % of 4 MiB, .* left\n", err)


def test_tfds_without_a_network_says_one_line_soon(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is an extra that isn't installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    for name, value in {"https_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "tfkd", "augment", "--data=tfds:glue/sst2", f"--out={tmp_path / 'sentences'}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"tfkd: tfds:glue/sst2: isn't in \S+ and can't be downloaded: \S+\(host='127\.0\.0\.1', port=9\): Failed to "
        r"establish a new connection: \[Errno \d+\] Connection refused; is there a network\? Else copy .*\n",
        done.stderr,
    )


# --- assets and real data ---------------------------------------------------


def test_asset_is_read_as_utf8_whatever_the_flags_say_of_other_files(tmp_path, monkeypatch):
    folder(tmp_path / "asset", [("é", "positive"), ("b", "negative")], [("ü", "positive")], ("text", "label"))
    monkeypatch.setattr(assets, "asset_folder", lambda name: tmp_path / "asset")
    found = read_corpus(DataConfig(data="asset:movie_reviews", encoding="latin-1", text_column="text"), 0)
    assert (found.train.texts[0], found.label_names) == ("é", ("negative", "positive"))


@pytest.mark.real
@needs_data
@pytest.mark.parametrize(
    ("name", "rows", "names"),
    [
        # Files of 67,349, 3,667 and 4,439 rows: those that hold a row of dev are left out.
        ("sst2", (67_344, 872), ("0", "1")),
        ("mrpc", (3_666, 408), ("0", "1")),
        ("sick", (4_436, 495), ("contradiction", "entailment", "neutral")),
    ],
)
def test_shared_data(name, rows, names):
    found = corpus(DATA / name)
    assert (len(found.train), len(found.dev), found.label_names) == (*rows, names)
    assert (found.train.text_pairs is not None) == (name != "sst2")
