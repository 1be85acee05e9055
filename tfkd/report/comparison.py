"""The page that shows several runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from tfkd.report.metrics import mean_figure
from tfkd.report.pictures import LOOKS, Level, Line, Look, Point, accuracy_against, learning_curves
from tfkd.report.rendering import milliseconds, render_page
from tfkd.report.run_summary import RunSummary
from tfkd.report.tables import Rows, accuracy_cell, megabytes, percent

_TEACHER = Look("grey", "X")


def comparison_page(runs: Sequence[RunSummary]) -> str:
    """Returns a page of several runs of one task, in the order given."""
    dev_sets = list(dict.fromkeys(run.data_sha256["dev"] for run in runs))
    return render_page(
        "comparison.html",
        runs=runs,
        dev_sets=[[run for run in runs if run.data_sha256["dev"] == dev] for dev in dev_sets],
        most_accurate=max(runs, key=lambda run: run.accuracy() or 0.0),
        smallest=min(runs, key=lambda run: run.size_bytes),
        fastest=min(runs, key=lambda run: run.student_us),
        results=comparison_rows(runs),
        differences=differing_flags(runs),
        tradeoffs=list(_tradeoffs(runs)),
        curves=learning_curves(lines) if (lines := _student_curves(runs)) else None,
        transfer_curve=_transfer_curve(runs),
    )


def comparison_rows(runs: Sequence[RunSummary]) -> Rows:
    """Returns a row of figures for each run."""
    header = ("run", "dev accuracy", "of the teacher's", "over the baseline", "agrees with teacher", "size",
              "time a text", "teacher", "baseline", "transfer set", "students")  # fmt: skip
    rows: Rows = [header]
    for run in runs:
        gained = run.points_gained
        rows.append(
            (
                run.name,
                accuracy_cell(run.metrics, "export"),
                percent(run.accuracy_kept),
                "-" if gained is None else f"{gained:+.2f} points",
                percent(mean_figure(run.metrics, "student", "teacher_agreement")),
                megabytes(run.size_bytes),
                milliseconds(run.student_us),
                percent(run.teacher_accuracy),
                accuracy_cell(run.metrics, "baseline"),
                f"{run.metrics['rows']['transfer_set']:,}",
                f"{run.seeds}",
            )
        )
    return rows


def differing_flags(runs: Sequence[RunSummary]) -> Rows:
    """Returns a row for each flag that isn't the same in all runs, under their names; no row if there are none."""
    names = sorted(set().union(*(run.flags for run in runs)))
    rows = [(f"--{name}", *(run.flags.get(name, "") for run in runs)) for name in names]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    return [("flag", *(run.name for run in runs)), *differing] if differing else []


def _tradeoffs(runs: Sequence[RunSummary]) -> Iterator[Markup]:
    """Yields accuracy against size, and against time; a teacher that several runs share stands there once."""
    for what, unit, scale in (("size", "MB", 1e6), ("time a text", "ms", 1e3)):
        is_size = unit == "MB"
        points = [
            _point(run, look, run.size_bytes if is_size else run.student_us)
            for run, look in zip(runs, _looks(runs), strict=True)
        ]
        teachers: dict[tuple[int | None, float], tuple[float, tuple[float, float]]] = {}
        for run in runs:
            x = run.teacher_size_bytes if is_size else run.teacher_us
            if x and run.teacher_accuracy is not None:
                teachers.setdefault(
                    (run.teacher_size_bytes, accuracy := run.teacher_accuracy), (x, run.dev_interval(accuracy))
                )
        points += [Point("teacher", _TEACHER, x, (accuracy,), i) for (_, accuracy), (x, i) in teachers.items()]
        yield accuracy_against(what, unit, points, scale=scale)


def _student_curves(runs: Sequence[RunSummary]) -> list[Line]:
    return [
        Line(run.name, look, curve.dev_accuracy)
        for run, look in zip(runs, _looks(runs), strict=True)
        for curve in run.curves
        if curve.model == "student" and curve.dev_accuracy
    ]


def _transfer_curve(runs: Sequence[RunSummary]) -> Markup:
    points = [
        _point(run, look, run.metrics["rows"]["transfer_set"]) for run, look in zip(runs, _looks(runs), strict=True)
    ]
    accuracies = sorted({run.teacher_accuracy for run in runs if run.teacher_accuracy is not None})
    levels = [Level("teacher", Look("grey", "X", "--"), accuracy) for accuracy in accuracies]
    return accuracy_against("transfer set", "thousand rows", points, levels, scale=1e3)


def _point(run: RunSummary, look: Look, x: float) -> Point:
    return Point(run.name, look, x, tuple(run.accuracies()), run.dev_interval())


def _looks(runs: Sequence[RunSummary]) -> list[Look]:
    return [LOOKS[i % len(LOOKS)] for i in range(len(runs))]
