"""Several models measured in turn, over the same texts: here, on phones, and in emulated ARM64."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.benchmark.arm64 import Arm64Emulator, InstructionCount
from tfkd.benchmark.host import RUNNERS, StartUp, interpreter_runner, start_up, timings_us
from tfkd.benchmark.inputs import input_ranges, text_inputs
from tfkd.benchmark.phone import Adb, Phone, PhoneTimes
from tfkd.benchmark.weights import weights_type
from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.metadata import ModelMetadata, NoVocabularyError
from tfkd.files import sha256_of
from tfkd.native_stderr import silenced
from tfkd.progress import progress_bar, say
from tfkd.text.examples import Examples, check_task

_TIMED_ROWS, _COUNTED_ROWS = 200, 20
# So tfkd.export.teacher_export describes its files.
_OF_A_BERT = "A BERT"


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
      start: opening it here; None where it can't be measured.
      accuracy: share of the texts to which it gives their label; None if it has other labels than they, or doesn't give
        a number for each.
      arm64: instructions, if they were counted.
      kernels: instructions of one inference by kind of kernel, or library, if it was profiled.
      phones: on each phone, by its serial.
      sha256: of the file; "" if an earlier tfkd measured it, as are the next two.
      weights: type of most of its weights, such as "int8".
      description: what its metadata says of it, if it has any.
    """

    path: Path
    size_bytes: int
    latency: dict[str, Latency]
    refused: dict[str, str]
    start: StartUp | None
    accuracy: float | None
    arm64: InstructionCount | None = None
    kernels: dict[str, int] = dataclasses.field(default_factory=dict)
    phones: dict[str, PhoneTimes] = dataclasses.field(default_factory=dict)
    sha256: str = ""
    weights: str = ""
    description: str = ""

    @property
    def is_berts(self) -> bool:
        """Whether the file is a BERT's; of files that don't say what they are those called teacher are."""
        return self.description.startswith(_OF_A_BERT) if self.description else "teacher" in self.path.stem

    def as_json(self) -> dict[str, Any]:
        """Returns the figures by name, the path as text."""
        return {**dataclasses.asdict(self), "path": str(self.path)}

    @classmethod
    def of_json(cls, figures: dict[str, Any]) -> ModelFigures:
        """Returns what `as_json` gave.

        Raises:
          KeyError, TypeError, AttributeError: it didn't.
        """
        return cls(
            path=Path(figures["path"]),
            size_bytes=figures["size_bytes"],
            latency={runtime: Latency(**times) for runtime, times in figures["latency"].items()},
            refused=figures["refused"],
            start=None if figures["start"] is None else StartUp(**figures["start"]),
            accuracy=figures["accuracy"],
            arm64=None if figures["arm64"] is None else InstructionCount(**figures["arm64"]),
            kernels=figures["kernels"],
            phones={serial: PhoneTimes(**times) for serial, times in figures["phones"].items()},
            **{name: figures.get(name, "") for name in ("sha256", "weights", "description")},
        )


@dataclass(frozen=True)
class PhoneRun:
    """How phones are to measure.

    Attributes:
      adb: reaches them.
      phones: those to use.
      binary: benchmark_model of their ABI.
    """

    adb: Adb
    phones: Sequence[Phone]
    binary: Path


def compare_models(
    models: Sequence[Path],
    texts: Examples,
    label_names: Sequence[str],
    threads: int = 1,
    rounds: int = 1000,
    emulator: Arm64Emulator | None = None,
    phone_run: PhoneRun | None = None,
    profile: bool = False,
) -> list[ModelFigures]:
    """Returns the figures of each model.

    Models of another converter's, without a vocabulary, read the ids of the nearest before them that has one: they are
    taken for the same student. A file of several lengths is measured at its longest.

    Args:
      models: .tflite files.
      texts: real ones, with their labels; some hundred of them are timed.
      label_names: of their labels.
      threads: of one inference, here and on phones.
      rounds: inferences timed of each model and runtime; they take turns, so that ratios hold while the machine drifts.
      emulator: counts ARM64 instructions.
      phone_run: measures on phones too.
      profile: whether phones time each operator too, and the emulator counts by kind of kernel.

    Raises:
      InputError: no model has a vocabulary, one can't be run or takes other inputs, or a phone fails.
    """
    described = _metadata(models)
    readers = list(zip(models, _readers(described), strict=True))
    inputs = {
        model: text_inputs(model, reader.tokenizer, texts.spread(_TIMED_ROWS).columns) for model, reader in readers
    }
    latency, refused = _latencies(inputs, threads, rounds)
    figures = []
    for (model, reader), own in zip(readers, described, strict=True):
        say(f"benchmark: {model}: opened anew" + (", and in the emulator" if emulator else ""))
        rows = inputs[model]
        counted = [array[:_COUNTED_ROWS] for array in rows]
        phones = {}
        if phone_run is not None:
            for phone in phone_run.phones:
                say(f"benchmark: {model}: on {phone.name}")
                ranges = input_ranges(model, reader.tokenizer)
                phones[phone.serial] = phone_run.adb.benchmark(
                    phone, phone_run.binary, model, ranges, rounds, threads, profile
                )
        figures.append(
            ModelFigures(
                path=model,
                size_bytes=model.stat().st_size,
                latency=latency[model],
                refused=refused[model],
                start=start_up(model, rows),
                accuracy=_accuracy(model, reader, texts, label_names),
                arm64=None if emulator is None else emulator.count(model, counted),
                kernels=emulator.profile(model, counted) if emulator and profile else {},
                phones=phones,
                sha256=sha256_of(model),
                weights=weights_type(model.read_bytes()),
                description=own.description if own else "",
            )
        )
    return figures


def _metadata(models: Sequence[Path]) -> list[ModelMetadata | None]:
    """What each model says of itself; None of another converter's.

    Raises:
      InputError: none says anything, or what one says can't be read.
    """
    found: list[ModelMetadata | None] = []
    problem = InputError("no models")
    for model in models:
        try:
            found.append(LiteRtClassifier.from_file(model).metadata)
        except NoVocabularyError as e:
            found.append(None)
            problem = e
    if not any(found):
        raise problem
    return found


def _readers(described: Sequence[ModelMetadata | None]) -> list[ModelMetadata]:
    """What says how each model reads texts: its own metadata, or the nearest's before it, or else the first's."""
    nearest = next(own for own in described if own)
    found = []
    for own in described:
        nearest = own or nearest
        found.append(nearest)
    return found


def _accuracy(model: Path, reader: ModelMetadata, texts: Examples, label_names: Sequence[str]) -> float | None:
    try:
        check_task(model, reader.label_names, None, label_names, texts.text_pairs is not None)
    except InputError as e:
        say(f"benchmark: {e}: its accuracy isn't measured")
        return None
    run, inputs = interpreter_runner(model), text_inputs(model, reader.tokenizer, texts.columns)
    found = np.concatenate([run(*row) for row in zip(*inputs, strict=True)])
    if found.shape[1:] != (len(label_names),):
        of_text = "x".join(map(str, found.shape[1:]))
        say(f"benchmark: {model}: gives {of_text} numbers, not one a label: its accuracy isn't measured")
        return None
    return float(np.mean(found.argmax(1) == texts.labels))


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
