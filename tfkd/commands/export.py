"""Makes a .tflite of a student, runs it over the dev sentences, and keeps it only if it gives what Keras gives.

tfkd export --student=student --data=reviews.csv --out=student.tflite
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, ExportConfig
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote")
    flags.DEFINE_string("out", "", ".tflite file to write")
    define_seed()
    define_flags_of(DataConfig, ExportConfig)


def main(arguments: list[str]) -> None:
    folder, out = required("student"), required("out")
    data, config = config_of(DataConfig), config_of(ExportConfig)
    import_tensorflow()
    from tfkd.export.exporter import export_student
    from tfkd.pipeline.data import read_sentences
    from tfkd.training.student_folder import load_student

    student = load_student(folder)
    dev = read_sentences(data, FLAGS.seed).dev
    result = export_student(
        student.model, student.tokenizer, student.label_names, dev, out, config, name=Path(out).stem
    )
    print(
        f"{out}: {result.size_bytes / 1e6:.2f} MB; {result.parity.label_agreement:.2%} of {len(dev)} dev sentences "
        f"get the Keras student's label; {result.truncated} are truncated"
    )
