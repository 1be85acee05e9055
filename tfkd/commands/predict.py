"""Classifies texts, or the lines of standard input, with a .tflite file.

tfkd predict --model=runs/quickstart/export/student.tflite "a fine film"
tfkd predict --model=student.tflite --json < lines.txt
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice

from absl import flags

from tfkd.commands.flags import FLAGS, required
from tfkd.errors import InputError, UsageError

_CHUNK = 256


def define_flags() -> None:
    flags.DEFINE_string("model", "", ".tflite file that tfkd export wrote")
    flags.DEFINE_bool("json", False, "print one JSON object a text: text, label, probabilities by name")


def main(arguments: list[str]) -> None:
    model = required("model")
    for number, text in enumerate(arguments, start=1):
        if any("\ud800" <= character <= "\udfff" for character in text):  # what Python makes of other bytes
            raise UsageError(f"text {number}: isn't UTF-8")
    from tfkd.export.litert_classifier import LiteRtClassifier

    classifier = LiteRtClassifier.from_file(model)
    texts = iter(arguments or _lines())
    # On a terminal an answer follows each line; from a file they go in chunks.
    size = 1 if not arguments and sys.stdin.isatty() else _CHUNK
    while chunk := list(islice(texts, size)):
        for text, row in zip(chunk, classifier.predict(chunk), strict=True):
            probabilities = {name: float(p) for name, p in zip(classifier.label_names, row, strict=True)}
            print(_shown(text, probabilities), flush=size == 1)


def _lines() -> Iterator[str]:
    """Yields the lines of standard input, empty ones too."""
    stream: Iterable[bytes] = sys.stdin.buffer
    for number, line in enumerate(stream, start=1):
        try:
            yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as e:
            raise InputError(
                f"standard input, line {number}: isn't UTF-8 (byte {e.start + 1}); convert it first"
            ) from e


def _shown(text: str, probabilities: dict[str, float]) -> str:
    label = max(probabilities, key=probabilities.__getitem__)
    if FLAGS.json:
        return json.dumps({"text": text, "label": label, "probabilities": probabilities}, ensure_ascii=False)
    return "\t".join([label, *(f"{name}={p:.4f}" for name, p in probabilities.items()), text])
