"""What the folder of a finished run says of it, without doing anything anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from tfkd.benchmark.comparison import ModelFigures
from tfkd.errors import InputError
from tfkd.files import read_object, sha256_of
from tfkd.pipeline.run_config import FLAGS_FILE, changed_flags, config_in, flags_of, shown
from tfkd.pipeline.run_folder import BENCHMARK_FILE, FIGURES_STEP, METRICS_FILE, RunFolder
from tfkd.pipeline.steps import recorded_step
from tfkd.report.run_summary import LearningCurve, Pruning, RunSummary
from tfkd.training.model_folders import STUDENT_FILE, TEACHER_FILE, is_finetuned


def open_run(path: str | Path) -> RunFolder:
    """Returns the folder of a run that is finished.

    Raises:
      InputError: it is no run folder, or the run isn't finished.
    """
    path = Path(path)
    if not (path / FLAGS_FILE).is_file():
        why = f"{FLAGS_FILE} is missing" if path.is_dir() else "there is no such folder"
        raise InputError(f"{path}: is no run folder ({why}); `tfkd run` makes one")
    run = RunFolder(path, config_in(path))
    again = "the command that made it goes on with it"
    for step in run.steps():
        record = recorded_step(path, step)
        if step == "teacher" and not record and recorded_step(path, "transfer_set"):
            raise teacher_is_missing(run)
        if "fingerprint" not in record or "started" in record:
            raise InputError(f"{path}: the run isn't finished (its step {step} isn't done); {again}")
    if not (path / METRICS_FILE).is_file():
        raise InputError(f"{path}: the run isn't finished ({METRICS_FILE} is missing); {again}")
    sizes = _measured_sizes(path)
    if sizes.keys() != set(run.config.student_seeds):
        raise InputError(f"{path}: the run isn't finished ({METRICS_FILE} is of other --student_seeds); {again}")
    for seed, measured in sizes.items():
        file = run.exported(seed)
        if not file.is_file():
            raise InputError(f"{file}: is missing; {again}")
        if (size := file.stat().st_size) != measured:
            raise InputError(f"{file}: has {size:,} bytes, {measured:,} when {METRICS_FILE} was written; {again}")
    return run


def teacher_is_missing(run: RunFolder) -> InputError:
    """Returns what to raise of a run that was given a fine-tuned teacher, which isn't where it was."""
    given = f"--teacher={run.config.teacher.teacher}"
    return InputError(
        f"{run.path}: its teacher, {given}, isn't there; put it back, or call this where the run was started"
    )


def summary_of(run: RunFolder, name: str = "") -> RunSummary:
    """Returns what the folder of a finished run says of it.

    Args:
      run: the run.
      name: what the report calls it; default: its folder's name.

    Raises:
      InputError: a file of it can't be read.
    """
    try:
        return _summary(run, name)
    except (KeyError, TypeError, AttributeError) as e:
        raise InputError(f"{run.path}: a file of it isn't as `tfkd run` writes it: {type(e).__name__}: {e}") from e


def _is_outdated(measured: ModelFigures, file: Path) -> bool:
    """Says whether figures are of what a run's file was before it was made anew.

    A path may be relative to another folder, and the run's folder moved: the last three parts tell.
    """
    if measured.path.resolve() != file.resolve():
        last = measured.path.parts[-3:]
        if len(last) < 2 or file.resolve().parts[-len(last) :] != last:
            return False
    if measured.sha256:
        return measured.sha256 != sha256_of(file)
    return measured.size_bytes != file.stat().st_size


def _summary(run: RunFolder, name: str) -> RunSummary:
    config = run.config
    records = {step: recorded_step(run.path, step) for step in run.steps()}
    # Earlier versions didn't record the time of the last step.
    times = {**records, FIGURES_STEP: recorded_step(run.path, FIGURES_STEP)}
    benchmark = read_object(path) if (path := run.path / BENCHMARK_FILE).is_file() else {}
    depends = records[run.student().name]["depends"]
    measured = [ModelFigures.of_json(figures) for figures in benchmark.get("models", [])]
    if benchmark.get("dev", depends["dev"]) != depends["dev"]:  # earlier versions didn't record it
        measured = [dataclasses.replace(of_file, accuracy=None) for of_file in measured]
    files = [run.exported(seed) for seed in config.student_seeds]
    outdated = [of_file for of_file in measured if any(_is_outdated(of_file, file) for file in files)]
    return RunSummary(
        name=name or run.path.resolve().name,
        metrics=read_object(run.path / METRICS_FILE),
        flags={flag: shown(value) for flag, value in sorted(flags_of(config).items())},
        changed_flags=changed_flags(config),
        teacher_size_bytes=_weights_bytes(run.teacher) if run.has_teacher and is_finetuned(run.teacher) else None,
        pruning=_pruning(run),
        curves=tuple(_curves(run)),
        seconds={step: record["seconds"] for step, record in times.items() if record},
        # Of the last step: the file is what it made. Earlier versions didn't record them.
        libraries=records[f"export-{run.exported().stem}"].get("libraries", {}),
        data_sha256={split: depends[split] for split in ("train", "dev")},
        file_sha256=sha256_of(run.exported()),
        benchmark=tuple(of_file for of_file in measured if of_file not in outdated),
        outdated=tuple(of_file.path.name for of_file in outdated),
        phones=benchmark.get("phones", {}),
    )


def _measured_sizes(path: Path) -> dict[int, int]:
    """Returns the size in bytes that each seed's `.tflite` had when it was measured."""
    try:
        each = read_object(path / METRICS_FILE)["seeds"]
        return {int(figures["seed"]): int(figures["export"]["size_bytes"]) for figures in each}
    except (KeyError, TypeError) as e:
        raise InputError(f"{path / METRICS_FILE}: has no figures by seed; `tfkd run` writes it anew") from e


def _weights_bytes(teacher: Path) -> int:
    """Returns the size of a teacher's weights."""
    return sum(file.stat().st_size for file in teacher.glob("*.weights.h5"))


def _pruning(run: RunFolder) -> Pruning:
    found = read_object(run.student() / STUDENT_FILE).get("pruning", {"words": 0, "kept": 0})
    return Pruning(found["words"], found["kept"], found.get("dev_accuracy_before"), found.get("dev_accuracy_after"))


def _curves(run: RunFolder) -> Iterator[LearningCurve]:
    if run.has_teacher and is_finetuned(run.teacher):
        yield _curve("teacher", run.config.seed, run.teacher / TEACHER_FILE)
    for seed in run.config.student_seeds:
        yield _curve("student", seed, run.student(seed) / STUDENT_FILE)
        if run.config.distill.baseline_epochs:
            yield _curve("baseline", seed, run.baseline(seed) / STUDENT_FILE)


def _curve(model: str, seed: int, description: Path) -> LearningCurve:
    epochs = read_object(description).get("epochs", [])
    return LearningCurve(
        model,
        seed,
        dev_accuracy=tuple(epoch["dev_accuracy"] for epoch in epochs),
        loss=tuple(epoch["loss"] for epoch in epochs),
    )
