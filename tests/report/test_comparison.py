"""Runs side by side, written out by hand."""

from __future__ import annotations

from tests.report.made_runs import made_metrics, made_summary, without_teacher
from tests.report.pages import assert_stands_alone
from tfkd.report.comparison import comparison_page, comparison_rows, differing_flags
from tfkd.report.pictures import LOOKS


def _small():
    metrics = made_metrics()
    metrics["export"] = {**metrics["export"], "size_bytes": 970_000, "dev_accuracy": 0.86}
    metrics["seeds"] = [{**metrics["seeds"][0], "export": metrics["export"]}]
    metrics["latency"] = {**metrics["latency"], "student_us": 640.0}
    return made_summary(name="small", metrics=metrics, flags={"data": "my.csv", "teacher": "minilm_l6", "rank": "24"})


def test_rows_by_hand():
    header, mine, small = comparison_rows([made_summary(), _small()])
    assert len({len(header), len(mine), len(small)}) == 1
    assert mine == (
        "mine", "87.45 %", "97.17 %", "+7.45 points", "95.00 %", "2.35 MB", "0.46 ms", "90.00 %", "80.00 %",
        "54,321", "1",
    )  # fmt: skip
    assert small[:3] == ("small", "86.00 %", "95.56 %")
    (bare,) = comparison_rows([without_teacher(made_summary())])[1:]
    assert bare == ("mine", "87.45 %", "-", "-", "-", "2.35 MB", "0.46 ms", "-", "-", "54,321", "1")


def test_flags_that_differ():
    assert differing_flags([made_summary(), _small()]) == [
        ("flag", "mine", "small"), ("--epochs", "2", ""), ("--rank", "", "24"),
    ]  # fmt: skip
    assert differing_flags([made_summary(), made_summary()]) == []


def test_page():
    page = assert_stands_alone(comparison_page([made_summary(), _small(), without_teacher(made_summary(name="bare"))]))
    assert "The most accurate is mine with 87.45 % of dev, the smallest small with 0.97 MB" in page.text
    assert "the fastest mine with 0.46 ms" in page.text
    labels = [svg["aria-label"] or "" for svg in page.named("svg")]
    assert len(labels) == 4
    assert "small: 86.00 % at 0.97 MB" in labels[0]
    assert labels[0].count("teacher: 90.00 % at 91.00 MB") == 1  # shared by two of the runs
    assert "mine: 87.45 % at 54.32 thousand rows" in labels[2]
    assert "not measured on the same dev set" not in page.text


def test_other_dev_sets_are_said():
    other = made_summary(name="other", data_sha256={"train": "a" * 64, "dev": "d" * 64})
    page = assert_stands_alone(comparison_page([made_summary(), other]))
    assert "not measured on the same dev set" in page.text
    assert f"2,000 rows (SHA-256 {'d' * 16}…): other" in page.text
    assert "most accurate" not in page.text


def test_many_runs_of_odd_names():
    runs = [made_summary(name=f"_<run>$^{i}$") for i in range(20)]
    html = comparison_page(runs)
    page = assert_stands_alone(html)
    assert "<run>" not in html
    assert "_<run>$^19$" in page.text
    assert "_<run>$^3$ and 16 more" in page.text


def test_no_two_runs_are_drawn_alike():
    marks, lines = ({(look.colour, getattr(look, how)) for look in LOOKS} for how in ("marker", "dashes"))
    assert len(marks) == len(lines) == len(LOOKS) == 18
