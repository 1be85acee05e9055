"""Where teacher and exported student give a text different labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Disagreement:
    """One text, or pair, to which they give different labels.

    Attributes:
      texts: the text, or a pair's two.
      label: the true one.
      teacher, student: what each gives.
      teacher_probability, student_probability: that each gives its own label.
    """

    texts: tuple[str, ...]
    label: int
    teacher: int
    student: int
    teacher_probability: float
    student_probability: float


@dataclass(frozen=True)
class Disagreements:
    """All of them in numbers, the most confident ones in words.

    Attributes:
      rows: how many there are.
      of: dev rows.
      teacher_right, student_right: in how many of them each is right; in the others both are wrong.
      shown: those of the highest probabilities, the highest first.
    """

    rows: int
    of: int
    teacher_right: int
    student_right: int
    shown: tuple[Disagreement, ...]

    @property
    def one_is_better(self) -> bool:
        """Whether dev has rows enough to say so, at 5 %, by McNemar's exact test: a fair coin where one is right."""
        either = self.teacher_right + self.student_right
        return bool(either) and binomtest(self.teacher_right, either).pvalue < 0.05


def disagreements(
    labels: np.ndarray, teacher: np.ndarray, student: np.ndarray, columns: Sequence[Sequence[str]], count: int = 24
) -> Disagreements:
    """Returns where two classifiers disagree; those first of which both together are surest.

    Args:
      labels: int [rows], the true ones.
      teacher: its probabilities, float [rows, classes].
      student: the same.
      columns: the texts, and of pairs the second ones.
      count: how many are shown at most.
    """
    says = {"teacher": teacher.argmax(1), "student": student.argmax(1)}
    differ = np.flatnonzero(says["teacher"] != says["student"])
    sureness = teacher[differ].max(1) + student[differ].max(1)
    shown = differ[np.argsort(-sureness, kind="stable")][:count]
    return Disagreements(
        rows=len(differ),
        of=len(labels),
        teacher_right=int((says["teacher"][differ] == labels[differ]).sum()),
        student_right=int((says["student"][differ] == labels[differ]).sum()),
        shown=tuple(
            Disagreement(
                texts=tuple(texts[row] for texts in columns),
                label=int(labels[row]),
                teacher=int(says["teacher"][row]),
                student=int(says["student"][row]),
                teacher_probability=float(teacher[row].max()),
                student_probability=float(student[row].max()),
            )
            for row in shown
        ),
    )
