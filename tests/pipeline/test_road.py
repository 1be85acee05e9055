"""The whole road with a tiny BERT: interrupted, gone on with, changed, on a full device."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.conftest import ROOT, assert_one_line, call
from tests.report.pages import assert_stands_alone
from tfkd.config import (
    AugmentationConfig,
    DataConfig,
    DistillConfig,
    ExportConfig,
    LabelConfig,
    StudentConfig,
    TeacherConfig,
)
from tfkd.errors import InputError, OutputError, UsageError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.files import read_json, write_json
from tfkd.pipeline.road import _content_of, run
from tfkd.pipeline.run_config import RunConfig, flags_of, refuse_other_flags
from tfkd.report import metrics as metrics_module
from tfkd.training.finetune import finetune
from tfkd.training.student_folder import load_student

STEPS = ["teacher", "sentences", "transfer_set", "student", "baseline", "export-student"]


@pytest.fixture(scope="module")
def config(tiny_bert: Path, corpus_file: Path) -> RunConfig:
    return RunConfig(
        data=DataConfig(data=str(corpus_file)),
        teacher=TeacherConfig(teacher=str(tiny_bert), teacher_epochs=2, teacher_learning_rate=3e-3),
        augmentation=AugmentationConfig(n_iter=3),
        # To convert the BERT takes longer than to label with it; tests/pipeline/test_pairs.py has runs that do.
        label=LabelConfig(shard_rows=100, label_precision="float32"),
        student=StudentConfig(embedding_dim=8, hidden_size=6, dense_size=5),
        distill=DistillConfig(epochs=3, baseline_epochs=2, batch_size=16, learning_rate=0.01),
        export=ExportConfig(max_tokens=12),
    )


def _as_flags(config: RunConfig) -> list[str]:
    """The flags that make this config."""
    groups = [group for group in vars(config).values() if is_dataclass(group)]
    return [
        f"--{name}={','.join(value) if isinstance(value, tuple) else value}"
        for group in groups
        for name, value in vars(group).items()
    ]


@pytest.fixture(scope="module")
def finished(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of an uninterrupted run; tests change copies of it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(config, folder)
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "whole"))


def _figures(folder: Path) -> dict[str, Any]:
    """What metrics.json holds, times apart."""
    return {name: value for name, value in read_json(folder / "metrics.json").items() if name != "latency"}


def _snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _leftovers(folder: Path) -> list[Path]:
    return [*folder.rglob("*.tmp"), *folder.rglob("*.checkpoints")]


def _done(err: str) -> list[str]:
    """The steps that were done, not those found done already."""
    return re.findall(r"^(\S+): done in ", err, re.MULTILINE)


def _announced(err: str) -> list[str]:
    """The steps that a run announced, which it numbered from the first to the last."""
    found = re.findall(r"^step (\d+) of (\d+): ([\w-]+)(?:: done already .*)?$", err, re.MULTILINE)
    assert [(int(number), int(of)) for number, of, _ in found] == [(i + 1, len(found)) for i in range(len(found))]
    return [name for *_, name in found]


# --- what a run leaves ---


def test_files_that_scripts_rely_on(finished):
    pages = ("report.html", "model_card.md", "report.md")
    for name in ("metrics.json", *pages, "export/student.tflite", "flags.json"):
        assert (finished / name).is_file()
    assert not _leftovers(finished)
    assert sorted(path.stem for path in (finished / "steps").iterdir()) == sorted([*STEPS, "figures"])


def test_metrics_has_what_its_documentation_names(finished):
    metrics = read_json(finished / "metrics.json")
    documented = set()
    for names in re.findall(r"^    (\S+(?:, \S+)*)(?:  |$)", metrics_module.__doc__ or "", re.MULTILINE):
        documented |= set(names.split(", "))
    assert len(documented) > 10
    groups = {"teacher", "student", "baseline", "export", "latency"}
    held = {f"{group}.{name}" for group in groups for name in metrics[group]} | metrics.keys() - groups
    assert held == documented
    for name in documented:
        value = metrics
        for part in name.split("."):
            value = value[part]
        assert value is not None


def test_metrics_agree_with_the_files(finished, corpus_file):
    metrics = read_json(finished / "metrics.json")
    assert metrics["teacher"]["dev_accuracy"] == read_json(finished / "teacher" / "teacher.json")["dev_accuracy"]
    for group in ("student", "baseline"):
        assert metrics[group]["dev_accuracy"] == read_json(finished / group / "student.json")["dev_accuracy"]
    assert metrics["export"]["size_bytes"] == (finished / "export" / "student.tflite").stat().st_size
    assert metrics["export"]["truncated"] == 0
    assert metrics["export"]["student_agreement"] >= 0.995
    assert metrics["export"]["mean_probability_difference"] <= 0.02
    shards = sorted((finished / "transfer_set").glob("*.parquet"))
    assert metrics["rows"] == {"train": 144, "dev": 16, "transfer_set": sum(len(pq.read_table(s)) for s in shards)}
    evaluated = call("evaluate", f"--data={corpus_file}", "--json", finished / "export" / "student.tflite")
    assert json.loads(evaluated.out)["dev_accuracy"] == metrics["export"]["dev_accuracy"]


# --- started again ---


def test_started_again_nothing_is_done_again(config, copied, capsys):
    before = _snapshot(copied)
    run(config, copied)
    err = capsys.readouterr().err
    assert _done(err) == []
    steps = ["teacher", "sentences", "transfer_set", "student", "baseline", "export-student", "figures"]
    assert _announced(err) == steps
    (summary,) = re.findall(r"^steps:  (.*)$", err, re.MULTILINE)
    times, _, total = summary.partition("; in all ")
    assert [time.split()[0] for time in times.split(", ")] == steps
    assert [time.endswith(" (before)") for time in times.split(", ")] == [True] * 6 + [False]
    assert total
    after = _snapshot(copied)
    rewritten = {"metrics.json", "report.html", "model_card.md", "report.md", "flags.json", "steps/figures.json"}
    assert {k: v for k, v in after.items() if k not in rewritten} == {
        k: v for k, v in before.items() if k not in rewritten
    }


def test_other_flags_are_refused_and_spoil_nothing(config, copied, tmp_path):
    before = _snapshot(copied)
    other = replace(config, export=ExportConfig(max_tokens=9))
    outcome = call("run", f"--runs={tmp_path}", "--name=whole", *_as_flags(other))
    assert_one_line(outcome, 2, str(copied), "--max_tokens=9 (was 12)", "--update")
    assert _snapshot(copied) == before


def test_the_same_file_by_another_path_is_no_other_flag(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "teacher").mkdir(parents=True)
    write_json(tmp_path / "run" / "flags.json", flags_of(RunConfig(data=DataConfig(data="a.csv", dev="dev.csv"))))
    by_another_path = DataConfig(data=str(tmp_path / "a.csv"), dev="run/../dev.csv")
    refuse_other_flags(RunConfig(data=by_another_path), tmp_path / "run", update=False)
    for other in (DataConfig(data="run/a.csv", dev="dev.csv"), DataConfig(data="a.csv")):
        with pytest.raises(UsageError, match="was made with other flags: --d"):
            refuse_other_flags(RunConfig(data=other), tmp_path / "run", update=False)


def test_the_same_vectors_or_logits_by_another_path_are_no_other_flags(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "teacher").mkdir(parents=True)

    def config(logits: str, vectors: str) -> RunConfig:
        return RunConfig(label=LabelConfig(logits_from=logits), student=StudentConfig(embeddings=vectors))

    write_json(tmp_path / "run" / "flags.json", flags_of(config("l.parquet", "file:v.txt")))
    refuse_other_flags(config("./l.parquet", f"file:{tmp_path / 'v.txt'}"), tmp_path / "run", update=False)
    for other in (config("l.parquet", "file:run/v.txt"), config("run/l.parquet", "file:v.txt")):
        with pytest.raises(UsageError, match="was made with other flags"):
            refuse_other_flags(other, tmp_path / "run", update=False)


def test_two_at_work_in_one_folder(config, tmp_path, monkeypatch):
    """The second would take away what the first is writing."""
    folder = tmp_path / "run"

    def second(*_):
        with pytest.raises(OutputError, match=f"{folder}: another process is at work there; wait for it, or end it"):
            run(config, folder)
        raise StartedError

    monkeypatch.setattr("tfkd.pipeline.road.finetune", second)
    with pytest.raises(StartedError):
        run(config, folder)
    monkeypatch.setattr("tfkd.pipeline.road.finetune", _started)
    with pytest.raises(StartedError):  # which has ended
        run(config, folder)


def test_a_folder_that_is_no_run_is_refused(config, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("dear")
    with pytest.raises(UsageError, match="is no run folder"):
        run(config, tmp_path / "letters")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["mine.txt"]


class StartedError(Exception):
    """What takes hours was begun."""


def _started(*args: object) -> None:
    raise StartedError


def test_a_slip_in_data_does_not_bind_the_folder(config, tmp_path, monkeypatch):
    (tmp_path / "empty.tsv").write_text("sentence\tlabel\n")
    (tmp_path / "bad.tsv").write_text("sentence\tlabel\n\tpositive\n")  # a rejected row, which is written down
    folder = tmp_path / "runs" / "mine"
    for name in ("none.tsv", "empty.tsv", "bad.tsv"):
        with pytest.raises(InputError):
            run(replace(config, data=DataConfig(data=str(tmp_path / name))), folder)
    left = [path.name for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert left == ["rejects.jsonl"]

    monkeypatch.setattr("tfkd.pipeline.road.finetune", _started)
    with pytest.raises(StartedError):
        run(config, folder)


def test_a_slip_in_a_flag_does_not_bind_the_folder(config, tmp_path, monkeypatch):
    """What failed before anything was made can be tried again with other flags; after that it can't."""
    folder = tmp_path / "mine"
    with pytest.raises(InputError, match="no such folder"):
        run(replace(config, teacher=TeacherConfig(teacher="./none")), folder)
    monkeypatch.setattr("tfkd.pipeline.road.finetune", lambda *_: (folder / "teacher.checkpoints").mkdir())
    with pytest.raises(InputError, match="no fine-tuned teacher"):
        run(config, folder)
    with pytest.raises(UsageError, match=r"was made with other flags: --teacher=\./none \(was "):
        run(replace(config, teacher=TeacherConfig(teacher="./none")), folder)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't be read: No such file"),
        (b"film 1 2\ngood 1", "truncated in line 2"),
        (b"film 1 2\ngood 1 2 3\n", "line 2 has 3 numbers; expected 2"),
        (b"xyzzy 1 2\n", "has none of the vocabulary's"),
        (b"film 1 2\ngood 3 4\n", None),
    ],
)
def test_a_file_of_vectors_is_read_before_what_takes_hours(config, finished, tmp_path, monkeypatch, content, says):
    file, folder = tmp_path / "some.vec", tmp_path / "mine"
    if content is not None:
        file.write_bytes(content)
    shape = replace(config.student, embeddings=f"file:{file}")
    for step in ("finetune", "label_sentences"):
        monkeypatch.setattr(f"tfkd.pipeline.road.{step}", _started)
    for teacher in (config.teacher, replace(config.teacher, teacher=str(finished / "teacher"))):
        with pytest.raises(InputError if says else StartedError, match=says and f"{file}: .*{says}"):
            run(replace(config, student=shape, teacher=teacher), folder / Path(teacher.teacher).name)
    assert folder.exists() == (says is None)


@pytest.mark.usefixtures("copying")
def test_a_file_of_vectors_is_read_once_and_not_by_a_run_that_is_done(config, copied, tmp_path, monkeypatch, capsys):
    file = tmp_path / "some.vec"
    file.write_text("film 1 2\ngood 3 4\n")
    config = replace(config, student=replace(config.student, embeddings=f"file:{file}"), student_seeds=(1, 2))
    run(config, copied, update=True)
    err = capsys.readouterr().err
    assert _done(err)[:2] == ["student", "baseline"]
    assert err.count(f"{file}: has 2 of") == 1
    run(config, copied)
    err = capsys.readouterr().err
    assert not _done(err)
    assert str(file) not in err
    with pytest.raises(InputError, match="can't be read: No such file"):
        run(replace(config, student=replace(config.student, embeddings="file:none.vec")), copied, update=True)


def test_update_redoes_what_depends_on_it(config, copied, capsys):
    before, size = _snapshot(copied), read_json(copied / "metrics.json")["export"]["size_bytes"]
    run(replace(config, export=ExportConfig(max_tokens=3)), copied, update=True)
    assert _done(capsys.readouterr().err) == ["export-student"]
    after = _snapshot(copied)
    for name in before:
        if name.split("/")[0] in ("teacher", "sentences", "transfer_set", "student", "baseline"):
            assert after[name] == before[name]
    metrics = read_json(copied / "metrics.json")
    assert metrics["export"]["size_bytes"] != size
    assert metrics["export"]["truncated"] > 0
    assert read_json(copied / "flags.json")["max_tokens"] == 3


def test_figures_of_what_was_made_anew_since_are_not_left(config, copied, monkeypatch):
    """Were they, `tfkd report` would show them under the new flags."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tfkd.pipeline.road.measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(config, copied)  # nothing is done again: they hold
    assert (copied / "metrics.json").exists()
    with pytest.raises(KeyboardInterrupt):
        run(replace(config, export=ExportConfig(max_tokens=11)), copied, update=True)
    assert not (copied / "metrics.json").exists()


@pytest.mark.usefixtures("copying")
def test_students_learn_no_more_of_a_text_than_its_bert_reads(config, copied):
    """Whatever --max_pieces says."""
    most = read_json(Path(config.teacher.teacher) / "config.json")["config"]["max_sequence_length"]
    run(replace(config, teacher=replace(config.teacher, max_pieces=most + 1)), copied, update=True)
    for step in ("student", "baseline"):
        assert read_json(copied / "steps" / f"{step}.json")["depends"]["max_tokens"] == most


@pytest.fixture
def copying(finished, monkeypatch):
    """Lets students be copied instead of trained: what is done again is the question, not what comes of it."""

    def copy_of(name: str):
        def train(*args: Any) -> None:
            shutil.copytree(finished / name, args[-2], dirs_exist_ok=True)
            (args[-2] / "seed").write_text(str(args[-1]))
            (args[-2] / "made").write_text(str(time.time_ns()))  # what is trained anew is another

        return train

    monkeypatch.setattr("tfkd.pipeline.road.distil", copy_of("student"))
    monkeypatch.setattr("tfkd.pipeline.road.train_baseline", copy_of("baseline"))


@pytest.mark.usefixtures("copying")
def test_update_of_the_students_keeps_the_transfer_set(config, copied, capsys):
    """And the baseline, unless what it is trained by changes."""
    config = replace(config, distill=replace(config.distill, epochs=1, alpha=0.5))
    run(config, copied, update=True)
    assert _done(capsys.readouterr().err) == ["student", "export-student"]
    config = replace(config, distill=replace(config.distill, batch_size=8))
    run(config, copied, update=True)
    assert _done(capsys.readouterr().err) == ["student", "baseline", "export-student"]
    run(replace(config, augmentation=AugmentationConfig(n_iter=1)), copied, update=True)
    assert _done(capsys.readouterr().err) == ["sentences", "transfer_set", "student", "export-student"]


@pytest.mark.usefixtures("copying")
def test_what_is_made_again_since_it_has_gone_is_made_of_by_what_it_is_now(config, copied, monkeypatch, capsys):
    """The same seed gives the same weights on the same machine alone; a run may have come from another."""
    shutil.rmtree(copied / "teacher")
    run(config, copied)
    assert _done(capsys.readouterr().err) == ["teacher"]

    def on_another_machine(corpus, config, folder, seed):
        return finetune(corpus, config, folder, seed + 1)

    monkeypatch.setattr("tfkd.pipeline.road.finetune", on_another_machine)
    shutil.rmtree(copied / "teacher")
    run(config, copied)
    err = capsys.readouterr().err
    assert _done(err) == ["teacher", "transfer_set", "student", "export-student"]
    assert "transfer_set, again: teacher changed\n" in err
    shutil.rmtree(copied / "student")
    run(config, copied)
    assert _done(capsys.readouterr().err) == ["student", "export-student"]


@pytest.mark.usefixtures("copying")
def test_another_baseline_leaves_the_student_as_it_is(config, copied, capsys):
    distill = replace(config.distill, baseline_embedding_training="multichannel")
    run(replace(config, distill=distill), copied, update=True)
    assert _done(capsys.readouterr().err) == ["baseline"]


@pytest.mark.usefixtures("copying")
def test_students_and_baselines_depend_on_unlabelled_words_and_the_seed_of_random_vectors(
    config, copied, tmp_path, capsys
):
    students = ["student", "baseline", "export-student"]
    own = replace(
        config, teacher=TeacherConfig(teacher=str(copied / "teacher")), transfer_set=str(copied / "transfer_set")
    )
    run(own, tmp_path / "mine")
    assert _done(capsys.readouterr().err) == students
    (tmp_path / "more.txt.csv").write_text("text\nsome xyzzy words\n")
    more = replace(own, data=replace(own.data, unlabelled=str(tmp_path / "more.txt.csv")))
    run(more, tmp_path / "mine", update=True)
    assert _done(capsys.readouterr().err) == students
    dev = tmp_path / "dev.tsv"
    dev.write_text("sentence\tlabel\na quite new film\tpositive\na quite old film\tnegative\n")
    with_dev = replace(
        config, data=replace(config.data, dev=str(dev)), student=replace(config.student, embeddings="random")
    )
    run(with_dev, tmp_path / "random")
    capsys.readouterr()
    run(replace(with_dev, seed=2), tmp_path / "random", update=True)
    assert {"student", "baseline"} <= set(_done(capsys.readouterr().err))


def test_a_transfer_set_of_another_teacher(config, finished, tmp_path, monkeypatch):
    """Its students would be compared with a teacher that they didn't learn from."""
    other = tmp_path / "teacher"
    shutil.copytree(finished / "teacher", other)
    facts = read_json(other / "teacher.json")
    monkeypatch.setattr("tfkd.training.finetune._fingerprint", lambda folder: "another")
    write_json(other / "teacher.json", {**facts, "fingerprint": "another"})
    given = replace(config, teacher=TeacherConfig(teacher=str(other)), transfer_set=str(finished / "transfer_set"))
    with pytest.raises(
        InputError, match=rf"transfer_set: wasn't labelled by the teacher in {other}; name by --teacher"
    ):
        run(given, tmp_path / "run")


def test_a_teacher_of_another_dev_cut_is_said(config, finished, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tfkd.pipeline.road.label_sentences", _started)
    for seed, warned in ((1, False), (2, True)):
        given = replace(config, teacher=TeacherConfig(teacher=str(finished / "teacher")), seed=seed)
        with pytest.raises(StartedError):
            run(given, tmp_path / str(seed))
        said = f"{finished / 'teacher'}: was trained beside another dev set" in capsys.readouterr().err
        assert said == warned


def test_logits_that_are_gone_leave_the_transfer_set(config, finished, tmp_path, monkeypatch):
    logits = tmp_path / "logits"
    shutil.copytree(finished / "transfer_set", logits)
    monkeypatch.setattr("tfkd.pipeline.road.distil", _started)
    given = replace(config, label=replace(config.label, logits_from=str(logits)))
    with pytest.raises(StartedError):
        run(given, tmp_path / "run")
    shutil.rmtree(logits)
    before = _snapshot(tmp_path / "run" / "transfer_set")
    with pytest.raises(InputError, match="no Parquet file there"):
        run(given, tmp_path / "run")
    assert _snapshot(tmp_path / "run" / "transfer_set") == before


def test_flags_of_another_version_are_no_other_flags(config, copied, capsys):
    flags = read_json(copied / "flags.json")
    del flags["min_count"]
    write_json(copied / "flags.json", {**flags, "p_gone": 0.5})
    run(config, copied)
    assert not _done(capsys.readouterr().err)
    write_json(copied / "flags.json", [])
    with pytest.raises(InputError, match=r"flags\.json: holds list, expected an object"):
        run(config, copied)


@pytest.mark.usefixtures("copying")
def test_seeds_in_another_order(config, copied, capsys):
    def seeds() -> list[str]:
        names = ("student", "baseline", "student-seed1", "baseline-seed1", "student-seed2", "baseline-seed2")
        return [f"{n} {(copied / n / 'seed').read_text()}" for n in names if (copied / n / "seed").exists()]

    metrics = run(replace(config, student_seeds=(1, 2)), copied, update=True)
    err = capsys.readouterr().err
    assert _done(err) == ["student-seed2", "baseline-seed2", "export-student-seed2"]
    assert _announced(err)[-4:] == ["student-seed2", "baseline-seed2", "export-student-seed2", "figures"]
    assert [figures["seed"] for figures in metrics["seeds"]] == [1, 2]
    assert metrics["mean"]["student.dev_accuracy"] == metrics["student"]["dev_accuracy"]  # copies of one another
    assert metrics["std"]["student.dev_accuracy"] == 0
    assert (copied / "export" / "student-seed2.tflite").is_file()
    assert seeds() == ["student-seed2 2", "baseline-seed2 2"]
    # Now the other is the one to ship, and must not be taken for what stood under its name.
    metrics = run(replace(config, student_seeds=(2, 1)), copied, update=True)
    assert [figures["seed"] for figures in metrics["seeds"]] == [2, 1]
    assert {"student 2", "baseline 2", "student-seed1 1", "baseline-seed1 1"} <= set(seeds())
    run(replace(config, student_seeds=(1,)), copied, update=True)
    assert {"student 1", "baseline 1"} <= set(seeds())


def test_logits_of_another_model_need_no_teacher(config, finished, tmp_path, monkeypatch, capsys):
    baseline = finished / "baseline"
    monkeypatch.setattr("tfkd.pipeline.road.train_baseline", lambda *args: shutil.copytree(baseline, args[-2]))
    logits = replace(config.label, logits_from=str(finished / "transfer_set"))
    student = replace(config.student, embeddings="random", tokenizer="words")
    distill = replace(config.distill, epochs=1, baseline_epochs=1)
    teacher = TeacherConfig(teacher="none/at/all")
    metrics = run(replace(config, label=logits, student=student, distill=distill, teacher=teacher), tmp_path / "run")
    assert _announced(capsys.readouterr().err) == ["transfer_set", "student", "baseline", "export-student", "figures"]
    assert metrics["teacher"]["dev_accuracy"] is None
    assert metrics["student"]["teacher_agreement"] is None
    assert metrics["latency"]["teacher_us"] is None
    assert metrics["rows"] == read_json(finished / "metrics.json")["rows"]
    assert not (tmp_path / "run" / "teacher").exists()
    page = assert_stands_alone((tmp_path / "run" / "report.html").read_text("utf-8"))
    assert "Where student and teacher disagree" not in page.text
    card = (tmp_path / "run" / "model_card.md").read_text("utf-8")
    assert "Distilled by tfkd from given logits" in card
    assert "sentences, given with their logits (`--logits_from=" in card


# --- killed ---

# Kills itself as soon as a file of the run is there, or just before it gets its name.
KILLED = """
import os, signal, sys
from pathlib import Path
replace, when, target = Path.replace, sys.argv[1], sys.argv[2]
def watched(self, to):
    hit = str(to).endswith(target)
    if hit and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = replace(self, to)
    if hit:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
Path.replace = watched
from tfkd.commands.main import main
main(sys.argv[3:])
"""


def _killed(config: RunConfig, folder: Path, target: str, when: str = "after") -> subprocess.CompletedProcess[str]:
    """Starts a run in a process of its own, which SIGKILL ends when it writes `target`."""
    argv = ["run", f"--runs={folder.parent}", f"--name={folder.name}", *_as_flags(config)]
    return subprocess.run(
        [sys.executable, "-c", KILLED, when, f"/{target}", *argv],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
    )


def _killed_from_outside(config: RunConfig, folder: Path) -> None:
    """Starts a run, and kills it in the midst of whatever it does when fine-tuning has begun."""
    argv = ["run", f"--runs={folder.parent}", f"--name={folder.name}", *_as_flags(config)]
    process = subprocess.Popen([sys.executable, "-m", "tfkd", *argv], cwd=ROOT, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (folder / "teacher.checkpoints").exists():
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (folder / "teacher").exists()


def test_killed_at_every_step_it_ends_with_the_same_figures(config, finished, tmp_path, capsys):
    folder = tmp_path / finished.name
    _killed_from_outside(config, folder)
    moments = (
        ("after", "teacher.checkpoints/checkpoint.npz", None),
        ("after", "transfer_set/shard-00001.parquet", "teacher: going on after epoch 1 of 2"),
        ("after", "student.checkpoints/checkpoint.npz", "label: going on with 2 of"),
        ("before", "export/student.tflite", "student: going on after epoch 1 of 3"),
    )
    for when, target, said in moments:
        outcome = _killed(config, folder, target, when)
        assert outcome.returncode == -signal.SIGKILL, outcome.stderr
        assert said is None or said in outcome.stderr
        assert not (folder / "metrics.json").exists()
    assert not (folder / "export" / "student.tflite").exists()
    assert list((folder / "export").iterdir())  # what was half written when it was killed
    run(config, folder)
    assert _done(capsys.readouterr().err) == ["export-student"]
    assert _figures(folder) == _figures(finished)
    assert not _leftovers(folder)
    for name in ("sentences", "transfer_set"):
        for path in (finished / name).iterdir():
            assert (folder / name / path.name).read_bytes() == path.read_bytes()
    exported = Path("export") / "student.tflite"
    assert (folder / exported).read_bytes() == (finished / exported).read_bytes()


# --- no space left ---


@pytest.fixture
def small_device(tmp_path: Path):
    """A mounted tmpfs that can be resized."""
    folder = tmp_path / "device"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_device_is_one_line_and_breaks_nothing(config, finished, small_device):
    folder = small_device / finished.name
    argv = ["run", f"--runs={small_device}", f"--name={folder.name}", *_as_flags(config)]

    def fails_with(kilobytes: int) -> str:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", small_device], check=True)
        outcome = call(*argv)
        last = outcome.err.splitlines()[-1]
        assert outcome.status == 1, outcome.err
        assert "Traceback" not in outcome.err
        assert last.startswith("tfkd: "), outcome.err
        assert "No space left" in last, outcome.err
        assert not (folder / "metrics.json").exists()
        return last.partition(str(folder))[2]

    assert fails_with(16).startswith("/teacher")
    assert fails_with(144).startswith("/teacher")
    # As if it became full after labelling.
    subprocess.run(["mount", "-o", "remount,size=8m", small_device], check=True)
    shutil.rmtree(folder)
    left_out = shutil.ignore_patterns("student*", "baseline*", "export*", "metrics.json", "report.*", "model_card.md")
    shutil.copytree(finished, folder, ignore=left_out)
    assert fails_with(shutil.disk_usage(small_device).used // 1024 + 20).startswith("/student")
    subprocess.run(["mount", "-o", "remount,size=8m", small_device], check=True)
    outcome = call(*argv)
    assert outcome.status == 0, outcome.err
    assert _done(outcome.err) == ["student", "baseline", "export-student"]
    assert _figures(folder) == _figures(finished)
    assert not _leftovers(folder)


# --- parts of another run ---


def test_another_runs_teacher_and_transfer_set_without_a_baseline(config, finished, tmp_path, capsys):
    config = replace(
        config,
        teacher=replace(config.teacher, teacher=str(finished / "teacher")),
        distill=replace(config.distill, baseline_epochs=0),
        transfer_set=str(finished / "transfer_set"),
    )
    metrics = run(config, tmp_path / "shared")
    err = capsys.readouterr().err
    assert _done(err) == ["student", "export-student"]
    assert _announced(err) == ["student", "export-student", "figures"]
    assert set(metrics["baseline"].values()) == {None}
    page = assert_stands_alone((tmp_path / "shared" / "report.html").read_text("utf-8"))
    assert "hard labels alone" not in page.text.partition("The models side by side")[0]
    assert "Where student and teacher disagree" in page.text
    known = read_json(finished / "metrics.json")
    assert metrics["teacher"] == known["teacher"]
    assert metrics["rows"] == known["rows"]
    assert metrics["student"]["dev_accuracy"] == known["student"]["dev_accuracy"]
    students = (load_student(folder / "student").model.get_weights() for folder in (tmp_path / "shared", finished))
    for one, other in zip(*students, strict=True):  # whether the teacher was there before or was made by the run
        np.testing.assert_array_equal(one, other)
    another_path = str(finished / ".." / finished.name / "teacher")
    run(replace(config, teacher=replace(config.teacher, teacher=another_path)), tmp_path / "shared")
    assert not _done(capsys.readouterr().err)


def test_word_vectors_of_another_content_are_other_ones(tmp_path):
    (tmp_path / "vectors").mkdir()
    file = tmp_path / "vectors" / "model.vec"
    file.write_text("1 2\nfilm 0 1\n")
    known = _content_of(str(file))
    assert _content_of(str(tmp_path / "vectors" / ".." / "vectors" / "model.vec")) == known
    (tmp_path / "vectors" / ".cache").mkdir()
    (tmp_path / "vectors" / ".DS_Store").touch()
    assert _content_of(str(tmp_path / "vectors")) == known
    file.write_text("2 2\nfilm 0 1\ngood 1 0\n")
    assert _content_of(str(file)) != known
    facts = {"pretrained": "minilm_l6", "label_names": [], "max_pieces": 8, "dev_accuracy": 1.0}
    write_json(tmp_path / "vectors" / "teacher.json", {**facts, "fingerprint": "of these weights"})
    assert _content_of(str(tmp_path / "vectors")) == "of these weights"
    assert _content_of("minilm_l6") == "minilm_l6"


def test_students_of_word_pieces(config, finished, tmp_path):
    config = replace(
        config,
        teacher=replace(config.teacher, teacher=str(finished / "teacher")),
        student=replace(config.student, tokenizer="pieces"),
        transfer_set=str(finished / "transfer_set"),
    )
    metrics = run(config, tmp_path / "pieces")
    assert metrics["export"]["student_agreement"] == 1
    assert metrics["export"]["dev_accuracy"] == metrics["student"]["dev_accuracy"]
    assert metrics["baseline"]["dev_accuracy"] is not None
    file = tmp_path / "pieces" / "export" / "student.tflite"
    assert LiteRtClassifier.from_file(file).tokenizer == load_student(tmp_path / "pieces" / "student").tokenizer
    predicted = call("predict", f"--model={file}", "--json", "The unheard-of film is good", "")
    assert [json.loads(line)["label"] in metrics["label_names"] for line in predicted.out.splitlines()] == [True, True]


def test_another_runs_transfer_set_without_its_teacher(config, finished, tmp_path):
    metrics = run(replace(config, transfer_set=str(finished / "transfer_set")), tmp_path / "shared")
    assert set(metrics["teacher"].values()) == {metrics["student"]["teacher_agreement"]} == {None}
    known = read_json(finished / "metrics.json")
    assert metrics["export"]["dev_accuracy"] == known["export"]["dev_accuracy"]
    card = (tmp_path / "shared" / "model_card.md").read_text("utf-8")
    assert "Distilled by tfkd from the logits of another run (`--transfer_set=" in card
    assert "sentences, another run's (`--transfer_set=" in card


def test_a_transfer_set_of_another_task_is_refused(config, finished, tmp_path):
    taken = replace(config, transfer_set=str(finished / "transfer_set"))
    with pytest.raises(InputError, match="was made for another dev set"):
        run(replace(taken, seed=2), tmp_path / "seed")
    other = shutil.copytree(finished / "transfer_set", tmp_path / "other")
    manifest = read_json(other / "manifest.json")
    (other / "manifest.json").write_text(json.dumps({**manifest, "label_names": ["a", "b"]}))
    with pytest.raises(InputError, match="of the labels a, b; the data has"):
        run(replace(taken, transfer_set=str(other)), tmp_path / "labels")
    del manifest["dev"]
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="doesn't name the dev set it was made for"):
        run(replace(taken, transfer_set=str(other)), tmp_path / "imported")
    with pytest.raises(InputError, match=r"no manifest\.json there"):
        run(replace(taken, transfer_set=str(tmp_path)), tmp_path / "none")
