"""What a student has learnt, as arrays, and what it computes with them, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class LstmWeights:
    """One direction's weights, float32: gates = (words @ kernel + state @ recurrent) @ expansion + bias.

    The gates stand in the order of the columns: input, forget, output, candidate.

    Attributes:
      kernel: [embedding_dim, rank].
      recurrent: [hidden_size, rank].
      bias: [4 * hidden_size]; the candidate's are zero (see StudentWeights), and all where an expansion gives them.
      expansion: [rank, 4 * hidden_size]; None: the rank is full, and the sum is the gates' already.
      backward: whether it reads from the end.
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    expansion: np.ndarray | None = None
    backward: bool = False

    @property
    def hidden_size(self) -> int:
        """Units of the state."""
        return len(self.recurrent)

    @property
    def bias_of_words(self) -> np.ndarray | None:
        """What is added to words @ kernel: the bias, if there is no expansion to add it after."""
        return self.bias if self.expansion is None else None

    def steps(self, embedding: np.ndarray, token_ids: np.ndarray) -> Iterator[Step]:
        """Yields what is computed at each step of a batch of texts.

        Args:
          embedding: float32 [vocabulary_size, embedding_dim].
          token_ids: int [texts, steps], in this direction's order; padding, whose row is zeros, before the first word
            leaves state and cell at zero.
        """
        state = cell = np.zeros((len(token_ids), self.hidden_size), np.float32)
        for ids in token_ids.T:
            word = embedding[ids]
            projected = word @ self.kernel + (0 if self.bias_of_words is None else self.bias_of_words)
            recurrent = state @ self.recurrent
            total = projected + recurrent
            yield Step(word, state, projected, recurrent, total)
            gates = total if self.expansion is None else total @ self.expansion + self.bias
            i, f, o, candidate = np.split(gates, 4, axis=1)
            cell = expit(f) * cell + expit(i) * np.tanh(candidate)
            state = expit(o) * np.tanh(cell)


@dataclass(frozen=True)
class GruWeights(LstmWeights):
    """One direction's weights, float32, of a GRU in place of an LSTM.

    Its gates stand in the order of the columns: take, reset, candidate. What is taken of the candidate is what Keras'
    update gate leaves of 1: the weights are that gate's, negated.

    Attributes:
      recurrent_bias: [3 * hidden_size], added to the state's share; zero but for the candidate's, which is reset too.
    """

    recurrent_bias: np.ndarray = field(kw_only=True)


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
class DenseWeights:
    """A dense layer, float32.

    Attributes:
      kernel: [inputs, units].
      bias: [units].
      activation: one of ACTIVATIONS.
    """

    kernel: np.ndarray
    bias: np.ndarray
    activation: str


ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "softmax")


@dataclass(frozen=True)
class StudentWeights:
    """All that a student has learnt, float32, so arranged that padding before a text's words changes nothing.

    Padding's row of the table is zero, and the candidate's bias is not a bias but what one more column of the table
    gives, which all words have and padding hasn't. So padding's candidate is zero, and a cell of zero stays so. A GRU
    has no such column: padding shuts a gate of its graph (see tfkd.export.lowering).

    Attributes:
      embedding: [vocabulary_size, embedding_dim].
      directions: the LSTM's one or two, or the GRU's.
      head: what makes the output of their last states, side by side, or of pairs of their `siamese_features`.
      pairs: whether it classifies pairs of texts.
      masked: whether padding is passed over; if not, it is read as a word like others, and nothing is so arranged.
    """

    embedding: np.ndarray
    directions: tuple[LstmWeights, ...]
    head: tuple[DenseWeights, ...]
    pairs: bool = False
    masked: bool = True

    @property
    def of_words(self) -> float | None:
        """What the column of the candidate's bias is for each word; None if there is none."""
        return float(self.embedding[-1, -1]) if self.masked and not self.of_gru else None

    @property
    def of_gru(self) -> bool:
        """Whether the directions are of a GRU."""
        return isinstance(self.directions[0], GruWeights)

    @property
    def hidden_size(self) -> int:
        """Units of the LSTM in each direction."""
        return self.directions[0].hidden_size
