"""Figures worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from tfkd.report.metrics import (
    calibrated_cross_entropy,
    classification_figures,
    confidence_interval,
    confusion,
    expected_calibration_error,
    reliability,
    share_equal,
    summary,
)


def test_share_equal():
    assert share_equal(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])) == 0.75


# Of six rows two are of label 1, and three are taken for it, one rightly.
LABELS = np.array([0, 0, 0, 0, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.95, 0.05], [0.25, 0.75]])


def test_figures_of_two_labels_by_hand():
    found = classification_figures(LABELS, PROBABILITIES)
    assert found["dev_accuracy"] == pytest.approx(3 / 6)
    # Precision 1/3, recall 1/2: F1 = 2 * (1/6) / (5/6) = 0.4. Label 0: 2/3 and 1/2, so 2 * (1/3) / (7/6) = 4/7.
    assert found["dev_f1"] == pytest.approx(0.4)
    assert found["dev_macro_f1"] == pytest.approx((0.4 + 4 / 7) / 2)
    # (tp * tn - fp * fn) / root((tp + fp)(tp + fn)(tn + fp)(tn + fn)) = (1 * 2 - 2 * 1) / ... = 0
    assert found["dev_matthews"] == 0
    # With the second of label 1 right too, and three of the four others: (2 * 3 - 1 * 0) / root(3 * 2 * 4 * 3).
    better = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    assert classification_figures(LABELS, better)["dev_matthews"] == pytest.approx(6 / 72**0.5)
    assert confusion(LABELS, PROBABILITIES.argmax(1), 2) == [[2, 2], [1, 1]]


def test_figures_of_three_labels():
    labels, right = np.array([0, 1, 2, 2]), np.eye(3)[[0, 1, 2, 2]]
    found = classification_figures(labels, right)
    assert found == {
        "dev_accuracy": 1, "dev_f1": None, "dev_macro_f1": 1, "dev_matthews": 1, "dev_calibration_error": 0,
        "dev_cross_entropy": pytest.approx(0, abs=1e-6),
    }  # fmt: skip
    # A label that neither dev nor the model has is still one of three.
    assert classification_figures(labels[:2], right[:2])["dev_macro_f1"] == pytest.approx(2 / 3)
    assert confusion(labels[:2], labels[:2], 3) == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_cross_entropy_by_hand():
    # Three of four rows are right, all equally sure: at its best temperature the model says 3/4.
    probabilities = np.array([[0.99, 0.01], [0.01, 0.99], [0.99, 0.01], [0.99, 0.01]])
    labels = np.array([0, 1, 0, 1])
    by_hand = -(3 * np.log(3 / 4) + np.log(1 / 4)) / 4
    assert calibrated_cross_entropy(labels, probabilities) == pytest.approx(by_hand, abs=1e-6)
    # Another temperature changes nothing, a probability of zero is no infinity, chance is log 2.
    sharper = probabilities**2 / (probabilities**2).sum(1, keepdims=True)
    assert calibrated_cross_entropy(labels, sharper) == pytest.approx(by_hand, abs=1e-6)
    assert calibrated_cross_entropy(labels, np.eye(2)[[0, 1, 0, 0]]) < 10
    assert calibrated_cross_entropy(labels, np.full((4, 2), 0.5)) == pytest.approx(np.log(2))


def test_calibration_error_by_hand():
    # Bins are a fifteenth wide: 0.62 falls into the tenth (0.6 to 0.667), 0.7 and 0.72 into the eleventh (to 0.733),
    # 1.0 into the last. Errors: |0.62 - 0|; |1.42 - 1| over both; |1 - 1|.
    probabilities = np.array([[0.62, 0.38], [0.7, 0.3], [0.28, 0.72], [0.0, 1.0]])
    labels = np.array([1, 0, 0, 1])
    assert expected_calibration_error(labels, probabilities) == pytest.approx((0.62 + 0.42 + 0) / 4)


def test_reliability_by_hand():
    """The bins of the test above; those without rows are left out."""
    probabilities = np.array([[0.62, 0.38], [0.7, 0.3], [0.28, 0.72], [0.0, 1.0]])
    found = reliability(np.array([1, 0, 0, 1]), probabilities)
    assert [(round(b.confidence, 9), b.accuracy, b.rows) for b in found] == [(0.62, 0, 1), (0.71, 0.5, 2), (1, 1, 1)]


@pytest.mark.parametrize(("right", "rows"), [(61, 61), (0, 61), (1, 2), (1749, 2000)])
def test_interval_as_scipy_has_it(right, rows):
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert confidence_interval(right / rows, rows) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_summary_of_three_seeds():
    # Mean of 1, 2, 6 is 3; squared deviations 4 + 1 + 9 = 14, over n - 1 = 2: the root of 7.
    seeds: list[dict[str, dict[str, Any]]] = [
        {
            "export": {"dev_accuracy": a, "truncated": 5, "dev_confusion": [[a]]},
            "student": {"teacher_agreement": None},
        }
        for a in (1, 2, 6)
    ]
    means, deviations = summary(seeds)
    assert means == {"export.dev_accuracy": 3.0, "export.truncated": 5.0}
    assert deviations == {"export.dev_accuracy": pytest.approx(7**0.5), "export.truncated": 0.0}


def test_summary_of_one_seed():
    assert summary([{"export": {"dev_accuracy": 0.5}}]) == ({"export.dev_accuracy": 0.5}, {"export.dev_accuracy": None})
