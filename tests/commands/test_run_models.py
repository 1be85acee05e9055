"""Commands that take a model, given the folder of a run: a chain's files with the flags of a run beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Outcome, assert_one_line, call
from tfkd.commands.run_models import teacher_in, teacher_of, transfer_set_in, transfer_set_of
from tfkd.config import DataConfig, TeacherConfig
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.metadata import read_metadata
from tfkd.files import read_json, write_json
from tfkd.pipeline.run_config import RunConfig, flags_of


@pytest.fixture(scope="module")
def run(chain, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mine"
    for name in ("teacher", "student", "transfer_set"):
        shutil.copytree(chain.folder / name, folder / name)
    (folder / "export").mkdir()
    shutil.copy(chain.tflite, folder / "export" / "student.tflite")
    config = RunConfig(data=DataConfig(data=str(chain.data), dev_rows=24), seed=7)
    (folder / "flags.json").write_text(json.dumps(flags_of(config)))
    return folder


def rows_of(outcome: Outcome) -> dict[str, int]:
    assert outcome.status == 0, outcome.err
    return {row["model"]: row["rows"] for row in map(json.loads, outcome.out.splitlines())}


def test_evaluate_measures_all_of_a_run_on_its_data(run):
    outcome = call("evaluate", "--json", run)
    models = [str(run / name) for name in ("teacher", "student", "export/student.tflite")]
    assert rows_of(outcome) == dict.fromkeys(models, 24)
    assert f"data: as in {run} (--data=" in outcome.err
    # The same sentences, cut by the run's seed.
    again = call("evaluate", "--json", f"--data={json.loads((run / 'flags.json').read_text())['data']}", "--seed=7",
                 "--dev_rows=24", run)  # fmt: skip
    assert again.out == outcome.out


def test_data_that_are_the_runs_are_read_as_the_run_read_them(run, tmp_path):
    """By another seed dev would be cut of what its models learnt."""
    data = f"--data={json.loads((run / 'flags.json').read_text())['data']}"
    as_run, by_name = call("evaluate", "--json", run), call("evaluate", "--json", data, run)
    assert by_name == as_run
    outcome = call("evaluate", "--json", data, "--seed=8", run)
    assert f"{run / 'teacher'}: was trained beside another dev set" in outcome.err
    assert f"{run / 'student'}: was trained beside another dev set" in outcome.err
    test = tmp_path / "test.tsv"
    test.write_text("sentence\tlabel\nthe film is good\tpositive\nthe plot is dull\tnegative\n")
    assert "beside another dev" not in call("evaluate", "--json", f"--dev={test}", run).err


def test_what_another_run_has_learnt_is_said(run, tmp_path):
    """With a dev file too, as long as it is that of the first run, and not given."""
    other = shutil.copytree(run, tmp_path / "other")
    for name in ("teacher/teacher.json", "student/student.json"):
        write_json(other / name, {**read_json(other / name), "dev": "of other sentences"})
    dev = tmp_path / "dev.tsv"
    dev.write_text("sentence\tlabel\nthe film is good\tpositive\nthe plot is dull\tnegative\n")
    first = shutil.copytree(run, tmp_path / "first")
    write_json(first / "flags.json", {**read_json(first / "flags.json"), "dev": str(dev)})
    said = call("evaluate", first, other).err
    assert f"{other / 'teacher'}: was trained beside another dev set" in said
    assert f"{other / 'student'}: was trained beside another dev set" in said


def test_what_is_given_goes_before_what_the_run_has(run, tmp_path):
    file = run / "export" / "student.tflite"
    assert rows_of(call("evaluate", "--json", "--dev_rows=10", file)) == {str(file): 10}
    test = tmp_path / "test.tsv"
    test.write_text("sentence\tlabel\nthe film is good\tpositive\nthe plot is dull\tnegative\n")
    assert rows_of(call("evaluate", "--json", f"--dev={test}", file)) == {str(file): 2}


def test_a_run_that_is_not_finished(run, tmp_path):
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    shutil.rmtree(folder / "export")
    outcome = call("evaluate", "--json", folder)
    assert list(rows_of(outcome)) == [str(folder / name) for name in ("teacher", "student")]
    missing = f"{folder}: the run isn't finished: {folder / 'export' / 'student.tflite'} isn't there"
    assert missing in outcome.err
    for command in (("predict", f"--model={folder}"), ("demo", folder), ("benchmark", folder)):
        assert_one_line(call(*command), 1, f"{missing}; the command that made it goes on with it")
    for name in ("teacher", "student"):
        shutil.rmtree(folder / name)
    assert_one_line(call("evaluate", folder).without_notes(), 1, "the run isn't finished", "goes on with it")


def test_a_teacher_that_is_left_over_is_not_the_runs(run, tmp_path):
    """Of a run that learns from given logits now."""
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    flags = json.loads((folder / "flags.json").read_text())
    (folder / "flags.json").write_text(json.dumps({**flags, "logits_from": "logits.parquet"}))
    assert str(folder / "teacher") not in rows_of(call("evaluate", "--json", folder))
    outcome = call("export", f"--teacher={folder}", f"--out={tmp_path / 'teacher.tflite'}")
    assert_one_line(outcome.without_notes(), 1, "the run has no teacher")
    assert (teacher_in(str(folder)), teacher_in(str(run))) == ("", str(run / "teacher"))
    assert teacher_in(str(run / "student")) == ""


def test_predict_and_benchmark_take_the_file_of_a_run(run):
    file = run / "export" / "student.tflite"
    assert call("predict", f"--model={run}", "a good film") == call("predict", f"--model={file}", "a good film")
    outcome = call("benchmark", run, "--runs=10")
    assert outcome.status == 0, outcome.err
    assert "student.tflite" in outcome.out.splitlines()[0]
    assert f"data: as in {run}" in outcome.err


def test_glues_test_set_is_detokenized_as_the_run_was_unless_a_flag_says_otherwise(run, tmp_path):
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    flags = json.loads((folder / "flags.json").read_text())
    (folder / "flags.json").write_text(json.dumps({**flags, "detokenize": "treebank"}))
    (tmp_path / "test.tsv").write_text("index\tsentence\n0\tit is n't good\n")
    out = ("--glue_task=sst2", f"--glue_test={tmp_path / 'test.tsv'}", f"--glue_out={tmp_path / 'glue'}")
    for model in (folder, folder / "export" / "student.tflite"):
        outcome = call("predict", f"--model={model}", *out)
        assert (outcome.status, outcome.out) == (0, f"{tmp_path / 'glue' / 'SST-2.tsv'}\n")
        assert f"data: detokenized as in {folder} (--detokenize=treebank)\n" in outcome.err
    for model, *flag in (folder, "--detokenize=none"), (run,), (run, "--detokenize=moses"):
        outcome = call("predict", f"--model={model}", *flag, *out)
        assert outcome.status == 0
        assert "detokenized" not in outcome.err


def test_export_takes_student_teacher_and_texts_of_a_run(run, tmp_path):
    out = tmp_path / "small.tflite"
    outcome = call("export", f"--student={run}", "--max_tokens=6", f"--out={out}")
    assert outcome.status == 0, outcome.err
    assert " of 24 dev sentences get" in outcome.out
    shown = tmp_path / "as_said.tflite"
    call("export", f"--student={run / 'student'}", f"--transfer_set={run / 'transfer_set'}", "--max_tokens=6",
         f"--out={shown}")  # fmt: skip
    assert len(out.read_bytes()) == len(shown.read_bytes())
    assert call("export", f"--teacher={run}", "--max_tokens=6", f"--out={tmp_path / 'teacher.tflite'}").status == 0


def test_no_path_is_no_run_wherever_one_is(run, monkeypatch):
    monkeypatch.chdir(run)
    assert (teacher_of(""), transfer_set_of(""), teacher_in(""), transfer_set_in("")) == ("",) * 4
    assert teacher_of(".") == "teacher"
    elsewhere = run.parent / "elsewhere.tflite"
    shutil.copy(run / "export" / "student.tflite", elsewhere)
    outcome = call("benchmark", "../elsewhere.tflite", "--runs=10")
    assert outcome.status == 0, outcome.err
    assert "as in" not in outcome.err


def test_the_word_vectors_of_a_runs_teacher(run, tmp_path):
    outcome = call("distill", f"--data={json.loads((run / 'flags.json').read_text())['data']}", f"--teacher={run}",
                   f"--transfer_set={run}", "--embedding_dim=4", "--hidden_size=4", "--dense_size=4", "--epochs=1",
                   f"--out={tmp_path / 'student'}")  # fmt: skip
    assert outcome.status == 0, outcome.err


def test_a_file_of_a_run_is_one_in_its_own_folder_too(run, monkeypatch):
    monkeypatch.chdir(run / "export")
    outcome = call("evaluate", "--json", "student.tflite")
    assert rows_of(outcome) == {"student.tflite": 24}
    assert f"data: as in {run}" in outcome.err


def test_transfer_set_of_a_run(run, tmp_path):
    """By the run's folder too; an export of a run whose transfer set has gone is fitted to train."""
    files = []
    for transfer_set in (run, run / "transfer_set"):
        files.append(tmp_path / f"{transfer_set.name}.tflite")
        outcome = call("export", f"--student={run / 'student'}", f"--transfer_set={transfer_set}", "--max_tokens=6",
                       f"--out={files[-1]}")  # fmt: skip
        assert outcome.status == 0, outcome.err
    assert LiteRtClassifier.from_file(files[0]).predict(["a film"]) == pytest.approx(
        LiteRtClassifier.from_file(files[1]).predict(["a film"]), abs=0
    )
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    shutil.rmtree(folder / "transfer_set")
    assert call("export", f"--student={folder}", "--max_tokens=6", f"--out={tmp_path / 'x.tflite'}").status == 0
    outcome = call("export", f"--student={folder}", f"--transfer_set={folder}", f"--out={tmp_path / 'y.tflite'}")
    assert_one_line(outcome.without_notes(), 1, "transfer_set: no manifest.json there")


def test_export_makes_files_as_long_as_the_runs(run, tmp_path):
    """A student of 32 tokens would else be compared with a teacher of 48."""
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    flags = json.loads((folder / "flags.json").read_text())
    (folder / "flags.json").write_text(json.dumps({**flags, "max_tokens": 7}))
    for model, path in (("student", folder), ("student", folder / "student"), ("teacher", folder)):
        out = tmp_path / "out.tflite"
        outcome = call("export", f"--{model}={path}", f"--out={out}")
        assert outcome.status == 0, outcome.err
        assert f"export: as long as in {folder} (--max_tokens=7)" in outcome.err
        assert read_metadata(out).max_tokens == 7
    outcome = call("export", f"--student={folder}", "--max_tokens=6", f"--out={out}")
    assert (outcome.status, read_metadata(out).max_tokens) == (0, 6)


def test_a_benchmark_reads_the_texts_of_the_run_that_is_its_baseline(run, chain, tmp_path):
    outcome = call("benchmark", chain.tflite, f"--baseline={run}", "--runs=10", f"--json={tmp_path / 'figures.json'}")
    assert outcome.status == 0, outcome.err
    assert f"data: as in {run}" in outcome.err
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["dev"]) == 64


def test_the_teacher_that_a_run_was_given(run, tmp_path):
    other = Path(shutil.copytree(run, tmp_path / "other"))
    shutil.move(other / "teacher", tmp_path / "given")
    config = RunConfig(data=DataConfig(data="none.csv"), teacher=TeacherConfig(teacher=str(tmp_path / "given")))
    (other / "flags.json").write_text(json.dumps(flags_of(config)))
    data = f"--data={json.loads((run / 'flags.json').read_text())['data']}"
    assert next(iter(rows_of(call("evaluate", data, "--json", other)))) == str(tmp_path / "given")


def test_flags_that_are_none(run, tmp_path):
    other = Path(shutil.copytree(run, tmp_path / "other"))
    (other / "flags.json").write_text('{"max_tokens": 0}')
    assert_one_line(call("evaluate", other), 1, "flags.json: --max_tokens=0", "these aren't the flags of a run")
