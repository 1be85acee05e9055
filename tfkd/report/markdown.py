"""A run's figures as small tables, for the terminal and for `report.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfkd.progress import duration
from tfkd.report.tables import confusion_rows, figure_rows, results_rows


def results_table(metrics: dict[str, Any]) -> str:
    """Returns a Markdown table of teacher, baseline, student and exported file, aligned for a terminal too."""
    return markdown_table(results_rows(metrics))


def report(name: str, metrics: dict[str, Any], notes: Sequence[str], seconds: dict[str, float], texts: str) -> str:
    """Returns the run's report in Markdown.

    Args:
      name: of the run.
      metrics: what `metrics.json` holds.
      notes: what was said of the data.
      seconds: wall time of each step.
      texts: what the data is of, "sentences" or "pairs".
    """
    rows = metrics["rows"]
    several = len(metrics["seeds"]) > 1
    parts = [
        f"# {name}",
        results_table(metrics),
        f"Train {rows['train']:,} {texts}, dev {rows['dev']:,}, transfer set {rows['transfer_set']:,}. "
        f"{metrics['export']['truncated']} dev {texts} are longer than the file reads."
        + (
            f" Accuracies of students are means over {len(metrics['seeds'])} seeds (± standard deviation)."
            if several
            else ""
        ),
        "## On dev\n\n" + markdown_table(figure_rows(metrics)),
        "Rows by true label (line) and the label that the `.tflite` file gives (column):\n\n"
        + markdown_table(confusion_rows(metrics["label_names"], metrics["export"]["dev_confusion"])),
        "## Data\n\n" + "\n".join(f"- {note}" for note in notes),
        "## Time\n\n" + "\n".join(f"- {step}: {duration(value)}" for step, value in seconds.items()),
    ]
    return without_html("\n\n".join(parts)) + "\n"


def without_html(text: str) -> str:
    """Returns a text whose `<` is no markup's, which Markdown would let through."""
    return text.replace("<", "&lt;")


def markdown_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Returns rows of cells, the first of them the header, in Markdown that is aligned for a terminal too."""
    rows = [tuple(cell.replace("|", r"\|") for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])
