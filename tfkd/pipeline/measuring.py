"""The figures of a run, measured on dev: `metrics.json`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from tfkd.benchmark.host import interpreter_runner, timings_us
from tfkd.benchmark.inputs import text_inputs
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.parity import compare
from tfkd.models.teacher import Teacher
from tfkd.pipeline.run_folder import RunFolder
from tfkd.report.metrics import FIGURE_NAMES, classification_figures, confusion, share_equal, summary
from tfkd.report.run_figures import DevPredictions
from tfkd.text.examples import Corpus, Examples
from tfkd.training.student_folder import load_student

_TIMED_ROWS = 100


def teacher_probabilities(teacher: Teacher, dev: Examples) -> np.ndarray:
    """Returns what a teacher says on dev, float32 [rows, classes]."""
    return softmax(teacher.logits(teacher.encode(*dev.columns)), axis=1)


def measure(
    run: RunFolder, corpus: Corpus, teacher: Teacher | None, transfer_rows: int
) -> tuple[dict[str, Any], DevPredictions]:
    """Returns what `metrics.json` is to hold (see tfkd.report.metrics), and what was found on the way.

    Args:
      run: with all its students trained and exported.
      corpus: what it was made of.
      teacher: None if there is none.
      transfer_rows: of the transfer set.
    """
    dev, seeds = corpus.dev, run.config.student_seeds
    by_teacher = None if teacher is None else teacher_probabilities(teacher, dev)
    per_seed, by_export = [], []
    for seed in seeds:
        figures, exported = _of_seed(run, seed, dev, by_teacher)
        per_seed.append(figures)
        by_export.append(exported)
    means, deviations = summary(per_seed)
    metrics = {
        "teacher": dict.fromkeys(FIGURE_NAMES)
        if by_teacher is None
        else classification_figures(dev.labels, by_teacher),
        **per_seed[0],
        "latency": _latency(run.exported(seeds[0]), teacher, dev.spread(_TIMED_ROWS)),
        "seeds": [{"seed": seed, **figures} for seed, figures in zip(seeds, per_seed, strict=True)],
        "mean": means,
        "std": deviations,
        "rows": {"train": len(corpus.train), "dev": len(dev), "transfer_set": transfer_rows},
        "label_names": list(corpus.label_names),
    }
    return metrics, DevPredictions(by_teacher, by_export[0])


def _latency(file: Path, teacher: Teacher | None, texts: Examples) -> dict[str, float | None]:
    """Returns the times of `metrics.json`: of one inference, the text split and looked up already."""
    tokenizer = LiteRtClassifier.from_file(file).tokenizer
    calls: list[Callable[..., object]] = [interpreter_runner(file)]
    arguments: list[list[Any]] = [list(zip(*text_inputs(file, tokenizer, texts.columns), strict=True))]
    if teacher is not None:
        calls.append(teacher.logits)
        arguments.append([(teacher.encode(*([text] for text in row)),) for row in zip(*texts.columns, strict=True)])
    medians = np.median(timings_us(calls, arguments, rounds=len(texts)), axis=0).tolist()
    return dict(zip_longest(("student_us", "teacher_us"), medians))


def _of_seed(
    run: RunFolder, seed: int, dev: Examples, by_teacher: np.ndarray | None
) -> tuple[dict[str, dict[str, Any]], np.ndarray]:
    """Returns the figures of one seed, and what its `.tflite` says on dev."""
    file = run.exported(seed)
    student = load_student(run.student(seed)).probabilities(*dev.columns)
    baseline: dict[str, Any] = dict.fromkeys(FIGURE_NAMES)
    if run.config.distill.baseline_epochs:
        probabilities = load_student(run.baseline(seed)).probabilities(*dev.columns)
        baseline = classification_figures(dev.labels, probabilities)
    classifier = LiteRtClassifier.from_file(file)
    exported = classifier.predict(*dev.columns)
    parity = compare(student, exported)
    agreement = None if by_teacher is None else share_equal(student.argmax(1), by_teacher.argmax(1))
    figures = {
        "student": {**classification_figures(dev.labels, student), "teacher_agreement": agreement},
        "baseline": baseline,
        "export": {
            **classification_figures(dev.labels, exported),
            "dev_confusion": confusion(dev.labels, exported.argmax(1), exported.shape[1]),
            "student_agreement": parity.label_agreement,
            "mean_probability_difference": parity.mean_probability_difference,
            "size_bytes": file.stat().st_size,
            "truncated": classifier.truncated(*dev.columns),
        },
    }
    return figures, exported
