"""What a model is measured on: rows for each input of its first graph, in the order in which LiteRT has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfkd.errors import InputError
from tfkd.export.litert_model import first_graph_inputs
from tfkd.export.metadata import MALFORMED, read_model
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer
from tfkd.text.tokenizer import Tokenizer


def text_inputs(model: Path, tokenizer: Tokenizer, columns: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """Returns texts, or pairs, as a model takes them, int32 [texts, 1, n] for each input.

    Args:
      model: a .tflite file; one of another converter's, without a vocabulary, takes the ids as the student does.
      tokenizer: of the file, or of the one whose ids it takes.
      columns: the texts; of pairs the first and the second ones.

    Raises:
      InputError: the model takes something else than ids of such texts.
    """
    names, tokens = _names_and_tokens(model, len(columns))
    return _inputs(model, names, tokenizer, [tokenizer.encode(texts).padded(length=tokens) for texts in columns])


def full_inputs(model: Path, tokenizer: Tokenizer, rows: int, columns: int = 1) -> list[np.ndarray]:
    """Returns rows of random ids of tokens, each as long as the model reads: what costs it most.

    Args:
      model, tokenizer: as above.
      rows: how many.
      columns: 2 of pairs.
    """
    names, tokens = _names_and_tokens(model, columns)
    ids = np.random.default_rng(0).integers(1, len(tokenizer.vocabulary), (columns, rows, tokens), np.int32)
    return _inputs(model, names, tokenizer, list(ids))


def input_ranges(model: Path, tokenizer: Tokenizer) -> dict[str, tuple[tuple[int, ...], int, int]]:
    """Returns each input's shape and its lowest and highest value, for a tool that fills them at random.

    Args:
      model, tokenizer: as above.
    """
    last = len(tokenizer.vocabulary) - 1
    limits = dict(zip(BERT_INPUT_NAMES, ((1, last), (1, 1), (0, 0)), strict=True))
    return {name: (shape, *limits.get(name, (1, last))) for name, shape in _graph_inputs(model).items()}


def _graph_inputs(model: Path) -> dict[str, tuple[int, ...]]:
    content = read_model(model)
    try:
        return first_graph_inputs(content)
    except MALFORMED as e:
        raise InputError(f"{model}: is damaged ({type(e).__name__}: {e}); export it again") from e


def _names_and_tokens(model: Path, columns: int) -> tuple[list[str], int]:
    """The names of the model's inputs, and how many tokens of a text it reads."""
    inputs = _graph_inputs(model)
    shapes = set(inputs.values())
    like_bert = set(inputs) == set(BERT_INPUT_NAMES)
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or len(inputs) != (3 if like_bert else columns):
        shown = ", ".join(f"{name} {list(shape)}" for name, shape in inputs.items())
        raise InputError(f"{model}: takes {shown or 'nothing'}; expected the ids of {columns} texts, [1, n] each")
    return list(inputs), shape[1] - 2 if like_bert else shape[1]


def _inputs(model: Path, names: list[str], tokenizer: Tokenizer, ids: list[np.ndarray]) -> list[np.ndarray]:
    if set(names) != set(BERT_INPUT_NAMES):
        return [rows[:, np.newaxis] for rows in ids]
    if not isinstance(tokenizer, PieceTokenizer):
        raise InputError(f"{model}: takes word pieces; the vocabulary is one of words")
    by_row = [tokenizer.bert_inputs(row) for row in ids[0]]
    return [np.stack([inputs[name] for inputs in by_row])[:, np.newaxis] for name in names]
