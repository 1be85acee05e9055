"""Any model of ours as a classifier of raw texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.training.finetune import load_finetuned
from tfkd.training.model_folders import is_finetuned
from tfkd.training.student_folder import load_student


@dataclass(frozen=True)
class Classifier:
    """A model to measure.

    Attributes:
      label_names: the names of its classes in order.
      pairs: whether it classifies pairs of texts; None if nobody knows.
      predict: raw texts, or pairs in two columns, to probabilities, float32 [texts, classes].
    """

    label_names: tuple[str, ...]
    pairs: bool | None
    predict: Callable[..., np.ndarray]


def open_classifier(path: str | Path) -> Classifier:
    """Opens a fine-tuned teacher's folder, a student's folder, or a .tflite file.

    Raises:
      InputError: it is none of these.
    """
    path = Path(path)
    if path.is_file():
        exported = LiteRtClassifier.from_file(path)
        return Classifier(exported.label_names, exported.pairs, exported.predict)
    if is_finetuned(path):
        found = load_finetuned(path)
        teacher = found.teacher
        return Classifier(
            found.label_names, found.pairs, lambda *columns: softmax(teacher.logits(teacher.encode(*columns)), axis=1)
        )
    student = load_student(path)
    return Classifier(student.label_names, student.model.pairs, student.probabilities)
