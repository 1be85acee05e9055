"""A BERT classifier in two: the lower blocks, which fine-tuning leaves as they are, and the rest, which it trains."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from tfkd.models.teacher import INPUT_SIGNATURE, BertInputs, Pieces, batched_logits
from tfkd.text.batching import sorted_batches

# States of more bytes than this aren't kept.
_MAX_BYTES = 1 << 30
_BATCH_SIZE = 128


class TrainedBlocks:
    """What fine-tuning trains of a classifier, on what the frozen blocks below it give.

    Args:
      classifier: a BERT classifier; what is trained here is trained there.
      frozen_blocks: how many blocks are left as they are, counted from below: the embeddings, then each
        transformer layer; 0: none. Half of a small BERT's weights are embeddings, every row of which AdamW
        would update at every step.

    Attributes:
      model: its inputs -> logits, float32 [texts, classes].
      signature: TensorSpecs of the model's inputs.
    """

    def __init__(self, classifier: keras_hub.models.BertTextClassifier, frozen_blocks: int):
        self.model: keras.Model = classifier
        self.signature = INPUT_SIGNATURE
        self._frozen: keras.Model | None = None
        if frozen_blocks:
            self._frozen, self.model = _split(classifier, frozen_blocks)
            states = tf.TensorSpec([None, None, classifier.backbone.hidden_dim], tf.float32)
            self.signature = {"states": states, "padding_mask": INPUT_SIGNATURE["padding_mask"]}
        self._infer = tf.function(lambda inputs: self.model(inputs, training=False), input_signature=[self.signature])

    def inputs(self, pieces: Pieces, progress: Any = None) -> BertInputs:
        """Returns what the model takes of texts; `progress` as FrozenStates'."""
        return FrozenStates(self._frozen, pieces, progress=progress) if self._frozen else pieces

    def logits(self, inputs: BertInputs, progress: Any = None) -> np.ndarray:
        """Returns the logits of what `inputs` returned, float32 [texts, classes]; `progress` as `batched_logits`'."""
        return batched_logits(self._infer, inputs, self.model.output.shape[-1], _BATCH_SIZE, progress)


class FrozenStates:
    """What the frozen blocks make of many texts: computed once, however many epochs read it.

    Nothing is dropped out within these blocks, in training neither: it is their states that are.

    Args:
      frozen: BERT's inputs -> states, float32 [texts, pieces, hidden size].
      pieces: the texts.
      max_bytes: up to this size the states are kept in memory; larger ones are computed each time.
      progress: has `update(n)`; see `sorted_batches`. Called while the states are computed.
    """

    def __init__(self, frozen: keras.Model, pieces: Pieces, max_bytes: int = _MAX_BYTES, progress: Any = None):
        self._pieces = pieces
        self._compute = tf.function(lambda inputs: frozen(inputs, training=False), input_signature=[INPUT_SIGNATURE])
        self._kept: list[np.ndarray] = []
        if int(pieces.lengths.sum()) * frozen.output.shape[-1] * np.dtype(np.float32).itemsize > max_bytes:
            return
        self._kept = [np.empty(0)] * len(pieces.ids)
        for rows in sorted_batches(pieces.lengths, _BATCH_SIZE, progress):
            for row, states in zip(rows, self._compute(pieces.padded(rows)).numpy(), strict=True):
                self._kept[row] = states[: pieces.lengths[row]].copy()

    @property
    def lengths(self) -> np.ndarray:
        """Word pieces of each text, int64 [texts]."""
        return self._pieces.lengths

    def padded(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the inputs of the trained blocks, as long as the longest of the chosen rows.

        `states`, float32 [rows, longest, hidden size], and `padding_mask`, int32 [rows, longest].
        """
        inputs = self._pieces.padded(rows)
        if self._kept:
            width = self._kept[rows[0]].shape[1]
            states = np.zeros((*inputs["padding_mask"].shape, width), np.float32)
            for padded, row in zip(states, rows, strict=True):
                padded[: self.lengths[row]] = self._kept[row]
        else:
            states = self._compute(inputs).numpy()
        return {"states": states, "padding_mask": inputs["padding_mask"]}


def _split(classifier: keras_hub.models.BertTextClassifier, blocks: int) -> tuple[keras.Model, keras.Model]:
    """Returns a classifier's lower blocks, and the rest; they share its weights.

    Between the two stands the dropout that in BERT stands after the embeddings.
    """
    backbone = classifier.backbone
    layers = backbone.transformer_layers
    below = [backbone.embeddings_dropout, *layers][:blocks]
    frozen = keras.Model(backbone.input, below[-1].output, name="frozen_blocks")
    states = keras.Input((None, backbone.hidden_dim), name="states")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    x = keras.layers.Dropout(backbone.dropout, name="states_dropout")(states)
    for layer in layers[len(below) - 1 :]:
        x = layer(x, padding_mask=mask)
    logits = classifier.output_dense(classifier.output_dropout(backbone.pooled_dense(x[:, 0])))
    return frozen, keras.Model({"states": states, "padding_mask": mask}, logits, name="trained_blocks")
