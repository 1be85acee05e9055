"""What each lowering of a student costs, beside its peers on the same weights: the table of docs/LOWERINGS.md.

    python tools/compare_lowerings.py --student=runs/sst2/student --transfer_set=runs/sst2/transfer_set \
        --data=../shared/data/sst2 --labels=negative,positive --detokenize=treebank \
        --teacher=runs/sst2/teacher --bert_base

Needs the `dev` extra. With --arm64 instructions are counted in an emulator, whose parts are fetched once. The table, in
Markdown, is printed; --out writes it to a file too.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import app, flags

from tfkd.benchmark.arm64 import arm64_emulator
from tfkd.benchmark.host import INTERPRETER_START, compiled_runner, interpreter_runner, start_up, timings_us
from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, ExportConfig
from tfkd.errors import InputError, TfkdError
from tfkd.files import write_text
from tfkd.native_stderr import import_tensorflow, silenced
from tfkd.progress import say
from tfkd.report.markdown import markdown_table

if TYPE_CHECKING:
    from tfkd.text.examples import Examples
    from tfkd.training.student_folder import Student

# Each with what sets it apart from the defaults.
STUDENTS: dict[str, dict[str, Any]] = {
    "unrolled, float32": {"quantization": "float32"},
    "unrolled, float16": {"quantization": "float16"},
    "unrolled, dynamic int8": {"quantization": "dynamic_int8"},
    "unrolled, int8": {"quantization": "int8"},
    "folded, int8": {"quantization": "int8", "lowering": "folded"},
    "folded, int8, table of 4 bits": {"quantization": "int8", "lowering": "folded", "export_table_bits": 4},
    "while, dynamic int8": {"lowering": "while", "quantization": "dynamic_int8"},
    "while, int8": {"lowering": "while", "quantization": "int8"},
}
_ROWS, _ROUNDS = 50, 1000
_ONNX_START = (
    "import onnxruntime",
    "o = onnxruntime.SessionOptions(); o.intra_op_num_threads = 1\n"
    "m = onnxruntime.InferenceSession(sys.argv[1], o)\n"
    "m.run(None, {m.get_inputs()[0].name: inputs[0]})",
)


@dataclass
class Candidate:
    """A file, and what is known of it.

    Attributes:
      name: its line of the table.
      path: where it lies.
      inputs: the dev texts as it takes them.
      is_trained: whether what it says of them means anything.
      cells: of its line, by column.
    """

    name: str
    path: Path
    inputs: list[np.ndarray]
    is_trained: bool = True
    cells: dict[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> None:
    import_tensorflow()
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from tfkd.pipeline.data import read_sentences
    from tfkd.training.student_folder import load_student

    student = load_student(required("student"))
    dev = read_sentences(config_of(DataConfig), FLAGS.seed).dev
    encoded = student.tokenizer.encode(dev.texts)
    reference = student.model.probabilities(encoded, max_tokens=FLAGS.tokens)
    # Of these texts times are taken; instructions of those as long as the model reads, or as texts get.
    most = min(FLAGS.tokens, max(encoded.lengths))
    long, full = (np.flatnonzero(encoded.lengths >= most // part) for part in (2, 1))
    emulator = arm64_emulator() if FLAGS.arm64 else None
    with tempfile.TemporaryDirectory() as folder:
        made = _made(student, dev, encoded.padded(length=FLAGS.tokens), Path(folder))
        runners = [runner_of(candidate.path) for candidate in made]
        for candidate, run in zip(made, runners, strict=True):
            say(f"{candidate.name}: being measured")
            is_onnx = candidate.path.suffix == ".onnx"
            start = start_up(candidate.path, candidate.inputs, _ONNX_START if is_onnx else INTERPRETER_START)
            counted = None
            if emulator is not None and not is_onnx:
                counted = emulator.count(candidate.path, [array[full[:10]] for array in candidate.inputs])
            candidate.cells |= {
                "instructions": "-" if counted is None else f"{counted.inference / 1e6:.2f} M",
                "first result": "-" if start is None else f"{start.first_result_ms:.1f} ms",
                "peak memory": "-" if start is None else f"{start.peak_memory_mb:.1f} MB",
                "size": f"{candidate.path.stat().st_size / 1e6:.2f} MB",
                "loads in": "ONNX Runtime" if is_onnx else _loaders(candidate.path, student.label_names),
            }
            if candidate.is_trained:
                found = np.concatenate([run(*row) for row in zip(*candidate.inputs, strict=True)]).argmax(1)
                candidate.cells["accuracy"] = f"{100 * np.mean(found == dev.labels):.2f} %"
                candidate.cells["agrees"] = f"{100 * np.mean(found == reference.argmax(1)):.2f} %"
        rows = [list(zip(*(array[long[:_ROWS]] for array in c.inputs), strict=True)) for c in made]
        times = np.median(timings_us(runners, rows, _ROUNDS), axis=0)
        for candidate, time in zip(made, times, strict=True):
            candidate.cells["host time"] = f"{time / min(times):.2f}"
    columns = ("instructions", "host time", "first result", "peak memory", "size", "accuracy", "agrees", "loads in")
    table = markdown_table(
        [("", *columns), *((c.name, *(c.cells.get(column, "-") for column in columns)) for c in made)]
    )
    print(table)
    if FLAGS.out:
        write_text(Path(FLAGS.out), table + "\n")


def _made(student: Student, dev: Examples, ids: np.ndarray, folder: Path) -> list[Candidate]:
    """The files, in the order of the table.

    Args:
      student: what they are made of, or compared with.
      dev: real texts.
      ids: their tokens, int32 [texts, tokens].
      folder: where the files go.
    """
    from tfkd.benchmark.inputs import text_inputs
    from tfkd.export.litert_classifier import LiteRtClassifier
    from tfkd.export.teacher_export import export_teacher
    from tfkd.training.finetune import load_finetuned
    from tfkd.transfer_set.shards import ShardedTable, some_texts
    from tools import peers

    model, tokens = student.model, FLAGS.tokens
    texts = student.tokenizer.encode(some_texts(ShardedTable(required("transfer_set")), 2000).texts, masked=True)
    to_fit = texts.padded(length=tokens)
    contents: dict[str, Callable[[], bytes]] = {
        name: functools.partial(_lowered, model, to_fit, ExportConfig(max_tokens=tokens, **changes))
        for name, changes in STUDENTS.items()
    }
    contents |= {
        "Keras 3's stock conversion": lambda: peers.keras_stock(model, tokens),
        "tf_keras' fused LSTM": lambda: peers.fused_lstm(model, tokens),
        "ONNX Runtime, int8": lambda: peers.onnx_int8(model, tokens),
    }
    made: list[Candidate] = []
    for name, content in contents.items():
        say(f"{name}: being made")
        path = folder / f"{len(made)}{'.onnx' if 'ONNX' in name else '.tflite'}"
        path.write_bytes(content())
        made.append(Candidate(name, path, [ids[:, np.newaxis]]))
    if FLAGS.teacher:
        say("the teacher: being made")
        path, finetuned = folder / "teacher.tflite", load_finetuned(FLAGS.teacher)
        config = ExportConfig(max_tokens=tokens, min_agreement=0.98)
        export_teacher(finetuned.teacher, finetuned.label_names, dev, path, config)
        inputs = text_inputs(path, LiteRtClassifier.from_file(path).tokenizer, dev.columns)
        made.append(Candidate("the teacher, MiniLM-L6, int8 weights", path, inputs))
    if FLAGS.bert_base:
        say("BERT-base: being made")
        path = folder / "bert_base.tflite"
        path.write_bytes(peers.bert_base(tokens))
        made.append(Candidate("BERT-base, int8 weights, random", path, [ids[:, np.newaxis]], is_trained=False))
    return made


def _lowered(model: Any, token_ids: np.ndarray, config: ExportConfig) -> bytes:
    from tfkd.export.exporter import fitted
    from tfkd.export.lowering import lower
    from tfkd.models.keras_layers import weights_of

    weights, arithmetic = fitted(weights_of(model), token_ids, config)
    return lower(weights, config.lengths, arithmetic, config.lowering)


def runner_of(path: Path) -> Callable[..., np.ndarray]:
    """Returns what gives the probabilities [1, classes] of one text's ids [1, tokens], on one thread."""
    if path.suffix != ".onnx":
        return interpreter_runner(path)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options)
    name = session.get_inputs()[0].name
    return lambda ids: session.run(None, {name: ids})[0]


def _loaders(path: Path, label_names: Sequence[str]) -> str:
    """Which runtimes take the file."""
    loaders = ["Interpreter"]
    with contextlib.suppress(InputError):
        compiled_runner(path)
        loaders.append("CompiledModel")
    # It raises RuntimeError or ValueError, by where it finds that it can't.
    with contextlib.suppress(RuntimeError, ValueError):
        _classify_in_mediapipe(path, label_names)
        loaders.append("MediaPipe")
    return ", ".join(loaders)


def _classify_in_mediapipe(path: Path, label_names: Sequence[str]) -> None:
    """Opens a file in MediaPipe and classifies a text; one without metadata is said to take ids of words."""
    import mediapipe as mp

    from tfkd.export.metadata import ModelMetadata, with_metadata
    from tfkd.text.vocabulary import Vocabulary
    from tfkd.text.word_tokenizer import WordTokenizer

    content = path.read_bytes()
    if not zipfile.is_zipfile(path):
        words = WordTokenizer(Vocabulary.from_counts({"word": 1}, max_size=3))
        content = with_metadata(content, ModelMetadata("peer", "", words, tuple(label_names), FLAGS.tokens))
    text = mp.tasks.text
    options = text.TextClassifierOptions(base_options=mp.tasks.BaseOptions(model_asset_buffer=content))
    with silenced(), text.TextClassifier.create_from_options(options) as classifier:
        classifier.classify("word")


def _start_app(arguments: list[str]) -> None:
    try:
        main(arguments)
    except TfkdError as e:
        sys.exit(f"compare_lowerings: {e}")


if __name__ == "__main__":
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote, of single texts")
    flags.DEFINE_string("transfer_set", "", "folder of texts that int8, ranks and tables are fitted to")
    flags.DEFINE_string("teacher", "", "folder that tfkd finetune wrote: a line of its own")
    flags.DEFINE_bool("bert_base", False, "a line for BERT-base, of random weights: what it costs")
    flags.DEFINE_integer("tokens", 32, "length of the models")
    flags.DEFINE_bool("arm64", True, "count ARM64 instructions")
    flags.DEFINE_string("out", "", "file to write the table to")
    define_seed()
    define_flags_of(DataConfig)
    app.run(_start_app)
