"""A student as one straight-line graph: stateless, of fixed length, its weights constants.

Keras' own conversion of an LSTM is a WHILE loop of several subgraphs, which
MediaPipe takes for another kind of model; TensorFlow's fused LSTM has variable
tensors, which LiteRT's CompiledModel refuses. Unrolled over time, all three
runtimes take it, and the matrix multiplication that doesn't depend on the
previous step (the input projection) is done once for all steps of both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfkd.errors import InputError
from tfkd.models.student import BiLstmClassifier, siamese_features
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES
from tfkd.text.vocabulary import PAD_ID


@dataclass(frozen=True)
class LstmWeights:
    """One direction's weights, float32, the gates in the order of the columns: input, forget, output, candidate.

    Attributes:
      kernel: [embedding_dim, 4 * hidden_size].
      recurrent: [hidden_size, 4 * hidden_size].
      bias: [4 * hidden_size].
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray

    @classmethod
    def from_keras(cls, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> LstmWeights:
        """Returns the weights of a Keras LSTM, whose order is input, forget, candidate, output.

        With the candidate last, one sigmoid over three quarters of the columns does for three gates.
        """

        def reordered(weights: np.ndarray) -> np.ndarray:
            i, f, candidate, o = np.split(weights, 4, axis=-1)
            return np.concatenate([i, f, o, candidate], axis=-1)

        return cls(reordered(kernel), reordered(recurrent), reordered(bias))


@dataclass(frozen=True)
class StudentWeights:
    """All that a student has learnt, float32.

    Attributes:
      embedding: [vocabulary_size, embedding_dim].
      forward, backward: the LSTM's two directions.
      hidden_kernel, hidden_bias: [2 * hidden_size, dense_size], for pairs four times as many rows; [dense_size].
      logits_kernel, logits_bias: [dense_size, num_classes], [num_classes].
    """

    embedding: np.ndarray
    forward: LstmWeights
    backward: LstmWeights
    hidden_kernel: np.ndarray
    hidden_bias: np.ndarray
    logits_kernel: np.ndarray
    logits_bias: np.ndarray

    @classmethod
    def from_model(cls, model: BiLstmClassifier) -> StudentWeights:
        """Returns the weights of a Keras student, its layers found by name.

        Raises:
          InputError: a weight is NaN or infinite.
        """
        weights = {name: model.get_layer(name).get_weights() for name in ("embedding", "bilstm", "hidden", "logits")}
        for name, arrays in weights.items():
            if not all(np.isfinite(array).all() for array in arrays):
                raise InputError(
                    f"the student's layer '{name}' has weights that are NaN or infinite: "
                    "its training diverged; distil it again with a lower learning rate"
                )
        (embedding,) = weights["embedding"]
        bilstm = weights["bilstm"]
        return cls(
            embedding=embedding,
            forward=LstmWeights.from_keras(*bilstm[:3]),
            backward=LstmWeights.from_keras(*bilstm[3:]),
            hidden_kernel=weights["hidden"][0],
            hidden_bias=weights["hidden"][1],
            logits_kernel=weights["logits"][0],
            logits_bias=weights["logits"][1],
        )

    @property
    def pairs(self) -> bool:
        """Whether the student classifies pairs of texts."""
        return len(self.hidden_kernel) > 2 * len(self.forward.recurrent)


def lower(weights: StudentWeights, max_tokens: int, like_bert: bool = False) -> tf.Module:
    """Returns a module whose `__call__` is the student's probabilities for one text, or one pair.

    `__call__` is a tf.function of one signature: `token_ids`, int32 [1, max_tokens],
    PAD_ID after the text's end, and for pairs `pair_token_ids`, of the same shape, to
    {"probabilities": float32 [1, num_classes]}.
    `like_bert` it takes what BERT takes of one text instead: `ids`, `mask` and `segment_ids`,
    int32 [1, max_tokens + 2] each. It passes over [CLS], [SEP] and the segments.
    An id out of range reads the nearest row of the table (a negative one is
    padding): a benchmark that feeds noise must not read foreign memory.
    """
    assert not (like_bert and weights.pairs), "MediaPipe's BERT takes single texts"
    module = tf.Module(name="student")
    names = BERT_INPUT_NAMES if like_bert else INPUT_NAMES[: 1 + weights.pairs]
    length = max_tokens + 2 if like_bert else max_tokens
    signature = [tf.TensorSpec([1, length], tf.int32, name=name) for name in names]

    def probabilities(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        if like_bert:
            ids, mask, _ = inputs
            # A token is followed by another or by [SEP], which stands last under the mask.
            token_ids = tf.where(tf.not_equal(mask[:, 2:], 0), ids[:, 1:-1], PAD_ID)
        else:
            token_ids = tf.concat(inputs, axis=0)
        return {"probabilities": _probabilities(weights, token_ids)}

    module.__call__ = tf.function(probabilities, input_signature=signature, autograph=False)
    return module


def _probabilities(weights: StudentWeights, token_ids: tf.Tensor) -> tf.Tensor:
    """Softmax over the classes, float32 [1, num_classes], of `token_ids`, int32 [texts, tokens]: one text or a pair."""
    forward, backward = weights.forward, weights.backward
    texts, tokens = token_ids.shape
    # Step by step; within a step text by text, which take their steps together.
    ids = tf.reshape(token_ids if texts == 1 else tf.transpose(token_ids), [tokens * texts])
    ids = tf.clip_by_value(ids, 0, len(weights.embedding) - 1)
    # Split as booleans they would need an operation that TFLite lacks; UNPACK it has.
    is_word = tf.unstack(tf.reshape(tf.not_equal(ids, PAD_ID), [tokens, texts, 1]))

    # The input projection of all steps and both directions: [tokens * texts, 8 * hidden_size].
    words = tf.gather(tf.constant(weights.embedding), ids)
    kernel = tf.constant(np.concatenate([forward.kernel, backward.kernel], axis=1))
    bias = tf.constant(np.concatenate([forward.bias, backward.bias]))
    projected = tf.matmul(words, kernel) + bias
    if texts > 1:  # direction before text
        projected = tf.transpose(tf.reshape(projected, [tokens, texts, 2, -1]), [0, 2, 1, 3])
    # Step t's share of the forward direction is piece 2 * t, of the backward direction piece 2 * t + 1.
    pieces = tf.split(tf.reshape(projected, [2 * tokens * texts, -1]), 2 * tokens)

    last_forward = _last_state(pieces[::2], is_word, forward.recurrent)
    last_backward = _last_state(pieces[1::2][::-1], is_word[::-1], backward.recurrent)
    features = tf.concat([last_forward, last_backward], axis=1)
    if texts > 1:
        features = siamese_features(*tf.split(features, texts))
    hidden = tf.nn.relu(tf.matmul(features, tf.constant(weights.hidden_kernel)) + weights.hidden_bias)
    return tf.nn.softmax(tf.matmul(hidden, tf.constant(weights.logits_kernel)) + weights.logits_bias)


def _last_state(projected: list[tf.Tensor], is_word: list[tf.Tensor], recurrent: np.ndarray) -> tf.Tensor:
    """One direction's output after its last step, float32 [texts, hidden_size].

    As in Keras' masking, a step on padding leaves output and cell as they were;
    so the backward direction, which meets a text's padding first, enters the
    text's last word with zeros.

    Args:
      projected: for each step, in the direction's order, float32 [texts, 4 * hidden_size].
      is_word: for each step, bool [texts, 1].
      recurrent: [hidden_size, 4 * hidden_size].
    """
    hidden_size = len(recurrent)
    recurrent = tf.constant(recurrent)  # one constant, shared by all steps
    output = cell = tf.zeros([projected[0].shape[0], hidden_size])
    for step, (gates, here) in enumerate(zip(projected, is_word, strict=True)):
        if step:  # the first output is zero
            gates = gates + tf.matmul(output, recurrent)
        i, f, o = tf.split(tf.sigmoid(gates[:, : 3 * hidden_size]), 3, axis=1)
        new_cell = f * cell + i * tf.tanh(gates[:, 3 * hidden_size :])
        output = tf.where(here, o * tf.tanh(new_cell), output)
        cell = tf.where(here, new_cell, cell)
    return output
