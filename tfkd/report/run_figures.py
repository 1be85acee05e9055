"""All that the report of one run shows, worked out of what its models say on dev."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfkd.config import ExportConfig
from tfkd.report.coverage import Coverage, coverage, length_hint
from tfkd.report.disagreements import Disagreements, disagreements
from tfkd.report.metrics import ReliabilityBin, confusion, expected_calibration_error, reliability
from tfkd.report.run_summary import RunSummary
from tfkd.report.word_effects import ExplainedText, explain, rows_to_explain
from tfkd.text.examples import Corpus
from tfkd.text.tokenizer import Tokenizer

# Ten points: a label of 80 % is right 70 or 90 times of 100.
_LARGE_CALIBRATION_ERROR = 0.1


@dataclass(frozen=True)
class DevPredictions:
    """What two models say on dev, float32 [rows, classes] each.

    Attributes:
      teacher: its probabilities; None if there is no teacher.
      exported: those of the `.tflite` to ship.
    """

    teacher: np.ndarray | None
    exported: np.ndarray


@dataclass(frozen=True)
class ModelOnDev:
    """How one model does on dev.

    Attributes:
      confusion: rows by true label (outer) and predicted one (inner).
      reliability: how often it is right, by how sure it is.
      calibration_error: the expected one.
    """

    confusion: list[list[int]]
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float

    @property
    def misjudges_itself(self) -> str:
        """In which direction its probabilities are far off; "" if they aren't."""
        if self.calibration_error <= _LARGE_CALIBRATION_ERROR:
            return ""
        surer_than_right = sum(b.rows * (b.confidence - b.accuracy) for b in self.reliability)
        return "too high" if surer_than_right > 0 else "too low"

    @classmethod
    def of(cls, labels: np.ndarray, probabilities: np.ndarray) -> ModelOnDev:
        """Returns how a model of these probabilities does: labels int [rows], probabilities float [rows, classes]."""
        return cls(
            confusion(labels, probabilities.argmax(1), probabilities.shape[1]),
            reliability(labels, probabilities),
            expected_calibration_error(labels, probabilities),
        )


@dataclass(frozen=True)
class RunFigures:
    """A run's figures.

    Attributes:
      summary: the run in brief.
      notes: what was said of its data.
      pairs: whether its texts are pairs.
      teacher: how it does on dev; None if there is none.
      exported: how the `.tflite` file does.
      disagreements: of the two; None if there is no teacher.
      explained: some texts, and what each word does in the `.tflite` file.
      coverage: how much of dev the file reads.
      length_hint: on a --max_tokens that would do better; "" if there is none.
    """

    summary: RunSummary
    notes: tuple[str, ...]
    pairs: bool
    teacher: ModelOnDev | None
    exported: ModelOnDev
    disagreements: Disagreements | None
    explained: tuple[ExplainedText, ...]
    coverage: Coverage
    length_hint: str


def run_figures(
    summary: RunSummary,
    corpus: Corpus,
    predictions: DevPredictions,
    predict: Callable[..., np.ndarray],
    tokenizer: Tokenizer,
    max_tokens: int,
    export: ExportConfig,
) -> RunFigures:
    """Returns a run's figures.

    Args:
      summary: the run in brief.
      corpus: what it was made of; its dev is what is looked at.
      predictions: for `corpus.dev`.
      predict: the `.tflite` file: raw texts, or pairs in two columns, to probabilities.
      tokenizer: the file's.
      max_tokens: how many tokens the file reads of a text.
      export: how the file was made.
    """
    dev, teacher, exported = corpus.dev, predictions.teacher, predictions.exported
    rows = rows_to_explain(dev.labels, exported, dev.columns)
    read = coverage(tokenizer, max_tokens, dev.columns)
    return RunFigures(
        summary=summary,
        notes=corpus.notes,
        pairs=corpus.pairs,
        teacher=None if teacher is None else ModelOnDev.of(dev.labels, teacher),
        exported=ModelOnDev.of(dev.labels, exported),
        disagreements=None if teacher is None else disagreements(dev.labels, teacher, exported, dev.columns),
        explained=tuple(explain(predict, [texts[row] for texts in dev.columns], int(dev.labels[row])) for row in rows),
        coverage=read,
        length_hint=length_hint(read, corpus.unit, export),
    )
