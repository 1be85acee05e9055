"""The teacher in int8, run by LiteRT on every core: how a large transfer set is labelled in minutes."""

from __future__ import annotations

import os
import queue
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tfkd.models.teacher import INPUT_SIGNATURE, Pieces, Teacher
from tfkd.native_stderr import silenced
from tfkd.text.batching import sorted_batches


class Int8Teacher:
    """A teacher with int8 weights, whose activations are quantized as they come, a row a word piece.

    A sentence's logits don't depend on its neighbours in the batch, nor on the number of cores.

    Args:
      teacher: the model in Keras.

    Raises:
      RuntimeError: LiteRT doesn't take what the converter made of it.
    """

    def __init__(self, teacher: Teacher):
        self._encode = teacher.encode
        self._num_classes = teacher.classifier.num_classes
        classifier = teacher.classifier
        model = converted(
            classifier,
            lambda *inputs: {"logits": classifier(dict(zip(INPUT_SIGNATURE, inputs, strict=True)), training=False)},
            [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in INPUT_SIGNATURE.items()],
        )
        # One a core, with one thread each: sentences are many, so nothing is gained by sharing one.
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers = os.cpu_count() or 1
        with silenced():
            for _ in range(self._workers):
                interpreter = Interpreter(model_content=model, num_threads=1)
                interpreter.allocate_tensors()
                self._idle.put(interpreter.get_signature_runner())

    def encode(self, *columns: Sequence[str]) -> Pieces:
        """Returns the word pieces of each text or pair, as the teacher itself reads them."""
        return self._encode(*columns)

    def logits(self, pieces: Pieces, batch_size: int = 8, progress: Any = None) -> np.ndarray:
        """Returns the logits, float32 [texts, classes]; arguments as `Teacher.logits`'."""
        out = np.zeros((len(pieces.ids), self._num_classes), np.float32)
        batches = sorted_batches(pieces.lengths, batch_size, progress)
        with ThreadPoolExecutor(self._workers) as pool:
            done = pool.map(lambda b: self._run(pieces.padded(b)), sorted_batches(pieces.lengths, batch_size))
            for rows, logits in zip(batches, done, strict=True):
                out[rows] = logits
        return out

    def _run(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        runner = self._idle.get()
        try:
            return runner(**inputs)["logits"]
        finally:
            self._idle.put(runner)


def converted(
    model: keras.Model,
    serve: Callable[..., dict[str, tf.Tensor]],
    signature: Sequence[tf.TensorSpec],
    weights: str = "int8",
) -> bytes:
    """Returns a .tflite of one signature, as TensorFlow's converter makes it.

    Args:
      model: whose weights they are.
      serve: from the inputs to the outputs, by name.
      signature: the inputs, each with its name.
      weights: their type, numpy's name: int8, float16 or float32.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=list(signature))
    with tempfile.TemporaryDirectory() as folder, silenced():
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [] if weights == "float32" else [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16] if weights == "float16" else []
        return converter.convert()
