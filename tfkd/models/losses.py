"""The losses of distillation, as pure functions (Tang et al. 2019, section 3.2)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tfkd.text.examples import NO_LABEL


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


def distillation_loss(labels: Any, teacher_logits: Any, student_logits: Any, alpha: float) -> Any:
    """Returns alpha * cross-entropy + (1 - alpha) * squared error of the logits, [batch]."""
    return alpha * hard_label_cross_entropy(labels, teacher_logits, student_logits) + (1 - alpha) * logit_squared_error(
        teacher_logits, student_logits
    )


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
