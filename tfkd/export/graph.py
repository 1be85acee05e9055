"""A .tflite model, written operator by operator.

TensorFlow's converter decides for itself what a graph becomes: which tensors are int8, by which ranges, and what
is folded into what. Here the lowering decides, so that what it was measured with is what is in the file; several
graphs of one file share their constants; and nothing takes longer than writing the bytes.

What operators mean, and which scales they ask for: https://ai.google.dev/edge/litert/models/quantization_spec
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import ml_dtypes
import numpy as np
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"
_VERSION = 3
_ALIGNMENT = 16  # of buffers; force_align in the schema
_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(ml_dtypes.int4): schema.TensorType.INT4,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}
_OPERATOR_VERSIONS = {
    "ADD": 2, "BATCH_MATMUL": 2, "CONCATENATION": 2, "DEQUANTIZE": 2, "FULLY_CONNECTED": 5, "GATHER": 2,
    "LOGISTIC": 2, "MUL": 2, "RESHAPE": 1, "SOFTMAX": 2, "SPLIT": 2, "TANH": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Quantization:
    """What integers stand for: real = scale * (integer - zero_point).

    Attributes:
      scale: of the whole tensor, or float [n], one of each slice along `axis`.
      zero_point: the integer that stands for 0; 0 if there are several scales.
      axis: of several scales.
    """

    scale: float | np.ndarray
    zero_point: int = 0
    axis: int = 0

    def quantized(self, values: np.ndarray, dtype: Any = np.int8) -> np.ndarray:
        """Returns the integers that come nearest to real values, within the type's range."""
        scale = np.asarray(self.scale, np.float64)
        if scale.ndim:
            scale = scale.reshape([-1 if axis == self.axis else 1 for axis in range(values.ndim)])
        limits = ml_dtypes.iinfo(dtype)
        return np.clip(np.rint(values / scale) + self.zero_point, int(limits.min), int(limits.max)).astype(dtype)


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Attributes:
      index: in its graph.
      shape: of its values.
      dtype: of its values.
      quantization: what they stand for, or None.
    """

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    quantization: Quantization | None = None


class Model:
    """A .tflite file in the making: graphs that share their constants."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = _VERSION
        self._model.description = b""
        self._model.subgraphs, self._model.signatureDefs, self._model.operatorCodes = [], [], []
        self._model.buffers = [schema.BufferT()]  # the first is that of all tensors without content
        self._buffers: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._codes: dict[str, int] = {}
        self._called: list[schema.SubGraphT] = []

    def buffer(self, values: np.ndarray) -> int:
        """Returns the buffer that holds these values: a new one, unless one holds them already."""
        content = np.ascontiguousarray(values)
        key = (content.dtype.str, content.shape, content.tobytes())
        if key not in self._buffers:
            added = schema.BufferT()
            added.data = np.frombuffer(key[2], np.uint8)
            if content.dtype == ml_dtypes.int4:  # two in a byte, the first in its lower half
                added.data = (added.data[0::2] & 15) | np.resize(added.data[1::2] << 4, (len(added.data) + 1) // 2)
            self._model.buffers.append(added)
            self._buffers[key] = len(self._model.buffers) - 1
        return self._buffers[key]

    def operator_code(self, name: str) -> int:
        """Returns the number of an operator among those of the file."""
        if name not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
            code.version = _OPERATOR_VERSIONS.get(name, 1)
            self._model.operatorCodes.append(code)
            self._codes[name] = len(self._codes)
        return self._codes[name]

    def add_called(self, *graphs: Graph) -> list[int]:
        """Adds finished graphs that one with a signature calls; returns their numbers."""
        numbers = []
        for graph in graphs:
            graph.subgraph.inputs = [tensor.index for tensor in graph.inputs.values()]
            graph.subgraph.outputs = [tensor.index for tensor in graph.outputs]
            self._called.append(graph.subgraph)
            numbers.append(len(self._model.subgraphs) + len(self._called))  # after the one that calls them
        return numbers

    def add(self, graph: Graph, signature: str, outputs: Mapping[str, Tensor]) -> None:
        """Adds a finished graph.

        Args:
          graph: made with this model.
          signature: its name.
          outputs: what it computes, by name.
        """
        subgraph = graph.subgraph
        subgraph.name = signature.encode()
        subgraph.inputs = [tensor.index for tensor in graph.inputs.values()]
        subgraph.outputs = [tensor.index for tensor in outputs.values()]
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = signature.encode(), len(self._model.subgraphs)
        definition.inputs, definition.outputs = _tensor_maps(graph.inputs), _tensor_maps(outputs)
        for name, tensor in outputs.items():
            subgraph.tensors[tensor.index].name = name.encode()
        self._model.subgraphs += [subgraph, *self._called]
        self._called = []
        self._model.signatureDefs.append(definition)

    def to_bytes(self) -> bytes:
        """Returns the file's content."""
        return packed(self._model)


def packed(model: schema.ModelT) -> bytes:
    """Returns a model's bytes, its buffers aligned as the schema's force_align asks and flatbuffers' Python doesn't."""
    model.buffers = [_AlignedBuffer(b.data) for b in model.buffers]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class Graph:
    """A straight-line graph: each method adds one operator, and returns what it computes.

    Args:
      model: that it will be part of.
    """

    def __init__(self, model: Model):
        self._model = model
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors, self.subgraph.operators = [], []
        self.inputs: dict[str, Tensor] = {}
        self.outputs: list[Tensor] = []
        self._constants: dict[tuple[int, tuple[float, ...]], Tensor] = {}

    def input(self, name: str, shape: Sequence[int], dtype: Any = np.int32) -> Tensor:
        """Adds an input."""
        self.inputs[name] = self._tensor(shape, dtype, name=name)
        return self.inputs[name]

    def constant(
        self, values: np.ndarray | Sequence[int], quantization: Quantization | None = None, dtype: Any = np.int8
    ) -> Tensor:
        """Adds values that are in the file, unless the graph has them already.

        Args:
          values: real ones, or integers that stand for themselves, as int32.
          quantization: with it real ones become the integers that come nearest.
          dtype: of these.
        """
        values = np.asarray(values)
        if quantization is not None:
            values = quantization.quantized(values, dtype)
        elif values.dtype == np.int64:
            values = values.astype(np.int32)
        buffer = self._model.buffer(values)
        scales = () if quantization is None else tuple(np.atleast_1d(quantization.scale))
        if (key := (buffer, scales)) not in self._constants:
            self._constants[key] = self._tensor(values.shape, values.dtype, quantization, buffer)
        return self._constants[key]

    def beside(self, name: str) -> Graph:
        """Returns an empty graph of the same model, for a loop of this one."""
        graph = Graph(self._model)
        graph.subgraph.name = name.encode()
        return graph

    def variable(self, like: Tensor) -> Tensor:
        """Adds an input that takes what a loop's variable holds."""
        name = f"variable_{len(self.inputs)}"
        self.inputs[name] = self._tensor(like.shape, like.dtype, like.quantization, name=name)
        return self.inputs[name]

    # --- operators ---

    def while_loop(self, condition: Graph, body: Graph, variables: Sequence[Tensor]) -> list[Tensor]:
        """What the variables hold when the condition, a bool [1], no longer does.

        Args:
          condition: made by `beside`, with a `variable` for each.
          body: likewise; its outputs are the variables' next values.
          variables: their first values.
        """
        options = schema.WhileOptionsT()
        options.condSubgraphIndex, options.bodySubgraphIndex = self._model.add_called(condition, body)
        return self._operator("WHILE", variables, [(v.shape, v.dtype, v.quantization) for v in variables], options)

    def add(self, a: Tensor, b: Tensor, to: Quantization | None = None) -> Tensor:
        return self._arithmetic("ADD", a, b, to)

    def mul(self, a: Tensor, b: Tensor, to: Quantization | None = None) -> Tensor:
        return self._arithmetic("MUL", a, b, to)

    def sub(self, a: Tensor, b: Tensor, to: Quantization | None = None) -> Tensor:
        return self._arithmetic("SUB", a, b, to)

    def abs(self, a: Tensor) -> Tensor:
        return self._unary("ABS", a, a.dtype, a.quantization)

    def minimum(self, a: Tensor, b: Tensor) -> Tensor:
        return self._broadcast("MINIMUM", a, b, a.dtype)

    def maximum(self, a: Tensor, b: Tensor) -> Tensor:
        return self._broadcast("MAXIMUM", a, b, a.dtype)

    def floor_mod(self, a: Tensor, b: Tensor) -> Tensor:
        return self._broadcast("FLOOR_MOD", a, b, a.dtype)

    def less(self, a: Tensor, b: Tensor) -> Tensor:
        return self._broadcast("LESS", a, b, np.bool_)

    def not_equal(self, a: Tensor, b: Tensor) -> Tensor:
        return self._broadcast("NOT_EQUAL", a, b, np.bool_)

    def cast(self, a: Tensor, dtype: Any) -> Tensor:
        options = schema.CastOptionsT()
        options.inDataType, options.outDataType = _TYPES[a.dtype], _TYPES[np.dtype(dtype)]
        return self._operator("CAST", [a], [(a.shape, dtype, None)], options)[0]

    def logistic(self, a: Tensor) -> Tensor:
        """Sigmoid; of int8 it is int8, of the one scale that the operator knows."""
        return self._unary("LOGISTIC", a, a.dtype, None if a.quantization is None else Quantization(1 / 256, -128))

    def tanh(self, a: Tensor) -> Tensor:
        """Hyperbolic tangent; of int8 it is int8, of the one scale that the operator knows."""
        return self._unary("TANH", a, a.dtype, None if a.quantization is None else Quantization(1 / 128))

    def softmax(self, a: Tensor) -> Tensor:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        return self._operator("SOFTMAX", [a], [(a.shape, a.dtype, None)], options)[0]

    def quantize(self, a: Tensor, to: Quantization) -> Tensor:
        return self._unary("QUANTIZE", a, np.int8, to)

    def dequantize(self, a: Tensor) -> Tensor:
        return self._unary("DEQUANTIZE", a, np.float32)

    def gather(self, table: Tensor, rows: Tensor) -> Tensor:
        """Rows of a table, or elements of a vector."""
        options = schema.GatherOptionsT()
        shape = (*rows.shape, *table.shape[1:])
        return self._operator("GATHER", [table, rows], [(shape, table.dtype, table.quantization)], options)[0]

    def fully_connected(
        self, a: Tensor, weights: Tensor, bias: Tensor | None = None, relu: bool = False, to: Quantization | None = None
    ) -> Tensor:
        """a @ weights.T + bias.

        With int8 weights a real `a` is quantized as it comes, row by row.

        Args:
          a: [rows, inputs].
          weights: [outputs, inputs].
          bias: [outputs]; int32 of scale a's * weights' if `a` is int8.
          relu: whether what is negative becomes 0.
          to: scale of the result, if `a` is int8.
        """
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = (
            schema.ActivationFunctionType.RELU if relu else schema.ActivationFunctionType.NONE
        )
        inputs = [a, weights] if bias is None else [a, weights, bias]
        shape = (a.shape[0], weights.shape[0])
        return self._operator("FULLY_CONNECTED", inputs, [(shape, a.dtype, to)], options)[0]

    def batch_matmul(self, a: Tensor, weights: Tensor, to: Quantization) -> Tensor:
        """a @ weights.T of each batch, int8 all of them.

        Args:
          a: [batches, rows, inputs].
          weights: [batches, outputs, inputs], of one scale.
          to: scale of the result.
        """
        options = schema.BatchMatMulOptionsT()
        options.adjY = True
        shape = (*a.shape[:2], weights.shape[1])
        return self._operator("BATCH_MATMUL", [a, weights], [(shape, a.dtype, to)], options)[0]

    def concat(self, tensors: Sequence[Tensor], axis: int) -> Tensor:
        if len(tensors) == 1:
            return tensors[0]
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        first = tensors[0]
        size = sum(tensor.shape[axis] for tensor in tensors)
        shape = (*first.shape[:axis], size, *first.shape[axis + 1 :])
        return self._operator("CONCATENATION", tensors, [(shape, first.dtype, first.quantization)], options)[0]

    def split(self, a: Tensor, parts: int, axis: int) -> list[Tensor]:
        if parts == 1:
            return [a]
        options = schema.SplitOptionsT()
        options.numSplits = parts
        shape = (*a.shape[:axis], a.shape[axis] // parts, *a.shape[axis + 1 :])
        inputs = [self.constant(np.array(axis, np.int32)), a]
        return self._operator("SPLIT", inputs, [(shape, a.dtype, a.quantization)] * parts, options)

    def slice(self, a: Tensor, begin: Sequence[int], size: Sequence[int]) -> Tensor:
        inputs = [a, self.constant(begin), self.constant(size)]
        return self._operator("SLICE", inputs, [(tuple(size), a.dtype, a.quantization)], schema.SliceOptionsT())[0]

    def reshape(self, a: Tensor, shape: Sequence[int]) -> Tensor:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        inputs = [a, self.constant(shape)]
        return self._operator("RESHAPE", inputs, [(tuple(shape), a.dtype, a.quantization)], options)[0]

    def largest(self, a: Tensor, axis: int) -> Tensor:
        options = schema.ReducerOptionsT()
        options.keepDims = True
        shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        return self._operator("REDUCE_MAX", [a, self.constant([axis])], [(shape, a.dtype, None)], options)[0]

    # --- how they are added ---

    def _arithmetic(self, name: str, a: Tensor, b: Tensor, to: Quantization | None) -> Tensor:
        options = getattr(schema, f"{name.title()}OptionsT")()
        return self._operator(name, [a, b], [(np.broadcast_shapes(a.shape, b.shape), a.dtype, to)], options)[0]

    def _broadcast(self, name: str, a: Tensor, b: Tensor, dtype: Any) -> Tensor:
        return self._operator(name, [a, b], [(np.broadcast_shapes(a.shape, b.shape), dtype, None)], None)[0]

    def _unary(self, name: str, a: Tensor, dtype: Any, to: Quantization | None = None) -> Tensor:
        return self._operator(name, [a], [(a.shape, dtype, to)], None)[0]

    def _operator(
        self,
        name: str,
        inputs: Sequence[Tensor],
        outputs: Sequence[tuple[tuple[int, ...], Any, Quantization | None]],
        options: Any,
    ) -> list[Tensor]:
        made = [self._tensor(*output) for output in outputs]
        operator = schema.OperatorT()
        operator.opcodeIndex = self._model.operator_code(name)
        operator.inputs = [tensor.index for tensor in inputs]
        operator.outputs = [tensor.index for tensor in made]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, kind), options
        self.subgraph.operators.append(operator)
        return made

    def _tensor(
        self,
        shape: Sequence[int],
        dtype: Any,
        quantization: Quantization | None = None,
        buffer: int = 0,
        name: str = "",
    ) -> Tensor:
        index = len(self.subgraph.tensors)
        added = schema.TensorT()
        added.shape, added.type, added.buffer = list(shape), _TYPES[np.dtype(dtype)], buffer
        added.name = (name or f"tensor_{index}").encode()
        if quantization is not None:
            added.quantization = schema.QuantizationParametersT()
            added.quantization.scale = np.atleast_1d(np.asarray(quantization.scale, np.float32))
            added.quantization.zeroPoint = np.full(len(added.quantization.scale), quantization.zero_point, np.int64)
            added.quantization.quantizedDimension = quantization.axis
        self.subgraph.tensors.append(added)
        return Tensor(index, tuple(shape), np.dtype(dtype), quantization)


class _AlignedBuffer:
    """A model's buffer that packs itself aligned."""

    def __init__(self, data: np.ndarray | None):
        self._data = data

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (flatbuffers calls it so)
        data = None
        if self._data is not None and len(self._data):
            builder.Prep(_ALIGNMENT, len(self._data))
            data = builder.CreateNumpyVector(np.asarray(self._data, np.uint8))
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _tensor_maps(tensors: Mapping[str, Tensor]) -> list[schema.TensorMapT]:
    maps = []
    for name, tensor in tensors.items():
        mapping = schema.TensorMapT()
        mapping.name, mapping.tensorIndex = name.encode(), tensor.index
        maps.append(mapping)
    return maps
