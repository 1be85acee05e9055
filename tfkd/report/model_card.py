"""`model_card.md`: what someone who gets the `.tflite` file should know of it."""

from __future__ import annotations

import shlex

from markupsafe import Markup

from tfkd.report.rendering import render_markdown
from tfkd.report.run_figures import RunFigures
from tfkd.report.run_summary import RunSummary
from tfkd.report.tables import confusion_rows, figure_rows, results_rows
from tfkd.text.examples import unit_of


def model_card(figures: RunFigures) -> str:
    """Returns the model card of the file that a run ships."""
    run = figures.summary
    return render_markdown(
        "model_card.md",
        run=run,
        figures=figures,
        labels=run.label_names,
        texts=unit_of(figures.pairs),
        results=results_rows(run.metrics),
        figure_table=figure_rows(run.metrics),
        confusion=confusion_rows(run.label_names, figures.exported.confusion),
        command=Markup(command_of(run)),  # stands in a block of code
    )


def command_of(run: RunSummary) -> str:
    """Returns the command that makes the run again."""
    return " ".join(["tfkd run", *arguments_of(run)])


def arguments_of(run: RunSummary) -> list[str]:
    """Returns the arguments of that command as a shell takes them."""
    return [shlex.quote(f"--{n}={v}") for n, v in {"name": run.name, **run.changed_flags}.items()]
