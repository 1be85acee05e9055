"""A .tflite of one text or pair at a time, in LiteRT's interpreter: ids in, numbers out."""

from __future__ import annotations

import threading

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tfkd.native_stderr import silenced
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES


def first_graph_inputs(model: bytes) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each input of a .tflite's first graph, which runs if no signature is named, in their order.

    They are named as in the first signature, or as their tensors are if there is none.
    """
    root = schema.ModelT.InitFromPackedBuf(model)
    named = signature_names(root)
    tensors = root.subgraphs[0].tensors
    return {named.get(i, tensors[i].name.decode()): tuple(map(int, tensors[i].shape)) for i in root.subgraphs[0].inputs}


def signature_names(root: schema.ModelT) -> dict[int, str]:
    """Returns what the first signature calls the inputs of a model, by the numbers of their tensors."""
    signatures = root.signatureDefs or []
    return {mapping.tensorIndex: mapping.name.decode() for mapping in (signatures[0].inputs if signatures else [])}


class LiteRtModel:
    """What tfkd.export.lowering wrote: a signature, or several of different lengths.

    Args:
      model: the file's bytes.
      num_threads: threads of one inference.

    Attributes:
      input_names: of each signature: INPUT_NAMES, the first alone for single texts, or BERT_INPUT_NAMES.

    Raises:
      RuntimeError, ValueError, KeyError: LiteRT can't load it.
    """

    def __init__(self, model: bytes, num_threads: int = 1):
        with silenced():
            self._interpreter = Interpreter(model_content=model, num_threads=num_threads)
            self._interpreter.allocate_tensors()
            names = self._interpreter.get_signature_list()
            runners = [self._interpreter.get_signature_runner(name) for name in names]
        if not runners:
            raise ValueError("it has no signature")
        inputs = runners[0].get_input_details()
        self.input_names = BERT_INPUT_NAMES if BERT_INPUT_NAMES[0] in inputs else INPUT_NAMES[: len(inputs)]
        self._lock = threading.Lock()
        self._runners = {int(r.get_input_details()[self.input_names[0]]["shape"][1]): r for r in runners}

    @property
    def lengths(self) -> tuple[int, ...]:
        """Ids that each of its signatures takes of a text, the fewest first."""
        return tuple(sorted(self._runners))

    def run(self, *ids: np.ndarray) -> np.ndarray:
        """Returns the output, float32 [classes], of each input's ids, int32 [n], n one of `lengths`.

        Threads wait for one another: an interpreter has one set of tensors.
        """
        inputs = {name: of_input[np.newaxis] for name, of_input in zip(self.input_names, ids, strict=True)}
        with self._lock:
            (output,) = self._runners[len(ids[0])](**inputs).values()
        return output[0]
