"""The answer that follows from a run's figures, worked out by hand."""

from __future__ import annotations

import pytest

from tests.report.made_runs import made_metrics, made_summary, without_teacher


def test_one_student():
    run = made_summary()
    assert run.accuracy_kept == pytest.approx(0.8745 / 0.9)
    assert run.points_gained == pytest.approx(7.45)
    assert run.times_smaller == pytest.approx(91 / 2.345678)
    assert run.times_faster == pytest.approx(12345.6 / 456.4)
    assert run.dev_error == pytest.approx((0.8745 * 0.1255 / 2000) ** 0.5)
    assert (run.seeds, run.accuracies(), run.spread()) == (1, [0.8745], None)


def test_several_students_count_by_their_mean():
    metrics = made_metrics()
    metrics["mean"] = {"export.dev_accuracy": 0.855, "baseline.dev_accuracy": 0.81}
    metrics["std"] = {"export.dev_accuracy": 0.01}
    run = made_summary(metrics=metrics)
    assert run.accuracy_kept == pytest.approx(0.95)
    assert run.points_gained == pytest.approx(4.5)
    assert run.spread() == 0.01


def test_without_teacher_and_baseline():
    run = without_teacher(made_summary())
    assert (run.accuracy_kept, run.points_gained, run.times_smaller, run.times_faster) == (None,) * 4
    assert run.accuracies("baseline") == []
