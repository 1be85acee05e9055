"""Several models measured in turn, over the same texts: here, on phones, and in emulated ARM64."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.benchmark.arm64 import Arm64Emulator, InstructionCount
from tfkd.benchmark.host import RUNNERS, StartUp, start_up, timings_us
from tfkd.benchmark.inputs import input_ranges, text_inputs
from tfkd.benchmark.phone import Adb, Phone, PhoneTimes
from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.native_stderr import silenced
from tfkd.progress import progress_bar, say
from tfkd.text.tokenizer import Tokenizer

_COUNTED_ROWS = 20


@dataclass(frozen=True)
class Latency:
    """Time of one inference: ids in, probabilities out.

    Attributes:
      median_us, p95_us: microseconds, of all timed ones the median and the one that 95 % don't exceed.
    """

    median_us: float
    p95_us: float


@dataclass(frozen=True)
class ModelFigures:
    """What a model costs.

    Attributes:
      path: the file.
      size_bytes: its size.
      latency: on this machine, by runtime (see tfkd.benchmark.host.RUNNERS).
      refused: why a runtime can't run it, by runtime.
      start: opening it here.
      arm64: instructions, if they were counted.
      phones: on each phone, by its serial.
    """

    path: Path
    size_bytes: int
    latency: dict[str, Latency]
    refused: dict[str, str]
    start: StartUp
    arm64: InstructionCount | None = None
    phones: dict[str, PhoneTimes] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns the figures by name, the path as text."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class PhoneRun:
    """How phones are to measure.

    Attributes:
      adb: reaches them.
      phones: those to use.
      binary: benchmark_model of their ABI.
      profile: whether operators are timed too.
    """

    adb: Adb
    phones: Sequence[Phone]
    binary: Path
    profile: bool = False


def compare_models(
    models: Sequence[Path],
    columns: Sequence[Sequence[str]],
    threads: int = 1,
    rounds: int = 1000,
    emulator: Arm64Emulator | None = None,
    phone_run: PhoneRun | None = None,
) -> list[ModelFigures]:
    """Returns the figures of each model.

    Models of another converter's, without a vocabulary, read the ids of the first that has one: they are taken for
    the same student. A file of several lengths is measured at its longest.

    Args:
      models: .tflite files.
      columns: real texts; of pairs the first and the second ones.
      threads: of one inference, here and on phones.
      rounds: inferences timed of each model and runtime; they take turns, so that ratios hold while the machine drifts.
      emulator: counts ARM64 instructions.
      phone_run: measures on phones too.

    Raises:
      InputError: no model has a vocabulary, one can't be run or takes other inputs, or a phone fails.
    """
    tokenizers = _tokenizers(models)
    inputs = {
        model: text_inputs(model, tokenizer, columns) for model, tokenizer in zip(models, tokenizers, strict=True)
    }
    latency, refused = _latencies(inputs, threads, rounds)
    figures = []
    for model, tokenizer in zip(models, tokenizers, strict=True):
        say(f"benchmark: {model}: opened anew" + (", and in the emulator" if emulator else ""))
        rows = inputs[model]
        phones = {}
        if phone_run is not None:
            for phone in phone_run.phones:
                say(f"benchmark: {model}: on {phone.name}")
                ranges = input_ranges(model, tokenizer)
                phones[phone.serial] = phone_run.adb.benchmark(
                    phone, phone_run.binary, model, ranges, rounds, threads, phone_run.profile
                )
        figures.append(
            ModelFigures(
                path=model,
                size_bytes=model.stat().st_size,
                latency=latency[model],
                refused=refused[model],
                start=start_up(model, rows),
                arm64=None if emulator is None else emulator.count(model, [array[:_COUNTED_ROWS] for array in rows]),
                phones=phones,
            )
        )
    return figures


def _tokenizers(models: Sequence[Path]) -> list[Tokenizer]:
    """The tokenizer of each model: its own, or that of the first which has one."""
    own: dict[Path, Tokenizer] = {}
    problem = InputError("no models")
    for model in models:
        try:
            own[model] = LiteRtClassifier.from_file(model).tokenizer
        except InputError as e:
            problem = e
    if not own:
        raise problem
    first = next(iter(own.values()))
    return [own.get(model, first) for model in models]


def _latencies(
    inputs: Mapping[Path, list[np.ndarray]], threads: int, rounds: int
) -> tuple[dict[Path, dict[str, Latency]], dict[Path, dict[str, str]]]:
    """The times of each model in each runtime that takes it, and why others don't."""
    latency: dict[Path, dict[str, Latency]] = {model: {} for model in inputs}
    refused: dict[Path, dict[str, str]] = {model: {} for model in inputs}
    runners, arguments = {}, []
    for model, arrays in inputs.items():
        for runtime, runner in RUNNERS.items():
            try:
                runners[model, runtime] = runner(model, threads)
            except InputError as e:
                refused[model][runtime] = str(e)
                continue
            arguments.append(list(zip(*arrays, strict=True)))
        if not any(of == model for of, _ in runners):
            raise InputError("; ".join(refused[model].values()))
    say(f"benchmark: {rounds} inferences of each in turn")
    with progress_bar(rounds, "benchmark", "rounds") as bar:
        times = timings_us(list(runners.values()), arguments, rounds, bar)
    for (model, runtime), column in zip(runners, times.T, strict=True):
        latency[model][runtime] = Latency(*np.percentile(column, [50, 95]).tolist())
    with silenced():  # CompiledModel tells of its end
        runners.clear()
    return latency, refused
