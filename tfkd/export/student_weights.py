"""What a student has learnt, as arrays, and what it computes with them, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from tfkd.errors import InputError
from tfkd.text.vocabulary import PAD_ID

if TYPE_CHECKING:
    from tfkd.models.student import BiLstmClassifier


@dataclass(frozen=True)
class LstmWeights:
    """One direction's weights, float32: gates = (words @ kernel + state @ recurrent) @ expansion + bias.

    The gates stand in the order of the columns: input, forget, output, candidate.

    Attributes:
      kernel: [embedding_dim, rank].
      recurrent: [hidden_size, rank].
      bias: [4 * hidden_size]; the candidate's are zero (see StudentWeights).
      expansion: [rank, 4 * hidden_size]; None: the rank is full, and the sum is the gates' already.
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    expansion: np.ndarray | None = None

    @property
    def hidden_size(self) -> int:
        """Units of the state."""
        return len(self.recurrent)

    @property
    def bias_of_words(self) -> np.ndarray | None:
        """What is added to words @ kernel: the bias, if there is no expansion to add it after."""
        return self.bias if self.expansion is None else None

    def steps(self, words: np.ndarray) -> Iterator[Step]:
        """Yields what is computed at each step of a batch of texts.

        Args:
          words: float32 [texts, steps, embedding_dim], in this direction's order; padding's zeros before the first word
            leave state and cell at zero.
        """
        state = cell = np.zeros((len(words), self.hidden_size), np.float32)
        for step in range(words.shape[1]):
            word = words[:, step]
            projected = word @ self.kernel + (0 if self.bias_of_words is None else self.bias_of_words)
            recurrent = state @ self.recurrent
            total = projected + recurrent
            yield Step(word, state, projected, recurrent, total)
            gates = total if self.expansion is None else total @ self.expansion + self.bias
            i, f, o, candidate = np.split(gates, 4, axis=1)
            cell = expit(f) * cell + expit(i) * np.tanh(candidate)
            state = expit(o) * np.tanh(cell)


@dataclass(frozen=True)
class Step:
    """One step of a batch of texts: the word and the state that enter it, what each gives to the gates or to what is
    expanded to them, and the sum; float32 [texts, ...] each."""

    word: np.ndarray
    state: np.ndarray
    projected: np.ndarray
    recurrent: np.ndarray
    total: np.ndarray


@dataclass(frozen=True)
class StudentWeights:
    """All that a student has learnt, float32, so arranged that padding before a text's words changes nothing.

    Padding's row of the table is zero, and the candidate's bias is not a bias but what one more column of the table
    gives, which all words have and padding hasn't. So padding's candidate is zero, and a cell of zero stays so.

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
        """Returns the weights of a Keras student, its layers found by name; its table gets the column of words.

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
        # As large as the other columns' entries, so that one scale of integers serves all.
        of_words = max(float(np.abs(embedding).max()), 1e-6)
        embedding = np.pad(embedding, [(0, 0), (0, 1)], constant_values=of_words)
        embedding[PAD_ID] = 0
        return cls(
            embedding=embedding,
            forward=_from_keras(bilstm[:3], of_words),
            backward=_from_keras(bilstm[3:], of_words),
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


def _from_keras(weights: list[np.ndarray], of_words: float) -> LstmWeights:
    """The kernel, recurrent kernel and bias of a Keras LSTM, whose gates stand as input, forget, candidate, output."""

    def reordered(weights: np.ndarray) -> np.ndarray:
        i, f, candidate, o = np.split(weights, 4, axis=-1)
        return np.concatenate([i, f, o, candidate], axis=-1)

    kernel, recurrent, bias = map(reordered, weights)
    of_candidate = np.arange(len(bias)) >= 3 * len(recurrent)
    row = np.where(of_candidate, bias / of_words, 0).astype(np.float32)
    return LstmWeights(
        np.concatenate([kernel, row[np.newaxis]]), recurrent, np.where(of_candidate, 0, bias).astype(np.float32)
    )
