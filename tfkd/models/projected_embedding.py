"""An embedding that keeps to word vectors while it is trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfkd.text.vocabulary import PAD_ID


class ProjectedEmbedding(keras.layers.Layer):
    """Word ids -> fixed word vectors through a learned projection, plus what each word learns for itself.

    The embedding of word i is `word_vectors[i] @ projection + own[i]`. What a task
    asks of one word, the projection asks of all that are like it: words seen
    seldom learn with the frequent ones, and words never seen learn too. All of
    the vectors' columns can so be of use, however narrow the embedding is.

    It starts as the vectors' leading columns. Once trained it is no more than
    its `table`, a plain embedding's.

    Input: int32 [batch, tokens], PAD_ID is masked. Output: float32 [batch, tokens, width].

    Args:
      word_vectors: float32 [vocabulary, columns], columns >= width; not trained, nor among the weights.
      width: columns of the embedding.
    """

    def __init__(self, word_vectors: np.ndarray, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._width = width
        self._word_vectors = ops.convert_to_tensor(word_vectors, "float32")

    def build(self, input_shape: Any) -> None:
        vocabulary, columns = self._word_vectors.shape
        self.projection = self.add_weight(shape=(columns, self._width), initializer="identity", name="projection")
        self.own = self.add_weight(shape=(vocabulary, self._width), initializer="zeros", name="own")

    def call(self, token_ids: Any) -> Any:
        # Each word of the batch is projected once, however often the batch has it.
        words, word_of = tf.unique(ops.reshape(token_ids, [-1]))
        embeddings = self._embeddings(words)
        return ops.take(embeddings, ops.reshape(word_of, ops.shape(token_ids)), axis=0)

    def compute_mask(self, token_ids: Any, mask: Any = None) -> Any:
        return ops.not_equal(token_ids, PAD_ID)

    def table(self) -> np.ndarray:
        """Returns the embedding of every word, float32 [vocabulary, width]."""
        return ops.convert_to_numpy(self._embeddings(np.arange(len(self._word_vectors))))

    def _embeddings(self, words: Any) -> Any:
        return ops.take(self._word_vectors, words, axis=0) @ self.projection + ops.take(self.own, words, axis=0)
