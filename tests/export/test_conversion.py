"""What a converted model must be, and that one which isn't is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tfkd.errors import InputError
from tfkd.export.conversion import check_runs_anywhere, check_weights_are_int8, convert
from tfkd.export.lowering import StudentWeights, lower
from tfkd.models.student import BiLstmClassifier


def converted_freely(function: tf.types.experimental.ConcreteFunction) -> bytes:
    """TensorFlow's conversion without this project's checks."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return converter.convert()


def test_all_large_matrices_are_int8_and_each_is_stored_once():
    vocabulary, dim, hidden, dense = 3000, 64, 32, 40
    model = BiLstmClassifier(vocabulary, 2, dim, hidden, dense)
    content = convert(lower(StudentWeights.from_model(model), 8), "dynamic_int8")
    root = schema.Model.GetRootAs(content)
    graph = root.Subgraphs(0)
    stored = {
        tuple(t.ShapeAsNumpy()): t.Type()
        for t in map(graph.Tensors, range(graph.TensorsLength()))
        if t.ShapeLength() == 2 and root.Buffers(t.Buffer()).DataLength()
    }
    int8 = schema.TensorType.INT8
    assert stored[(vocabulary, dim)] == int8
    assert stored[(8 * hidden, dim)] == int8
    assert stored[(4 * hidden, hidden)] == int8
    assert stored[(dense, 2 * hidden)] == int8
    weights = vocabulary * dim + 8 * hidden * dim + 2 * 4 * hidden * hidden + dense * 2 * hidden
    assert weights < len(content) < weights + 8 * 6_000  # bytes of the graph, per step


def test_a_float_matrix_is_found():
    model = BiLstmClassifier(300, 2, 8, 4, 4)
    content = convert(lower(StudentWeights.from_model(model), 2), "float32")
    with pytest.raises(InputError, match=r"\[300\s+8\], are float"):
        check_weights_are_int8(content)


def test_an_unknown_recipe_is_named():
    with pytest.raises(ValueError, match="'int4': expected one of dynamic_int8, float32"):
        convert(tf.Module(), "int4")


def test_a_loop_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([1, 3])], autograph=False)
    def loop(x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 10, lambda y: (y + 1,), (x,))[0]

    with pytest.raises(InputError, match="3 subgraphs"):
        check_runs_anywhere(converted_freely(loop.get_concrete_function()))


def test_flex_operators_are_refused():
    @tf.function(input_signature=[tf.TensorSpec([2, 2])], autograph=False)
    def flex(x):
        return tf.linalg.inv(x)

    with pytest.raises(InputError, match="FlexMatrixInverse"):
        check_runs_anywhere(converted_freely(flex.get_concrete_function()))


def test_an_open_shape_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([1, None])], autograph=False)
    def open_shape(x):
        return x * np.float32(2)

    with pytest.raises(InputError, match="no fixed shape"):
        check_runs_anywhere(converted_freely(open_shape.get_concrete_function()))
