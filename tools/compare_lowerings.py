"""What each lowering of a student costs, beside its peers on the same weights: the table of docs/LOWERINGS.md.

    python tools/compare_lowerings.py --student=runs/sst2/student --transfer_set=runs/sst2/transfer_set \
        --data=../shared/data/sst2 --labels=negative,positive --detokenize=treebank

Needs the `dev` extra. Instructions are counted if the emulator is at hand (--arm64). The table, in Markdown, is
printed; --out writes it to a file too.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from tfkd.benchmark.arm64 import instructions
from tfkd.benchmark.host import latencies_us
from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, ExportConfig
from tfkd.errors import TfkdError
from tfkd.files import write_text
from tfkd.native_stderr import import_tensorflow, silenced
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
_FIRST_RESULT = r"""
import re, sys, time
import numpy as np
{imports}
def megabytes(name): return int(re.search(name + r":\s+(\d+) kB", open("/proc/self/status").read())[1]) / 1e3
with open("/proc/self/clear_refs", "w") as f: f.write("5")  # forgets the peak of the imports
before, started = megabytes("VmRSS"), time.perf_counter()
{first}
print((time.perf_counter() - started) * 1e3, megabytes("VmHWM") - before)
"""
_LITERT = (
    "from ai_edge_litert.interpreter import Interpreter",
    "m = Interpreter(model_path=sys.argv[1], num_threads=1); m.allocate_tensors(); d = m.get_input_details()\n"
    "for i in d: m.set_tensor(i['index'], np.ones(i['shape'], np.int32))\n"
    "m.invoke()",
)
_ONNX = (
    "import onnxruntime",
    "o = onnxruntime.SessionOptions(); o.intra_op_num_threads = 1\n"
    "m = onnxruntime.InferenceSession(sys.argv[1], o); i = m.get_inputs()[0]\n"
    "m.run(None, {i.name: np.ones(i.shape, np.int32)})",
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
        runners = [_runner(candidate.path) for candidate in made]
        for candidate, run in zip(made, runners, strict=True):
            say(f"{candidate.name}: being measured")
            found = np.stack([run(row) for row in ids])
            same = found.argmax(1) == reference.argmax(1)
            candidate.cells["accuracy"] = f"{100 * np.mean(found.argmax(1) == dev.labels):.2f} %"
            candidate.cells["agrees"] = f"{100 * same.mean():.2f} %"
            candidate.cells["size"] = f"{candidate.path.stat().st_size / 1e6:.2f} MB"
            candidate.cells["first result"], candidate.cells["peak memory"] = _start(candidate.path)
            candidate.cells["loads in"] = _loaders(candidate.path)
            candidate.cells["instructions"] = _instructions(candidate.path, student.model.vocabulary_size)
        times = latencies_us(runners, [(row,) for row in ids[encoded.lengths >= tokens // 2][:_ROWS]], _ROUNDS)
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


def _runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Returns what gives the probabilities of one text's ids, on one thread."""
    if path.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path.read_bytes(), options)
        name = session.get_inputs()[0].name
        return lambda ids: session.run(None, {name: ids[np.newaxis]})[0][0]
    from ai_edge_litert.interpreter import Interpreter

    with silenced():
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    (given,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(ids: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], ids[np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(output["index"])[0]

    return run


def _start(path: Path) -> tuple[str, str]:
    """Time to the first result and peak memory, in a process of its own: the least of five."""
    imports, first = _ONNX if path.suffix == ".onnx" else _LITERT
    script = _FIRST_RESULT.format(imports=imports, first=first)
    outputs = [
        subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout
        for _ in range(5)
    ]
    milliseconds, megabytes = np.min([list(map(float, out.split())) for out in outputs], axis=0)
    return f"{milliseconds:.1f} ms", f"{megabytes:.1f} MB"


def _loaders(path: Path) -> str:
    """Which runtimes take the file."""
    if path.suffix == ".onnx":
        return "ONNX Runtime"
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.schema_py_generated import Model

    loaders = ["Interpreter"]
    with silenced():
        try:
            CompiledModel.from_file(str(path))
            loaders.append("CompiledModel")
        except (RuntimeError, ValueError):
            pass
    if Model.GetRootAs(path.read_bytes()).SubgraphsLength() == 1:
        loaders.append("MediaPipe")
    return ", ".join(loaders)


def _instructions(path: Path, vocabulary_size: int) -> str:
    """ARM64 instructions of one inference over a text as long as the model, by the emulator."""
    if path.suffix == ".onnx" or not Path(FLAGS.arm64).is_file():
        return "-"
    return f"{instructions(path, Path(FLAGS.arm64), vocabulary_size) / 1e6:.2f} M"


def _start_app(arguments: list[str]) -> None:
    try:
        main(arguments)
    except TfkdError as e:
        sys.exit(f"compare_lowerings: {e}")


if __name__ == "__main__":
    flags.DEFINE_string("student", "", "folder that tfkd distill wrote, of single texts")
    flags.DEFINE_string("transfer_set", "", "folder of texts that int8, ranks and tables are fitted to")
    flags.DEFINE_integer("tokens", 32, "length of the models")
    flags.DEFINE_string("arm64", "../shared/tools/arm64_insns/count.py", "counter of instructions, if it is there")
    flags.DEFINE_string("out", "", "file to write the table to")
    define_seed()
    define_flags_of(DataConfig)
    app.run(_start_app)
