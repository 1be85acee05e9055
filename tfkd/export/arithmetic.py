"""What numbers a lowered student computes with: real ones, or integers of eight bits.

XNNPACK, which runs the graphs on every CPU that LiteRT and MediaPipe know, multiplies matrices of int8 several times
as fast as real ones, whether the activations are int8 in the file (`Integers`) or become so on the way (`Reals` with
int8 weights). It looks the sigmoid and the hyperbolic tangent of an int8 up in a table, for a twentieth of what the
real ones cost; adding and multiplying int8 costs more than adding and multiplying reals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np

from tfkd.export.graph import Graph, Quantization, Tensor
from tfkd.models.rounding import LARGEST_OF_FOUR_BITS
from tfkd.models.student_weights import DenseWeights
from tfkd.models.texts_met import Ranges
from tfkd.text.vocabulary import PAD_ID

# Weights of fewer elements stay real: they aren't worth the rounding.
MIN_QUANTIZED_ELEMENTS = 1024

# Weights of a direction, of which more are worth a scale for each column.
_MOST_TOGETHER = 1 << 15

# The output gate and the candidate can't be told from 1 beyond these.
_GATES_LIMIT = 7.0
_CELL_LIMIT = 3.5

# What is nearer to whole numbers was rounded to them.
_ROUNDED = 0.02


class Reals:
    """Real activations.

    Args:
      graph: what is computed in.
      weights: numpy's name of the type that weights are stored as: float32, float16 or int8.
      table_bits: with int8, of an entry of the table: 8, or 4 and a scale for each word; 0: 4 if nothing is lost by it.
    """

    def __init__(self, graph: Graph, weights: str, table_bits: int = 0):
        self.graph = graph
        self.weights = weights
        self.table_bits = table_bits

    def words(self, embedding: np.ndarray, ids: Tensor) -> Tensor:
        """Rows of the embedding table."""
        if self._has_four_bits(embedding):
            return self._rows_of_four_bits(embedding, ids)
        return self._real(self.graph.gather(self._stored(embedding), ids))

    def dense(self, a: Tensor, kernel: np.ndarray, bias: np.ndarray | None = None, relu: bool = False) -> Tensor:
        """a @ kernel + bias, of which nothing is left below zero with `relu`."""
        weights = self._stored(kernel.T, per_row=True)
        if weights.dtype == np.float16:
            weights = self._real(weights)
        offset = None if bias is None else self.graph.constant(bias)
        return self.graph.fully_connected(a, weights, offset, relu)

    def projected(self, words: Tensor, kernel: np.ndarray, bias: np.ndarray | None) -> Tensor:
        """What the words give to the gates, or to what is expanded to them."""
        return self.dense(words, kernel, bias)

    def looked_up(self, table: np.ndarray, ids: Tensor) -> Tensor:
        """The same out of a table that holds it for each word."""
        return self.words(table, ids)

    def recurrent(self, state: Tensor, kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray] = ()) -> Tensor:
        """What the state gives, by each direction's kernel."""
        return self._of_each(self.dense, state, kernels, biases)

    def gates(self, projected: Tensor, recurrent: Tensor | None) -> Tensor:
        """Their sum, if the rank is full; nothing is recurrent at the first step."""
        return projected if recurrent is None else self.graph.add(projected, recurrent)

    def total(self, projected: Tensor, recurrent: Tensor | None) -> Tensor:
        """Their sum, if it isn't."""
        return self.gates(projected, recurrent)

    def expanded(self, total: Tensor, expansions: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> Tensor:
        """The gates of the sum, by each direction's expansion."""
        return self._of_each(self.dense, total, expansions, biases)

    def zero_state(self, shape: tuple[int, int]) -> Tensor:
        """The state before the first step."""
        return self.graph.constant(np.zeros(shape, np.float32))

    def step(self, gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor]:
        """The state and the cell after a step; no cell before the first."""
        i, f, o, candidate = self.graph.split(gates, 4, axis=1)
        new = self.graph.mul(self.graph.logistic(i), self.graph.tanh(candidate))
        if cell is not None:
            new = self.graph.add(self.graph.mul(self.graph.logistic(f), cell), new)
        return self.graph.mul(self.graph.logistic(o), self.graph.tanh(new)), new

    def gru_step(self, projected: Tensor, recurrent: Tensor, state: Tensor) -> Tensor:
        """The state of a GRU after a step."""
        graph = self.graph
        taken, reset, candidate = graph.split(projected, 3, axis=1)
        of_state = graph.split(recurrent, 3, axis=1)
        taken = graph.logistic(graph.add(taken, of_state[0]))
        reset = graph.logistic(graph.add(reset, of_state[1]))
        candidate = graph.tanh(graph.add(candidate, graph.mul(reset, of_state[2])))
        return graph.add(state, graph.mul(taken, graph.sub(candidate, state)))

    def real(self, state: Tensor) -> Tensor:
        """The state as real numbers."""
        return state

    def layer(self, a: Tensor, layer: DenseWeights) -> Tensor:
        """A dense layer of real numbers."""
        out = self.dense(a, layer.kernel, layer.bias, relu=layer.activation == "relu")
        activations = {"tanh": self.graph.tanh, "sigmoid": self.graph.logistic, "softmax": self.graph.softmax}
        return activations[layer.activation](out) if layer.activation in activations else out

    def _of_each(
        self,
        product: Callable[[Tensor, np.ndarray, np.ndarray | None], Tensor],
        rows: Tensor,
        kernels: Sequence[np.ndarray],
        biases: Sequence[np.ndarray] = (),
    ) -> Tensor:
        """The products of each direction's rows, [directions * texts, n], with its kernel, below each other."""
        by_direction = self.graph.split(rows, len(kernels), 0)
        given = [bias if bias.any() else None for bias in biases] or [None] * len(kernels)
        return self.graph.concat(list(map(product, by_direction, kernels, given)), 0)

    def _has_four_bits(self, table: np.ndarray) -> bool:
        """Whether a table is to be stored in four bits: because it is to, or because it is of such numbers."""
        if self.table_bits or self.weights != "int8":
            return self.table_bits == 4
        entries = _apart(table)[0] / _scales_of_rows(_apart(table)[0])
        return bool(np.abs(entries - np.rint(entries)).max() < _ROUNDED)

    def _rows_of_four_bits(self, table: np.ndarray, ids: Tensor) -> Tensor:
        """Rows of a table, each with a scale of its own.

        The scales are a column by themselves, of two bytes each: those that a tensor may have, one a row, are stored
        with a zero point each, in twelve. What all words have alike, as that of the bias, is added: rounded it would
        err in all of them alike.
        """
        graph = self.graph
        words, alike = _apart(table)
        scales = _scales_of_rows(words).astype(np.float16)
        # The operator takes each row to begin with a byte of its own, of two entries.
        entries = np.pad(words / scales, [(0, 0), (0, table.shape[1] % 2)])
        rows = graph.dequantize(graph.gather(graph.constant(entries, Quantization(1.0), ml_dtypes.int4), ids))
        if entries.shape != table.shape:
            rows = graph.slice(rows, (0, 0), (rows.shape[0], table.shape[1]))
        rows = graph.mul(rows, self._real(graph.gather(graph.constant(scales), ids)))
        if not alike:
            return rows
        of_padding_and_words = np.zeros((2, table.shape[1]), np.float32)
        of_padding_and_words[1, -1] = alike
        is_word = graph.minimum(ids, graph.constant([1]))
        return graph.add(rows, graph.gather(graph.constant(of_padding_and_words), is_word))

    def _stored(self, values: np.ndarray, per_row: bool = False) -> Tensor:
        if self.weights != "int8" or values.size < MIN_QUANTIZED_ELEMENTS:
            return self.graph.constant(values.astype("float32" if self.weights == "int8" else self.weights))
        return self.graph.constant(values, _symmetric(np.abs(values).max(axis=1) if per_row else np.abs(values).max()))

    def _real(self, tensor: Tensor) -> Tensor:
        return tensor if tensor.dtype == np.float32 else self.graph.dequantize(tensor)


class Integers(Reals):
    """int8 activations in the LSTM, but for its cell, which adds up what is small; what follows it is real.

    Args:
      graph: what is computed in.
      ranges: what the integers are to span.
      table_bits: as above.
    """

    def __init__(self, graph: Graph, ranges: Ranges, table_bits: int = 0):
        super().__init__(graph, "int8", table_bits)
        self._projected = _symmetric(ranges.projected)
        self._recurrent = _symmetric(ranges.recurrent)
        self._total = _symmetric(ranges.total)
        self._gates = _symmetric(_GATES_LIMIT)
        self._cell = _symmetric(_CELL_LIMIT)
        self._state = _symmetric(1.0)

    def words(self, embedding: np.ndarray, ids: Tensor) -> Tensor:
        return self._rows(embedding, ids, _symmetric(np.abs(embedding).max()))

    def projected(self, words: Tensor, kernel: np.ndarray, bias: np.ndarray | None) -> Tensor:
        return self._dense(words, kernel, bias, self._projected)

    def looked_up(self, table: np.ndarray, ids: Tensor) -> Tensor:
        return self._rows(table, ids, self._projected)

    def recurrent(self, state: Tensor, kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray] = ()) -> Tensor:
        return self._products(state, kernels, self._recurrent, biases)

    def gates(self, projected: Tensor, recurrent: Tensor | None) -> Tensor:
        return self._sum(projected, recurrent, self._gates)

    def total(self, projected: Tensor, recurrent: Tensor | None) -> Tensor:
        return self._sum(projected, recurrent, self._total)

    def expanded(self, total: Tensor, expansions: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> Tensor:
        return self._products(total, expansions, self._gates, biases)

    def zero_state(self, shape: tuple[int, int]) -> Tensor:
        return self.graph.constant(np.zeros(shape, np.float32), self._state)

    def _rows(self, table: np.ndarray, ids: Tensor, to: Quantization) -> Tensor:
        if self._has_four_bits(table):
            return self.graph.quantize(self._rows_of_four_bits(table, ids), to)
        return self.graph.gather(self.graph.constant(table, to), ids)

    def _sum(self, projected: Tensor, recurrent: Tensor | None, to: Quantization) -> Tensor:
        if recurrent is None:
            # Not a mere change of scale, which rounds in another way: a text would come to something else at the first
            # step of a short graph than after the padding of a longer one.
            recurrent = self.graph.constant(np.zeros(projected.shape, np.float32), self._recurrent)
        return self.graph.add(projected, recurrent, to)

    def step(self, gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor]:
        graph = self.graph
        i, f, o, candidate = graph.split(gates, 4, axis=1)
        new = graph.mul(graph.dequantize(graph.logistic(i)), graph.dequantize(graph.tanh(candidate)))
        if cell is not None:
            new = graph.add(graph.mul(graph.dequantize(graph.logistic(f)), cell), new)
        return graph.mul(graph.logistic(o), graph.tanh(graph.quantize(new, self._cell)), self._state), new

    def real(self, state: Tensor) -> Tensor:
        return self.graph.dequantize(state)

    def _products(
        self, rows: Tensor, kernels: Sequence[np.ndarray], to: Quantization, biases: Sequence[np.ndarray] = ()
    ) -> Tensor:
        """The products of each direction's rows with its kernel.

        Small ones are one operator for both directions, of one scale for all weights: it is their number that is dear.
        """
        together = len(kernels) > 1 and kernels[0].size <= _MOST_TOGETHER and not any(bias.any() for bias in biases)
        if not together:
            return self._of_each(lambda a, kernel, bias: self._dense(a, kernel, bias, to), rows, kernels, biases)
        graph, (texts, width) = self.graph, (rows.shape[0] // len(kernels), rows.shape[1])
        weights = np.stack([kernel.T for kernel in kernels])
        a = graph.reshape(rows, (len(kernels), texts, width))
        product = graph.batch_matmul(a, graph.constant(weights, _symmetric(np.abs(weights).max())), to)
        return graph.reshape(product, (rows.shape[0], weights.shape[1]))

    def _dense(self, a: Tensor, kernel: np.ndarray, bias: np.ndarray | None, to: Quantization) -> Tensor:
        assert a.quantization is not None
        scales = _symmetric(np.abs(kernel).max(axis=0))
        offset = None
        if bias is not None:
            offset = self.graph.constant(bias, Quantization(a.quantization.scale * scales.scale), np.int32)
        return self.graph.fully_connected(a, self.graph.constant(kernel.T, scales), offset, to=to)


def _apart(table: np.ndarray) -> tuple[np.ndarray, float]:
    """A table without what all words have alike in its last column and padding lacks, and that; 0 if there is none."""
    alike = table[PAD_ID + 1 :, -1]
    if not len(alike) or np.ptp(alike) or table[PAD_ID, -1]:
        return table, 0.0
    others = table.copy()
    others[:, -1] = 0
    return others, float(alike[0])


def _scales_of_rows(rows: np.ndarray) -> np.ndarray:
    """The scale of each row's integers of four bits, float [rows, 1], as tfkd.models.rounding has it."""
    return np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-6) / LARGEST_OF_FOUR_BITS


def _symmetric(limit: float | np.ndarray) -> Quantization:
    """int8 from -limit to limit, for each row of a matrix its own if there are several."""
    return Quantization(np.maximum(limit, 1e-6) / 127)
