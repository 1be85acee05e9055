"""TFLite metadata: the words, labels and delimiter inside the model file, where MediaPipe looks for them.

The structure (a flatbuffer named TFLITE_METADATA among the model's buffers) says
what each tensor is; the files it names lie in a zip archive appended to the
model (https://ai.google.dev/edge/litert/models/metadata). Reading needs neither
TensorFlow nor MediaPipe's 8 seconds of imports.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as model_schema

from tfkd.errors import InputError
from tfkd.export.graph import IDENTIFIER, packed
from tfkd.export.litert_model import signature_names
from tfkd.text.labels import check_names
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer
from tfkd.text.tokenizer import Tokenizer, tokenizer_of
from tfkd.text.vocabulary import START_TOKEN
from tfkd.text.word_tokenizer import WordTokenizer

VOCABULARY_FILE, LABELS_FILE = "vocabulary.txt", "labels.txt"
# The expression that separates words, once more: for runners that read no flatbuffers (tflite/classify.py).
DELIMITER_FILE = "delimiter_regex.txt"
_METADATA_NAME = b"TFLITE_METADATA"
_METADATA_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.2.1"  # the first that knows RegexTokenizerOptions
_INPUTS = {
    "token_ids": "The ids of the text's tokens, zeros after the last.",
    "pair_token_ids": "The ids of the second text's tokens, zeros after the last.",
    "ids": "The ids of the text's word pieces between [CLS] and [SEP], zeros after the last.",
    "mask": "1 for each of these, zeros after the last.",
    "segment_ids": "Zeros.",
}
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # fixed: the same student gives the same file

# What reading a flatbuffer or zip that is none comes upon.
MALFORMED = (
    struct.error, zipfile.BadZipFile, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError,
    NotImplementedError, RuntimeError, EOFError,
)  # fmt: skip


class NoVocabularyError(InputError):
    """A model that doesn't say how it reads texts, as another converter's."""


@dataclass(frozen=True)
class ModelMetadata:
    """What a student's file says of itself.

    Attributes:
      name, description: for people.
      tokenizer: of words or word pieces, with its vocabulary.
      label_names: the name of each class.
      max_tokens: tokens that the model reads of a text.
    """

    name: str
    description: str
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    max_tokens: int


def with_metadata(model: bytes, metadata: ModelMetadata) -> bytes:
    """Returns the model's bytes with `metadata` inside.

    Args:
      model: a .tflite without metadata, of one output [1, classes], and one input [1, max_tokens], for pairs two, or
        BERT's three.
      metadata: what is to be written; its `max_tokens` isn't, as the model's input has it.

    Raises:
      InputError: a label or a spelling can't be a line of its own, or MediaPipe would take it for something else.
    """
    check_names(metadata.label_names)
    _check_spellings(metadata.tokenizer)
    if START_TOKEN in metadata.tokenizer.vocabulary.ids:
        raise InputError(f"the vocabulary holds {START_TOKEN}, which MediaPipe would write before every text")
    root = model_schema.ModelT.InitFromPackedBuf(model)
    input_names = signature_names(root)
    for tensor, name in input_names.items():  # a converter calls them "serving_default_ids:0"
        root.subgraphs[0].tensors[tensor].name = name.encode()
    described = _packed_metadata(metadata, [input_names[tensor] for tensor in root.subgraphs[0].inputs])
    added = model_schema.BufferT()
    added.data = np.frombuffer(described, np.uint8)
    root.buffers.append(added)
    entry = model_schema.MetadataT()
    entry.name, entry.buffer = _METADATA_NAME, len(root.buffers) - 1
    root.metadata = [*(m for m in root.metadata or [] if m.name != _METADATA_NAME), entry]
    files = {
        VOCABULARY_FILE: "".join(f"{line}\n" for line in metadata.tokenizer.vocabulary.to_lines()),
        LABELS_FILE: "".join(f"{label}\n" for label in metadata.label_names),
    }
    if isinstance(metadata.tokenizer, WordTokenizer):
        files[DELIMITER_FILE] = metadata.tokenizer.delimiter_regex
    return _with_files(packed(root), files)


def _check_spellings(tokenizer: Tokenizer) -> None:
    """Passes what can be a line of a vocabulary file: of words MediaPipe takes what follows a space for the id."""
    of_words = isinstance(tokenizer, WordTokenizer)
    for spelling in tokenizer.vocabulary.ids:
        if not spelling or "\n" in spelling or "\r" in spelling or (of_words and spelling.split() != [spelling]):
            raise InputError(f"the vocabulary's {spelling!r} can't be a word of its file: leave it out")


def read_metadata(path: str | Path) -> ModelMetadata:
    """Returns what `with_metadata` wrote into a file.

    Raises:
      InputError: the file is missing, is no .tflite, or lacks metadata, vocabulary or labels.
    """
    return parse_metadata(read_model(path), path)


def read_model(path: str | Path) -> bytes:
    """Returns a .tflite file's bytes.

    Raises:
      InputError: the file is missing or is no .tflite.
    """
    try:
        model = Path(path).read_bytes()
    except OSError as e:
        raise InputError(f"{path}: can't be read: {e.strerror}") from e
    if model[4:8] != IDENTIFIER:
        raise InputError(f"{path}: isn't a .tflite model; expected a file that `tfkd export` wrote")
    return model


def parse_metadata(model: bytes, path: str | Path) -> ModelMetadata:
    """Returns the metadata of a model's bytes; `path` is where they are from, for messages.

    Raises:
      InputError: they are damaged, or lack metadata, vocabulary or labels.
    """
    try:
        return _parsed(model, path)
    except MALFORMED as e:
        raise InputError(f"{path}: is damaged ({type(e).__name__}: {e}); export it again") from e


@functools.cache
def _metadata_schema() -> ModuleType:
    """MediaPipe's generated flatbuffer classes of the metadata.

    Loaded by location: they need nothing but `flatbuffers`, while `import
    mediapipe` takes seconds and TensorFlow with it.
    """
    package = importlib.util.find_spec("mediapipe")  # finds it, doesn't run it
    if package is None or not package.submodule_search_locations:
        raise InputError("the package mediapipe isn't installed: run pip install mediapipe")
    file = Path(package.submodule_search_locations[0]) / "tasks" / "metadata" / "metadata_schema_py_generated.py"
    spec = importlib.util.spec_from_file_location("_tfkd_metadata_schema", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InputError(f"{file}: missing from the installed mediapipe; install mediapipe 1.2.2")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _packed_metadata(metadata: ModelMetadata, input_names: Sequence[str]) -> bytes:
    """The flatbuffer that describes a model of these inputs, in their order."""
    schema = _metadata_schema()
    kinds = schema.ProcessUnitOptions

    def file(name: str, kind: int, description: str) -> Any:
        associated = schema.AssociatedFileT()
        associated.name, associated.type, associated.description = name, kind, description
        return associated

    unit = schema.ProcessUnitT()
    if isinstance(metadata.tokenizer, WordTokenizer):
        unit.optionsType, unit.options = kinds.RegexTokenizerOptions, schema.RegexTokenizerOptionsT()
        unit.options.delimRegexPattern = metadata.tokenizer.delimiter_regex
    else:
        unit.optionsType, unit.options = kinds.BertTokenizerOptions, schema.BertTokenizerOptionsT()
    unit.options.vocabFile = [file(VOCABULARY_FILE, schema.AssociatedFileType.VOCABULARY, "The tokens and their ids.")]

    def tensor(name: str, description: str) -> Any:
        described = schema.TensorMetadataT()
        described.name, described.description = name, description
        described.content = schema.ContentT()
        described.content.contentPropertiesType = schema.ContentProperties.FeatureProperties
        described.content.contentProperties = schema.FeaturePropertiesT()
        return described

    inputs = [tensor(name, _INPUTS[name]) for name in input_names]
    like_bert = BERT_INPUT_NAMES[0] in input_names
    if not like_bert:
        for described in inputs:
            described.processUnits = [unit]
    probabilities = tensor("probabilities", "The probability of each label.")
    probabilities.associatedFiles = [
        file(LABELS_FILE, schema.AssociatedFileType.TENSOR_AXIS_LABELS, "The labels, one a line.")
    ]

    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = inputs, [probabilities]
    if like_bert:  # whose three inputs come of one tokenizer
        graph.inputProcessUnits = [unit]
    root = schema.ModelMetadataT()
    root.name, root.description = metadata.name, metadata.description
    if isinstance(metadata.tokenizer, WordTokenizer):
        kind = schema.AssociatedFileType.DESCRIPTIONS
        root.associatedFiles = [file(DELIMITER_FILE, kind, "The expression (RE2) that separates words.")]
    root.minParserVersion, root.subgraphMetadata = _MIN_PARSER_VERSION, [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(root.Pack(builder), _METADATA_IDENTIFIER)
    return bytes(builder.Output())


def _with_files(model: bytes, files: dict[str, str]) -> bytes:
    """The model with a zip archive appended, its members stored as they are, so that MediaPipe can map them."""
    whole = io.BytesIO(model)
    whole.seek(0, io.SEEK_END)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.external_attr = 0o644 << 16
            info.create_system = 3  # Unix, wherever it is written
            archive.writestr(info, text.encode())
    return whole.getvalue()


def _parsed(model: bytes, path: str | Path) -> ModelMetadata:
    root = model_schema.Model.GetRootAs(model)
    buffers = [m.Buffer() for m in map(root.Metadata, range(root.MetadataLength())) if m.Name() == _METADATA_NAME]
    if not buffers:
        raise NoVocabularyError(
            f"{path}: has no metadata, so its words and labels are unknown; export it with `tfkd export`"
        )
    schema = _metadata_schema()
    described = schema.ModelMetadata.GetRootAs(root.Buffers(buffers[0]).DataAsNumpy().tobytes())
    graph = described.SubgraphMetadata(0)
    units = [*_units(graph, "InputProcessUnits"), *_units(graph.InputTensorMetadata(0), "ProcessUnits")]
    found = next(filter(None, map(_tokenizer_options, units)), None)
    if found is None:
        raise NoVocabularyError(f"{path}: its metadata has no tokenizer that tfkd knows; export it with `tfkd export`")
    kind, options = found
    labels_file = _file_of_type(graph.OutputTensorMetadata(0), schema.AssociatedFileType.TENSOR_AXIS_LABELS)
    if not options.VocabFileLength() or labels_file is None:
        raise NoVocabularyError(f"{path}: its metadata names no vocabulary or no labels; export it with `tfkd export`")

    tensors = root.Subgraphs(0)
    length = int(tensors.Tensors(tensors.Inputs(0)).Shape(1))
    regex = options.DelimRegexPattern().decode() if kind == WordTokenizer.name else None
    vocabulary_lines = _lines_of(model, options.VocabFile(0).Name().decode(), path)
    label_names = tuple(_lines_of(model, labels_file, path))
    classes = tensors.Tensors(tensors.Outputs(0)).Shape(1)
    if len(label_names) != classes:
        raise InputError(f"{path}: has {len(label_names)} labels for {classes} classes; export it again")
    try:
        tokenizer = tokenizer_of(kind, vocabulary_lines, regex)
    except ValueError as e:
        raise InputError(f"{path}: its vocabulary isn't as tfkd writes it: {e}") from e
    return ModelMetadata(
        name=(described.Name() or b"").decode(),
        description=(described.Description() or b"").decode(),
        tokenizer=tokenizer,
        label_names=label_names,
        max_tokens=length - (2 if graph.InputProcessUnitsLength() else 0),  # [CLS] and [SEP]
    )


def _units(table: Any, field: str) -> list[Any]:
    """The process units in a field of the metadata."""
    return [getattr(table, field)(i) for i in range(getattr(table, f"{field}Length")())]


def _tokenizer_options(unit: Any) -> tuple[str, Any] | None:
    """The kind of the unit's tokenizer and its options; None if it is none that students have."""
    schema = _metadata_schema()
    kinds = schema.ProcessUnitOptions
    if unit.OptionsType() == kinds.RegexTokenizerOptions:
        name, options = WordTokenizer.name, schema.RegexTokenizerOptions()
    elif unit.OptionsType() == kinds.BertTokenizerOptions:
        name, options = PieceTokenizer.name, schema.BertTokenizerOptions()
    else:
        return None
    options.Init(unit.Options().Bytes, unit.Options().Pos)
    return name, options


def _file_of_type(tensor: Any, kind: int) -> str | None:
    """The name of the tensor's first associated file of a kind, or None."""
    for file in map(tensor.AssociatedFiles, range(tensor.AssociatedFilesLength())):
        if file.Type() == kind:
            return str(file.Name().decode())
    return None


def _lines_of(model: bytes, name: str, path: str | Path) -> list[str]:
    """The lines of a file in the appended archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as archive:
            text = archive.read(name).decode()
    except (zipfile.BadZipFile, KeyError) as e:
        raise InputError(f"{path}: {name} is missing from it or damaged; export it again") from e
    return text.removesuffix("\n").split("\n")
