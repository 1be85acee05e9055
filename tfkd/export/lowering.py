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
from tfkd.models.student import BiLstmClassifier
from tfkd.text.vocabulary import PAD_ID

INPUT_NAME, OUTPUT_NAME = "token_ids", "probabilities"


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
      hidden_kernel, hidden_bias: [2 * hidden_size, dense_size], [dense_size].
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


def lower(weights: StudentWeights, max_tokens: int) -> tf.Module:
    """Returns a module whose `__call__` is the student's probabilities for one text.

    `__call__` is a tf.function of one signature: `token_ids`, int32 [1, max_tokens],
    PAD_ID after the text's end, to {"probabilities": float32 [1, num_classes]}.
    An id out of range reads the nearest row of the table (a negative one is
    padding): a benchmark that feeds noise must not read foreign memory.
    """
    module = tf.Module(name="student")
    signature = [tf.TensorSpec([1, max_tokens], tf.int32, name=INPUT_NAME)]

    def probabilities(token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT_NAME: _probabilities(weights, token_ids)}

    module.__call__ = tf.function(probabilities, input_signature=signature, autograph=False)
    return module


def _probabilities(weights: StudentWeights, token_ids: tf.Tensor) -> tf.Tensor:
    """Softmax over the classes, float32 [1, num_classes], of `token_ids`, int32 [1, tokens]."""
    forward, backward = weights.forward, weights.backward
    tokens = token_ids.shape[1]
    ids = tf.clip_by_value(tf.reshape(token_ids, [tokens]), 0, len(weights.embedding) - 1)
    # Split as booleans they would need an operation that TFLite lacks; UNPACK it has.
    is_word = tf.unstack(tf.not_equal(ids, PAD_ID)[:, tf.newaxis])

    # The input projection of all steps and both directions: [tokens, 8 * hidden_size].
    words = tf.gather(tf.constant(weights.embedding), ids)
    kernel = tf.constant(np.concatenate([forward.kernel, backward.kernel], axis=1))
    bias = tf.constant(np.concatenate([forward.bias, backward.bias]))
    projected = tf.matmul(words, kernel) + bias
    # Step t's share of the forward direction is row 2 * t, of the backward direction row 2 * t + 1.
    rows = tf.split(tf.reshape(projected, [2 * tokens, -1]), 2 * tokens)

    last_forward = _last_state(rows[::2], is_word, forward.recurrent)
    last_backward = _last_state(rows[1::2][::-1], is_word[::-1], backward.recurrent)
    states = tf.concat([last_forward, last_backward], axis=1)
    hidden = tf.nn.relu(tf.matmul(states, tf.constant(weights.hidden_kernel)) + weights.hidden_bias)
    return tf.nn.softmax(tf.matmul(hidden, tf.constant(weights.logits_kernel)) + weights.logits_bias)


def _last_state(projected: list[tf.Tensor], is_word: list[tf.Tensor], recurrent: np.ndarray) -> tf.Tensor:
    """One direction's output after its last step, float32 [1, hidden_size].

    As in Keras' masking, a step on padding leaves output and cell as they were;
    so the backward direction, which meets a text's padding first, enters the
    text's last word with zeros.

    Args:
      projected: for each step, in the direction's order, float32 [1, 4 * hidden_size].
      is_word: for each step, bool [1].
      recurrent: [hidden_size, 4 * hidden_size].
    """
    hidden_size = len(recurrent)
    recurrent = tf.constant(recurrent)  # one constant, shared by all steps
    output = cell = tf.zeros([1, hidden_size])
    for step, (gates, here) in enumerate(zip(projected, is_word, strict=True)):
        if step:  # the first output is zero
            gates = gates + tf.matmul(output, recurrent)
        i, f, o = tf.split(tf.sigmoid(gates[:, : 3 * hidden_size]), 3, axis=1)
        new_cell = f * cell + i * tf.tanh(gates[:, 3 * hidden_size :])
        output = tf.where(here, o * tf.tanh(new_cell), output)
        cell = tf.where(here, new_cell, cell)
    return output
