"""Time and memory of an inference on this machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.errors import InputError
from tfkd.export.litert_model import first_graph_inputs
from tfkd.native_stderr import silence_at_exit, silenced

_IN_A_ROW = 10
_FORGETS_PEAK = Path("/proc/self/clear_refs")  # of memory, if a 5 is written there, in Linux
# A process of its own: what is loaded once stays loaded.
_START = r"""
import re, sys, time
import numpy as np
{imports}
rows = np.load(sys.argv[2])
inputs = [rows[name][0] for name in rows.files]
def megabytes(name):
    return int(re.search(name + r":\s+(\d+) kB", open("/proc/self/status").read())[1]) / 1e3
with open("{forgets_peak}", "w") as f:
    f.write("5")
before, started = megabytes("VmRSS"), time.perf_counter()
{first}
print((time.perf_counter() - started) * 1e3, megabytes("VmHWM") - before)
"""
INTERPRETER_START = (
    "from ai_edge_litert.interpreter import Interpreter",
    "m = Interpreter(model_path=sys.argv[1], num_threads=1); m.allocate_tensors()\n"
    "for detail, value in zip(m.get_input_details(), inputs): m.set_tensor(detail['index'], value)\n"
    "m.invoke()",
)


@dataclass(frozen=True)
class StartUp:
    """What it takes from opening a file to its first result: the least of several processes.

    Attributes:
      first_result_ms: milliseconds.
      peak_memory_mb: by how much the process grew at most, in MB.
    """

    first_result_ms: float
    peak_memory_mb: float


def timings_us(
    calls: Sequence[Callable[..., object]],
    arguments: Sequence[Sequence[tuple[Any, ...]]],
    rounds: int,
    progress: Any = None,
) -> np.ndarray:
    """Returns the times of each call, in microseconds, float [rounds, calls]; they take turns, so that ratios hold.

    A turn is of ten calls in a row, before which the caches are warmed up by another one: they are full of what the
    call before needed.

    Args:
      calls: what is timed.
      arguments: of each call, taken in turn.
      rounds: how often each is timed.
      progress: has `update(n)`, called with the rounds done, while nothing is timed.
    """
    times = np.empty((rounds, len(calls)))
    for start in range(0, rounds, _IN_A_ROW):
        for column, (call, given) in enumerate(zip(calls, arguments, strict=True)):
            for i in (start, *range(start, min(start + _IN_A_ROW, rounds))):
                row = given[i % len(given)] if given else ()
                started = time.perf_counter()
                call(*row)
                times[i, column] = time.perf_counter() - started
        if progress is not None:
            progress.update(min(_IN_A_ROW, rounds - start))
    return times * 1e6


def interpreter_runner(model: Path, threads: int = 1) -> Callable[..., np.ndarray]:
    """Returns what runs a model's first graph in LiteRT's Interpreter: its inputs in their order, to its output.

    Raises:
      InputError: it can't be loaded.
    """
    from ai_edge_litert.interpreter import Interpreter

    with silenced():
        try:
            interpreter = Interpreter(model_path=str(model), num_threads=threads)
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            raise InputError(f"{model}: LiteRT's Interpreter can't load it: {_first_line(e)}") from e
    places = [detail["index"] for detail in interpreter.get_input_details()]
    output = interpreter.get_output_details()[0]["index"]

    def run(*inputs: np.ndarray) -> np.ndarray:
        try:
            for place, value in zip(places, inputs, strict=True):
                interpreter.set_tensor(place, value)
            interpreter.invoke()
        except (RuntimeError, ValueError) as e:
            raise InputError(
                f"{model}: fails on these inputs, which may be another model's ids: {_first_line(e)}"
            ) from e
        return interpreter.get_tensor(output)

    return run


def compiled_runner(model: Path, threads: int = 1) -> Callable[..., np.ndarray]:
    """Returns the same in LiteRT's CompiledModel.

    Raises:
      InputError: it can't be loaded, as one with TensorFlow's fused LSTM.
    """
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import CpuOptions, Options

    silence_at_exit()
    interpreter_runner(model)  # which verifies the file; CompiledModel dies of a damaged one
    options = Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=CpuOptions(num_threads=threads))
    with silenced():
        try:
            compiled = CompiledModel.from_file(str(model), options=options)
            signature = compiled.get_signature_by_index(0)["key"]
            # By name: a signature's order may be another one than the graph's.
            shapes = first_graph_inputs(model.read_bytes())
            given = {name: compiled.create_input_buffer_by_name(signature, name) for name in shapes}
            ((output, details),) = compiled.get_output_tensor_details(signature).items()
            result, shape = compiled.create_output_buffer_by_name(signature, output), tuple(details["shape"])

            def run(*inputs: np.ndarray) -> np.ndarray:
                for buffer, value in zip(given.values(), inputs, strict=True):
                    buffer.write(value)
                compiled.run_by_name(signature, given, {output: result})
                return result.read(int(np.prod(shape)), np.float32).reshape(shape)

            run(*(np.zeros(of_input, np.int32) for of_input in shapes.values()))  # it greets only now
        except (RuntimeError, ValueError) as e:
            raise InputError(f"{model}: LiteRT's CompiledModel can't run it: {_first_line(e)}") from e
    return run


RUNNERS = {"Interpreter": interpreter_runner, "CompiledModel": compiled_runner}


def start_up(
    model: Path, inputs: Iterable[np.ndarray], script: tuple[str, str] = INTERPRETER_START, processes: int = 5
) -> StartUp | None:
    """Measures a model's start, in Linux; elsewhere there is none.

    Args:
      model: the file.
      inputs: for each of its inputs [rows, *shape]; the first row is run.
      script: lines of Python that import a runtime, and that open `sys.argv[1]` with it and run `inputs`; LiteRT's
        Interpreter by default, on one thread.
      processes: how many are tried.

    Raises:
      InputError: the model can't be run.
    """
    if not _FORGETS_PEAK.exists():
        return None
    imports, first = script
    started = _START.format(imports=imports, first=first, forgets_peak=_FORGETS_PEAK)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npz"
        np.savez(rows, *(array[:1] for array in inputs))
        command = [sys.executable, "-c", started, str(model), str(rows)]
        found = []
        for _ in range(processes):
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                raise InputError(f"{model}: can't be run: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
            found.append([float(figure) for figure in done.stdout.split()])
    return StartUp(*np.min(found, axis=0).tolist())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
