"""All flags of a run in one place, as a config and as what `flags.json` holds of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfkd.config import (
    AugmentationConfig,
    DataConfig,
    DistillConfig,
    ExportConfig,
    LabelConfig,
    StudentConfig,
    TeacherConfig,
)
from tfkd.errors import InputError, UsageError
from tfkd.files import LOCK_FILE, read_object
from tfkd.training.model_folders import max_pieces_of

# Where a run's folder has its flags, the rows that couldn't be read, and the records of its steps.
FLAGS_FILE, REJECTS_FILE, STEPS_FOLDER = "flags.json", "rejects.jsonl", "steps"
# Flags that name a file or folder of which only the content counts.
_PATHS = ("data", "dev", "unlabelled", "teacher", "transfer_set", "logits_from", "embeddings")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All that decides what a run gives.

    Attributes:
      seed: of the dev cut, of fine-tuning and of augmentation.
      student_seeds: of the students; the first is the one to ship.
      transfer_set: folder of another run's, which is taken as it is; "": the run makes its own.
    """

    data: DataConfig = field(default_factory=DataConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    student: StudentConfig = field(default_factory=StudentConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    seed: int = 1
    student_seeds: tuple[int, ...] = (1,)
    transfer_set: str = ""

    def __post_init__(self) -> None:
        if not self.student_seeds or len(set(self.student_seeds)) != len(self.student_seeds):
            raise ValueError(f"--student_seeds={self.student_seeds}: expected one or more seeds, each once")
        if self.transfer_set and self.label.logits_from:
            raise ValueError(
                f"--transfer_set={self.transfer_set} --logits_from={self.label.logits_from}: expected one of them"
            )

    @property
    def max_pieces(self) -> int:
        """Word pieces of a text that the teacher reads, which students aren't to learn from more than."""
        return max_pieces_of(self.teacher.teacher, self.teacher.max_pieces)


def flags_of(config: RunConfig) -> dict[str, Any]:
    """Returns a run's flags by name, as JSON."""
    flags: dict[str, Any] = {"seed": config.seed, "student_seeds": list(config.student_seeds)}
    if config.transfer_set:
        flags["transfer_set"] = config.transfer_set
    for f in dataclasses.fields(config):
        if dataclasses.is_dataclass(group := getattr(config, f.name)):
            for name, value in vars(group).items():
                flags[name] = list(value) if isinstance(value, tuple) else value
    return flags


def config_of_flags(flags: dict[str, Any]) -> RunConfig:
    """Returns the config of what `flags_of` gave, be it an earlier version's.

    Flags that it lacks have their defaults; those that no longer exist are passed over.

    Raises:
      ValueError: a value can't be taken.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}
    made: dict[str, Any] = {}
    for f in dataclasses.fields(RunConfig):
        if dataclasses.is_dataclass(group := f.default_factory):
            known = {field.name for field in dataclasses.fields(group)} & values.keys()
            made[f.name] = group(**{name: values[name] for name in known})
        elif f.name in values:
            made[f.name] = values[f.name]
    try:
        return RunConfig(**made)
    except TypeError as e:
        raise ValueError(str(e)) from e


def config_in(run: Path) -> RunConfig:
    """Returns the config that the flags in a run's folder make.

    Raises:
      InputError: they can't be read, or aren't a run's.
    """
    flags = read_object(run / FLAGS_FILE)
    try:
        return config_of_flags(flags)
    except (ValueError, TypeError) as e:
        raise InputError(f"{run / FLAGS_FILE}: {e}; these aren't the flags of a run") from e


def changed_flags(config: RunConfig) -> dict[str, str]:
    """Returns the flags that differ from their defaults, as one would write them on the command line."""
    defaults = flags_of(RunConfig())
    return {name: shown(value) for name, value in flags_of(config).items() if value != defaults.get(name, "")}


def shown(value: Any) -> str:
    """Returns a flag's value as one would write it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def refuse_other_flags(config: RunConfig, folder: Path, update: bool) -> None:
    """Passes a run folder that is new, was made with these flags, or has nothing in it yet that was.

    Flags that an earlier version of tfkd lacked had their defaults; those that are no more count for nothing.

    Raises:
      UsageError: the folder was made with other flags, or is no run folder.
      InputError: its flags can't be read.
    """
    flags = flags_of(config)
    if (folder / FLAGS_FILE).exists():
        known = flags_of(config_in(folder))
        changed = sorted(
            name for name in flags.keys() | known.keys() if not is_same_value(name, flags.get(name), known.get(name))
        )
        if changed and not update and _has_anything(folder):
            differences = ", ".join(f"--{n}={shown(flags.get(n))} (was {shown(known.get(n))})" for n in changed[:4])
            raise UsageError(
                f"{folder}: was made with other flags: {differences}{' ...' if len(changed) > 4 else ''}; "
                "give another --name, or --update to redo the steps that depend on them"
            )
    elif folder.is_dir() and _has_anything(folder):
        raise UsageError(f"{folder}: is no run folder ({FLAGS_FILE} is missing) and isn't empty; give another --name")


def _has_anything(folder: Path) -> bool:
    """Whether a step has left anything; one that failed at once, by a slip in a flag, has only its record."""
    return any(path.name not in (FLAGS_FILE, REJECTS_FILE, STEPS_FOLDER, LOCK_FILE) for path in folder.iterdir())


def is_same_value(name: str, value: Any, known: Any) -> bool:
    """Returns whether a flag has the value it had, or names the same file in another way."""
    if value == known or name not in _PATHS or not value or not known:
        return bool(value == known)
    return _place(value) == _place(known)


def _place(value: str) -> tuple[bool, Path]:
    """Whether a flag's value is file:PATH, and where the path leads to."""
    return value.startswith("file:"), Path(value.removeprefix("file:")).resolve()
