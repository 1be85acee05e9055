"""The teacher fine-tuned on the task's own labelled sentences."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfkd.assets import ASSETS, asset_folder
from tfkd.config import TeacherConfig
from tfkd.errors import InputError
from tfkd.files import atomic_folder, refuse_to_replace, sha256_of, write_json
from tfkd.models.frozen_blocks import TrainedBlocks
from tfkd.models.r_drop import twice
from tfkd.models.teacher import BertInputs, Teacher, compile_for_finetuning
from tfkd.progress import progress_bar, say
from tfkd.text.batching import shuffled_batches
from tfkd.text.examples import Corpus, digest
from tfkd.training.checkpoint import checkpoints_folder
from tfkd.training.loop import fit_epochs, make_deterministic
from tfkd.training.model_folders import TEACHER_FILE, TEACHER_FILES, facts_of_teacher, is_finetuned, pretrained_of


@dataclass(frozen=True)
class FinetunedTeacher:
    """A fine-tuned teacher as it lies in its folder.

    Attributes:
      teacher: the BERT.
      label_names: the names of its classes in order.
      fingerprint: SHA-256 over its weights and vocabulary.
      pairs: whether it was fine-tuned on pairs of texts; None: one of an earlier version, which doesn't say.
      dev_accuracy: accuracy on the dev set it was chosen by.
    """

    teacher: Teacher
    label_names: tuple[str, ...]
    pairs: bool | None
    fingerprint: str
    dev_accuracy: float


def load_finetuned(folder: str | Path) -> FinetunedTeacher:
    """Loads what `finetune` wrote.

    Raises:
      InputError: the folder is no fine-tuned teacher, or its weights are missing or changed.
    """
    folder = Path(folder)
    facts = facts_of_teacher(folder)
    if _fingerprint(folder) != facts["fingerprint"]:
        raise InputError(f"{folder}: the weights aren't those that {TEACHER_FILE} names; fine-tune again")
    try:
        teacher = Teacher.from_preset(folder, facts["max_pieces"])
    except Exception as e:  # as in load_pretrained
        raise InputError(f"{folder}: the teacher can't be loaded ({_reason(e)}); fine-tune again") from e
    return FinetunedTeacher(
        teacher=teacher,
        label_names=tuple(facts["label_names"]),
        pairs=facts.get("pairs"),
        fingerprint=facts["fingerprint"],
        dev_accuracy=facts["dev_accuracy"],
    )


def finetune(corpus: Corpus, config: TeacherConfig, folder: str | Path, seed: int) -> FinetunedTeacher:
    """Fine-tunes a pretrained BERT on `corpus.train`; the best epoch on `corpus.dev` is written to `folder`.

    Called again after an interruption it goes on after the last whole epoch.

    Raises:
      InputError: the pretrained BERT can't be loaded, or the folder holds something else than a teacher.
    """
    folder = Path(folder)
    refuse_to_replace(folder, "a teacher", TEACHER_FILES, is_finetuned)
    make_deterministic(seed)
    teacher = load_pretrained(config, len(corpus.label_names))
    if teacher.max_pieces < config.max_pieces:
        say(f"teacher: its BERT reads {teacher.max_pieces} word pieces of a text at most, not {config.max_pieces:,}")
    trained = TrainedBlocks(teacher.classifier, config.teacher_frozen_blocks)
    with progress_bar(len(corpus.train) + len(corpus.dev), "teacher: frozen blocks", "texts") as bar:
        train, dev = (trained.inputs(teacher.encode(*rows.columns), bar) for rows in (corpus.train, corpus.dev))
    if full := int((train.lengths == teacher.max_pieces).sum()):
        say(
            f"teacher: {full:,} of {len(corpus.train):,} texts have {teacher.max_pieces} word pieces or more, of "
            "which it reads these (--max_pieces)"
        )

    def dev_accuracy() -> float:
        with progress_bar(len(corpus.dev), "teacher: dev", "texts") as bar:
            return float(np.mean(trained.logits(dev, bar).argmax(1) == corpus.dev.labels))

    steps = math.ceil(len(corpus.train) / config.teacher_batch_size)
    epochs = config.epochs_of(steps)
    compile_for_finetuning(
        trained.model,
        steps * epochs,
        config.teacher_learning_rate,
        config.teacher_warmup,
        config.teacher_weight_decay,
        config.teacher_r_drop,
    )
    checkpoints = checkpoints_folder(folder)
    history = fit_epochs(
        trained.model,
        lambda epoch: _batches(train, corpus.train.labels, config, seed, epoch),
        (trained.signature, tf.TensorSpec([None], tf.int32)),
        steps,
        epochs,
        dev_accuracy,
        checkpoints,
        "teacher",
        identity=repr((config, seed, corpus.label_names, digest(corpus.train), digest(corpus.dev))),
    )
    with atomic_folder(folder) as temporary:
        teacher.save(temporary)
        description = {
            "pretrained": config.teacher,
            "label_names": list(corpus.label_names),
            "pairs": corpus.pairs,
            "max_pieces": teacher.max_pieces,
            "epochs": [vars(e) for e in history],
            "dev_accuracy": max(e.dev_accuracy for e in history),
            "dev": digest(corpus.dev),
            "fingerprint": _fingerprint(temporary),
        }
        write_json(temporary / TEACHER_FILE, description)
    shutil.rmtree(checkpoints)
    return FinetunedTeacher(
        teacher,
        corpus.label_names,
        corpus.pairs,
        description["fingerprint"],
        description["dev_accuracy"],
    )


def load_pretrained(config: TeacherConfig, num_classes: int) -> Teacher:
    """Loads the BERT that `config.teacher` names, with a new head.

    Raises:
      InputError: there is none of that name, its folder lacks something, or it would
        have to be downloaded and can't be.
    """
    name: str | Path = config.teacher
    if name in ASSETS:
        name = asset_folder(config.teacher)
    folder = Path(name)
    if folder.is_dir():
        if not any(any(folder.glob(pattern)) for pattern in ("*.safetensors", "*.weights.h5", "*.bin")):
            inside = f" (a fine-tuned teacher is in {folder / 'teacher'})" if is_finetuned(folder / "teacher") else ""
            raise InputError(f"{folder}: no weights there{inside}; expected model.safetensors or model.weights.h5")
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder}: no config.json there; expected a Hugging Face or keras-hub folder")
    elif isinstance(name, Path) or name.startswith((".", "/", "~")):
        raise InputError(f"--teacher={name}: no such folder")
    try:
        return Teacher.from_preset(name, config.max_pieces, num_classes)
    except Exception as e:  # keras-hub, safetensors and the hubs' clients raise each their own
        raise InputError(
            f"--teacher={config.teacher}: can't be loaded as a BERT ({_reason(e)}); "
            f"without a network take an asset ({', '.join(ASSETS)}) or a folder"
        ) from e


def load_word_vector_teacher(name: str) -> Teacher:
    """Loads the BERT whose word vectors a student of this teacher starts with (see `pretrained_of`).

    Raises:
      InputError: there is none of that name, or it can't be loaded.
    """
    pretrained = pretrained_of(name)
    try:
        return load_pretrained(TeacherConfig(teacher=pretrained), num_classes=2)
    except InputError as e:
        if not is_finetuned(name):
            raise
        say(f"word vectors: of {name} as it is, for the BERT that it was fine-tuned from isn't there: {e}")
        return load_finetuned(name).teacher


def _reason(error: Exception) -> str:
    """What a library raised, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _fingerprint(folder: Path) -> str:
    weights = sorted(folder.rglob("*.weights.h5"))
    vocabulary = sorted(folder.rglob("vocabulary.txt"))
    if not weights or not vocabulary:
        raise InputError(f"{folder}: no weights or no vocabulary there; fine-tune again")
    return "+".join(sha256_of(path)[:32] for path in [*weights, *vocabulary])


def _batches(
    inputs: BertInputs, labels: np.ndarray, config: TeacherConfig, seed: int, epoch: int
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    rng = np.random.default_rng([seed, epoch])
    for rows in shuffled_batches(inputs.lengths, config.teacher_batch_size, rng):
        if config.teacher_r_drop:
            rows = twice(rows)
        yield inputs.padded(rows), labels[rows]
