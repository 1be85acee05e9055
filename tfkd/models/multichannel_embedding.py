"""The paper's multichannel embedding: a fixed and a trained copy of the word vectors, side by side."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tfkd.text.vocabulary import PAD_ID


class MultichannelEmbedding(keras.layers.Layer):
    """Word ids -> the word's vector as it was, and beside it as it was trained (Tang et al. 2019, section 4.2).

    Once trained it is no more than its `table`, a plain embedding of twice the width.

    Input: int32 [batch, tokens], PAD_ID is masked. Output: float32 [batch, tokens, 2 * width].

    Args:
      word_vectors: float32 [vocabulary, width]; the fixed copy is not among the weights.
    """

    def __init__(self, word_vectors: np.ndarray, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._fixed = ops.convert_to_tensor(word_vectors, "float32")

    def build(self, input_shape: Any) -> None:
        self.trained = self.add_weight(
            shape=self._fixed.shape, initializer=lambda *_, **__: self._fixed, name="trained"
        )

    def call(self, token_ids: Any) -> Any:
        copies = [ops.take(vectors, token_ids, axis=0) for vectors in (self._fixed, self.trained)]
        return ops.concatenate(copies, axis=-1)

    def compute_mask(self, token_ids: Any, mask: Any = None) -> Any:
        return ops.not_equal(token_ids, PAD_ID)

    def table(self) -> np.ndarray:
        """Returns the embedding of every word, float32 [vocabulary, 2 * width]."""
        return ops.convert_to_numpy(ops.concatenate([self._fixed, self.trained], axis=-1))
