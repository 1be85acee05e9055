"""Classifies texts, or the lines of standard input, with a .tflite file.

tfkd predict --model=runs/quickstart "a fine film"
tfkd predict --model=student.tflite --json < lines.txt

tfkd predict --model=student.tflite --glue_task=sst2 --glue_out=glue

Of pairs each line holds two texts with a tab between them; arguments are taken in twos. Texts are taken as they are,
but those of --glue_out are detokenized as --detokenize says, or else as the model's run does.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice

from absl import flags

from tfkd.commands.flags import FLAGS, define_flags_of, refuse_unused, required
from tfkd.commands.run_models import detokenize_of, exported_of
from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError

_CHUNK = 256
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
    for number, text in enumerate(arguments, start=1):
        if any("\ud800" <= character <= "\udfff" for character in text):  # what Python makes of other bytes
            raise UsageError(f"text {number}: isn't UTF-8")
    if FLAGS.glue_out:
        if arguments:
            raise UsageError(f"--glue_out={FLAGS.glue_out}: takes the texts of --glue_test, not {arguments[0]!r}")
        refuse_unused(["json"], "is for what is printed; --glue_out writes GLUE's files")
        _write_glue_file(model)
        return
    refuse_unused(_OF_GLUE, "is for --glue_out, which is missing")
    from tfkd.export.litert_classifier import LiteRtClassifier

    classifier = LiteRtClassifier.from_file(model)
    rows = _argument_rows(arguments, classifier.pairs) if arguments else _line_rows(classifier.pairs)
    # On a terminal an answer follows each line; from a file they go in chunks.
    size = 1 if not arguments and sys.stdin.isatty() else _CHUNK
    while chunk := list(islice(rows, size)):
        for texts, row in zip(chunk, classifier.predict(*zip(*chunk, strict=True)), strict=True):
            probabilities = {name: float(p) for name, p in zip(classifier.label_names, row, strict=True)}
            print(_shown(texts, probabilities), flush=size == 1)


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


def _argument_rows(arguments: list[str], pairs: bool) -> Iterator[tuple[str, ...]]:
    """Returns the texts, or pairs, of the command line."""
    if pairs and len(arguments) % 2:
        raise UsageError(f"{len(arguments)} texts: expected two a pair, as the model classifies pairs")
    return zip(arguments[::2], arguments[1::2], strict=True) if pairs else zip(arguments, strict=True)


def _line_rows(pairs: bool) -> Iterator[tuple[str, ...]]:
    """Yields the texts, or pairs, of standard input's lines, empty ones too."""
    stream: Iterable[bytes] = sys.stdin.buffer
    for number, line in enumerate(stream, start=1):
        try:
            text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as e:
            raise InputError(
                f"standard input, line {number}: isn't UTF-8 (byte {e.start + 1}); convert it first, such as by "
                "iconv -f cp1252 -t utf-8"
            ) from e
        if pairs and text.count("\t") != 1:
            raise InputError(
                f"standard input, line {number}: {text.count(chr(9))} tabs; expected one, between a pair's two texts"
            )
        yield tuple(text.split("\t")) if pairs else (text,)


def _shown(texts: tuple[str, ...], probabilities: dict[str, float]) -> str:
    label = max(probabilities, key=probabilities.__getitem__)
    if FLAGS.json:
        named = dict(zip(("text", "text_pair"), texts, strict=False))
        return json.dumps({**named, "label": label, "probabilities": probabilities}, ensure_ascii=False)
    lines = (re.sub("\r?\n", " ", text) for text in texts)  # a record stays one line; nothing else of it changes
    return "\t".join([label, *(f"{name}={p:.4f}" for name, p in probabilities.items()), *lines])
