"""An exported student, run by LiteRT: texts to probabilities without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.errors import InputError
from tfkd.export.litert_model import LiteRtModel
from tfkd.export.metadata import ModelMetadata, parse_metadata, read_model
from tfkd.text.encoded_texts import INPUT_NAMES, longest
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer


class LiteRtClassifier:
    """A `.tflite` student, of single texts or of pairs, and the words and labels inside it.

    Args:
      model: the file's bytes.
      metadata: what they say of themselves.
      num_threads: threads of one inference.

    Attributes:
      lengths: tokens that each of its signatures reads, the fewest first; a text goes through the first it fits in.
    """

    def __init__(self, model: bytes, metadata: ModelMetadata, num_threads: int = 1):
        self.metadata = metadata
        self.tokenizer = metadata.tokenizer
        self._model = LiteRtModel(model, num_threads)
        # What takes BERT's inputs takes single texts, and [CLS] and [SEP] besides.
        self._like_bert = self._model.input_names == BERT_INPUT_NAMES
        self.lengths = tuple(length - 2 if self._like_bert else length for length in self._model.lengths)

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
        return self._model.input_names == INPUT_NAMES

    def predict(self, *columns: Sequence[str], progress: Any = None) -> np.ndarray:
        """Returns the probabilities, float32 [texts, classes], of raw texts, or of pairs in two columns.

        Args:
          columns: the texts; of pairs the second ones too.
          progress: has `update(n)`, called with the texts done.

        Raises:
          InputError: there is another number of columns, or one is no list of texts, or shorter than the other.
        """
        if len(columns) != 1 + self.pairs or not all(map(_are_texts, columns)) or len({*map(len, columns)}) > 1:
            raise InputError(f"expected {'two lists of as many texts' if self.pairs else 'one list of texts'}")
        encoded = [self.tokenizer.encode(texts) for texts in columns]
        fitting = np.searchsorted(self.lengths, np.minimum(longest(encoded), self.max_tokens))
        probabilities = np.empty((len(columns[0]), len(self.label_names)), np.float32)
        for i, tokens in enumerate(self.lengths):
            rows = np.flatnonzero(fitting == i)
            ids = [column.padded(rows, tokens) for column in encoded]
            for row, text_ids in zip(rows, zip(*ids, strict=True), strict=True):
                probabilities[row] = self.predict_ids(*text_ids)
                if progress is not None:
                    progress.update(1)
        return probabilities

    def predict_ids(self, *token_ids: np.ndarray) -> np.ndarray:
        """Returns the probabilities, float32 [classes], of one text's ids, or a pair's two.

        Args:
          token_ids: int32 [n] each, n one of `lengths`.
        """
        return self._model.run(*self.inputs(*token_ids).values())

    def inputs(self, *token_ids: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what the model takes of one text's ids, or a pair's two, by name, int32 [n], of BERT [n + 2]."""
        if self._like_bert:
            assert isinstance(self.tokenizer, PieceTokenizer)
            return self.tokenizer.bert_inputs(*token_ids)
        return dict(zip(INPUT_NAMES, token_ids, strict=False))

    def truncated(self, *columns: Sequence[str]) -> int:
        """Returns how many texts, or pairs for one of their texts, have more than `max_tokens` tokens."""
        return int((longest([self.tokenizer.encode(texts) for texts in columns]) > self.max_tokens).sum())


def _are_texts(column: Sequence[str]) -> bool:
    return not isinstance(column, str) and all(isinstance(text, str) for text in column)
