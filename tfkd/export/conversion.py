"""A lowered student as the bytes of a .tflite file, by a named recipe, and what such bytes must be."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tfkd.errors import InputError

# TensorFlow's converter leaves smaller weights in float: they aren't worth the rounding.
MIN_QUANTIZED_ELEMENTS = 1024

# Optimizations by recipe. The names are as in ai-edge-quantizer: dynamic_int8
# has int8 weights, and its activations are quantized as they come.
RECIPES: dict[str, tuple[tf.lite.Optimize, ...]] = {
    "dynamic_int8": (tf.lite.Optimize.DEFAULT,),
    "float32": (),
}
_STATEFUL_OPERATORS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "WHILE", "IF", "CALL", "CALL_ONCE")


def convert(module: tf.Module, recipe: str) -> bytes:
    """Returns the .tflite bytes of a module whose `__call__` is a tf.function of one signature.

    Args:
      module: what `tfkd.export.lowering.lower` returns.
      recipe: a key of RECIPES.

    Raises:
      ValueError: there is no such recipe.
      InputError: the converter made something that a phone's runtime won't take.
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe {recipe!r}: expected one of {', '.join(RECIPES)}")
    function = module.__call__.get_concrete_function()
    # With the module the converter keeps the signature's names of input and output.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    converter.optimizations = list(RECIPES[recipe])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.exclude_conversion_metadata = True
    model = converter.convert()
    check_runs_anywhere(model)
    if recipe == "dynamic_int8":
        check_weights_are_int8(model)
    return model


def check_runs_anywhere(model: bytes) -> None:
    """Checks that LiteRT, its CompiledModel and MediaPipe will all take the model.

    Raises:
      InputError: it has several subgraphs, custom (Flex) operators, state, or a shape that isn't fixed.
    """
    root = schema.Model.GetRootAs(model)
    if root.SubgraphsLength() != 1:
        raise InputError(f"the converted student has {root.SubgraphsLength()} subgraphs; MediaPipe takes one alone")
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    for i in range(root.OperatorCodesLength()):
        name = names.get(root.OperatorCodes(i).BuiltinCode(), "unknown")
        if name == "CUSTOM":
            custom = root.OperatorCodes(i).CustomCode()
            raise InputError(f"the converted student has the operator {custom.decode()}, which needs more than LiteRT")
        if name in _STATEFUL_OPERATORS:
            raise InputError(f"the converted student has the operator {name}: it isn't one stateless graph")
    graph = root.Subgraphs(0)
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        if tensor.IsVariable() or (tensor.ShapeSignatureLength() and -1 in tensor.ShapeSignatureAsNumpy()):
            name = tensor.Name().decode()
            raise InputError(f"the converted student's tensor {name} is a variable, or of no fixed shape")


def check_weights_are_int8(model: bytes) -> None:
    """Checks that every weight matrix of MIN_QUANTIZED_ELEMENTS or more is stored as int8.

    Raises:
      InputError: one is not.
    """
    root = schema.Model.GetRootAs(model)
    graph = root.Subgraphs(0)
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else np.zeros(0, np.int32)
        is_matrix = len(shape) == 2 and root.Buffers(tensor.Buffer()).DataLength() > 0
        if is_matrix and tensor.Type() == schema.TensorType.FLOAT32 and shape.prod() >= MIN_QUANTIZED_ELEMENTS:
            raise InputError(f"the converted student's weights {tensor.Name().decode()}, {shape}, are float, not int8")
