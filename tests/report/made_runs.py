"""A run's figures, written out by hand: for the tests of tables and pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.benchmark.comparison import Latency, ModelFigures
from tfkd.benchmark.host import StartUp
from tfkd.config import ExportConfig
from tfkd.report.run_figures import DevPredictions, RunFigures, run_figures
from tfkd.report.run_summary import LearningCurve, Pruning, RunSummary
from tfkd.text.examples import Corpus, Examples
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer


def figures_of_a_model(accuracy: float) -> dict[str, float | None]:
    """Returns the figures that a model has on dev."""
    return {
        "dev_accuracy": accuracy,
        "dev_f1": None,
        "dev_macro_f1": 0.5,
        "dev_matthews": -0.25,
        "dev_calibration_error": 0.01234,
        "dev_cross_entropy": 0.3,
    }


def made_metrics() -> dict[str, Any]:
    """Returns what `metrics.json` may hold."""
    metrics: dict[str, Any] = {
        "teacher": figures_of_a_model(0.9),
        "student": {**figures_of_a_model(0.875), "teacher_agreement": 0.95},
        "baseline": figures_of_a_model(0.8),
        "export": {
            **figures_of_a_model(0.8745),
            "dev_confusion": [[990, 10], [1241, 1000]],
            "student_agreement": 0.9995,
            "mean_probability_difference": 0.0012,
            "size_bytes": 2_345_678,
            "truncated": 3,
        },
        "latency": {"teacher_us": 12345.6, "student_us": 456.4},
        "mean": {},
        "std": {},
        "rows": {"train": 7821, "dev": 2000, "transfer_set": 54321},
        "label_names": ["no", "yes"],
    }
    return metrics | {"seeds": [{"seed": 1, **{name: metrics[name] for name in ("student", "baseline", "export")}}]}


def made_summary(**changes: Any) -> RunSummary:
    """Returns a run in brief, with a few things changed."""
    summary = RunSummary(
        name="mine",
        metrics=made_metrics(),
        flags={"data": "my.csv", "teacher": "minilm_l6", "epochs": "2"},
        changed_flags={"data": "my.csv", "epochs": "2"},
        teacher_size_bytes=91_000_000,
        pruning=Pruning(words=34_932, kept=30_000, before=0.8745, after=0.86),
        curves=(
            LearningCurve("teacher", 1, (0.85, 0.9), (0.5, 0.25)),
            LearningCurve("student", 1, (0.8, 0.875), (2.0, 1.0)),
            LearningCurve("baseline", 1, (0.8,), (0.6,)),
        ),
        seconds={"teacher": 1610.0, "student": 52.0},
        libraries={"tfkd": "0.1.0", "keras": "3.15.0"},
        data_sha256={"train": "a" * 64, "dev": "b" * 64},
        file_sha256="c" * 64,
    )
    return replace(summary, **changes)


def measured(name: str, size_bytes: int, median_us: float) -> ModelFigures:
    """Returns what `tfkd benchmark` may have measured of a file."""
    latency = {"Interpreter": Latency(median_us, 2 * median_us)}
    of_bert = "A BERT" if name.startswith("teacher") else ""
    return ModelFigures(
        Path(name), size_bytes, latency, {}, StartUp(1.0, 2.0), 0.9,
        sha256=(name[0] * 64), weights="int8", description=of_bert,
    )  # fmt: skip


def without_teacher(summary: RunSummary) -> RunSummary:
    """Returns the run as if logits had been given and no baseline trained."""
    nothing = dict.fromkeys(figures_of_a_model(0))
    student = {**summary.metrics["student"], "teacher_agreement": None}
    metrics = {**summary.metrics, "teacher": nothing, "baseline": nothing, "student": student}
    metrics["latency"] = {**metrics["latency"], "teacher_us": None}
    metrics["seeds"] = [{**seed, "baseline": nothing, "student": student} for seed in metrics["seeds"]]
    return replace(summary, metrics=metrics, teacher_size_bytes=None, curves=summary.curves[1:2])


def by_good(*columns: list[str]) -> np.ndarray:
    """Classifies by how often "good" occurs: its log-odds of "yes" are that often 2, less 1."""
    odds = np.array([2.0 * " ".join(texts).split().count("good") - 1 for texts in zip(*columns, strict=True)])
    yes = 1 / (1 + np.exp(-odds))
    return np.stack([1 - yes, yes], axis=1)


def made_figures(summary: RunSummary | None = None, pairs: bool = False, texts: list[str] | None = None) -> RunFigures:
    """Returns all figures of a run whose dev has four texts, or as many pairs of them."""
    texts = texts or ["a good film indeed", "a bad film indeed", "good or bad film", "what a film indeed"]
    summary = summary or made_summary()
    dev = Examples(texts, np.array([1, 0, 0, 1], np.int32), [text[::-1] for text in texts] if pairs else None)
    corpus = Corpus(dev, dev, dev.take([]), summary.label_names, ("a note of the data",))
    has_teacher = summary.teacher_accuracy is not None
    teacher = np.array([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]], np.float32)
    predictions = DevPredictions(teacher if has_teacher else None, by_good(*dev.columns).astype(np.float32))
    vocabulary = Vocabulary.from_counts({"good": 3, "bad": 2, "a": 5, "film": 4}, 100)
    return run_figures(summary, corpus, predictions, by_good, WordTokenizer(vocabulary), 3, ExportConfig())
