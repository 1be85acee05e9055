"""The answer that follows from a run's figures, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from tests.report.made_runs import made_metrics, made_summary, measured, without_teacher


def test_one_student():
    run = made_summary()
    assert run.accuracy_kept == pytest.approx(0.8745 / 0.9)
    assert run.points_gained == pytest.approx(7.45)
    assert run.times_smaller == pytest.approx(91 / 2.345678)
    assert run.times_faster == pytest.approx(12345.6 / 456.4)
    interval = binomtest(1749, 2000).proportion_ci(method="wilson")
    assert run.dev_interval() == pytest.approx((interval.low, interval.high))
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


def test_what_was_measured_in_turn_counts():
    """The teacher as a file against the student as one, rather than its weights and TensorFlow."""
    teacher, student = measured("teacher.tflite", 9_000_000, 2000.0), measured("student.tflite", 3_000_000, 250.0)
    for order in ((teacher, student), (student, teacher)):
        run = made_summary(benchmark=(replace(order[0]), *order[1:]), file_sha256=student.sha256)
        assert (run.times_smaller, run.times_faster) == (3, 8)
    alone = made_summary(benchmark=(student,), file_sha256=student.sha256)
    assert (alone.measured_student, alone.measured_pair) == (student, None)
    assert alone.times_smaller == pytest.approx(91 / 2.345678)


def test_figures_of_an_earlier_tfkd_go_by_name_and_size():
    earlier = replace(measured("student.tflite", 2_345_678, 250.0), sha256="")
    assert made_summary(benchmark=(earlier,)).measured_student == earlier
    assert made_summary(benchmark=(replace(earlier, size_bytes=1),)).measured_student is None
    assert made_summary(benchmark=(replace(earlier, sha256="d" * 64),)).measured_student is None
