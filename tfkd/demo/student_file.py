"""A student's file as the demo shows it: one that MediaPipe's TextClassifier takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.metadata import read_model


@dataclass(frozen=True)
class StudentFile:
    """An exported student.

    Attributes:
      path: where it lies.
      content: its bytes.
      label_names: the name of each class.
      max_tokens: words or word pieces that it reads of a text.
    """

    path: Path
    content: bytes
    label_names: tuple[str, ...]
    max_tokens: int


def open_student_file(path: str | Path) -> StudentFile:
    """Returns a student's file once it is known that MediaPipe takes it.

    Raises:
      InputError: it is missing, no .tflite, damaged, without metadata, or of a form for LiteRT alone: of pairs,
        of several lengths, or with a loop.
    """
    classifier = LiteRtClassifier.from_file(path)
    if classifier.pairs:
        raise InputError(
            f"{path}: classifies pairs of texts, for which MediaPipe has no task; try it with `tfkd predict`"
        )
    if len(classifier.lengths) > 1:
        lengths = ", ".join(map(str, classifier.lengths))
        raise InputError(
            f"{path}: has a signature for each of the lengths {lengths}; MediaPipe takes one: "
            "export it without --shorter_tokens"
        )
    content = read_model(path)
    if (graphs := schema.Model.GetRootAs(content).SubgraphsLength()) > 1:
        raise InputError(
            f"{path}: has {graphs} graphs, as a loop has; MediaPipe takes one: "
            "export it with --lowering=unrolled or folded"
        )
    return StudentFile(Path(path), content, classifier.label_names, classifier.max_tokens)
