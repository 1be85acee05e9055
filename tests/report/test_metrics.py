"""Figures worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfkd.report.metrics import share_equal, summary


def test_share_equal():
    assert share_equal(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])) == 0.75


def test_summary_of_three_seeds():
    # Mean of 1, 2, 6 is 3; squared deviations 4 + 1 + 9 = 14, over n - 1 = 2: the root of 7.
    seeds: list[dict[str, dict[str, Any]]] = [
        {"export": {"dev_accuracy": a, "truncated": 5}, "student": {"teacher_agreement": None}} for a in (1, 2, 6)
    ]
    means, deviations = summary(seeds)
    assert means == {"export.dev_accuracy": 3.0, "export.truncated": 5.0}
    assert deviations == {"export.dev_accuracy": pytest.approx(7**0.5), "export.truncated": 0.0}


def test_summary_of_one_seed():
    assert summary([{"export": {"dev_accuracy": 0.5}}]) == ({"export.dev_accuracy": 0.5}, {"export.dev_accuracy": None})
