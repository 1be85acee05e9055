"""What each lowering of a student costs, beside its peers on the same weights: the table of docs/LOWERINGS.md.

    python tools/compare_lowerings.py --student=runs/sst2/student --transfer_set=runs/sst2/transfer_set \
        --data=../shared/data/sst2 --labels=negative,positive --detokenize=treebank

Needs the `dev` extra. With --arm64 instructions are counted in an emulator, whose parts are fetched once. The table, in
Markdown, is printed; --out writes it to a file too.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from tfkd.benchmark.arm64 import arm64_emulator
from tfkd.benchmark.host import INTERPRETER_START, compiled_runner, interpreter_runner, start_up, timings_us
from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, ExportConfig
from tfkd.errors import InputError, TfkdError
from tfkd.files import write_text
from tfkd.native_stderr import import_tensorflow
from tfkd.progress import say
from tfkd.report.markdown import markdown_table

# Each with what sets it apart from the defaults.
STUDENTS: dict[str, dict[str, Any]] = {
    "unrolled, float32": {"quantization": "float32"},
    "unrolled, float16": {"quantization": "float16"},
    "unrolled, dynamic int8": {},
    "unrolled, int8": {"quantization": "int8"},
    "folded, int8": {"quantization": "int8", "lowering": "folded"},
    "folded, int8, table of 4 bits": {"quantization": "int8", "lowering": "folded", "table_bits": 4},
    "while, dynamic int8": {"lowering": "while"},
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
    """A file, and what is known of it."""

    name: str
    path: Path
    cells: dict[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> None:
    import_tensorflow()
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from tfkd.pipeline.data import read_sentences
    from tfkd.training.student_folder import load_student
    from tfkd.transfer_set.shards import ShardedTable, some_texts
    from tools import peers

    student = load_student(required("student"))
    dev = read_sentences(config_of(DataConfig), FLAGS.seed).dev
    tokens = FLAGS.tokens
    encoded = student.tokenizer.encode(dev.texts)
    ids = encoded.padded(length=tokens)
    reference = student.model.probabilities(encoded, max_tokens=tokens)
    texts = student.tokenizer.encode(some_texts(ShardedTable(required("transfer_set")), 2000).texts)
    with tempfile.TemporaryDirectory() as folder:
        made: list[Candidate] = []

        def add(name: str, suffix: str, content: Callable[[], bytes]) -> None:
            say(f"{name}: being made")
            path = Path(folder) / f"{len(made)}{suffix}"
            path.write_bytes(content())
            made.append(Candidate(name, path))

        for name, changes in STUDENTS.items():
            config = ExportConfig(**{"max_tokens": tokens, **changes})
            add(name, ".tflite", functools.partial(_lowered, student.model, texts.padded(length=tokens), config))
        add("Keras 3's stock conversion", ".tflite", lambda: peers.keras_stock(student.model, tokens))
        add("tf_keras' fused LSTM", ".tflite", lambda: peers.fused_lstm(student.model, tokens))
        add("ONNX Runtime, int8", ".onnx", lambda: peers.onnx_int8(student.model, tokens))
        onnx = [candidate.path.suffix == ".onnx" for candidate in made]
        runners = [runner_of(candidate.path) for candidate in made]
        rows = ids[:, np.newaxis]
        emulator = arm64_emulator() if FLAGS.arm64 else None
        for candidate, run, is_onnx in zip(made, runners, onnx, strict=True):
            say(f"{candidate.name}: being measured")
            found = np.concatenate([run(row) for row in rows])
            same = found.argmax(1) == reference.argmax(1)
            candidate.cells["accuracy"] = f"{100 * np.mean(found.argmax(1) == dev.labels):.2f} %"
            candidate.cells["agrees"] = f"{100 * same.mean():.2f} %"
            candidate.cells["size"] = f"{candidate.path.stat().st_size / 1e6:.2f} MB"
            start = start_up(candidate.path, [rows], _ONNX_START if is_onnx else INTERPRETER_START)
            candidate.cells["first result"] = f"{start.first_result_ms:.1f} ms"
            candidate.cells["peak memory"] = f"{start.peak_memory_mb:.1f} MB"
            candidate.cells["loads in"] = "ONNX Runtime" if is_onnx else _loaders(candidate.path)
            candidate.cells["instructions"] = "-"
            if emulator is not None and not is_onnx:
                counted = emulator.count(candidate.path, [rows[encoded.lengths >= tokens][:10]])
                candidate.cells["instructions"] = f"{counted.inference / 1e6:.2f} M"
        timed = [(row,) for row in rows[encoded.lengths >= tokens // 2][:_ROWS]]
        times = np.median(timings_us(runners, [timed] * len(runners), _ROUNDS), axis=0)
        for candidate, time in zip(made, times, strict=True):
            candidate.cells["host time"] = f"{time / min(times):.2f}"
    columns = ("instructions", "host time", "first result", "peak memory", "size", "accuracy", "agrees", "loads in")
    table = markdown_table([("", *columns), *((c.name, *(c.cells[column] for column in columns)) for c in made)])
    print(table)
    if FLAGS.out:
        write_text(Path(FLAGS.out), table + "\n")


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


def _loaders(path: Path) -> str:
    """Which runtimes take the file."""
    from ai_edge_litert.schema_py_generated import Model

    loaders = ["Interpreter"]
    with contextlib.suppress(InputError):
        compiled_runner(path)
        loaders.append("CompiledModel")
    if Model.GetRootAs(path.read_bytes()).SubgraphsLength() == 1:
        loaders.append("MediaPipe")
    return ", ".join(loaders)


def _start_app(arguments: list[str]) -> None:
    try:
        main(arguments)
    except TfkdError as e:
        sys.exit(f"compare_lowerings: {e}")


if __name__ == "__main__":
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote, of single texts")
    flags.DEFINE_string("transfer_set", "", "folder of texts that int8, ranks and tables are fitted to")
    flags.DEFINE_integer("tokens", 32, "length of the models")
    flags.DEFINE_bool("arm64", True, "count ARM64 instructions")
    flags.DEFINE_string("out", "", "file to write the table to")
    define_seed()
    define_flags_of(DataConfig)
    app.run(_start_app)
