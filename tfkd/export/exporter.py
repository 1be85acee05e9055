"""A Keras student in, one checked .tflite file out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from tfkd.config import ExportConfig
from tfkd.errors import InputError, OutputError
from tfkd.export import parity
from tfkd.export.arithmetic import Integers, Reals
from tfkd.export.graph import Graph
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.lowering import lower
from tfkd.export.metadata import ModelMetadata, with_metadata
from tfkd.export.parity import Parity
from tfkd.files import atomic_path
from tfkd.models.compression import in_few_dimensions, with_rank_of, with_table_of
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.models.student_weights import StudentWeights
from tfkd.models.texts_met import TextsMet
from tfkd.progress import progress_bar, say
from tfkd.text.examples import Examples, kind_of
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.text.tokenizer import Tokenizer

# Enough for the second moments of some hundred dimensions, and read in seconds.
CALIBRATION_TEXTS = 2000
_MIN_CALIBRATION_TEXTS = 32


Result = TypeVar("Result")


@dataclass(frozen=True)
class ExportResult:
    """What was exported, and how it did over the dev texts.

    Attributes:
      path: the .tflite file.
      quantization: its arithmetic.
      size_bytes: its size.
      truncated: dev texts with more tokens than the file reads.
      parity: the exported student against the Keras student, both reading the same tokens.
      probabilities: the exported student's, float32 [texts, classes].
    """

    path: Path
    quantization: str
    size_bytes: int
    truncated: int
    parity: Parity
    probabilities: np.ndarray


def check_runtime(config: ExportConfig, pairs: bool) -> None:
    """Passes what `config.runtime` can run.

    Raises:
      InputError: it can't classify pairs, and the task is of pairs.
    """
    if pairs and config.runtime == "mediapipe":
        raise InputError("--runtime=mediapipe: MediaPipe has no task for pairs of texts; export for litert")


def check_words(tokenizer: Tokenizer, label_names: Sequence[str], vocabulary_size: int, num_classes: int) -> None:
    """Passes a vocabulary and labels that can be a model's.

    Raises:
      InputError: they are more or fewer than its ids and classes.
    """
    if len(label_names) != num_classes:
        raise InputError(f"{len(label_names)} label names for a model of {num_classes} classes")
    if len(tokenizer.vocabulary) != vocabulary_size:
        raise InputError(
            f"a vocabulary of {len(tokenizer.vocabulary)} ids for a model of {vocabulary_size}: it is of another model"
        )


class TooLargeError(InputError):
    """A file that is larger than it may be."""


def check_size(content: bytes, config: ExportConfig) -> None:
    """Passes a file that is no larger than it may be.

    Raises:
      TooLargeError: it is.
    """
    if config.max_size and len(content) > config.max_size * 1e6:
        raise TooLargeError(
            f"the file would be of {len(content) / 1e6:.2f} MB; at most {config.max_size:g} expected (--max_size); "
            "nothing was exported: --export_table_bits=4 halves its table, a lower --vocabulary_size has less"
        )


def export_student(
    model: BiLstmClassifier,
    tokenizer: Tokenizer,
    label_names: Sequence[str],
    dev: Examples,
    texts: Examples,
    path: str | Path,
    config: ExportConfig,
    name: str = "tfkd student",
    description: str = "A BiLSTM distilled from BERT.",
) -> ExportResult:
    """Writes a student as a .tflite file, after running that file over dev texts.

    Nothing comes to stand under `path`, and what stood there stays, unless the
    file as written gives what the Keras student gives.

    Args:
      model: the student.
      tokenizer: its tokens, from raw text.
      label_names: the name of each class.
      dev: what the file is tried on; its labels are of no matter.
      texts: what the file is fitted to, if `config` asks for integers or for fewer weights; not dev's.
      path: the file to write.
      config: its length, arithmetic and size.
      name, description: for the file's metadata.

    Raises:
      InputError: the student's weights are NaN, no dev texts are given, labels don't fit the classes, the exported
        student differs from the Keras student (see tfkd.export.parity), `config.runtime` can't run it, or the file
        is larger than it may be or can't be written.
    """
    check_runtime(config, model.pairs)
    if not len(dev):
        raise InputError("no dev texts to check the export with")
    if (of_pairs := dev.text_pairs is not None) != model.pairs:
        raise InputError(f"dev has {kind_of(of_pairs)}; the student classifies {kind_of(model.pairs)}")
    check_words(tokenizer, label_names, model.vocabulary_size, model.num_classes)
    metadata = ModelMetadata(
        name=name,
        description=description,
        tokenizer=tokenizer,
        label_names=tuple(label_names),
        max_tokens=config.max_tokens,
    )
    like_bert = isinstance(tokenizer, PieceTokenizer) and not model.pairs
    encoded = [tokenizer.encode(texts) for texts in dev.columns]
    reference = model.probabilities(*encoded, max_tokens=config.max_tokens)

    def export(tried: ExportConfig) -> ExportResult:
        some = texts.spread(CALIBRATION_TEXTS if needs_texts(tried) else 0)
        # A transfer set's texts have masked words, which the student learnt as such.
        to_fit = [tokenizer.encode(column, masked=True).padded(length=tried.max_tokens) for column in some.columns]
        weights, arithmetic = fitted(weights_of(model), np.concatenate(to_fit), tried)
        content = with_metadata(lower(weights, tried.lengths, arithmetic, tried.lowering, like_bert), metadata)
        return write_checked(content, reference, dev, path, tried)

    return first_that_holds(config, config.quantizations, export)


def write_checked(
    content: bytes, reference: np.ndarray, dev: Examples, path: str | Path, config: ExportConfig
) -> ExportResult:
    """Writes a .tflite with metadata, if it is as small as it must be and gives over dev what its model gives.

    Args:
      content: the file's.
      reference: the model's probabilities, float [dev texts, classes].
      dev: what the file is tried on.
      path: where it goes.
      config: its limits.

    Raises:
      InputError: it isn't, it doesn't, or it can't be written; then nothing is.
    """
    check_size(content, config)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
        exported = LiteRtClassifier.from_file(temporary)
        with progress_bar(len(dev), "export: dev", "texts") as bar:
            probabilities = exported.predict(*dev.columns, progress=bar)
        measured = parity.compare(reference, probabilities)
        parity.check(measured, config)
    return ExportResult(
        Path(path), config.quantization, len(content), exported.truncated(*dev.columns), measured, probabilities
    )


def first_that_holds(
    config: ExportConfig,
    quantizations: Sequence[str],
    export: Callable[[ExportConfig], Result],
    larger_each: bool = False,
) -> Result:
    """Returns what `export` makes of a config in the first of these quantizations that can be had.

    Args:
      config: but for the quantization.
      quantizations: in the order in which they are tried.
      export: makes a file.
      larger_each: whether each gives a larger file than the one before: after one that is too large none is tried.

    Raises:
      InputError: none can.
    """
    for quantization, other in pairwise(quantizations):
        try:
            return export(dataclasses.replace(config, quantization=quantization))
        except OutputError:  # which no other could be written to either
            raise
        except InputError as e:
            if larger_each and isinstance(e, TooLargeError):
                raise
            say(f"export: {other} is tried, as {quantization} won't do: {fault_of(e)}")
    return export(dataclasses.replace(config, quantization=quantizations[-1]))


def fault_of(error: InputError) -> str:
    """Returns what is amiss with a file, without what is advised where no other is tried."""
    return str(error).partition("; nothing was exported")[0]


def fitted(
    weights: StudentWeights, token_ids: np.ndarray, config: ExportConfig
) -> tuple[StudentWeights, Callable[[Graph], Reals]]:
    """Returns the weights that are to be in a file, and what it is to compute with.

    Args:
      weights: a student's.
      token_ids: int32 [texts, config.max_tokens], texts to fit them to; of pairs, both.
      config: arithmetic and size.

    Raises:
      InputError: there are too few texts to fit anything to, or `config` is for an LSTM alone.
    """
    if weights.of_gru:
        if config.export_rank:
            raise InputError(f"--export_rank={config.export_rank}: is for an LSTM; expected 0 with a GRU")
        if config.quantization == "int8":
            raise InputError("--quantization=int8: is for an LSTM; expected dynamic_int8 or real weights with a GRU")
    elif not config.export_rank:
        weights = in_few_dimensions(weights)
    if needs_texts(config):
        met = TextsMet(token_ids)
        if len(met) < _MIN_CALIBRATION_TEXTS:
            raise InputError(
                f"{len(met)} different texts to calibrate with; at least {_MIN_CALIBRATION_TEXTS} expected: give more, "
                "or leave out what is fitted to them: --quantization=int8, --export_rank, --table_dim"
            )
        if config.export_rank:
            weights = with_rank_of(weights, config.export_rank, met)
        if config.table_dim:
            weights = with_table_of(weights, config.table_dim, met)
        if config.quantization == "int8":
            ranges = met.ranges(weights)
            return weights, lambda graph: Integers(graph, ranges, config.export_table_bits)
    stored = {"dynamic_int8": "int8"}.get(config.quantization, config.quantization)
    return weights, lambda graph: Reals(graph, stored, config.export_table_bits)


def needs_texts(config: ExportConfig) -> bool:
    """Says whether an export is fitted to texts."""
    return config.quantization == "int8" or config.export_rank > 0 or config.table_dim > 0
