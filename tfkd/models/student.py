"""The student: a single-layer BiLSTM over words (Tang et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from scipy.special import softmax

from tfkd.text.batching import sorted_batches
from tfkd.text.encoded_texts import INPUT_NAMES, EncodedTexts, longest, padded_alike
from tfkd.text.vocabulary import PAD_ID

assert PAD_ID == 0  # what Embedding(mask_zero=True) masks


def siamese_features(first: Any, second: Any) -> Any:
    """Returns [h1, h2, h1 * h2, |h1 - h2|] (Tang et al. 2019, section 3.1), [batch, 4 * width].

    Args:
      first: h1, what is made of the first texts, [batch, width].
      second: h2, of the second ones.
    """
    return ops.concatenate([first, second, first * second, ops.abs(first - second)], axis=-1)


@keras.saving.register_keras_serializable(package="tfkd")
class BiLstmClassifier(keras.Model):
    """Word ids -> embedding -> BiLSTM -> last state of each direction -> ReLU layer -> logits.

    Input: `token_ids`, int32 [batch, tokens], PAD_ID after a text's end. Of pairs a second one, of the
    same shape: one BiLSTM reads both texts, and the ReLU layer takes their `siamese_features`.
    Output: logits, float32 [batch, num_classes].

    The layers are named `embedding`, `bilstm`, `hidden` and `logits`; the export reads them by name.

    With an `embedding` of its own it is in training, and can't be saved; `folded` gives the student to keep.

    Args:
      vocabulary_size: rows of the embedding table.
      num_classes: logits.
      embedding_dim: columns of the embedding table.
      hidden_size: units of the LSTM in each direction.
      dense_size: units of the ReLU layer.
      dropout: share of the embeddings and of the features dropped in training.
      pairs: whether it classifies pairs of texts.
      embedding: stands in for the embedding table; a layer named `embedding` that masks PAD_ID and has a
        `table()`, float32 [vocabulary_size, any width], such as ProjectedEmbedding.
      constraints: of each direction's kernels in training, such as tfkd.models.low_rank.Subspace; none by default.
      rounding: makes what is added to words in training, such as tfkd.models.rounding.Rounding, of the LSTMs that
        read them.
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_classes: int,
        embedding_dim: int = 300,
        hidden_size: int = 150,
        dense_size: int = 200,
        dropout: float = 0.0,
        pairs: bool = False,
        embedding: Any = None,
        constraints: Sequence[Any] = (),
        rounding: Callable[[Sequence[keras.layers.LSTM]], keras.layers.Layer] | None = None,
        **kwargs: Any,
    ):
        # === Layers ===
        in_training = embedding is not None
        if not in_training:
            embedding = keras.layers.Embedding(vocabulary_size, embedding_dim, mask_zero=True, name="embedding")
        bilstm = keras.layers.Bidirectional(keras.layers.LSTM(hidden_size), name="bilstm")
        lstms = (bilstm.forward_layer, bilstm.backward_layer)
        for layer, constraint in zip(lstms, constraints, strict=False):
            layer.cell.kernel_constraint = layer.cell.recurrent_constraint = constraint
        hidden = keras.layers.Dense(dense_size, activation="relu", name="hidden")
        logits = keras.layers.Dense(num_classes, name="logits")

        # === Functional model ===
        inputs = [keras.Input((None,), dtype="int32", name=name) for name in INPUT_NAMES[: 1 + pairs]]
        # Both texts of a pair in one batch: one pass of the LSTM over twice the rows.
        x = embedding(ops.concatenate(inputs, axis=0) if pairs else inputs[0])
        bilstm.build(x.shape)
        change_of = rounding(lstms) if rounding else None
        change = change_of(x) if change_of is not None else None
        if dropout:
            x = keras.layers.SpatialDropout1D(dropout, name="embedding_dropout")(x)
        if change is not None:
            x = keras.layers.Add(name="rounded")([x, change])
        x = bilstm(x)
        if pairs:
            x = siamese_features(*ops.split(x, 2, axis=0))
        if dropout:
            x = keras.layers.Dropout(dropout, name="feature_dropout")(x)
        super().__init__(inputs=inputs if pairs else inputs[0], outputs=logits(hidden(x)), **kwargs)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.hidden_size = hidden_size
        self.dense_size = dense_size
        self.dropout = dropout
        self.pairs = pairs
        self.rounding = change_of
        self._in_training = in_training

        # One trace for batches of all shapes.
        self._infer = tf.function(lambda ids: self(ids, training=False), input_signature=[self.input_signature])

    @property
    def input_signature(self) -> Any:
        """What it takes: an int32 matrix, or for pairs a tuple of two."""
        matrix = tf.TensorSpec([None, None], tf.int32)
        return (matrix, matrix) if self.pairs else matrix

    def logits(
        self, *encoded: EncodedTexts, max_tokens: int | None = None, batch_size: int = 128, progress: Any = None
    ) -> np.ndarray:
        """Returns the logits of texts or pairs, float32 [texts, classes].

        Texts of similar length share a batch, which is as long as its longest.

        Args:
          encoded: the texts' word ids; of pairs the second texts' too.
          max_tokens: words read of a text; all by default.
          batch_size: texts a call.
          progress: has `update(n)`; see `sorted_batches`.
        """
        lengths = longest(encoded, max_tokens)
        out = np.empty((len(lengths), self.num_classes), np.float32)
        for rows in sorted_batches(lengths, batch_size, progress):
            out[rows] = self._infer(padded_alike(encoded, rows, lengths)).numpy()
        return out

    def probabilities(self, *encoded: EncodedTexts, max_tokens: int | None = None) -> np.ndarray:
        """Returns the softmax of `logits`, float32 [texts, classes]."""
        return softmax(self.logits(*encoded, max_tokens=max_tokens), axis=1)

    def folded(self, words: np.ndarray) -> BiLstmClassifier:
        """Returns the same student with a plain embedding table, to be saved and exported.

        Args:
          words: the ids that it is to know, which are numbered anew in this order.
        """
        embedding = self.get_layer("embedding")
        table = embedding.table() if self._in_training else embedding.get_weights()[0]
        if self.rounding is not None:
            table = table + ops.convert_to_numpy(self.rounding(table))
        student = BiLstmClassifier(**{**self._config(), "vocabulary_size": len(words), "embedding_dim": table.shape[1]})
        student.get_layer("embedding").set_weights([table[words]])
        for name in ("bilstm", "hidden", "logits"):
            student.get_layer(name).set_weights(self.get_layer(name).get_weights())
        return student

    def get_config(self) -> dict[str, Any]:
        if self._in_training:
            raise ValueError("this student is in training and can't be saved; save what folded() returns")
        return self._config()

    def _config(self) -> dict[str, Any]:
        return {
            "vocabulary_size": self.vocabulary_size,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "hidden_size": self.hidden_size,
            "dense_size": self.dense_size,
            "dropout": self.dropout,
            "pairs": self.pairs,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: object = None) -> BiLstmClassifier:
        return cls(**config)
