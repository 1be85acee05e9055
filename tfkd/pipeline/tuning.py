"""Which of the files that a student can become is the best within limits."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfkd.benchmark.arm64 import Arm64Emulator
from tfkd.benchmark.host import interpreter_runner, timings_us
from tfkd.benchmark.inputs import full_inputs, text_inputs
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.exporter import ExportResult, export_student, fault_of
from tfkd.export.lowering import is_folded
from tfkd.files import atomic_path, folder_beside
from tfkd.models.compression import in_few_dimensions
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.progress import progress_bar, say
from tfkd.report.markdown import markdown_table
from tfkd.text.examples import Examples
from tfkd.text.tokenizer import Tokenizer
from tfkd.training.student_folder import Student

_ROUNDS = 400
_COUNTED_ROWS = 10


@dataclass(frozen=True)
class Trial:
    """One way to export a student, and what came of it.

    Attributes:
      config: length, arithmetic and size.
      result: what was exported; None if it wasn't.
      problem: why it wasn't, in a line.
      accuracy: share of the dev texts that it gives their label.
      latency_us: median time of a dev text's ids on this machine, all trials measured in turn.
      instructions: of ARM64, of a text as long as the file reads; None if they weren't counted.
      in_mediapipe: whether MediaPipe takes it too.
    """

    config: ExportConfig
    result: ExportResult | None = None
    problem: str = ""
    accuracy: float = float("nan")
    latency_us: float = float("nan")
    instructions: int | None = None
    in_mediapipe: bool = False

    @property
    def costs(self) -> tuple[float, float, float]:
        """What is better if it is less: instructions or else time, bytes, labels other than the Keras student's."""
        assert self.result is not None
        time = self.latency_us if self.instructions is None else self.instructions
        return time, self.result.size_bytes, 1 - self.result.parity.label_agreement


def combinations(config: ExportConfig, model: BiLstmClassifier, given: Set[str] = frozenset()) -> list[ExportConfig]:
    """Returns the ways to export that are worth trying, each once, all of them by `config` in what they leave open.

    Args:
      config: length, limits, and the runtime that must take the file.
      model: the student.
      given: names of the flags that are to be as `config` has them.
    """
    folded = () if is_folded(in_few_dimensions(weights_of(model))) else ("folded",)
    ways: list[dict[str, Any]] = [
        {"lowering": lowering, "quantization": quantization}
        for lowering in ("unrolled", *folded, "while")
        for quantization in ("dynamic_int8", "int8")
    ]
    ways.append({"lowering": "unrolled", "quantization": "float16"})
    ways += [
        {"lowering": lowering, "quantization": "int8", "export_table_bits": 4} for lowering in ("unrolled", "while")
    ]
    ways += [
        {"lowering": "unrolled", "quantization": "int8", "table_dim": model.embedding_dim // part}
        for part in (2, 4)
        if model.embedding_dim // part >= 16
    ]
    found: list[ExportConfig] = []
    for way in ways:
        # What is left of a way with the flags given may be impossible, such as four bits of float16, or there already.
        with contextlib.suppress(ValueError):
            tried = dataclasses.replace(config, **{name: value for name, value in way.items() if name not in given})
            if tried not in found:
                found.append(tried)
    return found


def tune(
    student: Student,
    dev: Examples,
    texts: Examples,
    config: ExportConfig,
    out: Path,
    emulator: Arm64Emulator | None = None,
    given: Set[str] = frozenset(),
) -> list[Trial]:
    """Exports a student in each way that is worth trying, and keeps the fastest file within `config`'s limits.

    Args:
      student: to export.
      dev: what files are measured on.
      texts: what they are fitted to.
      config: length, limits, and the runtime that must take the file.
      out: the file to write.
      emulator: counts ARM64 instructions; with it the fastest is that of the fewest.
      given: names of the flags that are to be as `config` has them.

    Returns:
      The trials, the fastest first, those that failed last.

    Raises:
      InputError: none is within the limits, or `out` can't be written.
    """
    with folder_beside(out) as folder:  # not elsewhere: what can't be written there is to be known before all this
        trials = []
        ways = combinations(config, student.model, given)
        for i, way in enumerate(ways):
            say(f"tune: file {i + 1} of {len(ways)}: {described(way)}")
            try:
                result = export_student(
                    student.model,
                    student.tokenizer,
                    student.label_names,
                    dev,
                    texts,
                    folder / f"{i}.tflite",
                    way,
                    name=out.stem,
                )
            except InputError as e:
                trials.append(Trial(way, problem=fault_of(e)))
                say(f"tune: not written: {trials[-1].problem}")
                continue
            accuracy = float(np.mean(result.probabilities.argmax(1) == dev.labels))
            in_mediapipe = way.is_straight_line and not student.model.pairs
            trials.append(Trial(way, result, accuracy=accuracy, in_mediapipe=in_mediapipe))
        trials = _timed(trials, student.tokenizer, dev)
        if emulator is not None:
            with progress_bar(len(trials), "tune: instructions", "files") as bar:
                for i, trial in enumerate(trials):
                    trials[i] = _counted(trial, student, emulator)
                    bar.update(1)
        trials.sort(key=lambda trial: trial.costs if trial.result is not None else (math.inf,) * 3)
        best = next((trial for trial in trials if trial.result is not None), None)
        if best is None or best.result is None:
            raise InputError(_why_none(trials))
        with atomic_path(out) as temporary:
            shutil.copy(best.result.path, temporary)
    return trials


def described(config: ExportConfig) -> str:
    """Returns the flags of a way to export."""
    return " ".join([f"--lowering={config.lowering}", f"--quantization={config.quantization}", *config.cut_down_by])


def trials_table(trials: Sequence[Trial]) -> str:
    """Returns the trials as a table in Markdown; a star marks those that no other beats in all of time, size and
    agreement."""
    measured = [trial for trial in trials if trial.result is not None]
    counted = any(trial.instructions is not None for trial in measured)
    header = ("", "flags", *(["instructions"] if counted else []), "time", "size", "accuracy", "agreement", "runs in")
    rows = [header]
    for trial in trials:
        if trial.result is None:
            rows.append(("", described(trial.config), *["-"] * (len(header) - 3), "not written"))
            continue
        beaten = any(_beats(other, trial) for other in measured)
        rows.append(
            (
                "" if beaten else "*",
                described(trial.config),
                *([] if trial.instructions is None else [f"{trial.instructions / 1e6:.2f} M"]),
                f"{trial.latency_us:.0f} us",
                f"{trial.result.size_bytes / 1e6:.2f} MB",
                f"{trial.accuracy:.2%}",
                f"{trial.result.parity.label_agreement:.2%}",
                "LiteRT, MediaPipe" if trial.in_mediapipe else "LiteRT",
            )
        )
    return markdown_table(rows)


def _why_none(trials: Sequence[Trial]) -> str:
    """Why all trials failed, those of one reason together."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for trial in trials:
        by_reason[trial.problem].append(described(trial.config))
    if len(by_reason) == 1:
        return trials[0].problem
    reasons = "; ".join(f"{', '.join(ways)}: {reason}" for reason, ways in by_reason.items())
    return f"nothing to export is within the limits: {reasons}"


def _beats(one: Trial, other: Trial) -> bool:
    return one.costs != other.costs and all(a <= b for a, b in zip(one.costs, other.costs, strict=True))


def _timed(trials: list[Trial], tokenizer: Tokenizer, dev: Examples) -> list[Trial]:
    """The trials with their times."""
    files = {i: trial.result.path for i, trial in enumerate(trials) if trial.result is not None}
    texts = dev.spread(_ROUNDS).columns
    rows = [list(zip(*text_inputs(file, tokenizer, texts), strict=True)) for file in files.values()]
    with progress_bar(_ROUNDS, "tune: times", "rounds") as bar:
        times = timings_us([interpreter_runner(file) for file in files.values()], rows, _ROUNDS, bar)
    by_trial = dict(zip(files, np.median(times, axis=0).tolist(), strict=True))
    return [dataclasses.replace(t, latency_us=by_trial[i]) if i in by_trial else t for i, t in enumerate(trials)]


def _counted(trial: Trial, student: Student, emulator: Arm64Emulator) -> Trial:
    if trial.result is None:
        return trial
    inputs = full_inputs(trial.result.path, student.tokenizer, _COUNTED_ROWS, 1 + student.model.pairs)
    return dataclasses.replace(trial, instructions=emulator.count(trial.result.path, inputs).inference)
