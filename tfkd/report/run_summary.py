"""A run in brief: its figures and how they came about, and the answer that follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tfkd.benchmark.comparison import ModelFigures
from tfkd.report.metrics import confidence_interval, mean_figure


@dataclass(frozen=True)
class LearningCurve:
    """How one model learned.

    Attributes:
      model: teacher, student or baseline.
      seed: its.
      dev_accuracy: share of dev that is right after each epoch.
      loss: mean training loss of each epoch.
    """

    model: str
    seed: int
    dev_accuracy: tuple[float, ...]
    loss: tuple[float, ...]


@dataclass(frozen=True)
class Pruning:
    """What it cost the student to ship to be cut down to its vocabulary.

    Attributes:
      words: of the vocabulary that it began with.
      kept: of these.
      before: share of dev that was right with all words; None in a run of an earlier version, which didn't record it.
      after: at once with those that are kept, before it learned without the others.
    """

    words: int
    kept: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class RunSummary:
    """A finished run.

    Attributes:
      name: what it is called.
      metrics: what `metrics.json` holds (see tfkd.report.metrics).
      flags: all of its flags, as one would write them.
      changed_flags: those that differ from their defaults.
      teacher_size_bytes: of the teacher's weights; None if there is no teacher.
      pruning: of the student to ship.
      curves: of all models that were trained.
      seconds: wall time of each step, in their order.
      libraries: versions by name; empty if they weren't recorded.
      data_sha256: of the rows of `train` and `dev`.
      file_sha256: of the `.tflite` to ship.
      benchmark: of files that `tfkd benchmark` measured, the first to compare with; empty if it didn't.
      outdated: names of the run's own files that it measured before they were made anew; `benchmark` lacks them.
      phones: names of the phones that it measured on, by serial.
    """

    name: str
    metrics: dict[str, Any]
    flags: dict[str, str]
    changed_flags: dict[str, str]
    teacher_size_bytes: int | None
    pruning: Pruning
    curves: tuple[LearningCurve, ...]
    seconds: dict[str, float]
    libraries: dict[str, str]
    data_sha256: dict[str, str]
    file_sha256: str
    benchmark: tuple[ModelFigures, ...] = ()
    outdated: tuple[str, ...] = ()
    phones: dict[str, str] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """How many students there are."""
        return len(self.metrics["seeds"])

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the classes in order."""
        return tuple(self.metrics["label_names"])

    @property
    def size_bytes(self) -> int:
        """Size of the file to ship."""
        return self.metrics["export"]["size_bytes"]

    @property
    def student_us(self) -> float:
        """Median time of one text on the machine of the run, by the file to ship."""
        return self.metrics["latency"]["student_us"]

    @property
    def teacher_us(self) -> float | None:
        """The same of the teacher."""
        return self.metrics["latency"]["teacher_us"]

    @property
    def teacher_accuracy(self) -> float | None:
        """Share of dev that the teacher gets right."""
        return self.metrics["teacher"]["dev_accuracy"]

    def accuracy(self, group: str = "export") -> float | None:
        """Returns the dev accuracy of `export`, `student` or `baseline`: the mean over the seeds."""
        return mean_figure(self.metrics, group, "dev_accuracy")

    def spread(self, group: str = "export") -> float | None:
        """Returns the standard deviation of the same over the seeds; None for a single one."""
        return self.metrics["std"].get(f"{group}.dev_accuracy")

    def accuracies(self, group: str = "export") -> list[float]:
        """Returns the dev accuracy of each seed's `export`, `student` or `baseline`; those that there are."""
        found = [seed[group]["dev_accuracy"] for seed in self.metrics["seeds"]]
        return [accuracy for accuracy in found if accuracy is not None]

    @property
    def measured_student(self) -> ModelFigures | None:
        """What `tfkd benchmark` measured of the file to ship; an earlier tfkd's figures are told by name and size."""
        for of_file in self.benchmark:
            by_name = (of_file.path.name, of_file.size_bytes) == ("student.tflite", self.size_bytes)
            if of_file.sha256 == self.file_sha256 if of_file.sha256 else by_name:
                return of_file
        return None

    @property
    def measured_pair(self) -> tuple[ModelFigures, ModelFigures] | None:
        """What it measured of the teacher as a `.tflite` and of the file to ship, in turn; None unless it did both."""
        teacher = next((of_file for of_file in self.benchmark if of_file.is_berts), None)
        student = self.measured_student
        return None if teacher is None or student is None else (teacher, student)

    @property
    def accuracy_kept(self) -> float | None:
        """Share of the teacher's accuracy that the `.tflite` file has."""
        exported = self.accuracy()
        return exported / self.teacher_accuracy if self.teacher_accuracy and exported is not None else None

    @property
    def points_gained(self) -> float | None:
        """By how many points of accuracy the `.tflite` file is better than the baseline."""
        exported, baseline = self.accuracy(), self.accuracy("baseline")
        return None if exported is None or baseline is None else 100 * (exported - baseline)

    @property
    def times_smaller(self) -> float | None:
        """The teacher's size over the student's: that of a `.tflite`, if one was measured, or of its weights."""
        if self.measured_pair:
            teacher, student = self.measured_pair
            return teacher.size_bytes / student.size_bytes
        return self.teacher_size_bytes / self.size_bytes if self.teacher_size_bytes else None

    @property
    def times_faster(self) -> float | None:
        """The teacher's time over the student's, each of one text at a time; both in LiteRT, if they were measured."""
        if self.measured_pair:
            teacher, student = (of_file.latency["Interpreter"].median_us for of_file in self.measured_pair)
            return teacher / student
        return self.teacher_us / self.student_us if self.teacher_us else None

    def dev_interval(self, accuracy: float | None = None) -> tuple[float, float]:
        """Returns the lowest and highest accuracy that one on this dev, by default the file's, is compatible with."""
        of = self.accuracy() if accuracy is None else accuracy
        assert of is not None  # the file has one
        return confidence_interval(of, self.metrics["rows"]["dev"])
