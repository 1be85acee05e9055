"""`tfkd benchmark`, and the teacher's file that it compares with."""

from __future__ import annotations

import pytest

from tests.benchmark.test_phone import Desk
from tests.commands.conftest import assert_one_line, call
from tfkd.files import read_json

FEW = "--runs=10"


@pytest.fixture(scope="module")
def teacher_file(chain):
    out = chain.folder / "teacher.tflite"
    outcome = call(
        "export", f"--teacher={chain.folder / 'teacher'}", f"--data={chain.data}", "--max_tokens=12", f"--out={out}"
    )
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith(f"{out}: dynamic_int8, 0.")
    return out


def test_student_against_teacher(chain, teacher_file, tmp_path):
    out = tmp_path / "figures.json"
    flags = [f"--baseline={teacher_file}", f"--data={chain.data}", FEW, f"--json={out}"]
    outcome = call("benchmark", chain.tflite, *flags)
    assert outcome.status == 0, outcome.err
    lines = outcome.out.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[2:4]] == ["teacher.tflite", "student.tflite"]
    assert "x less)" in outcome.out
    figures = read_json(out)
    assert figures["phones"] == {}
    assert [model["path"] for model in figures["models"]] == [str(teacher_file), str(chain.tflite)]
    assert figures["models"][1]["size_bytes"] == chain.tflite.stat().st_size
    assert set(figures["models"][1]["latency"]) == {"Interpreter", "CompiledModel"}


def test_on_a_phone(chain, tmp_path, monkeypatch):
    desk = Desk(tmp_path, monkeypatch)
    flags = [f"--data={chain.data}", FEW, "--phone", f"--adb={desk.adb_program}", f"--benchmark_model={desk.binary}"]
    outcome = call("benchmark", chain.tflite, *flags)
    assert outcome.status == 0, outcome.err
    assert "| Phone A1, mean         | 105.8 us       |" in outcome.out
    desk.plug("A1", state="unauthorized")
    failed = call("benchmark", chain.tflite, *flags)
    assert failed.status == 1
    assert "phone A1: hasn't authorized this computer" in failed.err


@pytest.mark.parametrize(
    ("arguments", "status", "parts"),
    [
        ([], 2, ["expected .tflite files to measure"]),
        (["missing.tflite"], 1, ["missing.tflite: can't be read"]),
        (["x.tflite", "x.tflite"], 2, ["expected each file once"]),
        (["x.tflite", "--phone"], 2, ["--phone and --benchmark_model=FILE go together"]),
        (["x.tflite", "--benchmark_model=b"], 2, ["--phone and --benchmark_model=FILE go together"]),
        (["x.tflite", "--phones=A1"], 2, ["--phones=A1: is for --phone, which is missing"]),
        (["x.tflite", "--json=y.tflite"], 2, ["--json=y.tflite: expected a .json file to write"]),
        (["--json", "x.tflite", "y.tflite"], 2, ["--json=x.tflite: expected a .json file to write"]),
        (["x.tflite", "--profile"], 2, ["--profile: goes with --phone or --arm64"]),
        (["x.tflite", "--runs=0"], 2, ["--runs"]),
        (["x.tflite", "--threads=0"], 2, ["--threads"]),
    ],
)
def test_called_wrongly(arguments, status, parts):
    assert_one_line(call("benchmark", *arguments), status, *parts)


def test_files_that_are_none(chain, tmp_path):
    text = tmp_path / "text.tflite"
    text.write_text("no model")
    assert_one_line(call("benchmark", text), 1, "text.tflite: isn't a .tflite model")
    adb = call("benchmark", chain.tflite, "--phone", "--benchmark_model=b", "--adb=no-such-adb")
    assert_one_line(adb, 1, "--adb=no-such-adb: isn't there")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--out=x.tflite"], "--student is missing"),
        (["--out=x.tflite", "--teacher=b", "--tune"], "--tune=True: is for students"),
        (["--out=x.tflite", "--teacher=b", "--shorter_tokens=2,3"], "--shorter_tokens=2,3: is for students"),
        (["--out=.", "--student=."], "--out=.: is a folder; expected a .tflite file to write"),
        (["--out=x.tflite", "--student=a", "--teacher=b"], "expected one of them"),
        (["--out=x.tflite", "--student=a", "--arm64"], "--arm64: counts for --tune"),
    ],
)
def test_export_called_wrongly(arguments, part):
    assert_one_line(call("export", *arguments), 2, part)


def test_a_folder_that_is_no_teacher(chain, tmp_path):
    outcome = call("export", f"--teacher={chain.folder / 'student'}", f"--data={chain.data}", f"--out={tmp_path / 'x'}")
    *notes, line = outcome.err.splitlines(keepends=True)
    assert all(note.startswith("data: ") for note in notes)
    assert_one_line(type(outcome)(outcome.status, outcome.out, line), 1, "no fine-tuned teacher")
