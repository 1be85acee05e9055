"""What a student has learnt, as arrays, and what it computes with them, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from tfkd.errors import InputError

if TYPE_CHECKING:
    from tfkd.models.student import BiLstmClassifier


@dataclass(frozen=True)
class LstmWeights:
    """One direction's weights, float32, the gates in the order of the columns: input, forget, output, candidate.

    Attributes:
      kernel: [embedding_dim, 4 * hidden_size].
      recurrent: [rank, 4 * hidden_size], of what `projection` makes of the state.
      bias: [4 * hidden_size].
      projection: [hidden_size, rank]; None: the state is taken as it is, and its size is the rank.
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    projection: np.ndarray | None = None

    @classmethod
    def from_keras(cls, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> LstmWeights:
        """Returns the weights of a Keras LSTM, whose order is input, forget, candidate, output."""

        def reordered(weights: np.ndarray) -> np.ndarray:
            i, f, candidate, o = np.split(weights, 4, axis=-1)
            return np.concatenate([i, f, o, candidate], axis=-1)

        return cls(reordered(kernel), reordered(recurrent), reordered(bias))

    @property
    def hidden_size(self) -> int:
        """Units of the state."""
        return self.recurrent.shape[1] // 4

    def steps(self, words: np.ndarray, here: np.ndarray) -> Iterator[Step]:
        """Yields what is computed at each step of a batch of texts.

        Args:
          words: float32 [texts, steps, embedding_dim], in this direction's order.
          here: bool [texts, steps]: where a word is; padding stands before the first one and leaves all at zero.
        """
        state = cell = np.zeros((len(words), self.hidden_size), np.float32)
        for step in range(words.shape[1]):
            mask = here[:, step, np.newaxis]
            projected = (words[:, step] @ self.kernel + self.bias) * mask
            entering = state if self.projection is None else state @ self.projection
            recurrent = entering @ self.recurrent
            i, f, o, candidate = np.split(projected + recurrent, 4, axis=1)
            cell = mask * (expit(f) * cell + expit(i) * np.tanh(candidate))
            yield Step(state, entering, projected, recurrent)
            state = expit(o) * np.tanh(cell)


@dataclass(frozen=True)
class Step:
    """One step of a batch of texts: the state that enters it, what the recurrent weights take of it, and what the word
    and the state give to the gates; float32 [texts, ...] each."""

    state: np.ndarray
    entering: np.ndarray
    projected: np.ndarray
    recurrent: np.ndarray


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
    def directions(self) -> tuple[LstmWeights, LstmWeights]:
        """The forward direction, then the backward one."""
        return self.forward, self.backward

    @property
    def hidden_size(self) -> int:
        """Units of the LSTM in each direction."""
        return self.forward.hidden_size

    @property
    def pairs(self) -> bool:
        """Whether the student classifies pairs of texts."""
        return len(self.hidden_kernel) > 2 * self.hidden_size
