"""What lies where in the folder of a run; nothing here loads TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tfkd.pipeline.run_config import RunConfig
from tfkd.training.model_folders import is_finetuned

METRICS_FILE = "metrics.json"
BENCHMARK_FILE = "benchmark.json"
FIGURES_STEP = "figures"


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, finished or not.

    Attributes:
      path: where it is.
      config: the flags of the run.
    """

    path: Path
    config: RunConfig

    @property
    def teacher(self) -> Path:
        """The folder of the fine-tuned teacher: the user's own, or the run's."""
        own = self.config.teacher.teacher
        return Path(own) if is_finetuned(own) else self.path / "teacher"

    @property
    def has_teacher(self) -> bool:
        """Whether a teacher belongs to the run; logits of another model, and another run's alone, come without one."""
        if self.config.label.logits_from:
            return False
        return not self.config.transfer_set or is_finetuned(self.config.teacher.teacher)

    @property
    def transfer_set(self) -> Path:
        """The folder of the labelled sentences."""
        return Path(self.config.transfer_set or self.path / "transfer_set")

    def student(self, seed: int | None = None) -> Path:
        """Returns the folder of a student; default: of the first, the one to ship."""
        return self._of_seed("student", seed)

    def baseline(self, seed: int) -> Path:
        """Returns the folder of a baseline."""
        return self._of_seed("baseline", seed)

    def exported(self, seed: int | None = None) -> Path:
        """Returns the path of a student's `.tflite`; default: of the first, the one to ship."""
        return self.path / "export" / f"{self.student(seed).name}.tflite"

    def steps(self) -> Iterator[str]:
        """Yields the names of the steps that this run has of its own, in their order."""
        config = self.config
        if not config.transfer_set:
            if not config.label.logits_from:
                if not is_finetuned(config.teacher.teacher):
                    yield "teacher"
                yield "sentences"
            yield "transfer_set"
        for seed in config.student_seeds:
            yield self.student(seed).name
            if config.distill.baseline_epochs:
                yield self.baseline(seed).name
            yield f"export-{self.exported(seed).stem}"

    def _of_seed(self, what: str, seed: int | None) -> Path:
        first = seed in (None, self.config.student_seeds[0])
        return self.path / (what if first else f"{what}-seed{seed}")
