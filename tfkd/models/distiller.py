"""The model that is trained: a student, held to a teacher's logits."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfkd.models.losses import SoftLoss, distillation_loss, logit_squared_error, weighted_mean


class Distiller(keras.Model):
    """Trains a student on hard labels and on a teacher's logits.

    `fit` takes batches `(x, y)` or `(x, y, sample_weight)`:

    - with cached logits: x are the student's inputs; y is
      `{"label": int [batch], "logits": float [batch, classes]}`.
    - with a teacher in the loop: x is `{"student": ..., "teacher": ...}`, the
      inputs of each; y is `{"label": int [batch]}`.

    Labels may be NO_LABEL; such rows take the teacher's argmax. The loss is the
    mean over the batch, weighted by `sample_weight`. The student is called once a step.

    Args:
      student: gives logits [batch, classes].
      alpha: weight of the hard labels.
      teacher: gives logits [batch, classes] of its inputs; it is not trained, nor
        is it part of this model's weights or of what is saved.
      soft_loss: of the teacher's and the student's logits; the squared error by default, as in the paper.
    """

    def __init__(
        self,
        student: keras.Model,
        alpha: float,
        teacher: keras.Model | None = None,
        soft_loss: SoftLoss = logit_squared_error,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.student = student
        self.alpha = alpha
        self.soft_loss = soft_loss
        # In a closure Keras doesn't see it: attributes that are models are tracked.
        self._teacher_logits = None if teacher is None else lambda inputs: teacher(inputs, training=False)
        self._loss_mean = keras.metrics.Mean(name="loss")
        self._agreement = keras.metrics.Mean(name="teacher_agreement")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self._loss_mean, self._agreement]

    def build(self, input_shape: Any = None) -> None:
        # The student is built when it is made; nothing here has weights of its own.
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns the student's logits, [batch, classes]."""
        return self.student(inputs, training=training)

    def train_step(self, data: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            loss, results = self._step(data, training=True)
        variables = self.student.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return results

    def test_step(self, data: Any) -> dict[str, Any]:
        return self._step(data, training=False)[1]

    def _step(self, data: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if self._teacher_logits is None:
            inputs, teacher_logits = x, y["logits"]
        else:
            inputs, teacher_logits = x["student"], tf.stop_gradient(self._teacher_logits(x["teacher"]))
        logits = self.student(inputs, training=training)
        losses = distillation_loss(y["label"], teacher_logits, logits, self.alpha, self.soft_loss)
        loss = weighted_mean(losses, sample_weight)
        agrees = keras.ops.equal(keras.ops.argmax(logits, -1), keras.ops.argmax(teacher_logits, -1))
        self._loss_mean.update_state(loss, sample_weight=keras.ops.shape(logits)[0])
        self._agreement.update_state(agrees)
        return loss, {metric.name: metric.result() for metric in self.metrics}
