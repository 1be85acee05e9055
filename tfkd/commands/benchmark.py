"""Measures what .tflite files cost, in turn, so that their ratios hold: time, start, memory, size.

tfkd benchmark runs/quickstart
tfkd benchmark student.tflite --baseline=teacher.tflite --data=reviews.csv --arm64
tfkd benchmark student.tflite --phone --benchmark_model=android_aarch64_benchmark_model

Times are those of one inference, ids in, probabilities out, over dev sentences: of --data, else of the run that a file
is of, else movie reviews. Of a run's folder its first student is measured.
The first column is that of --baseline, else of the first file; the others' figures are compared with it. `tfkd export
--teacher` makes the BERT's file. What another converter made of the same student, without a vocabulary, is measured on
the ids of the file before it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from absl import flags

from tfkd.commands.flags import FLAGS, define_flags_of, define_seed, refuse_unused
from tfkd.commands.run_models import data_of, exported_of
from tfkd.config import DataConfig
from tfkd.errors import UsageError

_DEFAULT_DATA = "asset:movie_reviews"


def define_flags() -> None:
    flags.DEFINE_string("baseline", "", ".tflite file that the others are compared with, such as the teacher's")
    flags.DEFINE_integer("threads", 1, "threads of one inference", lower_bound=1)
    flags.DEFINE_integer("runs", 1000, "inferences of each file that are timed", lower_bound=10)
    flags.DEFINE_bool(
        "arm64", False, "count ARM64 instructions in an emulator too; what it needs is named, and fetched once"
    )
    flags.DEFINE_bool("phone", False, "measure on Android phones too, by adb")
    flags.DEFINE_list("phones", [], "serials of the phones to use, as adb devices names them; default: all")
    flags.DEFINE_string("adb", "adb", "Android's debug bridge")
    flags.DEFINE_string("benchmark_model", "", "with --phone: LiteRT's benchmark_model for the phone's ABI")
    flags.DEFINE_bool(
        "profile", False, "with --phone: time each operator too; with --arm64: count instructions by kind of kernel"
    )
    flags.DEFINE_string(
        "json", "", "file to write all figures to; as runs/NAME/benchmark.json they come into that run's report"
    )
    define_seed()
    define_flags_of(DataConfig)


def main(arguments: list[str]) -> None:
    models = [Path(exported_of(path)) for path in ([FLAGS.baseline] if FLAGS.baseline else []) + arguments]
    if not arguments:
        raise UsageError("expected .tflite files to measure")
    if len(set(models)) < len(models):
        raise UsageError(f"{' '.join(map(str, models))}: expected each file once")
    if FLAGS.profile and not (FLAGS.phone or FLAGS.arm64):
        raise UsageError("--profile: goes with --phone or --arm64")
    if FLAGS.phone != bool(FLAGS.benchmark_model):
        raise UsageError("--phone and --benchmark_model=FILE go together")
    if not FLAGS.phone:
        refuse_unused(["phones", "adb"], "is for --phone, which is missing")
    if FLAGS.json and Path(FLAGS.json).suffix != ".json":
        raise UsageError(f"--json={FLAGS.json}: expected a .json file to write, after the =")
    data, seed = data_of([*arguments, FLAGS.baseline])
    if not data.data:
        data = dataclasses.replace(data, data=_DEFAULT_DATA)
    from tfkd.benchmark.arm64 import arm64_emulator
    from tfkd.benchmark.comparison import PhoneRun, compare_models
    from tfkd.benchmark.phone import Adb, names_of
    from tfkd.export.metadata import read_model
    from tfkd.files import write_json
    from tfkd.pipeline.data import read_sentences
    from tfkd.report.costs import costs_rows, kernel_rows
    from tfkd.report.markdown import markdown_table
    from tfkd.text.examples import digest

    for model in models:
        read_model(model)
    phone_run = None
    if FLAGS.phone:
        adb = Adb(FLAGS.adb)
        phone_run = PhoneRun(adb, adb.phones(FLAGS.phones), Path(FLAGS.benchmark_model))
    emulator = arm64_emulator() if FLAGS.arm64 else None
    corpus = read_sentences(data, seed)
    figures = compare_models(
        models, corpus.dev, corpus.label_names, FLAGS.threads, FLAGS.runs, emulator, phone_run, FLAGS.profile
    )
    phones = names_of(phone_run.phones) if phone_run else {}
    print(markdown_table(costs_rows(figures, phones)))
    for of_model in figures:
        for reason in of_model.refused.values():
            print(f"\n{reason}")
        for serial, times in of_model.phones.items():
            if times.profile:
                print(f"\n{of_model.path} on {phones[serial]}\n{times.profile}")
        if of_model.kernels:
            print(f"\n{markdown_table(kernel_rows(of_model))}")
    if FLAGS.json:
        measured = [of_model.as_json() for of_model in figures]
        write_json(FLAGS.json, {"dev": digest(corpus.dev), "phones": phones, "models": measured})
