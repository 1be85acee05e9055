"""Any Keras model of a student's shape as a .tflite: for those whose LSTM or GRU doesn't convert, or not well.

    from tfkd.config import ExportConfig
    from tfkd.export.keras_export import export_keras_model

    exported = export_keras_model(model, "model.tflite", token_ids, ExportConfig(max_tokens=32))
    print(exported.size_bytes, exported.parity.label_agreement)

Embedding, LSTM or GRU, alone or Bidirectional, Dense layers: see tfkd.models.keras_layers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from scipy.special import expit, softmax

from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export import parity
from tfkd.export.exporter import check_size, check_words, first_that_holds, fitted
from tfkd.export.litert_model import LiteRtModel
from tfkd.export.lowering import lower
from tfkd.export.metadata import ModelMetadata, with_metadata
from tfkd.export.parity import Parity
from tfkd.files import atomic_path
from tfkd.models.keras_layers import weights_of
from tfkd.models.student_weights import DenseWeights, StudentWeights
from tfkd.text.vocabulary import PAD_ID
from tfkd.text.word_tokenizer import WordTokenizer

# Of what a single unit says of a text, as a share of its standard deviation over texts.
_MAX_ERROR_OF_VALUES = 0.1


@dataclass(frozen=True)
class KerasExport:
    """What was exported, and how it did.

    Attributes:
      path: the .tflite file.
      quantization: its arithmetic.
      size_bytes: its size.
      parity: the file against the Keras model over the texts it was given; logits count as what softmax makes of them.
    """

    path: Path
    quantization: str
    size_bytes: int
    parity: Parity


def export_keras_model(
    model: keras.Model,
    path: str | Path,
    token_ids: np.ndarray,
    config: ExportConfig | None = None,
    tokenizer: WordTokenizer | None = None,
    label_names: Sequence[str] = (),
) -> KerasExport:
    """Writes a Keras model as a .tflite file, after running that file over texts; else nothing comes to stand there.

    The file has one signature (or several, by `config.shorter_tokens`) of `token_ids`, int32 [1, tokens], to
    `probabilities`, or to `logits` if the last activation is linear, float32 [1, units]; with a tokenizer always to
    `probabilities`, one for each label: a unit by itself has two, the first that of its absence.

    Args:
      model: Embedding, LSTM or GRU, alone or Bidirectional, Dense layers. With `mask_zero` ids after a text's end are
        zeros, and change nothing; without, they are read, and texts must come as long as `config.max_tokens`.
      path: the file to write.
      token_ids: int [texts, tokens], real texts: what the file is tried on, and fitted to if `config` asks for int8, a
        rank or a table; some hundred or more.
      config: length, arithmetic and size.
      tokenizer: of as many ids as the model's table has rows; with it and the labels MediaPipe's TextClassifier takes
        the file with raw text.
      label_names: the name of each class, if there is a tokenizer.

    Raises:
      InputError: the model has another shape or weights that are NaN; the texts, words or labels don't fit it; the file
        differs from the model (see tfkd.export.parity), is larger than it may be, or can't be written.
    """
    config = ExportConfig() if config is None else config
    weights = weights_of(model)
    ids = _read(np.asarray(token_ids), weights, config)
    outputs = keras.tree.flatten(model.predict(ids, verbose=0))
    if len(outputs) != 1:
        raise InputError(f"the model has {len(outputs)} outputs; expected one")
    raw = outputs[0]
    reference = _probabilities(raw, weights.head[-1].activation)
    if tokenizer is not None:
        weights = _of_classes(weights)
        check_words(tokenizer, label_names, len(weights.embedding), len(weights.head[-1].bias))
    elif config.runtime == "mediapipe":
        raise InputError("runtime=mediapipe: MediaPipe reads raw text; expected a tokenizer and label_names")

    @_of_fields()
    def export(tried: ExportConfig) -> KerasExport:
        lowered, arithmetic = fitted(weights, ids, tried)
        content = lower(lowered, tried.lengths, arithmetic, tried.lowering)
        if tokenizer is not None:
            metadata = ModelMetadata(Path(path).stem, "", tokenizer, tuple(label_names), tried.max_tokens)
            content = with_metadata(content, metadata)
        check_size(content, tried)
        exported = LiteRtModel(content)
        fitting = np.searchsorted(exported.lengths, np.count_nonzero(ids, axis=1))
        outputs = np.stack([exported.run(row[: exported.lengths[i]]) for row, i in zip(ids, fitting, strict=True)])
        measured = parity.compare(reference, _probabilities(outputs, lowered.head[-1].activation))
        parity.check(measured, tried)
        if tokenizer is None and outputs.shape[1] == 1:
            _check_values(raw, outputs, tried)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return KerasExport(Path(path), tried.quantization, len(content), measured)

    return first_that_holds(config, config.quantizations, export)


def _check_values(reference: np.ndarray, exported: np.ndarray, config: ExportConfig) -> None:
    """Passes values, float [texts, 1] each, that may be no logits: far from zero those differ, and labels don't."""
    error, spread = float(np.sqrt(np.mean((exported - reference) ** 2))), float(reference.std())
    if error > _MAX_ERROR_OF_VALUES * spread:
        raise InputError(
            f"the exported file's values differ from the Keras model's by {error:.4g} (root mean square), and those by "
            f"{spread:.4g} from their mean; at most {_MAX_ERROR_OF_VALUES:.0%} of that expected; "
            f"nothing was exported: {parity.advice(config)}"
        )


@contextlib.contextmanager
def _of_fields() -> Iterator[None]:
    """Says of ExportConfig's fields, of texts and of a model what `tfkd export` is told of flags, dev and a student."""
    try:
        yield
    except InputError as e:
        said = re.sub(r"(?<![^\s(])--(?=[a-z_]+\b)", "", str(e))
        for word, other in (("dev text", "text"), ("the student", "the model"), ("distil it", "train it")):
            said = said.replace(word, other)
        raise InputError(said) from e


def _read(token_ids: np.ndarray, weights: StudentWeights, config: ExportConfig) -> np.ndarray:
    """The ids as a file reads them, int32 [texts, config.max_tokens].

    Raises:
      InputError: they aren't the model's.
    """
    if token_ids.ndim != 2 or not token_ids.size or not np.issubdtype(token_ids.dtype, np.integer):
        raise InputError(f"token_ids are {token_ids.dtype} {list(token_ids.shape)}; expected integers [texts, tokens]")
    largest, rows = int(token_ids.max()), len(weights.embedding)
    if largest >= rows or token_ids.min() < 0:
        raise InputError(f"token_ids go from {token_ids.min()} to {largest}; the model's table has {rows} rows")
    if not weights.masked and (token_ids.shape[1] != config.max_tokens or config.shorter_tokens):
        raise InputError(
            f"the model reads padding (its Embedding has no mask_zero): expected token_ids of max_tokens="
            f"{config.max_tokens} columns, found {token_ids.shape[1]}, and no shorter_tokens"
        )
    if weights.masked and ((token_ids[:, :-1] == PAD_ID) & (token_ids[:, 1:] != PAD_ID)).any():
        raise InputError("token_ids have padding before words; expected it after them (padding='post')")
    ids = token_ids[:, : config.max_tokens].astype(np.int32)
    return np.pad(ids, [(0, 0), (0, config.max_tokens - ids.shape[1])])


def _of_classes(weights: StudentWeights) -> StudentWeights:
    """The weights of the model that gives the probability of each class: what one unit stands for is two."""
    *others, last = weights.head
    if len(last.bias) == 1 and last.activation in ("linear", "sigmoid"):
        last = DenseWeights(np.pad(last.kernel, [(0, 0), (1, 0)]), np.pad(last.bias, (1, 0)), "linear")
    if last.activation == "linear":
        last = dataclasses.replace(last, activation="softmax")
    return dataclasses.replace(weights, head=(*others, last))


def _probabilities(outputs: np.ndarray, activation: str) -> np.ndarray:
    """The probabilities of outputs [texts, units], [texts, classes]: one unit stands for two classes."""
    if outputs.shape[1] > 1:
        return softmax(outputs, axis=1) if activation == "linear" else outputs
    positive = expit(outputs) if activation == "linear" else outputs
    return np.concatenate([1 - positive, positive], axis=1)
