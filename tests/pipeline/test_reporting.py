"""`tfkd report` on the folders of runs with a tiny BERT: whole, half finished, no runs at all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import STUDENT_FLAGS, TEACHER_FLAGS, assert_one_line, call
from tests.conftest import sentences
from tests.report.pages import Page, assert_stands_alone
from tfkd.config import DataConfig, ExportConfig, StudentConfig
from tfkd.errors import InputError
from tfkd.files import read_json, write_json
from tfkd.pipeline.finished_run import open_run, summary_of
from tfkd.pipeline.run_config import RunConfig, changed_flags, config_of_flags, flags_of

PAGES = ("report.html", "model_card.md", "report.md")


@pytest.fixture(scope="module")
def finished(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a run of two seeds, some of whose sentences hold markup; tests change copies of it."""
    runs = tmp_path_factory.mktemp("runs")
    data = runs / "sentences.tsv"
    rows = [f"{text} <script>alert({i})</script>\t{label}\n" for i, (text, label) in enumerate(sentences())]
    data.write_text("sentence\tlabel\n" + "".join(rows), "utf-8")
    flags = (f"--runs={runs}", "--name=whole", f"--data={data}", f"--teacher={tiny_bert}", "--student_seeds=1,2")
    outcome = call("run", *flags, "--n_iter=2", "--max_tokens=12", *TEACHER_FLAGS, *STUDENT_FLAGS, "--dev_rows=40")
    assert outcome.status == 0, outcome.err
    assert f"report: {runs / 'whole' / 'report.html'}" in outcome.err
    return runs / "whole"


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "whole"))


# --- one run ---


def test_the_pages_say_what_metrics_say(finished):
    metrics = read_json(finished / "metrics.json")
    html = (finished / "report.html").read_text("utf-8")
    page = assert_stands_alone(html)
    assert "<script>" not in html
    assert "<script>alert(" in page.text
    assert f"gives {100 * metrics['mean']['export.dev_accuracy']:.2f} % of 40 dev sentences" in page.text
    assert f"{metrics['rows']['transfer_set']:,}" in page.text
    for row in metrics["export"]["dev_confusion"]:
        assert " ".join(map(str, row)) in " ".join(page.text.split())
    disagreeing = page.text.partition("Where student and teacher disagree ")[2]
    assert re.match(r"(On \d+ of|Nowhere: the \.tflite file gives each of the) 40 dev sentences ", disagreeing)
    # Two students and baselines and a teacher learned: a line for each of them.
    curves = next(label for svg in page.named("svg") if "each epoch" in (label := svg["aria-label"] or ""))
    assert [curves.count(f"{name} ") for name in ("teacher", "student", "baseline")] == [1, 2, 2]
    for library in ("tfkd", "tensorflow", "keras", "keras-hub", "ai-edge-litert"):
        assert f"{library} " in page.text.partition("Versions")[2]
    assert re.search(r"Time step time teacher .* export-student-seed2 \d+ s figures \d+ s all ", page.text)
    card = (finished / "model_card.md").read_text("utf-8")
    assert read_json(finished / "steps" / "student.json")["depends"]["train"] in card


def test_report_writes_the_same_pages_again(copied):
    before = {name: (copied / name).read_bytes() for name in PAGES}
    metrics = (copied / "metrics.json").read_bytes()
    for name in PAGES:
        (copied / name).unlink()
    outcome = call("report", copied)
    assert (outcome.status, outcome.out) == (0, f"{copied / 'report.html'}\n"), outcome.err
    assert {name: (copied / name).read_bytes() for name in PAGES} == before
    assert (copied / "metrics.json").read_bytes() == metrics


def test_what_a_benchmark_measured_is_in_the_report(copied):
    """And so are files of other converters: points of the pictures, columns of a table."""
    student, other = copied / "export" / "student.tflite", copied / "other.tflite"
    shutil.copy(copied / "export" / "student-seed2.tflite", other)
    data = f"--data={copied.parent / 'sentences.tsv'}"
    shutil.copy(read_json(copied / "flags.json")["data"], copied.parent / "sentences.tsv")
    outcome = call(
        "benchmark", other, student, data, "--dev_rows=40", "--runs=10", f"--json={copied / 'benchmark.json'}"
    )
    assert outcome.status == 0, outcome.err
    assert call("report", copied).status == 0
    text = " ".join(assert_stands_alone((copied / "report.html").read_text("utf-8")).text.split())
    cells = [line.split("|")[1:-1] for line in outcome.out.splitlines()]
    for name in ("accuracy", "size", "Interpreter, median", "first result"):
        (row,) = (row for row in cells if row[0].strip() == name)
        assert " ".join(cell.strip() for cell in row) in text
    assert "student-seed2" not in text.split("What the files cost")[1].split("All figures")[0]
    # The student's file is another one since: what was measured of it is none of its figures any more.
    shutil.copy(other, student)
    metrics = read_json(copied / "metrics.json")
    for figures in (metrics["export"], metrics["seeds"][0]["export"]):
        figures["size_bytes"] = student.stat().st_size
    (copied / "metrics.json").write_text(json.dumps(metrics))
    for changes in ({}, {"sha256": ""}):
        written = read_json(copied / "benchmark.json")
        written["models"][1] |= changes | {"size_bytes": 1}
        (copied / "benchmark.json").write_text(json.dumps(written))
        assert call("report", copied).status == 0
        text = Page((copied / "report.html").read_text("utf-8")).text
        assert "benchmark.json has student.tflite as measured before the file was made anew" in text
        assert "other.tflite" in text.split("What the files cost")[1].split("All figures")[0]
    (copied / "benchmark.json").write_text('{"models": [{}]}')
    assert_one_line(call("report", copied).without_notes(), 1, "a file of it isn't as `tfkd run` writes it: KeyError")


def test_a_length_that_fits_is_proposed(copied, tmp_path):
    student, data, out = copied / "student", read_json(copied / "flags.json")["data"], tmp_path / "long.tflite"
    flags = (f"--student={student}", f"--data={data}", "--dev_rows=40", f"--out={out}", "--quantization=float32")
    outcome = call("export", *flags, "--max_tokens=100")
    assert outcome.status == 0, outcome.err
    proposed = (
        r"long\.tflite: no dev text has more than \d+ of the 100 pieces that the file reads: --max_tokens=(\d+) would"
    )
    found = re.search(proposed, outcome.out)
    assert found, outcome.out
    again = call("export", *flags, f"--max_tokens={found[1]}")
    assert "--max_tokens" not in again.out


def test_a_run_of_an_earlier_version(copied):
    """Its flags.json lacks newer flags and has an older one, its metrics a figure, its steps with which versions."""
    flags = read_json(copied / "flags.json")
    for name in ("table_bits", "lowering", "rank"):
        del flags[name]
    (copied / "flags.json").write_text(json.dumps(flags | {"a_flag_that_was": 1}))
    metrics = read_json(copied / "metrics.json")
    for group in ("teacher", "baseline", "student", "export"):
        del metrics[group]["dev_cross_entropy"]
    (copied / "metrics.json").write_text(json.dumps(metrics))
    for path in (copied / "steps").iterdir():
        record = read_json(path)
        record.pop("libraries", None)
        path.write_text(json.dumps(record))
    assert call("report", copied).status == 0
    page = Page((copied / "report.html").read_text("utf-8"))
    assert "not recorded" in page.text
    assert "--a_flag_that_was" not in page.text


def test_what_is_no_run(tmp_path):
    (tmp_path / "letters").mkdir()
    assert_one_line(call("report", tmp_path / "none"), 1, "none: is no run folder (there is no such folder)")
    assert_one_line(call("report", tmp_path / "letters"), 1, "letters: is no run folder (flags.json is missing)")
    (tmp_path / "letters" / "flags.json").write_text('{"epochs": "many"}')
    assert_one_line(call("report", tmp_path / "letters"), 1, "flags.json", "aren't the flags of a run")
    (tmp_path / "letters" / "flags.json").write_text("[")
    assert_one_line(call("report", tmp_path / "letters"), 1, "flags.json: isn't JSON")
    assert_one_line(call("report"), 2, "name the folder of a run")
    assert_one_line(call("report", tmp_path, "--out=x.html"), 2, "--out=x.html: is for several runs")


def test_half_finished(copied):
    def refused(*parts: str) -> None:
        before = {name: (copied / name).read_bytes() for name in PAGES}
        for outcome in (call("report", copied), call("report", copied, copied.parent)):
            assert_one_line(outcome, 1, *parts)
        assert {name: (copied / name).read_bytes() for name in PAGES} == before

    file, metrics = copied / "export" / "student-seed2.tflite", copied / "metrics.json"
    kept = file.read_bytes()
    file.write_bytes(kept + b"more")
    refused(f"{file}: has {len(kept) + 4:,} bytes, {len(kept):,} when metrics.json was written")
    file.unlink()
    refused(f"{file}: is missing")
    file.write_bytes(kept)
    record = (copied / "steps" / "student-seed2.json").read_text()
    for done_before in (
        dict[str, str](),
        json.loads(record),
    ):  # not done, or not done with the flags that it was begun with last
        begun = json.dumps(done_before | {"started": "abc", "spent": 1.0})
        (copied / "steps" / "student-seed2.json").write_text(begun)
        refused(f"{copied}: the run isn't finished (its step student-seed2 isn't done)")
    (copied / "steps" / "student-seed2.json").write_text(record)
    measured = metrics.read_text()
    write_json(metrics, {**json.loads(measured), "seeds": json.loads(measured)["seeds"][:1]})
    refused(f"{copied}: the run isn't finished (metrics.json is of other --student_seeds)")
    metrics.write_text('{"seeds": 3}')
    refused("metrics.json: has no figures by seed")
    metrics.unlink()
    refused(f"{copied}: the run isn't finished (metrics.json is missing)")


def test_data_that_has_gone_or_changed(copied, finished, tmp_path):
    flags = read_json(copied / "flags.json")
    lines = Path(flags["data"]).read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "other.tsv").write_text("".join(lines[:1] + lines[:0:-1]), "utf-8")
    (copied / "flags.json").write_text(json.dumps(flags | {"data": str(tmp_path / "other.tsv")}))
    outcome = call("report", copied).without_notes()
    assert_one_line(outcome, 1, "other.tsv no longer gives the dev rows that the run was made with")
    (copied / "flags.json").write_text(json.dumps(flags | {"data": "gone.tsv"}))
    assert_one_line(call("report", copied), 1, f"{copied}: its data can't be read again: gone.tsv")


def test_a_teacher_that_has_gone(copied):
    shutil.rmtree(copied / "teacher")
    assert_one_line(call("report", copied).without_notes(), 1, "teacher: no fine-tuned teacher")


def test_a_teacher_of_another_run_that_has_gone(copied, tmp_path):
    flags = read_json(copied / "flags.json")
    (copied / "steps" / "teacher.json").unlink()  # as a run that was given its teacher has none
    for given in {}, {"transfer_set": str(copied / "transfer_set")}:
        (copied / "flags.json").write_text(json.dumps(flags | {"teacher": str(tmp_path / "gone")} | given))
        assert_one_line(
            call("report", copied),
            1,
            f"--teacher={tmp_path / 'gone'}, isn't there; put it back, or call this where the run was started",
        )


# --- several ---


def test_comparison(finished, copied, tmp_path, monkeypatch):
    other = Path(shutil.copytree(copied, tmp_path / "other"))
    flags = read_json(other / "flags.json")
    (other / "flags.json").write_text(json.dumps(flags | {"epochs": 7}))
    monkeypatch.chdir(tmp_path)
    outcome = call("report", finished, other)
    assert (outcome.status, outcome.out, outcome.err) == (0, "comparison.html\n", "")
    page = assert_stands_alone((tmp_path / "comparison.html").read_text("utf-8"))
    assert "flag whole other --epochs 3 7" in page.text
    assert page.text.count(f"{read_json(finished / 'metrics.json')['rows']['transfer_set']:,}") >= 2
    # Folders of one name are told apart by their paths.
    assert call("report", finished, copied, f"--out={tmp_path / 'two.html'}").status == 0
    assert str(copied) in Page((tmp_path / "two.html").read_text("utf-8")).text


def test_comparison_of_what_does_not_compare(finished, copied, tmp_path):
    out = tmp_path / "out.html"
    metrics, step = read_json(copied / "metrics.json"), read_json(copied / "steps" / "student.json")
    step["depends"]["dev"] = "0" * 64
    (copied / "steps" / "student.json").write_text(json.dumps(step))
    outcome = call("report", finished, copied, f"--out={out}")
    assert outcome.status == 0
    assert "measured on different dev sets" in outcome.err
    assert "not measured on the same dev set" in Page(out.read_text("utf-8")).text
    out.unlink()
    (copied / "metrics.json").write_text(json.dumps(metrics | {"label_names": ["no", "yes"]}))
    outcome = call("report", finished, copied, f"--out={out}")
    assert_one_line(outcome, 1, f"{copied}: classifies into no, yes; {finished} into negative, positive")
    assert not out.exists()


def test_where_the_comparison_cannot_go(finished, copied, tmp_path):
    nowhere = tmp_path / "none" / "x.html"
    assert_one_line(call("report", finished, copied, f"--out={nowhere}"), 1, f"there is no folder {tmp_path / 'none'}")
    assert not nowhere.parent.exists()
    assert_one_line(call("report", finished, copied, f"--out={tmp_path}"), 1, f"--out={tmp_path}: is a folder")
    assert_one_line(call("report", finished, f"{finished}/"), 2, "named twice")


# --- flags and folders ---


def test_flags_there_and_back():
    config = RunConfig(
        data=DataConfig(data="x.csv", labels=("no", "yes")),
        student=StudentConfig(rank=4),
        export=ExportConfig(shorter_tokens=(8, 16)),
        student_seeds=(3, 1),
        transfer_set="some/where",
    )
    assert config_of_flags(json.loads(json.dumps(flags_of(config)))) == config
    assert config_of_flags({}) == RunConfig()
    assert changed_flags(config) == {
        "data": "x.csv",
        "labels": "no,yes",
        "rank": "4",
        "shorter_tokens": "8,16",
        "student_seeds": "3,1",
        "transfer_set": "some/where",
    }
    assert changed_flags(RunConfig()) == {}


def test_a_file_of_the_run_that_is_not_as_it_was_written(copied):
    run = open_run(copied)
    path = copied / "student" / "student.json"
    path.write_text(json.dumps(read_json(path) | {"epochs": [{"loss": 1}]}))
    with pytest.raises(InputError, match="isn't as `tfkd run` writes it"):
        summary_of(run)
