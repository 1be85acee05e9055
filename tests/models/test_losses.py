"""The losses of distillation, worked by hand."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfkd.models.losses import (
    argmax_cross_entropy,
    distillation_loss,
    hard_label_cross_entropy,
    logit_squared_error,
    soft_divergence,
    soft_loss,
    weighted_mean,
)
from tfkd.text.examples import NO_LABEL

# The student's logits are a unit apart, so that its probabilities are e / (1 + e) = 0.7310586 and
# 1 / (1 + e) = 0.2689414; -ln of them is 0.3132617 and 1.3132617.
STUDENT = tf.constant([[1.0, 2.0], [1.0, 2.0], [0.0, -1.0]])
TEACHER = tf.constant([[3.0, 1.0], [3.0, 1.0], [0.5, 1.0]])
LABELS = tf.constant([1, NO_LABEL, NO_LABEL])


def test_squared_error_is_summed_over_classes():
    # (3-1)^2 + (1-2)^2 = 5; twice; 0.5^2 + 2^2 = 4.25
    np.testing.assert_allclose(logit_squared_error(TEACHER, STUDENT), [5.0, 5.0, 4.25])


def test_cross_entropy_takes_the_teachers_argmax_where_there_is_no_label():
    # Label 1; the teacher's 0; the teacher's 1, to which the student gives 0.2689414.
    np.testing.assert_allclose(
        hard_label_cross_entropy(LABELS, TEACHER, STUDENT), [0.3132617, 1.3132617, 1.3132617], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.0, [5.0, 5.0, 4.25]),
        (1.0, [0.3132617, 1.3132617, 1.3132617]),
        # 0.25 * 0.3132617 + 0.75 * 5 = 3.8283154; 0.25 * 1.3132617 + 3.75 = 4.0783154; 0.3283154 + 3.1875 = 3.5158154
        (0.25, [3.8283154, 4.0783154, 3.5158154]),
    ],
)
def test_alpha_weighs_the_hard_label_against_the_logits(alpha, expected):
    np.testing.assert_allclose(distillation_loss(LABELS, TEACHER, STUDENT, alpha), expected, rtol=1e-6)


def test_divergence_by_hand():
    # Student's probabilities 1/4, 3/4, teacher's 1/2 each: 0.5 ln(0.5 / 0.25) + 0.5 ln(0.5 / 0.75) = 0.1438410.
    student, teacher = tf.math.log([[1.0, 3.0]]), tf.constant([[2.0, 2.0]])
    np.testing.assert_allclose(soft_divergence(teacher, student, 1.0), [0.1438410], rtol=1e-5)
    # At T = 2 the student's are as 1 to root 3, 0.3660254 and 0.6339746: 4 * (0.5 ln 1.3660254 + 0.5 ln 0.7886751).
    np.testing.assert_allclose(soft_divergence(teacher, student, 2.0), [0.1490091], rtol=1e-5)
    np.testing.assert_allclose(soft_divergence(student, student + 7.0, 3.0), [0.0], atol=1e-6)


def test_teachers_label_alone():
    # The teacher says 0, 0 and 1, whatever the labels are.
    np.testing.assert_allclose(argmax_cross_entropy(TEACHER, STUDENT), [1.3132617, 1.3132617, 1.3132617], rtol=1e-6)


def test_soft_loss_takes_the_logits_place():
    found = distillation_loss(LABELS, TEACHER, STUDENT, 0.25, soft_loss("argmax", 1.0))
    np.testing.assert_allclose(found, [0.25 * 0.3132617 + 0.75 * 1.3132617, 1.3132617, 1.3132617], rtol=1e-6)
    by_name = {name: soft_loss(name, 2.0)(TEACHER, STUDENT) for name in ("mse", "kl", "argmax")}
    np.testing.assert_allclose(by_name["mse"], [5.0, 5.0, 4.25])
    np.testing.assert_allclose(by_name["kl"], soft_divergence(TEACHER, STUDENT, 2.0))


def test_three_classes():
    # Student (0, ln 2, ln 5): probabilities 1/8, 2/8, 5/8; label 1: -ln 0.25 = 1.3862944.
    student = tf.math.log([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(hard_label_cross_entropy(tf.constant([1]), student, student), [1.3862944], rtol=1e-6)
    # No label, and the teacher says class 2: -ln 0.625 = 0.4700036.
    teacher = tf.constant([[-1.0, 0.0, 7.0]])
    found = hard_label_cross_entropy(tf.constant([NO_LABEL]), teacher, student)
    np.testing.assert_allclose(found, [0.4700036], rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, 14.25 / 3),
        ([1.0, 1.0, 1.0], 14.25 / 3),
        ([2, 0, 1], (2 * 5 + 4.25) / 3),
        ([0.0, 0.0, 0.5], 4.25),
        ([0.0, 0.0, 0.0], 0.0),
    ],
)
def test_mean_by_weight(weights, expected):
    weights = None if weights is None else tf.constant(weights)
    assert weighted_mean(tf.constant([5.0, 5.0, 4.25]), weights).numpy() == pytest.approx(expected)


def test_rows_without_weight_have_no_gradient():
    values = tf.Variable([5.0, 1.0])
    for weights, expected in (([0.0, 2.0], [0.0, 1.0]), ([0.0, 0.0], [0.0, 0.0])):
        with tf.GradientTape() as tape:
            mean = weighted_mean(values, tf.constant(weights))
        np.testing.assert_array_equal(tape.gradient(mean, values), expected)


finite = st.floats(-30, 30, width=32, allow_subnormal=False)  # TensorFlow takes subnormal numbers for 0
# Which of equal logits is the argmax, of 0 and -0 say, is left to the library.
no_tie = st.tuples(finite, finite, finite).filter(lambda logits: len(set(logits)) == 3)


@given(
    rows=st.lists(st.tuples(st.integers(-1, 2), no_tie, st.tuples(finite, finite, finite)), min_size=1),
    alpha=st.floats(0, 1),
)
def test_loss_of_any_logits_is_that_of_numpy(rows, alpha):
    labels, teacher, student = (np.array(column) for column in zip(*rows, strict=True))
    labels = np.where(labels == NO_LABEL, teacher.argmax(1), labels)
    log_sum = np.log(np.exp(student).sum(1))
    entropy = log_sum - student[np.arange(len(rows)), labels]
    expected = alpha * entropy + (1 - alpha) * ((teacher - student) ** 2).sum(1)
    found = distillation_loss(
        tf.constant([row[0] for row in rows], tf.int32),
        tf.constant(teacher, tf.float32),
        tf.constant(student, tf.float32),
        alpha,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
