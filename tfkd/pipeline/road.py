"""From labelled sentences to a checked `.tflite`: every step, in one folder."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from tfkd.errors import InputError
from tfkd.export.exporter import CALIBRATION_TEXTS, check_runtime, export_student
from tfkd.files import alone_in, sha256_of, write_json
from tfkd.pipeline.data import read_sentences_of_run
from tfkd.pipeline.measuring import measure
from tfkd.pipeline.reporting import dev_length_hint, write_reports
from tfkd.pipeline.run_config import FLAGS_FILE, RunConfig, flags_of
from tfkd.pipeline.run_folder import FIGURES_STEP, METRICS_FILE, RunFolder
from tfkd.pipeline.steps import Steps
from tfkd.progress import say
from tfkd.report.markdown import results_table
from tfkd.report.run_figures import DevPredictions
from tfkd.text.examples import Corpus, check_task, digest
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.training.checkpoint import checkpoints_folder
from tfkd.training.distil import distil, train_baseline
from tfkd.training.finetune import FinetunedTeacher, finetune, load_finetuned
from tfkd.training.model_folders import (
    facts_of_teacher,
    is_finetuned,
    max_pieces_of,
    pretrained_of,
    warn_of_other_dev,
)
from tfkd.training.student_folder import load_student
from tfkd.training.student_setup import StudentSetup, check_last_epoch, delimiter_of, set_up_student
from tfkd.transfer_set.labelling import import_logits, label_sentences
from tfkd.transfer_set.sentences import write_sentences
from tfkd.transfer_set.shards import MANIFEST, ShardedTable, check_transfer_set, some_texts

_TRAINING = ("tfkd.text.batching", "tfkd.training.checkpoint", "tfkd.training.loop")
_TEACHER = (
    "tfkd.models.frozen_blocks",
    "tfkd.models.r_drop",
    "tfkd.models.teacher",
    "tfkd.training.finetune",
    *_TRAINING,
)
_SENTENCES = (
    "tfkd.text.augmentation",
    "tfkd.text.overlap",
    "tfkd.text.recombination",
    "tfkd.text.splicing",
    "tfkd.text.words",
    "tfkd.transfer_set.sentences",
    "tfkd.transfer_set.shards",
)
_LABELLING = (
    "tfkd.models.int8_teacher",
    "tfkd.models.teacher",
    "tfkd.text.batching",
    "tfkd.text.overlap",
    "tfkd.text.words",
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
    "tfkd.models.rounding",
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
    "tfkd.training.reading",
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
    "tfkd.models.rounding",
    "tfkd.models.student_weights",
    "tfkd.models.texts_met",
)


def run(config: RunConfig, folder: str | Path, update: bool = False, corpus: Corpus | None = None) -> dict[str, Any]:
    """Goes the whole road in `folder`, or goes on where an earlier run there was.

    Args:
      config: data, flags and seeds.
      folder: the run folder.
      update: lets flags other than those `folder` was made with redo what depends on them.
      corpus: what `read_sentences_of_run` gave, if that was called already.

    Returns:
      What `metrics.json` holds (see tfkd.report.metrics).

    Raises:
      TfkdError: something a user can mend; what was done stays done.
    """
    return _Road(config, Path(folder), update, corpus).go(update)


def fine_tune(config: RunConfig, folder: str | Path, update: bool = False) -> Path:
    """Does the first step of `run` alone, for other runs to share; returns the teacher's folder."""
    road = _Road(config, Path(folder), update)
    with road.at_work():
        road.finetuned_step()
    return road.run.teacher


class _Road:
    def __init__(self, config: RunConfig, folder: Path, update: bool, corpus: Corpus | None = None):
        self.config, self.folder, self.run = config, folder, RunFolder(folder, config)
        self.corpus = read_sentences_of_run(config, folder, update) if corpus is None else corpus
        self.steps = Steps(folder, [*self.run.steps(), FIGURES_STEP])
        check_runtime(config.export, self.corpus.pairs)
        check_last_epoch(config.student, epochs=config.distill.epochs, baseline_epochs=config.distill.baseline_epochs)
        delimiter_of(config.student)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Makes the folder this road's, whose data could be read: flags with a slip in them shouldn't bind it."""
        with alone_in(self.folder):
            write_json(self.folder / FLAGS_FILE, flags_of(self.config))
            _drop_leftovers(self.folder)
            yield

    def go(self, update: bool) -> dict[str, Any]:
        self._set_up_of_file(update)
        with self.at_work():
            transfer_set = self._transfer_set()
            for seed in self.config.student_seeds:
                self._student(seed, transfer_set)
            if self.steps.any_done:
                (self.folder / METRICS_FILE).unlink(missing_ok=True)  # which is of what was there before
            metrics, predictions = self.steps.repeat(FIGURES_STEP, lambda: self._measure(transfer_set))
            self._report(metrics, predictions)
        say(f"steps:  {self.steps.summary()}")
        return metrics

    # --- teacher and transfer set ---

    def _transfer_set(self) -> ShardedTable:
        """Returns the labelled sentences."""
        if self.config.transfer_set:
            found = ShardedTable(self.config.transfer_set)
            if "dev" not in found.manifest:
                raise InputError(f"{found.folder}: doesn't name the dev set it was made for; use --logits_from")
            check_transfer_set(found, self.corpus)
            if self.run.has_teacher and found.manifest["teacher"] != self.finetuned.fingerprint:
                raise InputError(
                    f"{found.folder}: wasn't labelled by the teacher in {self.run.teacher}; name by --teacher the one "
                    "that did, or none that is fine-tuned"
                )
            return found
        label, folder = self.config.label, self.folder / "transfer_set"
        depends: dict[str, Any] = {"label": {**dataclasses.asdict(label), "logits_from": ""}}
        # Given logits are imported all at once, or the transfer set stays as it was.
        unfinished = [] if label.logits_from else [folder]
        if label.logits_from:
            depends |= {
                "source": _content_of(label.logits_from),
                "label_names": self.corpus.label_names,
                "dev": digest(self.corpus.dev),
            }
        else:
            depends |= {"teacher": self.finetuned_step(), "sentences": self._sentences_step()}
        self.steps.do("transfer_set", depends, _LABELLING, [folder / MANIFEST], lambda: self._label(folder), unfinished)
        return ShardedTable(folder)

    def _label(self, folder: Path) -> None:
        label = self.config.label
        if label.logits_from:
            import_logits(label.logits_from, self.corpus.label_names, label, folder, self.corpus.dev)
        else:
            sentences, finetuned = ShardedTable(self.folder / "sentences"), self.finetuned
            label_sentences(sentences, finetuned.teacher, finetuned.fingerprint, label, folder)

    def finetuned_step(self) -> str:
        """Fine-tunes the teacher unless one is given; returns its fingerprint."""
        config, corpus = self.config, self.corpus
        if is_finetuned(config.teacher.teacher):
            return self.finetuned.fingerprint
        depends = {
            "teacher": {**dataclasses.asdict(config.teacher), "teacher": _content_of(config.teacher.teacher)},
            "train": digest(corpus.train),
            "dev": digest(corpus.dev),
            "label_names": corpus.label_names,
            "seed": config.seed,
        }
        self.steps.do(
            "teacher",
            depends,
            _TEACHER,
            [self.run.teacher],
            lambda: finetune(corpus, config.teacher, self.run.teacher, config.seed),
            unfinished=[checkpoints_folder(self.run.teacher)],
        )
        return facts_of_teacher(self.run.teacher)["fingerprint"]

    def _sentences_step(self) -> list[str]:
        """Makes the sentences to be labelled; returns what tells them from others."""
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
        self.steps.do(
            "sentences",
            depends,
            _SENTENCES,
            [folder / MANIFEST],
            lambda: write_sentences(corpus, config.augmentation, folder, config.label.shard_rows, config.seed),
        )
        return _content_of_shards(ShardedTable(folder))

    @cached_property
    def finetuned(self) -> FinetunedTeacher:
        found = load_finetuned(self.run.teacher)
        check_task(self.run.teacher, found.label_names, found.pairs, self.corpus.label_names, self.corpus.pairs)
        warn_of_other_dev(self.run.teacher, digest(self.corpus.dev))
        return found

    @property
    def pretrained(self) -> str | list[list[Any]]:
        """What tells the BERT that the teacher is, or was fine-tuned from, from others."""
        return _content_of(pretrained_of(self.config.teacher.teacher))

    # --- students ---

    def _student(self, seed: int, transfer_set: ShardedTable) -> None:
        config, corpus, shards = self.config, self.corpus, _content_of_shards(transfer_set)
        student, baseline = self.run.student(seed), self.run.baseline(seed)
        # Known only now that the teacher is there: no more than its BERT's limit.
        max_tokens = config.max_pieces
        if self.run.has_teacher:
            max_tokens = max_pieces_of(str(self.run.teacher), max_tokens)
        learning: dict[str, Any] = {
            # Of a file of vectors the content counts, which is below, and not its path.
            "student": {**vars(config.student), "embeddings": config.student.embeddings.partition(":")[0]},
            "train": digest(corpus.train),
            "dev": digest(corpus.dev),
            "unlabelled": digest(corpus.unlabelled),
            "label_names": corpus.label_names,
            "max_tokens": max_tokens,
            "seed": seed,
        }
        if config.student.embeddings != "random":
            learning["word_vectors"] = self.word_vectors
        if config.student.embeddings != "teacher":  # words without a vector get a random one
            learning["vectors_seed"] = config.seed
        if config.student.tokenizer == PieceTokenizer.name:
            learning["pieces_of"] = self.pretrained
        self.steps.do(
            student.name,
            {**learning, "distill": config.distill.of_student(), "transfer_set": shards},
            _STUDENT,
            [student],
            lambda: distil(transfer_set, dataclasses.replace(self.setup, max_tokens=max_tokens), student, seed),
            unfinished=[checkpoints_folder(student)],
        )
        if config.distill.baseline_epochs:
            self.steps.do(
                baseline.name,
                {**learning, "distill": config.distill.of_baseline()},
                _STUDENT,
                [baseline],
                lambda: train_baseline(dataclasses.replace(self.setup, max_tokens=max_tokens), baseline, seed),
                unfinished=[checkpoints_folder(baseline)],
            )
        file = self.run.exported(seed)
        self.steps.do(
            f"export-{file.stem}",
            {
                "student": [sha256_of(path) for path in sorted(student.iterdir())],
                "transfer_set": shards,
                "dev": digest(corpus.dev),
                "export": dataclasses.asdict(config.export),
            },
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
        say(
            f"export: {file}: {result.quantization}, {result.size_bytes / 1e6:.2f} MB; "
            f"{result.truncated} dev {self.corpus.unit} are truncated"
        )
        if hint := dev_length_hint(file, self.corpus, self.config.export):
            say(f"export: {hint}; with --update no more than the export is done again")

    @cached_property
    def setup(self) -> StudentSetup:
        config = self.config
        teacher, seed = config.teacher.teacher, config.seed
        return set_up_student(self.corpus, config.student, config.distill, teacher, seed, config.max_pieces)

    @cached_property
    def word_vectors(self) -> str | list[list[Any]]:
        """What tells the vectors that students start with from others."""
        embeddings = self.config.student.embeddings
        if embeddings == "teacher":
            return self.pretrained
        return _content_of(embeddings.removeprefix("file:"))

    def _set_up_of_file(self, update: bool) -> None:
        """Sets students up at once if they start with a file's vectors and are still to be trained.

        Only a file that was read to its end is known to be whole, which takes a minute if it is large, and teacher
        and transfer set take hours. It is read this once.
        """
        done = all(self.run.student(seed).exists() for seed in self.config.student_seeds)
        if self.config.student.embeddings.startswith("file:") and (update or not done):
            _ = self.word_vectors, self.setup  # the former is of what was read, if the file changes in the meantime

    # --- figures ---

    def _measure(self, transfer_set: ShardedTable) -> tuple[dict[str, Any], DevPredictions]:
        teacher = self.finetuned.teacher if self.run.has_teacher else None
        metrics, predictions = measure(self.run, self.corpus, teacher, transfer_set.rows)
        write_json(self.folder / METRICS_FILE, metrics)
        return metrics, predictions

    def _report(self, metrics: dict[str, Any], predictions: DevPredictions) -> None:
        page = write_reports(self.run, self.corpus, predictions)
        say("")
        say(results_table(metrics))
        say(f"\nmodel:  {self.run.exported()}\nreport: {page}")
        says = "predict --model=" if self.corpus.pairs else "demo "
        say(f"try it: tfkd {says}{self.folder}")


def _drop_leftovers(folder: Path) -> None:
    """Removes what a killed run left half written (see tfkd.files)."""
    for path in [*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _content_of_shards(table: ShardedTable) -> list[str]:
    return [shard["sha256"] for shard in table.manifest["shards"]]


def _content_of(model: str) -> str | list[list[Any]]:
    """Returns what tells one content of a file or folder from another, by whatever path; a name that is none as it is.

    Of a fine-tuned teacher that is its fingerprint, else name, size and time of change of each file.
    """
    path = Path(model)
    if is_finetuned(path):
        return facts_of_teacher(path)["fingerprint"]
    files = [f for f in sorted(path.glob("[!.]*")) if f.is_file()] if path.is_dir() else [path]
    return [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.exists()] or model
