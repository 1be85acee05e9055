"""`metrics.json`: the figures of a run, their names fixed.

Shares are from 0 to 1, measured on the dev set; `null` where a figure doesn't exist
(no teacher was run).

    teacher.dev_accuracy            the fine-tuned BERT
    student.dev_accuracy            the distilled Keras student
    student.teacher_agreement       share of dev sentences to which both give one label
    baseline.dev_accuracy           the same student on hard labels alone (see --baseline_embeddings)
    export.dev_accuracy             the .tflite file
    export.student_agreement        share of dev sentences to which file and Keras student give one label
    export.mean_probability_difference  over dev sentences and labels, from the Keras student's
    export.size_bytes
    export.truncated                dev sentences with more words than the file reads
    latency.student_us              median time of one sentence on this machine, raw text to probabilities
    latency.teacher_us
    seeds                           the seeds of the students, and for each its figures;
                                    those above are of the first, which is the one to ship
    mean, std                       over the seeds (std: of the sample; null for one seed)
    rows                            train, dev and transfer set
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def share_equal(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the share of places at which two arrays of labels are the same."""
    return float(np.mean(np.asarray(a) == np.asarray(b)))


def summary(per_seed: Sequence[dict[str, dict[str, Any]]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns mean and sample standard deviation of each figure over the seeds.

    Args:
      per_seed: for each seed, figures by group and name, such as `["export"]["dev_accuracy"]`.

    Returns:
      Two mappings by `group.name`; figures that some seed lacks are left out, and
      standard deviations are None for a single seed.
    """
    means: dict[str, Any] = {}
    deviations: dict[str, Any] = {}
    for group, figures in per_seed[0].items():
        for name in figures:
            values = [seed[group][name] for seed in per_seed]
            if None not in values:
                means[f"{group}.{name}"] = float(np.mean(values))
                deviations[f"{group}.{name}"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return means, deviations
