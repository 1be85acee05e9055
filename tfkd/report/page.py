"""`report.html`: one run, in one file that needs nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from markupsafe import Markup

from tfkd.report.costs import costs_rows, names_of_files
from tfkd.report.model_card import arguments_of
from tfkd.report.pictures import (
    BASELINE,
    LOOKS,
    STUDENT,
    TEACHER,
    Level,
    Line,
    Point,
    accuracy_against,
    learning_curves,
    loss_curves,
    reliability_diagram,
)
from tfkd.report.rendering import render_page
from tfkd.report.run_figures import RunFigures
from tfkd.report.run_summary import RunSummary
from tfkd.report.tables import figure_rows, results_rows
from tfkd.text.examples import unit_of

_LOOKS = {"teacher": TEACHER, "student": STUDENT, "baseline": BASELINE}


def report_page(figures: RunFigures) -> str:
    """Returns the page of one run."""
    run = figures.summary
    by_model = (("teacher", TEACHER, figures.teacher), ("student (.tflite)", STUDENT, figures.exported))
    models = [(name, look, model) for name, look, model in by_model if model is not None]
    measured = list(_measured_tradeoffs(run)) if run.measured_student else []
    return render_page(
        "report.html",
        run=run,
        figures=figures,
        labels=run.label_names,
        text="pair" if figures.pairs else "sentence",
        texts=unit_of(figures.pairs),
        results=results_rows(run.metrics),
        figure_table=figure_rows(run.metrics),
        models=[(name, model) for name, _, model in models],
        tradeoffs=measured or list(_tradeoffs(run)),
        are_measured=bool(measured),
        costs=costs_rows(run.benchmark, run.phones) if run.benchmark else [],
        curves=list(_curves(run)),
        arguments=arguments_of(run),
        reliability=reliability_diagram([(name, look, model.reliability) for name, look, model in models]),
    )


def _tradeoffs(run: RunSummary) -> Iterator[Markup]:
    """Yields accuracy against size, and against time: those of which the teacher's is known, or the student's alone."""
    exported = tuple(run.accuracies())
    baseline = run.accuracy("baseline")
    levels = [] if baseline is None else [Level("baseline, not exported", BASELINE, baseline)]
    for what, unit, scale, student, teacher in (
        ("size", "MB", 1e6, float(run.size_bytes), run.teacher_size_bytes),
        ("time a text", "ms", 1e3, run.student_us, run.teacher_us),
    ):
        points = [Point("student (.tflite)", STUDENT, student, exported, run.dev_interval())]
        if teacher and run.teacher_accuracy is not None:
            of_teacher = run.teacher_accuracy
            points.append(Point("teacher", TEACHER, teacher, (of_teacher,), run.dev_interval(of_teacher)))
        yield accuracy_against(what, unit, points, levels, scale)


def _measured_tradeoffs(run: RunSummary) -> Iterator[Markup]:
    """Yields the same of the files that were measured in turn; nothing if of none the accuracy on dev is known."""
    others = itertools.cycle(look for look in LOOKS if look.colour != STUDENT.colour)
    names = names_of_files([of_file.path for of_file in run.benchmark])
    looks = [STUDENT if of_file is run.measured_student else next(others) for of_file in run.benchmark]
    for what, unit, scale in (("size", "MB", 1e6), ("time a text", "ms", 1e3)):
        points = [
            Point(
                name.removesuffix(".tflite"),
                look,
                of_file.size_bytes if unit == "MB" else of_file.latency["Interpreter"].median_us,
                (of_file.accuracy,),
                run.dev_interval(of_file.accuracy),
            )
            for of_file, name, look in zip(run.benchmark, names, looks, strict=True)
            if of_file.accuracy is not None
        ]
        if points:
            yield accuracy_against(what, unit, points, scale=scale)


def _curves(run: RunSummary) -> Iterator[Markup]:
    """Yields dev accuracy and loss by epoch, of all models that were trained."""

    def lines(figure: str) -> list[Line]:
        return [Line(c.model, _LOOKS[c.model], getattr(c, figure)) for c in run.curves if getattr(c, figure)]

    if lines("dev_accuracy"):
        yield learning_curves(lines("dev_accuracy"))
        yield loss_curves(lines("loss"))
