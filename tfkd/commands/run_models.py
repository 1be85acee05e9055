"""A run's folder where a command takes a model: which of its files is meant, and how the data were read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tfkd.commands.flags import FLAGS, config_of
from tfkd.config import DataConfig
from tfkd.errors import InputError
from tfkd.pipeline.run_config import FLAGS_FILE, RunConfig, config_in, is_same_value
from tfkd.pipeline.run_folder import RunFolder
from tfkd.progress import say

_GO_ON = "the command that made it goes on with it"


def exported_of(path: str) -> str:
    """Returns the `.tflite` that a path names: of a run's folder that of its first student.

    Raises:
      InputError: the run has made none yet.
    """
    if not (run := _run_at(path)):
        return path
    if not run.exported().exists():
        raise InputError(f"{_unfinished(path, [run.exported()])}; {_GO_ON}")
    return str(run.exported())


def student_of(path: str) -> str:
    """Returns the folder of the student that a path names: of a run's folder that of its first one."""
    return str(run.student()) if (run := _run_at(path)) else path


def teacher_of(path: str) -> str:
    """Returns the folder of the teacher that a path names: of a run's folder the one that it made or was given.

    Raises:
      InputError: the run has none.
    """
    run = _run_at(path)
    if run and not run.has_teacher:
        raise InputError(f"{path}: the run has no teacher: it learnt from logits, or a transfer set, that it was given")
    return str(run.teacher) if run else path


def teacher_in(path: str) -> str:
    """Returns the folder of the teacher of a run of this folder; "" if it is no run's, or the run has none."""
    run = _run_at(path)
    return str(run.teacher) if run and run.has_teacher and run.teacher.exists() else ""


def transfer_set_of(path: str) -> str:
    """Returns the folder of the transfer set that a path names: of a run's folder the one that it learnt from."""
    return str(run.transfer_set) if (run := _run_at(path)) else path


def transfer_set_in(path: str) -> str:
    """Returns the transfer set that a run of this folder learnt from; "" if it is no run's, or the set has gone."""
    run = _run_at(path)
    return str(run.transfer_set) if run and run.transfer_set.exists() else ""


def models_of(path: str) -> list[str]:
    """Returns what can be measured at a path: of a run's folder its teacher, its first student, and that one's file.

    Raises:
      InputError: the run has made none of them yet.
    """
    if not (run := _run_at(path)):
        return [path]
    models = [*([run.teacher] if run.has_teacher else []), run.student(), run.exported()]
    if missing := [model for model in models if not model.exists()]:
        if len(missing) == len(models):
            raise InputError(f"{_unfinished(path, missing)}; {_GO_ON}")
        say(_unfinished(path, missing))
    return [str(model) for model in models if model not in missing]


def data_of(models: Iterable[str]) -> tuple[DataConfig, int]:
    """Returns what the flags say of the data and the seed; else, and with the run's own --data, what the run has that a
    model is of.

    Args:
      models: paths of run folders, or of what lies in them.

    Raises:
      UsageError: a value can't be taken.
    """
    run = next(filter(None, map(_run_of, models)), None)
    of_run = None if run is None else config_in(run)
    # The run's data by name are the run's too: cut by another seed dev would be what its models learnt.
    if of_run is None or (FLAGS.data and not is_same_value("data", FLAGS.data, of_run.data.data)):
        return config_of(DataConfig), FLAGS.seed
    say(f"data: as in {run} (--data={of_run.data.data})")
    for field in dataclasses.fields(DataConfig):
        if not FLAGS[field.name].present:
            value = getattr(of_run.data, field.name)
            FLAGS[field.name].value = list(value) if isinstance(value, tuple) else value
    return config_of(DataConfig), FLAGS.seed if FLAGS["seed"].present else of_run.seed


def detokenize_of(model: str) -> str:
    """Returns what the flags say of how texts are detokenized; else what the run does that a model is of."""
    return str(_given_or_of_run("detokenize", model, lambda config: config.data.detokenize, "data: detokenized"))


def max_tokens_of(model: str) -> int:
    """Returns --max_tokens; if it isn't given, that of the run that a model is of: files are compared at one length."""
    return int(_given_or_of_run("max_tokens", model, lambda config: config.export.max_tokens, "export: as long"))


def _given_or_of_run(flag: str, model: str, of_run: Callable[[RunConfig], Any], what: str) -> Any:
    """Returns a flag's value; if it isn't given, what the run has that a model is of, and says so if they differ."""
    given = FLAGS[flag]
    run = None if given.present else _run_of(model)
    if run is None or (value := of_run(config_in(run))) == given.value:
        return given.value
    say(f"{what} as in {run} (--{flag}={value})")
    return value


def _unfinished(path: str, missing: Iterable[Path]) -> str:
    return f"{path}: the run isn't finished: {', '.join(map(str, missing))} isn't there"


def _run_at(path: str) -> RunFolder | None:
    return RunFolder(Path(path), config_in(Path(path))) if path and _is_run(Path(path)) else None


def _is_run(path: Path) -> bool:
    return (path / FLAGS_FILE).is_file()


def _run_of(model: str) -> Path | None:
    """The folder of the run that a model is, or lies in, wherever the current folder is; no path is in none."""
    if not model:
        return None
    parents = Path(model).resolve().parents[:2]  # of ../file too, whose own are .. and .
    return next(filter(_is_run, (Path(model), *parents)), None)
