"""A run's figures as small tables, for the terminal and for `report.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfkd.report.metrics import FIGURE_NAMES

_MODELS = {
    "teacher": "teacher (BERT)",
    "baseline": "baseline (hard labels)",
    "student": "student (Keras)",
    "export": "student (.tflite)",
}


def results_table(metrics: dict[str, Any]) -> str:
    """Returns a Markdown table of teacher, baseline, student and exported file, aligned for a terminal too."""
    several = len(metrics["seeds"]) > 1

    def accuracy(group: str) -> str:
        if several and (mean := metrics["mean"].get(f"{group}.dev_accuracy")) is not None:
            return f"{100 * mean:.2f} % (± {100 * metrics['std'][f'{group}.dev_accuracy']:.2f})"
        return _percent(metrics[group]["dev_accuracy"])

    latency = metrics["latency"]
    rows = [
        ("", "dev accuracy", "agrees with", "size", "time per sentence"),
        (
            _MODELS["teacher"],
            _percent(metrics["teacher"]["dev_accuracy"]),
            "",
            "",
            _microseconds(latency["teacher_us"]),
        ),
        (_MODELS["baseline"], accuracy("baseline"), "", "", ""),
        (_MODELS["student"], accuracy("student"), _agrees(metrics["student"]["teacher_agreement"], "teacher"), "", ""),
        (
            _MODELS["export"],
            accuracy("export"),
            _agrees(metrics["export"]["student_agreement"], "Keras"),
            f"{metrics['export']['size_bytes'] / 1e6:.2f} MB",
            _microseconds(latency["student_us"]),
        ),
    ]
    return markdown_table(rows)


def report(name: str, metrics: dict[str, Any], notes: list[str], seconds: dict[str, float]) -> str:
    """Returns the run's report in Markdown.

    Args:
      name: of the run.
      metrics: what `metrics.json` holds.
      notes: what was said of the data.
      seconds: wall time of each step.
    """
    rows = metrics["rows"]
    several = len(metrics["seeds"]) > 1
    parts = [
        f"# {name}",
        results_table(metrics),
        f"Train {rows['train']:,} sentences, dev {rows['dev']:,}, transfer set {rows['transfer_set']:,}. "
        f"{metrics['export']['truncated']} dev sentences are longer than the file reads."
        + (
            f" Accuracies of students are means over {len(metrics['seeds'])} seeds (± standard deviation)."
            if several
            else ""
        ),
        "## On dev\n\n" + _figures_table(metrics),
        "Rows by true label (line) and the label that the `.tflite` file gives (column):\n\n"
        + _confusion_table(metrics),
        "## Data\n\n" + "\n".join(f"- {note}" for note in notes),
        "## Time\n\n" + "\n".join(f"- {step}: {value:.0f} s" for step, value in seconds.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _figures_table(metrics: dict[str, Any]) -> str:
    """Returns the figures of the models; of the students the shipped one's."""
    lines = [("", *FIGURE_NAMES.values())]
    for group, shown in _MODELS.items():
        figures = [metrics[group][name] for name in FIGURE_NAMES]
        lines.append((shown, *("-" if figure is None else f"{figure:.4f}" for figure in figures)))
    return markdown_table(lines)


def _confusion_table(metrics: dict[str, Any]) -> str:
    names = metrics["label_names"]
    rows = zip(names, metrics["export"]["dev_confusion"], strict=True)
    return markdown_table([("", *names), *((name, *(f"{count:,}" for count in counts)) for name, counts in rows)])


def markdown_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Returns rows of cells, the first of them the header, in Markdown that is aligned for a terminal too."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _agrees(share: float | None, whom: str) -> str:
    return "" if share is None else f"{whom} {_percent(share)}"


def _microseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} us"
