"""A run's figures as rows of cells, the first row the header: for the terminal, Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfkd.report.metrics import FIGURE_NAMES, mean_figure

Rows = list[tuple[str, ...]]

MODEL_NAMES = {
    "teacher": "teacher (BERT)",
    "baseline": "baseline (hard labels)",
    "student": "student (Keras)",
    "export": "student (.tflite)",
}


def results_rows(metrics: dict[str, Any]) -> Rows:
    """Returns the rows of teacher, baseline, student and exported file; of several seeds the means.

    Size and time are the shipped file's.
    """
    latency, export = metrics["latency"], metrics["export"]
    return [
        ("", "dev accuracy", "agrees with", "size", "inference"),
        (
            MODEL_NAMES["teacher"],
            percent(metrics["teacher"]["dev_accuracy"]),
            "",
            "",
            microseconds(latency["teacher_us"]),
        ),
        (MODEL_NAMES["baseline"], accuracy_cell(metrics, "baseline"), "", "", ""),
        (
            MODEL_NAMES["student"],
            accuracy_cell(metrics, "student"),
            _agrees(mean_figure(metrics, "student", "teacher_agreement"), "teacher"),
            "",
            "",
        ),
        (
            MODEL_NAMES["export"],
            accuracy_cell(metrics, "export"),
            _agrees(mean_figure(metrics, "export", "student_agreement"), "Keras"),
            megabytes(export["size_bytes"]),
            microseconds(latency["student_us"]),
        ),
    ]


def accuracy_cell(metrics: dict[str, Any], group: str) -> str:
    """Returns a model's dev accuracy; of several seeds the mean and the deviation."""
    deviation = metrics["std"].get(f"{group}.dev_accuracy") if len(metrics["seeds"]) > 1 else None
    shown = percent(mean_figure(metrics, group, "dev_accuracy"))
    return shown if deviation is None else f"{shown} (± {100 * deviation:.2f})"


def figure_rows(metrics: dict[str, Any]) -> Rows:
    """Returns the rows of all figures of the models; of the students the shipped one's.

    A figure that no model has is left out: F1, which is of two labels, or one that an earlier tfkd didn't measure.
    """
    names = [name for name in FIGURE_NAMES if any(metrics[group].get(name) is not None for group in MODEL_NAMES)]
    rows: Rows = [("", *(FIGURE_NAMES[name] for name in names))]
    for group, shown in MODEL_NAMES.items():
        figures = [metrics[group].get(name) for name in names]
        rows.append((shown, *("-" if figure is None else f"{figure:.4f}" for figure in figures)))
    return rows


def confusion_rows(label_names: Sequence[str], confusion: Sequence[Sequence[int]]) -> Rows:
    """Returns the rows of a confusion matrix, named by the true labels, under the predicted ones."""
    counts = zip(label_names, confusion, strict=True)
    return [("", *label_names), *((name, *(f"{count:,}" for count in row)) for name, row in counts)]


def percent(share: float | None) -> str:
    """Returns a share as per cent; "-" if there is none."""
    return "-" if share is None else f"{100 * share:.2f} %"


def megabytes(size_bytes: float | None) -> str:
    """Returns a size in MB; "-" if there is none."""
    return "-" if size_bytes is None else f"{size_bytes / 1e6:.2f} MB"


def microseconds(value: float | None) -> str:
    """Returns a time in microseconds; "-" if there is none."""
    return "-" if value is None else f"{value:,.0f} us"


def _agrees(share: float | None, whom: str) -> str:
    return "" if share is None else f"{whom} {percent(share)}"
