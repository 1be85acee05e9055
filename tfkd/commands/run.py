"""Does all steps in runs/NAME: teacher, transfer set, student, baseline, export, figures.

    tfkd run --flagfile=recipes/quickstart.flags
    tfkd run --name=mine --data=reviews.csv

Started again after an interruption it goes on where it was; a step is done again
only if data, flags or code it depends on changed.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfkd.commands.flags import FLAGS, MAX_SEED, config_of, define_flags_of, define_seed
from tfkd.commands.run_models import teacher_of, transfer_set_of
from tfkd.config import (
    AugmentationConfig,
    DataConfig,
    DistillConfig,
    ExportConfig,
    LabelConfig,
    StudentConfig,
    TeacherConfig,
)
from tfkd.errors import UsageError
from tfkd.native_stderr import import_tensorflow

if TYPE_CHECKING:
    from tfkd.pipeline.run_config import RunConfig


def define_flags() -> None:
    flags.DEFINE_string("name", "default", "name of the run: its folder is runs/NAME")
    flags.DEFINE_string("runs", "runs", "folder of all runs")
    flags.DEFINE_bool("update", False, "redo the steps of an earlier run that other flags change")
    flags.DEFINE_list(
        "student_seeds", ["1"], "seeds of the student; several give mean and spread, the first is shipped"
    )
    flags.DEFINE_string(
        "transfer_set", "", "another run's transfer set, or that run's folder, which the students learn from as it is"
    )
    define_seed()
    define_flags_of(
        DataConfig, TeacherConfig, AugmentationConfig, LabelConfig, StudentConfig, DistillConfig, ExportConfig
    )


def main(arguments: list[str]) -> None:
    if Path(FLAGS.name).name != FLAGS.name or FLAGS.name in ("", ".."):
        raise UsageError(f"--name={FLAGS.name}: expected the name of one folder; --runs says in which it lies")
    config, folder = run_config(), Path(FLAGS.runs) / FLAGS.name
    from tfkd.pipeline.data import read_sentences_of_run

    corpus = read_sentences_of_run(config, folder, FLAGS.update)
    import_tensorflow()
    from tfkd.pipeline.road import run

    run(config, folder, FLAGS.update, corpus)


def run_config() -> RunConfig:
    """Returns what the flags make.

    Raises:
      UsageError: a value can't be taken.
    """
    try:
        student_seeds = tuple(int(seed) for seed in FLAGS.student_seeds)
    except ValueError as e:
        raise UsageError(f"--student_seeds={','.join(FLAGS.student_seeds)}: expected whole numbers") from e
    if not all(0 <= seed <= MAX_SEED for seed in student_seeds):
        raise UsageError(f"--student_seeds={','.join(FLAGS.student_seeds)}: expected numbers from 0 to {MAX_SEED}")
    teacher = config_of(TeacherConfig)
    configs = {
        "data": config_of(DataConfig),
        "teacher": dataclasses.replace(teacher, teacher=teacher_of(teacher.teacher)),
        "augmentation": config_of(AugmentationConfig),
        "label": config_of(LabelConfig),
        "student": config_of(StudentConfig),
        "distill": config_of(DistillConfig),
        "export": config_of(ExportConfig),
    }
    from tfkd.pipeline.run_config import RunConfig

    seeds = {"seed": FLAGS.seed, "student_seeds": student_seeds}
    try:
        return RunConfig(**configs, **seeds, transfer_set=transfer_set_of(FLAGS.transfer_set))  # type: ignore[arg-type]
    except ValueError as e:
        raise UsageError(str(e)) from e
