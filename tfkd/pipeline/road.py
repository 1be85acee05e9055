"""From labelled sentences to a checked `.tflite`: every step, in one folder."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from tfkd.benchmark.host import latency_us
from tfkd.config import (
    AugmentationConfig,
    DataConfig,
    DistillConfig,
    ExportConfig,
    LabelConfig,
    StudentConfig,
    TeacherConfig,
)
from tfkd.errors import InputError, UsageError
from tfkd.export.exporter import CALIBRATION_TEXTS, check_runtime, export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.parity import compare
from tfkd.files import read_json, write_json, write_text
from tfkd.pipeline.data import read_sentences
from tfkd.pipeline.steps import Steps
from tfkd.progress import say
from tfkd.report.markdown import report, results_table
from tfkd.report.metrics import FIGURE_NAMES, classification_figures, confusion, share_equal, summary
from tfkd.text.examples import digest
from tfkd.training.checkpoint import checkpoints_folder
from tfkd.training.distil import distil, train_baseline
from tfkd.training.finetune import FinetunedTeacher, finetune, is_finetuned, load_finetuned
from tfkd.training.student_folder import load_student
from tfkd.training.student_setup import StudentSetup, check_rank, set_up_student
from tfkd.transfer_set.labelling import import_logits, label_sentences
from tfkd.transfer_set.sentences import write_sentences
from tfkd.transfer_set.shards import MANIFEST, ShardedTable, check_transfer_set, some_texts

FLAGS_FILE, REJECTS_FILE = "flags.json", "rejects.jsonl"

_TRAINING = ("tfkd.text.batching", "tfkd.training.checkpoint", "tfkd.training.loop")
_TEACHER = (
    "tfkd.models.frozen_blocks",
    "tfkd.models.teacher",
    "tfkd.models.teacher_ensemble",
    "tfkd.training.finetune",
    *_TRAINING,
)
_SENTENCES = (
    "tfkd.text.augmentation",
    "tfkd.text.recombination",
    "tfkd.text.splicing",
    "tfkd.transfer_set.sentences",
    "tfkd.transfer_set.shards",
)
_LABELLING = (
    "tfkd.models.int8_teacher",
    "tfkd.models.teacher",
    "tfkd.models.teacher_ensemble",
    "tfkd.text.batching",
    "tfkd.transfer_set.labelling",
    "tfkd.transfer_set.shards",
)
_STUDENT = (
    "tfkd.models.compression",
    "tfkd.models.distiller",
    "tfkd.models.keras_layers",
    "tfkd.models.losses",
    "tfkd.models.low_rank",
    "tfkd.models.multichannel_embedding",
    "tfkd.models.projected_embedding",
    "tfkd.models.student",
    "tfkd.models.student_weights",
    "tfkd.models.teacher",
    "tfkd.models.texts_met",
    "tfkd.models.word_vectors",
    "tfkd.text.encoded_texts",
    "tfkd.text.piece_tokenizer",
    "tfkd.text.piece_vocabulary",
    "tfkd.text.tokenizer",
    "tfkd.text.vector_files",
    "tfkd.text.vocabulary",
    "tfkd.text.word_tokenizer",
    "tfkd.training.distil",
    "tfkd.training.lazy_adam",
    "tfkd.training.pruning",
    "tfkd.training.student_folder",
    "tfkd.training.student_setup",
    *_TRAINING,
)
_EXPORT = (
    "tfkd.export.arithmetic",
    "tfkd.models.compression",
    "tfkd.export.exporter",
    "tfkd.export.graph",
    "tfkd.models.keras_layers",
    "tfkd.export.litert_classifier",
    "tfkd.export.litert_model",
    "tfkd.export.lowering",
    "tfkd.export.metadata",
    "tfkd.export.parity",
    "tfkd.models.student_weights",
    "tfkd.models.texts_met",
)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All that decides what a run gives.

    Attributes:
      seed: of the dev cut, of fine-tuning and of augmentation.
      student_seeds: of the students; the first is the one to ship.
      transfer_set: folder of another run's, which is taken as it is; "": the run makes its own.
    """

    data: DataConfig = field(default_factory=DataConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    student: StudentConfig = field(default_factory=StudentConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    seed: int = 1
    student_seeds: tuple[int, ...] = (1,)
    transfer_set: str = ""

    def __post_init__(self) -> None:
        if not self.student_seeds or len(set(self.student_seeds)) != len(self.student_seeds):
            raise ValueError(f"--student_seeds={self.student_seeds}: expected one or more seeds, each once")


def run(config: RunConfig, folder: str | Path, update: bool = False) -> dict[str, Any]:
    """Goes the whole road in `folder`, or goes on where an earlier run there was.

    Args:
      config: data, flags and seeds.
      folder: the run folder.
      update: lets flags other than those `folder` was made with redo what depends on them.

    Returns:
      What `metrics.json` holds (see tfkd.report.metrics).

    Raises:
      TfkdError: something a user can mend; what was done stays done.
    """
    return _Road(config, Path(folder), update).go()


def fine_tune(config: RunConfig, folder: str | Path) -> Path:
    """Does the first step of `run` alone, for other runs to share; returns the teacher's folder."""
    road = _Road(config, Path(folder), update=False)
    road.finetuned_step()
    return road.teacher_folder


class _Road:
    def __init__(self, config: RunConfig, folder: Path, update: bool):
        self.config, self.folder = config, folder
        _refuse_other_flags(config, folder, update)
        self.steps = Steps(folder, self._step_names())
        self.corpus = read_sentences(config.data, config.seed, folder / REJECTS_FILE)
        check_runtime(config.export, self.corpus.pairs)
        check_rank(config.student, config.distill)
        # Not before the data could be read: flags with a slip in them shouldn't bind the folder.
        write_json(folder / FLAGS_FILE, _flags(config))
        _drop_leftovers(folder)

    def go(self) -> dict[str, Any]:
        transfer_set, depends = self._transfer_set()
        for seed in self.config.student_seeds:
            self._student(seed, transfer_set, depends)
        metrics = self.steps.repeat("figures", lambda: self._report(transfer_set))
        say(f"steps:  {self.steps.summary()}")
        return metrics

    def _step_names(self) -> list[str]:
        """All steps of this run, in their order."""
        config, names = self.config, []
        if not config.transfer_set:
            if not config.label.logits_from:
                names += [] if is_finetuned(config.teacher.teacher) else ["teacher"]
                names.append("sentences")
            names.append("transfer_set")
        for seed in config.student_seeds:
            names.append(self._seed_folder("student", seed).name)
            names += [self._seed_folder("baseline", seed).name] if config.distill.baseline_epochs else []
            names.append(f"export-{self._export_path(seed).stem}")
        return [*names, "figures"]

    # --- teacher and transfer set ---

    def _transfer_set(self) -> tuple[ShardedTable, dict[str, Any]]:
        """Returns the labelled sentences, and what they depend on."""
        if self.config.transfer_set:
            found = ShardedTable(self.config.transfer_set)
            check_transfer_set(found, self.corpus)
            if "dev" not in found.manifest:
                raise InputError(f"{found.folder}: doesn't name the dev set it was made for; use --logits_from")
            return found, {"transfer_set": [shard["sha256"] for shard in found.manifest["shards"]]}
        label, folder = self.config.label, self.folder / "transfer_set"
        depends: dict[str, Any] = {"label": dataclasses.asdict(label)}
        if label.logits_from:
            depends |= {"source": _stamp(Path(label.logits_from)), "label_names": self.corpus.label_names}
        else:
            depends |= {"teacher": self.finetuned_step(), "sentences": self._sentences_step()}
        fingerprint = self.steps.do(
            "transfer_set", depends, _LABELLING, [folder / MANIFEST], lambda: self._label(folder), unfinished=[folder]
        )
        return ShardedTable(folder), {"transfer_set": fingerprint}

    def _label(self, folder: Path) -> None:
        label = self.config.label
        if label.logits_from:
            import_logits(label.logits_from, self.corpus.label_names, label, folder)
        else:
            sentences, finetuned = ShardedTable(self.folder / "sentences"), self.finetuned
            label_sentences(sentences, finetuned.members, finetuned.fingerprint, label, folder)

    def finetuned_step(self) -> str:
        config, corpus = self.config, self.corpus
        if is_finetuned(config.teacher.teacher):
            return load_finetuned(config.teacher.teacher).fingerprint
        depends = {
            "teacher": dataclasses.asdict(config.teacher),
            "train": digest(corpus.train),
            "dev": digest(corpus.dev),
            "label_names": corpus.label_names,
            "seed": config.seed,
        }
        return self.steps.do(
            "teacher",
            depends,
            _TEACHER,
            [self.teacher_folder],
            lambda: finetune(corpus, config.teacher, self.teacher_folder, config.seed),
            unfinished=[checkpoints_folder(self.teacher_folder)],
        )

    def _sentences_step(self) -> str:
        config, corpus, folder = self.config, self.corpus, self.folder / "sentences"
        depends = {
            "augmentation": dataclasses.asdict(config.augmentation),
            "shard_rows": config.label.shard_rows,
            "train": digest(corpus.train),
            "dev": digest(corpus.dev),
            "unlabelled": digest(corpus.unlabelled),
            "label_names": corpus.label_names,
            "seed": config.seed,
        }
        return self.steps.do(
            "sentences",
            depends,
            _SENTENCES,
            [folder / MANIFEST],
            lambda: write_sentences(corpus, config.augmentation, folder, config.label.shard_rows, config.seed),
        )

    @property
    def teacher_folder(self) -> Path:
        own = self.config.teacher.teacher
        return Path(own) if is_finetuned(own) else self.folder / "teacher"

    @cached_property
    def finetuned(self) -> FinetunedTeacher:
        found = load_finetuned(self.teacher_folder)
        if found.label_names != self.corpus.label_names:
            raise InputError(
                f"{self.teacher_folder}: a teacher of the labels {', '.join(found.label_names)}; "
                f"the data has {', '.join(self.corpus.label_names)}"
            )
        return found

    # --- students ---

    def _student(self, seed: int, transfer_set: ShardedTable, depends: dict[str, Any]) -> None:
        config, corpus = self.config, self.corpus
        student, baseline = self._seed_folder("student", seed), self._seed_folder("baseline", seed)
        learning = {
            "student": dataclasses.asdict(config.student),
            "distill": dataclasses.asdict(config.distill),
            "train": digest(corpus.train),
            "dev": digest(corpus.dev),
            "label_names": corpus.label_names,
            "seed": seed,
        }
        if config.student.embeddings == "teacher":
            learning["word_vectors"] = config.teacher.teacher
        elif config.student.embeddings != "random":
            learning["word_vectors"] = _stamp(Path(config.student.embeddings.removeprefix("file:")))
        distilled = self.steps.do(
            student.name,
            {**learning, **depends},
            _STUDENT,
            [student],
            lambda: distil(transfer_set, self.setup, student, seed),
            unfinished=[checkpoints_folder(student)],
        )
        if config.distill.baseline_epochs:
            self.steps.do(
                baseline.name,
                learning,
                _STUDENT,
                [baseline],
                lambda: train_baseline(self.setup, baseline, seed),
                unfinished=[checkpoints_folder(baseline)],
            )
        file = self._export_path(seed)
        self.steps.do(
            f"export-{file.stem}",
            {"student": distilled, "export": dataclasses.asdict(config.export)},
            _EXPORT,
            [file],
            lambda: self._export(student, file, transfer_set),
        )

    def _export(self, student_folder: Path, file: Path, transfer_set: ShardedTable) -> None:
        student = load_student(student_folder)
        result = export_student(
            student.model,
            student.tokenizer,
            student.label_names,
            self.corpus.dev,
            some_texts(transfer_set, CALIBRATION_TEXTS),
            file,
            self.config.export,
            name=self.folder.name,
        )
        say(f"export: {file}: {result.size_bytes / 1e6:.2f} MB; {result.truncated} dev sentences are truncated")

    @cached_property
    def setup(self) -> StudentSetup:
        config = self.config
        return set_up_student(self.corpus, config.student, config.distill, config.teacher.teacher, config.seed)

    def _seed_folder(self, what: str, seed: int) -> Path:
        first = seed == self.config.student_seeds[0]
        return self.folder / (what if first else f"{what}-seed{seed}")

    def _export_path(self, seed: int) -> Path:
        first = seed == self.config.student_seeds[0]
        return self.folder / "export" / ("student.tflite" if first else f"student-seed{seed}.tflite")

    # --- figures ---

    def _report(self, transfer_set: ShardedTable) -> dict[str, Any]:
        dev, config = self.corpus.dev, self.config
        teacher_probabilities, teacher_us = None, None
        shares_labels_alone = config.transfer_set and not is_finetuned(config.teacher.teacher)
        if not config.label.logits_from and not shares_labels_alone:
            teacher = self.finetuned.teacher
            teacher_probabilities = softmax(teacher.logits(teacher.encode(*dev.columns)), axis=1)
            teacher_us = latency_us(lambda *one: teacher.logits(teacher.encode(*one)), dev.columns, runs=50)
        teacher_labels = None if teacher_probabilities is None else teacher_probabilities.argmax(1)
        per_seed = [self._figures(seed, teacher_labels) for seed in config.student_seeds]
        classifier = LiteRtClassifier.from_file(self._export_path(config.student_seeds[0]))
        means, deviations = summary(per_seed)
        metrics = {
            "teacher": dict.fromkeys(FIGURE_NAMES)
            if teacher_probabilities is None
            else classification_figures(dev.labels, teacher_probabilities),
            **per_seed[0],
            "latency": {"teacher_us": teacher_us, "student_us": latency_us(classifier.predict, dev.columns)},
            "seeds": [{"seed": seed, **figures} for seed, figures in zip(config.student_seeds, per_seed, strict=True)],
            "mean": means,
            "std": deviations,
            "rows": {"train": len(self.corpus.train), "dev": len(dev), "transfer_set": transfer_set.rows},
            "label_names": list(self.corpus.label_names),
        }
        write_json(self.folder / "metrics.json", metrics)
        write_text(
            self.folder / "report.md",
            report(self.folder.name, metrics, list(self.corpus.notes), self.steps.seconds),
        )
        say("")
        say(results_table(metrics))
        say(f"\nmodel:  {self._export_path(config.student_seeds[0])}\nreport: {self.folder / 'report.md'}")
        return metrics

    def _figures(self, seed: int, teacher_labels: np.ndarray | None) -> dict[str, dict[str, Any]]:
        dev, file = self.corpus.dev, self._export_path(seed)
        student = load_student(self._seed_folder("student", seed)).probabilities(*dev.columns)
        baseline: dict[str, Any] = dict.fromkeys(FIGURE_NAMES)
        if self.config.distill.baseline_epochs:
            probabilities = load_student(self._seed_folder("baseline", seed)).probabilities(*dev.columns)
            baseline = classification_figures(dev.labels, probabilities)
        classifier = LiteRtClassifier.from_file(file)
        exported = classifier.predict(*dev.columns)
        parity = compare(student, exported)
        labels = student.argmax(1)
        return {
            "student": {
                **classification_figures(dev.labels, student),
                "teacher_agreement": None if teacher_labels is None else share_equal(labels, teacher_labels),
            },
            "baseline": baseline,
            "export": {
                **classification_figures(dev.labels, exported),
                "dev_confusion": confusion(dev.labels, exported.argmax(1), exported.shape[1]),
                "student_agreement": parity.label_agreement,
                "mean_probability_difference": parity.mean_probability_difference,
                "size_bytes": file.stat().st_size,
                "truncated": classifier.truncated(*dev.columns),
            },
        }


def _refuse_other_flags(config: RunConfig, folder: Path, update: bool) -> None:
    """Passes a run folder that is new or was made with these flags.

    Raises:
      UsageError: the folder was made with other flags, or is no run folder.
    """
    flags = _flags(config)
    path = folder / FLAGS_FILE
    if path.exists():
        known = read_json(path)
        changed = sorted(name for name in flags.keys() | known.keys() if flags.get(name) != known.get(name))
        if changed and not update:
            shown = ", ".join(f"--{n}={_shown(flags.get(n))} (was {_shown(known.get(n))})" for n in changed[:4])
            raise UsageError(
                f"{folder}: was made with other flags: {shown}{' ...' if len(changed) > 4 else ''}; "
                "give another --name, or --update to redo the steps that depend on them"
            )
    elif folder.is_dir() and any(path.name != REJECTS_FILE for path in folder.iterdir()):
        raise UsageError(f"{folder}: is no run folder ({FLAGS_FILE} is missing) and isn't empty; give another --name")


def _drop_leftovers(folder: Path) -> None:
    """Removes what a killed run left half written (see tfkd.files)."""
    for path in [*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _flags(config: RunConfig) -> dict[str, Any]:
    flags: dict[str, Any] = {"seed": config.seed, "student_seeds": list(config.student_seeds)}
    if config.transfer_set:
        flags["transfer_set"] = config.transfer_set
    for f in dataclasses.fields(config):
        if dataclasses.is_dataclass(group := getattr(config, f.name)):
            for name, value in vars(group).items():
                flags[name] = list(value) if isinstance(value, tuple) else value
    return flags


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _stamp(path: Path) -> list[list[Any]]:
    """Returns name, size and time of change of a file, or of a folder's files."""
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    return [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.exists()]
