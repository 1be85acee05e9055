"""A student whose LSTM learns to do with few dimensions.

What enters the gates of an LSTM, of words and of the state, is nearly all in some tens of dimensions. A student that
is cut down to these after its training loses by it; one that goes on training within them doesn't.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfkd.models.compression import with_rank_of
from tfkd.models.keras_layers import in_keras_order, weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.models.texts_met import TextsMet


class Subspace(keras.constraints.Constraint):
    """Keeps the rows of a matrix in a subspace: after each step of training they are projected onto it.

    At first that is the whole space.

    Args:
      dimensions: of the whole space, the matrix' columns.
    """

    def __init__(self, dimensions: int):
        self.projector = keras.Variable(np.eye(dimensions, dtype=np.float32), trainable=False, name="projector")

    def __call__(self, matrix: Any) -> Any:
        return keras.ops.matmul(matrix, self.projector)


def hold_to_rank(student: BiLstmClassifier, rank: int, texts: TextsMet) -> list[np.ndarray]:
    """Has each direction of a student compute its gates by way of `rank` dimensions, from now on.

    They are those that come nearest to what it computes over the texts. Done again, while it trains, nothing changes.

    Args:
      student: made with a Subspace for each direction.
      rank: how many; the bias takes one of them.
      texts: what words and states are met in.

    Returns:
      A basis of each direction's, float32 [rank - 1, 4 * hidden_size]; none if the student has no more dimensions.
    """
    weights = weights_of(student.folded(np.arange(student.vocabulary_size)))
    bilstm = student.get_layer("bilstm")
    bases = []
    for layer, lstm in zip(
        (bilstm.forward_layer, bilstm.backward_layer), with_rank_of(weights, rank, texts).directions, strict=True
    ):
        if lstm.expansion is None:
            continue
        basis = in_keras_order(lstm.expansion[:-1])
        bases.append(basis)
        kernel, recurrent = layer.cell.kernel, layer.cell.recurrent_kernel
        kernel.constraint.projector.assign(basis.T @ basis)
        for matrix in (kernel, recurrent):
            matrix.assign(matrix.constraint(matrix))
    return bases
