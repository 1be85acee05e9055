"""What others make of the same student, on the same weights: to compare with, not to ship.

    python tools/peers.py --student=runs/quickstart/student --tokens=48 --out=peers

writes peers/keras_stock.tflite and peers/fused_lstm.tflite, for `tfkd benchmark`. Needs the `dev` extra.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import app, flags

from tfkd.commands.flags import FLAGS, required
from tfkd.errors import TfkdError
from tfkd.files import atomic_path
from tfkd.native_stderr import import_tensorflow

if TYPE_CHECKING:
    from tfkd.models.student import BiLstmClassifier


def keras_stock(student: BiLstmClassifier, tokens: int) -> bytes:
    """Returns what Keras 3 and TensorFlow's converter make of a student of single texts: a WHILE loop.

    https://keras.io/api/models/model_saving_apis/export/
    """
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(student)
    archive.add_endpoint(
        "serve",
        lambda token_ids: {"probabilities": tf.nn.softmax(student(token_ids))},
        input_signature=[tf.TensorSpec([1, tokens], tf.int32, name="token_ids")],
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return bytes(converter.convert())


def fused_lstm(student: BiLstmClassifier, tokens: int) -> bytes:
    """Returns what TensorFlow documents for LSTMs, tf_keras' fused UNIDIRECTIONAL_SEQUENCE_LSTM.

    It has no mask: padding is read as a word.
    https://ai.google.dev/edge/litert/models/convert_rnn
    """
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((tokens,), batch_size=1, dtype=tf.int32, name="token_ids"),
            layers.Embedding(student.vocabulary_size, student.embedding_dim, name="embedding"),
            layers.Bidirectional(layers.LSTM(student.hidden_size), name="bilstm"),
            layers.Dense(student.dense_size, activation="relu", name="hidden"),
            layers.Dense(student.num_classes, activation="softmax", name="logits"),
        ]
    )
    for name in ("embedding", "bilstm", "hidden", "logits"):
        model.get_layer(name).set_weights(student.get_layer(name).get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def onnx_int8(student: BiLstmClassifier, tokens: int) -> bytes:
    """Returns ONNX Runtime's dynamically quantized model: its LSTM with int8 weights.

    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    weights = {name: student.get_layer(name).get_weights() for name in ("embedding", "bilstm", "hidden", "logits")}

    def reordered(matrix: np.ndarray) -> np.ndarray:
        """From Keras' order of the gates to ONNX': input, output, forget, candidate; transposed."""
        i, f, candidate, o = np.split(matrix, 4, axis=-1)
        return np.concatenate([i, o, f, candidate], axis=-1).T

    directions = (weights["bilstm"][:3], weights["bilstm"][3:])
    constants: dict[str, Any] = {
        "table": weights["embedding"][0],
        "W": np.stack([reordered(kernel) for kernel, _, _ in directions]),
        "R": np.stack([reordered(recurrent) for _, recurrent, _ in directions]),
        "B": np.stack([np.concatenate([reordered(bias), np.zeros_like(bias)]) for _, _, bias in directions]),
        "hidden_kernel": weights["hidden"][0],
        "hidden_bias": weights["hidden"][1],
        "logits_kernel": weights["logits"][0],
        "logits_bias": weights["logits"][1],
        "zero": np.zeros(1, np.int32),
        "axis": np.ones(1, np.int64),
        "flat": np.array([1, 2 * student.hidden_size], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Equal", ["token_ids", "zero"], ["is_padding"]),
        node("Not", ["is_padding"], ["is_word"]),
        node("Cast", ["is_word"], ["here"], to=TensorProto.INT32),
        node("ReduceSum", ["here", "axis"], ["length"], keepdims=0),
        node("Transpose", ["token_ids"], ["by_step"], perm=[1, 0]),
        node("Gather", ["table", "by_step"], ["words"]),
        node(
            "LSTM",
            ["words", "W", "R", "B", "length"],
            ["", "last"],
            hidden_size=student.hidden_size,
            direction="bidirectional",
        ),
        node("Transpose", ["last"], ["by_text"], perm=[1, 0, 2]),
        node("Reshape", ["by_text", "flat"], ["features"]),
        node("MatMul", ["features", "hidden_kernel"], ["hidden_product"]),
        node("Add", ["hidden_product", "hidden_bias"], ["hidden_sum"]),
        node("Relu", ["hidden_sum"], ["hidden"]),
        node("MatMul", ["hidden", "logits_kernel"], ["logits_product"]),
        node("Add", ["logits_product", "logits_bias"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "student",
        [helper.make_tensor_value_info("token_ids", TensorProto.INT32, [1, tokens])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, student.num_classes])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(model, path, weight_type=QuantType.QInt8)
        return path.read_bytes()


def bert_base(tokens: int) -> bytes:
    """Returns a classifier of BERT-base's shape, of random weights, with int8 weights: for what it costs alone.

    Devlin et al. 2018: 12 layers of 768, 12 heads, 30,522 word pieces. It takes the ids of a text's pieces.
    """
    import keras_hub
    import tensorflow as tf

    from tfkd.models.int8_teacher import converted

    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=30522, num_layers=12, num_heads=12, hidden_dim=768, intermediate_dim=3072
    )
    classifier = keras_hub.models.BertTextClassifier(backbone, num_classes=2)

    def serve(token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        zeros = tf.zeros_like(token_ids)
        inputs = {"token_ids": token_ids, "segment_ids": zeros, "padding_mask": zeros + 1}
        return {"probabilities": tf.nn.softmax(classifier(inputs, training=False))}

    return converted(classifier, serve, [tf.TensorSpec([1, tokens], tf.int32, "token_ids")])


def main(arguments: list[str]) -> None:
    """Writes the peers' files."""
    import_tensorflow()
    from tfkd.training.student_folder import load_student

    try:
        student, out = load_student(required("student")).model, Path(required("out"))
        for peer in (keras_stock, fused_lstm):
            with atomic_path(out / f"{peer.__name__}.tflite") as temporary:
                temporary.write_bytes(peer(student, FLAGS.tokens))
    except TfkdError as e:
        sys.exit(f"peers: {e}")
    except ModuleNotFoundError as e:
        sys.exit(f"peers: {e}: it comes with `pip install -e .[dev]`")


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote, of single texts")
    flags.DEFINE_integer("tokens", 48, "length of the models", lower_bound=1)
    flags.DEFINE_string("out", "", "folder for the files")
    app.run(main)
