"""Five texts, three of which teacher and student take for different things."""

from __future__ import annotations

import numpy as np

from tfkd.report.disagreements import Disagreements, disagreements

LABELS = np.array([0, 1, 1, 0, 2])
TEACHER = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0.7, 0.3, 0], [0.1, 0.9, 0]])
STUDENT = np.array([[0.8, 0.2, 0], [0.55, 0.45, 0], [0.3, 0.7, 0], [0.9, 0.1, 0], [0.7, 0.3, 0]])
TEXTS = ["a", "b", "c", "d", "e"]


def test_counts_and_order_by_hand():
    found = disagreements(LABELS, TEACHER, STUDENT, [TEXTS, [text.upper() for text in TEXTS]])
    assert (found.rows, found.of, found.teacher_right, found.student_right) == (3, 5, 1, 1)
    # Both probabilities together: b 0.8 + 0.55, c 0.6 + 0.7, e 0.9 + 0.7.
    assert [case.texts for case in found.shown] == [("e", "E"), ("b", "B"), ("c", "C")]
    first = found.shown[0]
    assert (first.label, first.teacher, first.student) == (2, 1, 0)
    assert (first.teacher_probability, first.student_probability) == (0.9, 0.7)


def test_so_many_are_shown_and_all_are_counted():
    found = disagreements(LABELS, TEACHER, STUDENT, [TEXTS], count=2)
    assert [case.texts for case in found.shown] == [("e",), ("b",)]
    assert found.rows == 3


def test_none():
    found = disagreements(LABELS, TEACHER, TEACHER, [TEXTS])
    assert (found.rows, found.shown) == (0, ())


def test_dev_may_be_too_small_to_tell_which_is_better():
    """An exact binomial test: of 5 that differ all 5 have p = 2 / 32, of 6 all 6 have p = 2 / 64."""
    for right, better in (((0, 0), False), ((5, 0), False), ((6, 0), True), ((0, 6), True), ((94, 79), False)):
        assert Disagreements(sum(right), 2000, *right, shown=()).one_is_better == better
