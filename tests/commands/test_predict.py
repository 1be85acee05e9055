"""`tfkd predict` as a user's shell and programs call it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.conftest import ROOT, assert_one_line, call, call_process
from tests.commands.test_main import LOADED, _loaded


def _shell(command: str, **names: object) -> subprocess.CompletedProcess[bytes]:
    quoted = {name: f"'{value}'" for name, value in names.items()}
    script = command.format(tfkd=f"'{sys.executable}' -m tfkd", **quoted)
    return subprocess.run(["bash", "-c", script], capture_output=True, cwd=ROOT, check=False)


def _objects(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_texts_as_arguments(chain):
    outcome = call_process("predict", f"--model={chain.tflite}", "--json", "the film is good", "", "a BAD film")
    assert (outcome.status, outcome.err) == (0, "")
    rows = _objects(outcome.out)
    assert [row["text"] for row in rows] == ["the film is good", "", "a BAD film"]
    for row in rows:
        assert list(row) == ["text", "label", "probabilities"]
        assert set(row["probabilities"]) == {"negative", "positive"}
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


def test_plain_lines_say_the_same(chain):
    texts = ["the film is good", "a bad film"]
    rows = _objects(call_process("predict", f"--model={chain.tflite}", "--json", *texts).out)
    lines = call_process("predict", f"--model={chain.tflite}", *texts).out.splitlines()
    for row, line in zip(rows, lines, strict=True):
        p = row["probabilities"]
        shown = [row["label"], f"negative={p['negative']:.4f}", f"positive={p['positive']:.4f}", row["text"]]
        assert line.split("\t") == shown


def test_a_text_of_several_lines_is_shown_in_one(chain):
    outcome = call_process("predict", f"--model={chain.tflite}", "the film\nis\r\ngood\x0c\x85\u2028")
    assert outcome.out.endswith("\tthe film is good\x0c\x85\u2028\n")  # these break no line that a program reads
    assert outcome.out.count("\n") == 1


def test_lines_of_standard_input(chain):
    lines = [f"the film is {word}" for word in ("good", "bad")] * 300  # more than are read at a time
    lines[1:1] = ["", "  ", "Ünïcödé 映画 🙂", '"quoted", {json}']
    stdin = "\n".join(lines[:4]) + "\r\n" + "\r\n".join(lines[4:])  # the last one without an end
    outcome = call_process("predict", f"--model={chain.tflite}", "--json", stdin=stdin.encode())
    assert (outcome.status, outcome.err) == (0, "")
    rows = _objects(outcome.out)
    assert [row["text"] for row in rows] == lines
    assert rows[1]["probabilities"] == rows[2]["probabilities"]
    assert len({json.dumps(row["probabilities"]) for row in rows if row["text"] == "the film is bad"}) == 1


def test_flags_of_a_glue_file_without_the_rest(chain, tmp_path):
    model, out = f"--model={chain.tflite}", f"--glue_out={tmp_path}"
    assert_one_line(call("predict", model, out), 2, "--glue_task is missing: with --glue_out: the task, such as sst2")
    assert_one_line(call("predict", model, out, "--glue_task=sst3"), 2, "--glue_task=sst3: expected one of ")
    for flag in ("--glue_test=test.tsv", "--glue_task=sst2", "--detokenize=moses", "--text_column=text"):
        outcome = call("predict", model, flag, "a good film")
        assert_one_line(outcome, 2, f"{flag}: is for --glue_out, which is missing")


def test_columns_of_a_glue_test_set_that_are_not_guessed(chain, tmp_path):
    rows = [f"a good film {i}\tof n. {i}\n" for i in range(9)]
    (tmp_path / "test.tsv").write_text("".join(["one\tother\n", *rows]))
    command = ("predict", f"--model={chain.tflite}", f"--glue_test={tmp_path / 'test.tsv'}", "--glue_task=sst2")
    outcome = call(*command, f"--glue_out={tmp_path / 'glue'}")
    assert_one_line(
        outcome, 1, "'one' and 'other' may each be the text", "name the columns, such as --text_column=one;"
    )
    assert call(*command, f"--glue_out={tmp_path / 'glue'}", "--text_column=one").status == 0


def test_no_line_no_output(chain):
    outcome = call_process("predict", f"--model={chain.tflite}")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")


def test_a_byte_order_mark_is_no_text(chain):
    """Windows' Notepad and Excel write one."""
    marked, plain = (
        call_process("predict", f"--model={chain.tflite}", stdin=mark + b"good\nbad\n")
        for mark in (b"\xef\xbb\xbf", b"")
    )
    assert plain.out.count("\n") == 2
    assert marked == plain


def test_bytes_that_are_not_utf8(chain):
    outcome = call_process("predict", f"--model={chain.tflite}", stdin=b"good\ncaf\xe9\nbad\n")
    assert outcome.out.endswith("\tgood\n")  # what stands before it is answered
    assert_one_line(replace(outcome, out=""), 1, "line 2", "isn't UTF-8", "byte 4")
    outcome_of_argument = _shell("{tfkd} predict --model={model} good $'caf\\xe9'", model=chain.tflite)
    assert outcome_of_argument.returncode == 2
    assert outcome_of_argument.stderr.decode().count("\n") == 1
    assert "argument 4: isn't UTF-8: caf\\udce9" in outcome_of_argument.stderr.decode()


def test_a_line_has_its_answer_before_the_next_one_comes(chain):
    """As from a pipe that stays open."""
    command = [sys.executable, "-m", "tfkd", "predict", f"--model={chain.tflite}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in (b"good", b"a very bad film"):
            process.stdin.write(text + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().endswith(b"\t" + text + b"\n")
        process.stdin.write(b"no line end")
        process.stdin.close()
        assert process.stdout.read().endswith(b"\tno line end\n")
    assert process.returncode == 0


def test_tensorflow_is_not_imported(chain):
    outcome = call_process("predict", f"--model={chain.tflite}", "good", code=LOADED)
    assert outcome.out.count("\n") == 1
    assert not _loaded(outcome.err) & {"tensorflow", "keras", "keras_hub", "mediapipe", "textblob", "nltk"}


def test_a_reader_that_stops(chain, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("the film is good\n" * 20_000)
    done = _shell(
        "{tfkd} predict --model={m} < {lines} | head -1; exit ${{PIPESTATUS[0]}}", m=chain.tflite, lines=lines
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 1
    # So little that it is written only at the end.
    done = _shell("{tfkd} predict --model={m} good | true; exit ${{PIPESTATUS[0]}}", m=chain.tflite)
    assert (done.returncode, done.stderr) == (0, b"")
    done = _shell("{tfkd} run --help | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_standard_output_is_full(chain):
    done = _shell("{tfkd} predict --model={m} good > /dev/full", m=chain.tflite)
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "No space left" in done.stderr.decode()


@pytest.mark.parametrize("content", [b"", b"no model", b"\x1c\x00\x00\x00TFL3" + bytes(100)])
def test_a_file_that_is_no_model(tmp_path, content):
    path = tmp_path / "some.tflite"
    path.write_bytes(content)
    assert_one_line(call_process("predict", f"--model={path}", "good"), 1, "some.tflite")


def test_a_folder_and_a_cut_file(chain, tmp_path):
    assert_one_line(call_process("predict", f"--model={tmp_path}", "good"), 1, str(tmp_path))
    shutil.copy(chain.tflite, cut := tmp_path / "cut.tflite")
    with open(cut, "r+b") as f:
        f.truncate(cut.stat().st_size // 2)
    assert_one_line(call_process("predict", f"--model={cut}", "good"), 1, "cut.tflite")
