"""Classifies texts, or the lines of standard input, with a .tflite file.

tfkd predict --model=runs/quickstart "a fine film"
tfkd predict --model=student.tflite --json < lines.txt

tfkd predict --model=student.tflite --glue_task=sst2 --glue_out=glue

Of pairs each line holds two texts with a tab between them; arguments are taken in twos. Texts are taken as they are,
but those of --glue_out are detokenized as --detokenize says, or else as the model's run does.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

from absl import flags

from tfkd.commands.flags import FLAGS, define_flags_of, refuse_unused, required
from tfkd.commands.run_models import detokenize_of, exported_of
from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError

_CHUNK_BYTES = 1 << 16
_OF_TEXTS = ("text_column", "text_pair_column", "detokenize")
_OF_GLUE = ("glue_task", "glue_test", *_OF_TEXTS)


def define_flags() -> None:
    flags.DEFINE_string("model", "", ".tflite file that tfkd export wrote, or a run's folder")
    flags.DEFINE_string("glue_out", "", "folder for the file that the GLUE server takes, instead of printing")
    flags.DEFINE_string("glue_task", "", "with --glue_out: the task, such as sst2, mrpc, qqp or mnli_matched")
    flags.DEFINE_string(
        "glue_test", "", "with --glue_out: file with the task's test set; default: TensorFlow Datasets' glue/TASK"
    )
    define_flags_of(DataConfig, only=_OF_TEXTS)
    flags.DEFINE_bool("json", False, "print one JSON object a text: text, text_pair, label, probabilities by name")


def main(arguments: list[str]) -> None:
    model = exported_of(required("model"))
    if FLAGS.glue_out:
        if arguments:
            raise UsageError(f"--glue_out={FLAGS.glue_out}: takes the texts of --glue_test, not {arguments[0]!r}")
        refuse_unused(["json"], "is for what is printed; --glue_out writes GLUE's files")
        _write_glue_file(model)
        return
    refuse_unused(_OF_GLUE, "is for --glue_out, which is missing")
    from tfkd.export.litert_classifier import LiteRtClassifier

    classifier = LiteRtClassifier.from_file(model)
    pairs = classifier.pairs
    for chunk in [_argument_rows(arguments, pairs)] if arguments else _line_rows(sys.stdin.buffer, pairs):
        for texts, row in zip(chunk, classifier.predict(*zip(*chunk, strict=True)), strict=True):
            probabilities = {name: float(p) for name, p in zip(classifier.label_names, row, strict=True)}
            print(_shown(texts, probabilities))
        sys.stdout.flush()


def _write_glue_file(model: str) -> None:
    task = required("glue_task")
    from tfkd.export.litert_classifier import LiteRtClassifier
    from tfkd.report.glue import GLUE_TASKS, write_glue_file

    if task not in GLUE_TASKS:
        raise UsageError(f"--glue_task={task}: expected one of {', '.join(GLUE_TASKS)}")
    config = DataConfig(
        text_column=FLAGS.text_column, text_pair_column=FLAGS.text_pair_column, detokenize=detokenize_of(model)
    )
    print(write_glue_file(LiteRtClassifier.from_file(model), task, FLAGS.glue_test, FLAGS.glue_out, config))


def _argument_rows(arguments: list[str], pairs: bool) -> list[tuple[str, ...]]:
    """Returns the texts, or pairs, of the command line."""
    if pairs and len(arguments) % 2:
        raise UsageError(f"{len(arguments)} texts: expected two a pair, as the model classifies pairs")
    return list(zip(arguments[::2], arguments[1::2], strict=True) if pairs else zip(arguments, strict=True))


def _line_rows(stream: BinaryIO, pairs: bool) -> Iterator[list[tuple[str, ...]]]:
    """Yields the texts, or pairs, of lines, empty ones too: as many at a time as are there, so that none waits."""
    number = 0
    for lines in _lines_there(stream):
        rows = []
        for line in lines:
            number += 1
            try:
                rows.append(_row(line, number, pairs))
            except InputError:
                if rows:
                    yield rows  # what stands before it is answered
                raise
        yield rows


def _lines_there(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yields lines without their ends, each list as soon as its lines have come."""
    begun: list[bytes] = []
    while read := os.read(stream.fileno(), _CHUNK_BYTES):
        begun.append(read)
        if b"\n" in read:
            *lines, rest = b"".join(begun).split(b"\n")
            yield lines
            begun = [rest] if rest else []
    if begun:
        yield [b"".join(begun)]


def _row(line: bytes, number: int, pairs: bool) -> tuple[str, ...]:
    try:
        text = line.removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as e:
        raise InputError(
            f"standard input, line {number}: isn't UTF-8 (byte {e.start + 1}); convert it first, such as by "
            "iconv -f cp1252 -t utf-8"
        ) from e
    if pairs and text.count("\t") != 1:
        raise InputError(
            f"standard input, line {number}: {text.count(chr(9))} tabs; expected one, between a pair's two texts"
        )
    return tuple(text.split("\t")) if pairs else (text,)


def _shown(texts: tuple[str, ...], probabilities: dict[str, float]) -> str:
    label = max(probabilities, key=probabilities.__getitem__)
    if FLAGS.json:
        named = dict(zip(("text", "text_pair"), texts, strict=False))
        return json.dumps({**named, "label": label, "probabilities": probabilities}, ensure_ascii=False)
    lines = (re.sub("\r?\n", " ", text) for text in texts)  # a record stays one line; nothing else of it changes
    return "\t".join([label, *(f"{name}={p:.4f}" for name, p in probabilities.items()), *lines])
