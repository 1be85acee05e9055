"""The losses of distillation, as pure functions (Tang et al. 2019, section 3.2)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tfkd.text.examples import NO_LABEL

SoftLoss = Callable[[Any, Any], Any]  # of the teacher's and the student's logits, [batch, classes] each, to [batch]


def logit_squared_error(teacher_logits: Any, student_logits: Any) -> Any:
    """Returns the sum over classes of the squared difference of the logits, [batch].

    Args:
      teacher_logits: [batch, classes].
      student_logits: [batch, classes].
    """
    return ops.sum(ops.square(teacher_logits - student_logits), axis=-1)


def hard_label_cross_entropy(labels: Any, teacher_logits: Any, student_logits: Any) -> Any:
    """Returns the cross-entropy with the hard labels, [batch], in nats.

    Args:
      labels: int [batch]; rows with NO_LABEL take the teacher's argmax.
      teacher_logits: [batch, classes].
      student_logits: [batch, classes].
    """
    labels = ops.where(labels == NO_LABEL, ops.cast(ops.argmax(teacher_logits, axis=-1), labels.dtype), labels)
    return keras.losses.sparse_categorical_crossentropy(labels, student_logits, from_logits=True)


def soft_divergence(teacher_logits: Any, student_logits: Any, temperature: float) -> Any:
    """Returns T^2 * KL(softmax(teacher / T) || softmax(student / T)), [batch], in nats (Hinton et al. 2015).

    Args:
      teacher_logits: [batch, classes].
      student_logits: [batch, classes].
      temperature: T; the square keeps gradients of one size whatever it is.
    """
    log_teacher, log_student = (ops.log_softmax(x / temperature, axis=-1) for x in (teacher_logits, student_logits))
    return temperature**2 * ops.sum(ops.exp(log_teacher) * (log_teacher - log_student), axis=-1)


def argmax_cross_entropy(teacher_logits: Any, student_logits: Any) -> Any:
    """Returns the cross-entropy with the teacher's label, [batch]: what is left of its logits without their size."""
    labels = ops.full_like(ops.argmax(teacher_logits, axis=-1), NO_LABEL)
    return hard_label_cross_entropy(labels, teacher_logits, student_logits)


def soft_loss(name: str, temperature: float) -> SoftLoss:
    """Returns the loss of a name in DistillConfig.soft_loss."""
    losses: dict[str, SoftLoss] = {
        "mse": logit_squared_error,
        "kl": functools.partial(soft_divergence, temperature=temperature),
        "argmax": argmax_cross_entropy,
    }
    return losses[name]


def distillation_loss(
    labels: Any, teacher_logits: Any, student_logits: Any, alpha: float, soft: SoftLoss = logit_squared_error
) -> Any:
    """Returns alpha * cross-entropy with the hard labels + (1 - alpha) * the loss of the teacher's logits, [batch]."""
    hard = hard_label_cross_entropy(labels, teacher_logits, student_logits)
    return alpha * hard + (1 - alpha) * soft(teacher_logits, student_logits)


def weighted_mean(values: Any, sample_weight: Any = None) -> Any:
    """Returns the mean over the batch, each row counted by its weight; 0 if all weights are 0.

    Args:
      values: [batch].
      sample_weight: [batch], or None for equal weights.
    """
    if sample_weight is None:
        return ops.mean(values)
    sample_weight = ops.cast(sample_weight, values.dtype)
    return ops.divide_no_nan(ops.sum(values * sample_weight), ops.sum(sample_weight))
