"""An exported student, run by LiteRT: texts to probabilities without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tfkd.errors import InputError
from tfkd.export.metadata import ModelMetadata, parse_metadata, read_model
from tfkd.native_stderr import silenced
from tfkd.text.encoded_texts import INPUT_NAMES, longest
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer


class LiteRtClassifier:
    """A `.tflite` student, of single texts or of pairs, and the words and labels inside it.

    Args:
      model: the file's bytes.
      metadata: what they say of themselves.
      num_threads: threads of one inference.
    """

    def __init__(self, model: bytes, metadata: ModelMetadata, num_threads: int = 1):
        self.metadata = metadata
        self.tokenizer = metadata.tokenizer
        with silenced():
            self._interpreter = Interpreter(model_content=model, num_threads=num_threads)
            self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_signature_runner().get_input_details()
        # What takes BERT's inputs takes single texts.
        self._like_bert = BERT_INPUT_NAMES[0] in inputs
        names = BERT_INPUT_NAMES if self._like_bert else INPUT_NAMES[: len(inputs)]
        self._inputs = [inputs[name]["index"] for name in names]
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
        except (RuntimeError, ValueError, KeyError) as e:
            raise InputError(f"{path}: LiteRT can't load it: {str(e).splitlines()[0]}; export it again") from e

    @property
    def label_names(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.metadata.label_names

    @property
    def max_tokens(self) -> int:
        """Tokens read of a text; further ones are left out."""
        return self.metadata.max_tokens

    @property
    def pairs(self) -> bool:
        """Whether it classifies pairs of texts."""
        return len(self._inputs) > 1 and not self._like_bert

    def predict(self, *columns: Sequence[str]) -> np.ndarray:
        """Returns the probabilities, float32 [texts, classes], of raw texts, or of pairs in two columns."""
        ids = [self.tokenizer.encode(texts).padded(length=self.max_tokens) for texts in columns]
        probabilities = np.empty((len(columns[0]), len(self.label_names)), np.float32)
        for row, text_ids in enumerate(zip(*ids, strict=True)):
            probabilities[row] = self.predict_ids(*text_ids)
        return probabilities

    def predict_ids(self, *token_ids: np.ndarray) -> np.ndarray:
        """Returns the probabilities, float32 [classes], of one text's ids, or a pair's two; int32 [max_tokens] each."""
        if self._like_bert:
            assert isinstance(self.tokenizer, PieceTokenizer)
            token_ids = tuple(self.tokenizer.bert_inputs(*token_ids).values())
        for tensor, ids in zip(self._inputs, token_ids, strict=True):
            self._interpreter.set_tensor(tensor, ids[np.newaxis])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[0]

    def truncated(self, *columns: Sequence[str]) -> int:
        """Returns how many texts, or pairs for one of their texts, have more than `max_tokens` tokens."""
        return int((longest([self.tokenizer.encode(texts) for texts in columns]) > self.max_tokens).sum())
