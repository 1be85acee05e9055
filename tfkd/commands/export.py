"""Makes a .tflite of a student, runs it over the dev sentences, and keeps it only if it gives what Keras gives.

tfkd export --student=student --data=reviews.csv --out=student.tflite
tfkd export --student=runs/quickstart --out=small.tflite --tune --max_size=3.5
tfkd export --teacher=runs/quickstart --out=teacher.tflite

The last is of the BERT, for `tfkd benchmark` to compare the student with. Of a run's folder its first student is meant,
and without --data and --max_tokens these are those of the run.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, refuse_unused, required, required_folder
from tfkd.commands.run_models import (
    data_of,
    max_tokens_of,
    student_of,
    teacher_of,
    transfer_set_in,
    transfer_set_of,
)
from tfkd.config import DataConfig, ExportConfig
from tfkd.errors import UsageError
from tfkd.native_stderr import import_tensorflow

if TYPE_CHECKING:
    from tfkd.export.exporter import ExportResult
    from tfkd.text.examples import Corpus, Examples


_OF_STUDENTS = ("tune", "lowering", "shorter_tokens", "export_rank", "table_dim", "export_table_bits", "transfer_set")


def define_flags() -> None:
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote, or a run's")
    flags.DEFINE_string("teacher", "", "folder that tfkd finetune wrote, or a run's, instead of a student's")
    flags.DEFINE_string(
        "transfer_set",
        "",
        "folder, or a run's, whose texts int8, --export_rank and --table_dim are fitted to; default: the student's "
        "run's, if it is there, else train",
    )
    flags.DEFINE_string("out", "", ".tflite file to write")
    flags.DEFINE_bool(
        "tune",
        False,
        "try each lowering in int8 arithmetic and with int8 weights alone, float16, and some smaller tables, or of "
        "these what other flags leave open, and keep the fastest file within the limits; with --runtime=mediapipe of "
        "those that MediaPipe takes",
    )
    flags.DEFINE_bool(
        "arm64",
        False,
        "with --tune: the fastest is the file of the fewest ARM64 instructions, counted in an emulator; what it needs "
        "is fetched once",
    )
    define_seed()
    define_flags_of(DataConfig, ExportConfig)


def main(arguments: list[str]) -> None:
    if FLAGS.teacher and FLAGS.student:
        raise UsageError(f"--student={FLAGS.student} --teacher={FLAGS.teacher}: expected one of them")
    if FLAGS.teacher:
        refuse_unused(_OF_STUDENTS, "is for students; a teacher is exported in one way")
    if FLAGS.arm64 and not FLAGS.tune:
        raise UsageError("--arm64: counts for --tune; tfkd benchmark --arm64 counts those of a file")
    out, model = Path(required("out")), required_folder("teacher" if FLAGS.teacher else "student")
    if out.is_dir():
        raise UsageError(f"--out={out}: is a folder; expected a .tflite file to write")
    FLAGS["max_tokens"].value = max_tokens_of(model)
    config, (data, seed) = config_of(ExportConfig), data_of([model])
    from tfkd.pipeline.data import read_sentences

    corpus = read_sentences(data, seed)
    import_tensorflow()
    export = _export_teacher if FLAGS.teacher else _tune if FLAGS.tune else _export_student
    export(model, corpus, config, out)


def _export_student(model: str, corpus: Corpus, config: ExportConfig, out: Path) -> None:
    from tfkd.export.exporter import export_student
    from tfkd.training.student_folder import load_student

    student = load_student(student_of(model))
    texts = _texts_to_fit(model, corpus)
    result = export_student(
        student.model, student.tokenizer, student.label_names, corpus.dev, texts, out, config, name=out.stem
    )
    _say(result, corpus, config)


def _export_teacher(model: str, corpus: Corpus, config: ExportConfig, out: Path) -> None:
    from tfkd.export.teacher_export import export_teacher
    from tfkd.text.examples import check_task
    from tfkd.training.finetune import load_finetuned

    finetuned = load_finetuned(path := teacher_of(model))
    check_task(path, finetuned.label_names, finetuned.pairs, corpus.label_names, corpus.pairs)
    result = export_teacher(finetuned.teacher, finetuned.label_names, corpus.dev, out, config, name=out.stem)
    _say(result, corpus, config)


def _tune(model: str, corpus: Corpus, config: ExportConfig, out: Path) -> None:
    from tfkd.benchmark.arm64 import arm64_emulator
    from tfkd.pipeline.tuning import described, trials_table, tune
    from tfkd.text.examples import check_task
    from tfkd.training.student_folder import load_student

    student = load_student(path := student_of(model))
    check_task(path, student.label_names, student.model.pairs, corpus.label_names, corpus.pairs)
    emulator = arm64_emulator() if FLAGS.arm64 else None
    given = {field.name for field in dataclasses.fields(config) if FLAGS[field.name].present}
    trials = tune(student, corpus.dev, _texts_to_fit(model, corpus), config, out, emulator, given)
    print(trials_table(trials))
    print(f"\n{out}: {described(trials[0].config)}")


def _texts_to_fit(model: str, corpus: Corpus) -> Examples:
    from tfkd.export.exporter import CALIBRATION_TEXTS
    from tfkd.transfer_set.shards import ShardedTable, some_texts

    if transfer_set := transfer_set_of(FLAGS.transfer_set) or transfer_set_in(model):
        return some_texts(ShardedTable(transfer_set), CALIBRATION_TEXTS)
    return corpus.train


def _say(result: ExportResult, corpus: Corpus, config: ExportConfig) -> None:
    from tfkd.pipeline.reporting import dev_length_hint

    print(
        f"{result.path}: {result.quantization}, {result.size_bytes / 1e6:.2f} MB; "
        f"{result.parity.label_agreement:.2%} of {len(corpus.dev)} dev {corpus.unit} get the Keras model's label; "
        f"{result.truncated} are truncated"
    )
    if hint := dev_length_hint(result.path, corpus, config):
        print(f"{result.path}: {hint}")
