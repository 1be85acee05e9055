"""`metrics.json`: the figures of a run, their names fixed.

Shares are from 0 to 1, measured on the dev set; `null` where a figure doesn't exist
(no teacher was run).

    teacher.dev_accuracy            the fine-tuned BERT
    student.dev_accuracy            the distilled Keras student
    student.teacher_agreement       share of dev rows to which both give one label
    baseline.dev_accuracy           the same student on hard labels alone (see --baseline_embedding_training)
    export.dev_accuracy             the .tflite file
    teacher.dev_f1, student.dev_f1, baseline.dev_f1, export.dev_f1
                                    of the second label, as GLUE has it; null unless there are two
    teacher.dev_macro_f1, student.dev_macro_f1, baseline.dev_macro_f1, export.dev_macro_f1
                                    mean of each label's F1
    teacher.dev_matthews, student.dev_matthews, baseline.dev_matthews, export.dev_matthews
                                    Matthews' correlation, -1 to 1
    teacher.dev_calibration_error, student.dev_calibration_error
    baseline.dev_calibration_error, export.dev_calibration_error
                                    expected calibration error (see expected_calibration_error)
    teacher.dev_cross_entropy, student.dev_cross_entropy, baseline.dev_cross_entropy, export.dev_cross_entropy
                                    in nats, once calibrated (see calibrated_cross_entropy): tells models apart whose
                                    accuracies are alike
    export.dev_confusion            dev rows by true label (outer) and predicted one (inner)
    export.student_agreement        share of dev rows to which file and Keras student give one label
    export.mean_probability_difference  over dev rows and labels, from the Keras student's
    export.size_bytes
    export.truncated                dev rows with a text of more words than the file reads
    latency.student_us              median time of one inference on this machine, ids in, probabilities out: the
                                    .tflite file in LiteRT, one thread
    latency.teacher_us              the same of the BERT in TensorFlow; both in turn
    seeds                           the seeds of the students, and for each its figures;
                                    those above are of the first, which is the one to ship
    mean, std                       over the seeds (std: of the sample; null for one seed)
    rows                            train, dev and transfer set
    label_names                     in the order of the confusion matrix
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, matthews_corrcoef

# What people call the figures of a classifier.
FIGURE_NAMES = {
    "dev_accuracy": "accuracy",
    "dev_f1": "F1",
    "dev_macro_f1": "macro F1",
    "dev_matthews": "Matthews' correlation",
    "dev_calibration_error": "calibration error",
    "dev_cross_entropy": "cross-entropy",
}
_CALIBRATION_BINS = 15
# What float32 may have rounded to zero.
_LEAST_PROBABILITY = 1e-30
# Of a normal distribution 95 % are within so many standard deviations.
_Z_95 = 1.959963984540054


def mean_figure(metrics: dict[str, Any], group: str, figure: str) -> Any:
    """Returns a model's figure in `metrics.json`: of those that differ by seed the mean."""
    return metrics["mean"].get(f"{group}.{figure}", metrics[group][figure])


def share_equal(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the share of places at which two arrays of labels are the same."""
    return float(np.mean(np.asarray(a) == np.asarray(b)))


def classification_figures(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """Returns the figures that a classifier has on dev, by name.

    Args:
      labels: int [rows], the true ones.
      probabilities: float [rows, classes].
    """
    classes = probabilities.shape[1]
    predicted, names = probabilities.argmax(1), list(range(classes))
    f1 = f1_score(labels, predicted, labels=names, average=None, zero_division=0)
    return {
        "dev_accuracy": float(accuracy_score(labels, predicted)),
        "dev_f1": float(f1[1]) if classes == 2 else None,
        "dev_macro_f1": float(f1.mean()),
        "dev_matthews": float(matthews_corrcoef(labels, predicted)),
        "dev_calibration_error": expected_calibration_error(labels, probabilities),
        "dev_cross_entropy": calibrated_cross_entropy(labels, probabilities),
    }


def confidence_interval(accuracy: float, rows: int) -> tuple[float, float]:
    """Returns the lowest and the highest accuracy that one on so many rows is compatible with, at 95 % (Wilson 1927).

    Unlike the standard error it isn't zero where all rows are right.
    """
    z_squared = _Z_95**2 / rows
    middle = accuracy + z_squared / 2
    half = math.sqrt(accuracy * (1 - accuracy) * z_squared + z_squared**2 / 4)
    return max((middle - half) / (1 + z_squared), 0.0), min((middle + half) / (1 + z_squared), 1.0)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> list[list[int]]:
    """Returns how many rows have each true label (outer) and each predicted one (inner)."""
    return confusion_matrix(labels, predicted, labels=list(range(classes))).tolist()


@dataclass(frozen=True)
class ReliabilityBin:
    """The rows whose predicted label has a probability within one of 15 ranges of equal width.

    Attributes:
      confidence: mean probability of their predicted labels.
      accuracy: share of them that are right.
      rows: how many they are.
    """

    confidence: float
    accuracy: float
    rows: int


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Returns the bins that have rows, the least confident first (Guo et al. 2017, section 2).

    Args:
      labels: int [rows], the true ones.
      probabilities: float [rows, classes].
    """
    confidence, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == labels
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    rows = np.bincount(bins, minlength=_CALIBRATION_BINS)
    sums = (np.bincount(bins, of, minlength=_CALIBRATION_BINS) for of in (confidence, right))
    return tuple(ReliabilityBin(float(c / n), float(r / n), int(n)) for c, r, n in zip(*sums, rows, strict=True) if n)


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns by how much the probability of the predicted label errs on average.

    A bin's error is the absolute difference of its mean probability and its accuracy, and counts by its rows.
    """
    bins = reliability(labels, probabilities)
    return sum(b.rows * abs(b.confidence - b.accuracy) for b in bins) / len(labels)


def calibrated_cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns the cross-entropy with the labels, in nats a row, at the temperature from 0.1 to 10 that makes it least.

    A temperature divides all logits and changes no label (Guo et al. 2017, section 4.2): so models are compared by what
    they know, not by how sure they are of it.

    Args:
      labels: int [rows], the true ones.
      probabilities: float [rows, classes].
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _LEAST_PROBABILITY))

    def at(log_temperature: float) -> float:
        scaled = log_softmax(logits / math.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    return float(minimize_scalar(at, bounds=(-math.log(10), math.log(10)), method="bounded").fun)


def summary(per_seed: Sequence[dict[str, dict[str, Any]]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns mean and sample standard deviation of each figure over the seeds.

    Args:
      per_seed: for each seed, figures by group and name, such as `["export"]["dev_accuracy"]`.

    Returns:
      Two mappings by `group.name`; figures that some seed lacks, and matrices, are left out;
      standard deviations are None for a single seed.
    """
    means: dict[str, Any] = {}
    deviations: dict[str, Any] = {}
    for group, figures in per_seed[0].items():
        for name in figures:
            values = [seed[group][name] for seed in per_seed]
            if all(isinstance(value, int | float) for value in values):
                means[f"{group}.{name}"] = float(np.mean(values))
                deviations[f"{group}.{name}"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return means, deviations
