"""A run's figures as a small table, for the terminal and for `report.md`."""

from __future__ import annotations

from typing import Any


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
        ("teacher (BERT)", _percent(metrics["teacher"]["dev_accuracy"]), "", "", _microseconds(latency["teacher_us"])),
        ("baseline (hard labels)", accuracy("baseline"), "", "", ""),
        ("student (Keras)", accuracy("student"), _agrees(metrics["student"]["teacher_agreement"], "teacher"), "", ""),
        (
            "student (.tflite)",
            accuracy("export"),
            _agrees(metrics["export"]["student_agreement"], "Keras"),
            f"{metrics['export']['size_bytes'] / 1e6:.2f} MB",
            _microseconds(latency["student_us"]),
        ),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


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
        "## Data\n\n" + "\n".join(f"- {note}" for note in notes),
        "## Time\n\n" + "\n".join(f"- {step}: {value:.0f} s" for step, value in seconds.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _agrees(share: float | None, whom: str) -> str:
    return "" if share is None else f"{whom} {_percent(share)}"


def _microseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} us"
