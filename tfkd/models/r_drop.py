"""R-Drop (Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks"): a text read twice, to one effect."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


def twice(batch: np.ndarray) -> np.ndarray:
    """Returns the rows of a batch, and after them the same again: dropout differs from row to row."""
    return np.concatenate([batch, batch])


class RDropCrossEntropy(keras.losses.Loss):
    """Cross-entropy of rows given `twice`, and how far the two probabilities that dropout makes of a row are apart.

    Of labels int [2 * batch] and logits [2 * batch, classes]: half of the paper's loss, [batch], in nats. Where alpha
    is 0 its mean is the cross-entropy's.

    Args:
      alpha: weight of the mean of both Kullback-Leibler divergences, beside the sum of both cross-entropies.
    """

    def __init__(self, alpha: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, [batch]."""
        hard = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        one, other = ops.split(ops.log_softmax(y_pred, axis=-1), 2, axis=0)
        divergences = ops.sum((ops.exp(one) - ops.exp(other)) * (one - other), axis=-1)  # both of them
        return sum(ops.split(hard, 2)) / 2 + self.alpha * divergences / 4
