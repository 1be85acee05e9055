"""What a table of four bits makes of words: what a student that is to have one learns with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

# An integer of four bits reaches from -7 to 7, if it is to reach as far on both sides.
LARGEST_OF_FOUR_BITS = 7


class Rounding(keras.layers.Layer):
    """Words -> what is to be added to them for a table of four bits to hold them, once it has begun; zeros before.

    A table of few dimensions (`--rank`) holds not the words' embeddings but what these give to the dimensions of each
    direction. There the numbers of a word are rounded, with one scale for each direction, and the embedding is changed
    by the least that has it give the rounded ones. A table that holds the embeddings themselves is rounded as it is.
    No gradient comes of it (the straight-through estimator of Bengio et al. 2013, arXiv:1308.3432).

    It is added after dropout, which would make more of it than the table does: the change may be large in what the
    kernels hardly look at.

    Input, output: float32 [batch, tokens, width].

    Args:
      lstms: the layers that read the words, built.
      rank: to which each one's kernel is held, the bias' dimension included; 0: to none.
    """

    def __init__(self, lstms: Sequence[keras.layers.LSTM], rank: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        # Not the layers: they are the model's, and would be tracked here too.
        self._kernels = lambda: [lstm.cell.kernel for lstm in lstms]
        self._rank = rank

    def build(self, input_shape: Any) -> None:
        kernels = self._kernels()
        # As tfkd.export.lowering has it, where a word has one column more, of the candidate's bias.
        self._through_kernels = bool(self._rank) and len(kernels) * self._rank <= input_shape[-1] + 1
        self.begun = self.add_weight(shape=(), dtype="bool", initializer="zeros", trainable=False, name="begun")
        self.bases = [
            self.add_weight(
                shape=(self._rank - 1, kernel.shape[1]), initializer="zeros", trainable=False, name=f"basis_{i}"
            )
            for i, kernel in enumerate(kernels if self._through_kernels else ())
        ]

    def begin(self, bases: Sequence[np.ndarray]) -> None:
        """Rounds from now on.

        Args:
          bases: of the space that each kernel's rows are in, as `tfkd.models.compression.basis_of` gives it, in which
            the file's table will have its columns; float32 [rank - 1, 4 * hidden_size].
        """
        for variable, basis in zip(self.bases, bases[: len(self.bases)], strict=True):
            variable.assign(basis)
        self.begun.assign(True)

    def call(self, words: Any) -> Any:
        change = tf.cond(ops.convert_to_tensor(self.begun), lambda: self._change(words), lambda: ops.zeros_like(words))
        return ops.stop_gradient(change)

    def _change(self, words: Any) -> Any:
        if not self._through_kernels:
            return _rounded(words) - words
        given = [kernel @ ops.transpose(basis) for kernel, basis in zip(self._kernels(), self.bases, strict=True)]
        shares = [words @ of_direction for of_direction in given]
        change = ops.concatenate([_rounded(share) - share for share in shares], axis=-1)
        return change @ _least_that_gives(ops.concatenate(given, axis=-1))


def _rounded(rows: Any) -> Any:
    """Rows as integers of four bits, each of its own scale, hold them."""
    scales = ops.maximum(ops.max(ops.abs(rows), axis=-1, keepdims=True), 1e-6) / LARGEST_OF_FOUR_BITS
    return ops.round(rows / scales) * scales


def _least_that_gives(matrix: Any) -> Any:
    """The pseudoinverse of [inputs, outputs], whose columns are independent: [outputs, inputs]."""
    exact = ops.cast(matrix, "float64")
    transposed = ops.transpose(exact)
    return ops.cast(tf.linalg.solve(transposed @ exact, transposed), matrix.dtype)
