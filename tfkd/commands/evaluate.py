"""Measures teachers, students and .tflite files on the dev sentences.

tfkd evaluate runs/quickstart
tfkd evaluate --data=reviews.csv teacher student student.tflite

Of a run's folder all three are measured, on the data of that run; --dev=test.csv names other sentences to measure on.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from absl import flags

from tfkd.commands.flags import FLAGS, define_flags_of, define_seed
from tfkd.commands.run_models import data_of, models_of
from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_bool("json", False, "print one JSON object a model")
    define_seed()
    define_flags_of(DataConfig)


def main(arguments: list[str]) -> None:
    if not arguments:
        raise UsageError("name one or more models: folders of teachers or students, or .tflite files")
    for model in arguments:
        if not Path(model).exists():
            raise InputError(f"{model}: there is no such file or folder")
    data, seed = data_of(arguments)
    from tfkd.pipeline.data import read_sentences

    dev = (corpus := read_sentences(data, seed)).dev
    import_tensorflow()
    from tfkd.report.evaluation import open_classifier
    from tfkd.report.metrics import FIGURE_NAMES, classification_figures
    from tfkd.text.examples import check_task, digest
    from tfkd.training.model_folders import warn_of_other_dev

    for model in chain.from_iterable(map(models_of, arguments)):
        classifier = open_classifier(model)
        check_task(model, classifier.label_names, classifier.pairs, corpus.label_names, corpus.pairs)
        if not FLAGS["dev"].present:  # a cut of what it learnt, perhaps, by another seed or of another run
            warn_of_other_dev(model, digest(dev))
        figures = classification_figures(dev.labels, classifier.predict(*dev.columns))
        if FLAGS.json:
            print(json.dumps({"model": model, **figures, "rows": len(dev)}))
        else:
            shown = [f"{FIGURE_NAMES[name]} {value:.4f}" for name, value in figures.items() if value is not None]
            print(f"{model}: {', '.join(shown)} on {len(dev)} {corpus.unit}")
