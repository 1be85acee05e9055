"""An exported student, run by LiteRT: texts to probabilities without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tfkd.errors import InputError
from tfkd.export.metadata import ModelMetadata, parse_metadata, read_model
from tfkd.native_stderr import silenced
from tfkd.text.word_tokenizer import WordTokenizer


class LiteRtClassifier:
    """A `.tflite` student and the words and labels inside it.

    Args:
      model: the file's bytes.
      metadata: what they say of themselves.
      num_threads: threads of one inference.
    """

    def __init__(self, model: bytes, metadata: ModelMetadata, num_threads: int = 1):
        self.metadata = metadata
        self.tokenizer = WordTokenizer(metadata.vocabulary, metadata.delimiter_regex)
        with silenced():
            self._interpreter = Interpreter(model_content=model, num_threads=num_threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    @classmethod
    def from_file(cls, path: str | Path, num_threads: int = 1) -> LiteRtClassifier:
        """Returns the classifier of a file that `tfkd export` wrote.

        Raises:
          InputError: the file is missing, no .tflite, damaged, or lacks metadata, vocabulary or labels.
        """
        model = read_model(path)
        metadata = parse_metadata(model, path)
        try:
            return cls(model, metadata, num_threads)
        except (RuntimeError, ValueError) as e:
            raise InputError(f"{path}: LiteRT can't load it: {str(e).splitlines()[0]}; export it again") from e

    @property
    def label_names(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.metadata.label_names

    @property
    def max_tokens(self) -> int:
        """Words read of a text; further ones are left out."""
        return self.metadata.max_tokens

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the probabilities, float32 [texts, classes], of raw texts."""
        ids = self.tokenizer.encode(texts).padded(length=self.max_tokens)
        probabilities = np.empty((len(ids), len(self.label_names)), np.float32)
        for row, text_ids in enumerate(ids):
            probabilities[row] = self.predict_ids(text_ids)
        return probabilities

    def predict_ids(self, token_ids: np.ndarray) -> np.ndarray:
        """Returns the probabilities, float32 [classes], of one text's ids, int32 [max_tokens]."""
        self._interpreter.set_tensor(self._input, token_ids[np.newaxis])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[0]

    def truncated(self, texts: Sequence[str]) -> int:
        """Returns how many of the texts have more than `max_tokens` words."""
        return int((self.tokenizer.encode(texts).lengths > self.max_tokens).sum())
