"""Makes a .tflite of a student, runs it over the dev sentences, and keeps it only if it gives what Keras gives.

tfkd export --student=student --data=reviews.csv --out=student.tflite
tfkd export --student=student --data=reviews.csv --out=student.tflite --tune --max_size=3.5
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, ExportConfig
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote")
    flags.DEFINE_string(
        "transfer_set", "", "folder whose texts int8, --export_rank and --table_dim are fitted to; default: train"
    )
    flags.DEFINE_string("out", "", ".tflite file to write")
    flags.DEFINE_bool(
        "tune",
        False,
        "try all lowerings, arithmetics and some tables, and keep the fastest file within the limits",
    )
    flags.DEFINE_string(
        "arm64", "", "with --tune: script that counts the ARM64 instructions of an inference (see tfkd.benchmark.arm64)"
    )
    define_seed()
    define_flags_of(DataConfig, ExportConfig)


def main(arguments: list[str]) -> None:
    folder, out = required("student"), required("out")
    data, config = config_of(DataConfig), config_of(ExportConfig)
    import_tensorflow()
    from tfkd.export.exporter import CALIBRATION_TEXTS, export_student
    from tfkd.pipeline.data import read_sentences
    from tfkd.training.student_folder import load_student
    from tfkd.transfer_set.shards import ShardedTable, some_texts

    student = load_student(folder)
    corpus = read_sentences(data, FLAGS.seed)
    dev, texts = corpus.dev, corpus.train
    if FLAGS.transfer_set:
        texts = some_texts(ShardedTable(FLAGS.transfer_set), CALIBRATION_TEXTS)
    if FLAGS.tune:
        from tfkd.pipeline.tuning import described, trials_table, tune

        trials = tune(student, dev, texts, config, Path(out), Path(FLAGS.arm64) if FLAGS.arm64 else None)
        print(trials_table(trials))
        print(f"\n{out}: {described(trials[0].config)}")
        return
    result = export_student(
        student.model, student.tokenizer, student.label_names, dev, texts, out, config, name=Path(out).stem
    )
    print(
        f"{out}: {result.size_bytes / 1e6:.2f} MB; {result.parity.label_agreement:.2%} of {len(dev)} dev sentences "
        f"get the Keras student's label; {result.truncated} are truncated"
    )
