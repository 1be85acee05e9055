"""The student, trained on the transfer set; and its baseline, on hard labels alone."""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import tensorflow as tf

from tfkd.config import DistillConfig
from tfkd.files import read_json, refuse_to_replace, write_json
from tfkd.models.distiller import Distiller
from tfkd.models.losses import soft_loss
from tfkd.models.low_rank import Subspace, hold_to_rank
from tfkd.models.multichannel_embedding import MultichannelEmbedding
from tfkd.models.projected_embedding import ProjectedEmbedding
from tfkd.models.rounding import Rounding
from tfkd.models.student import BiLstmClassifier
from tfkd.models.teacher import WarmupLinearDecay
from tfkd.models.texts_met import TextsMet
from tfkd.progress import progress_bar, say
from tfkd.text.batching import shuffled_batches
from tfkd.text.encoded_texts import EncodedTexts, longest, padded_alike
from tfkd.text.examples import NO_LABEL, Examples, digest
from tfkd.text.tokenizer import Tokenizer
from tfkd.training.checkpoint import checkpoints_folder
from tfkd.training.lazy_adam import LazyAdam
from tfkd.training.loop import fit_epochs, make_deterministic
from tfkd.training.model_folders import STUDENT_FILES, is_student
from tfkd.training.pruning import words_that_matter
from tfkd.training.reading import Reading
from tfkd.training.student_folder import Student, save_student
from tfkd.training.student_setup import StudentSetup
from tfkd.transfer_set.shards import ShardedTable, text_columns

# Rows that are held in memory, and shuffled together, at a time.
_WINDOW_ROWS = 1 << 18
# Of a training, beside its checkpoint.
_KEPT_FILE = "kept_words.json"
# What a rank is chosen by: so many rows, and tokens of a text.
_ROWS_MET, _TOKENS_MET = 2048, 64


def distil(transfer_set: ShardedTable, setup: StudentSetup, folder: str | Path, seed: int) -> Student:
    """Trains a student on a transfer set, and writes it to `folder`: as it is after the epoch that is best on dev, or
    after the last one, if that holds it to the words, dimensions or bits that it is to have.

    Called again after an interruption it goes on after the last whole epoch.

    Args:
      transfer_set: one that `check_transfer_set` passes for the same corpus.
      setup: the task and the student's start.
      folder: where it goes.
      seed: of the other weights, of dropout, and of the order of sentences.

    Raises:
      InputError: the folder holds something else than a student.
    """
    classes = len(setup.corpus.label_names)

    def windows(rng: np.random.Generator) -> Iterator[_Rows]:
        wanted = [*text_columns(transfer_set.schema), "label", "logits"]
        per_window = max(_WINDOW_ROWS // max(transfer_set.manifest["shards"][0]["rows"], 1), 1)
        order = rng.permutation(len(transfer_set))
        for start in range(0, len(order), per_window):
            shards = [transfer_set.read(int(i), wanted) for i in order[start : start + per_window]]
            yield _rows_of(pa.concat_tables(shards).combine_chunks(), classes)

    identity = repr(([shard["sha256"] for shard in transfer_set.manifest["shards"]], setup.distill.of_student()))
    lesson = _Lesson("student", windows, transfer_set.rows, identity, setup.distill.alpha, setup.distill.epochs)
    return _train(lesson, setup, Path(folder), seed)


def train_baseline(setup: StudentSetup, folder: str | Path, seed: int) -> Student:
    """Trains the same student on the hard labels of train alone; arguments as `distil`'s.

    It is what the student would be without distillation. Unless `baseline_embedding_training` says otherwise that
    goes for its words too: the teacher's vectors are what they start with, and no more.
    """
    setup = setup.for_baseline()
    train, classes = setup.corpus.train, len(setup.corpus.label_names)
    rows = _Rows(tuple(map(pa.array, train.columns)), train.labels, np.zeros((len(train), classes), np.float32))
    identity = repr((digest(train), setup.distill.of_baseline()))
    lesson = _Lesson("baseline", lambda rng: iter([rows]), len(train), identity, 1.0, setup.distill.baseline_epochs)
    return _train(lesson, setup, Path(folder), seed)


@dataclass(frozen=True)
class _Rows:
    """Rows to learn from: texts in one column or two, labels int32 [rows], teacher's logits float32 [rows, classes]."""

    columns: tuple[pa.Array, ...]
    labels: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class _Lesson:
    """What sets the student and its baseline apart.

    Attributes:
      name: what the progress calls it.
      windows: gives the rows of an epoch, some in memory at a time.
      rows: how many there are.
      identity: tells the rows, and the flags they are learnt by, apart from others.
      alpha: weight of the hard labels.
      epochs: how many.
    """

    name: str
    windows: Callable[[np.random.Generator], Iterator[_Rows]]
    rows: int
    identity: str
    alpha: float
    epochs: int


def _rows_of(table: pa.Table, classes: int) -> _Rows:
    logits = table["logits"].combine_chunks().flatten().to_numpy().reshape(len(table), classes)
    labels = table["label"].combine_chunks().fill_null(NO_LABEL).to_numpy()
    return _Rows(tuple(table[name].combine_chunks() for name in text_columns(table)), labels, logits)


def _batches(rows: _Rows, reading: Reading, setup: StudentSetup, rng: np.random.Generator) -> Iterator[Any]:
    encoded = [reading.to_learn(texts, setup.distill.p_unknown, rng) for texts in rows.columns]
    lengths = longest(encoded, setup.max_tokens)
    for batch in shuffled_batches(lengths, setup.distill.batch_size, rng):
        token_ids = padded_alike(encoded, batch, lengths)
        yield token_ids, {"label": rows.labels[batch], "logits": rows.logits[batch]}


def _train(lesson: _Lesson, setup: StudentSetup, folder: Path, seed: int) -> Student:
    refuse_to_replace(folder, "a student", STUDENT_FILES, is_student)
    make_deterministic(seed)
    corpus, tokenizer, shape, config = setup.corpus, setup.tokenizer, setup.student, setup.distill
    classes = len(corpus.label_names)
    model = BiLstmClassifier(
        vocabulary_size=len(tokenizer.vocabulary),
        num_classes=classes,
        embedding_dim=shape.embedding_dim,
        hidden_size=shape.hidden_size,
        dense_size=shape.dense_size,
        dropout=shape.dropout,
        pairs=corpus.pairs,
        embedding=_embedding(setup),
        constraints=[Subspace(4 * shape.hidden_size) for _ in range(2)] if shape.rank else (),
        rounding=(lambda lstms: Rounding(lstms, shape.rank, name="rounding")) if shape.table_bits == 4 else None,
    )
    if setup.embedding_training == "free":
        model.get_layer("embedding").set_weights([setup.word_vectors[:, : shape.embedding_dim]])
    steps = math.ceil(lesson.rows / config.batch_size)
    distiller = Distiller(model, lesson.alpha, soft_loss=soft_loss(config.soft_loss, config.temperature))
    distiller.build()
    distiller.compile(optimizer=_optimizer(config, steps * lesson.epochs), jit_compile=False)
    reading, pruning = Reading.of_all(tokenizer, setup.rare), dict[str, float]()

    def epoch_batches(epoch: int) -> Iterator[Any]:
        rng = np.random.default_rng([seed, epoch])
        for window in lesson.windows(rng):
            yield from _batches(window, reading, setup, rng)

    def prune() -> None:
        nonlocal reading, pruning
        with_all = _accuracy(model, reading, corpus.dev)
        reading = reading.keeping(_words_to_keep(setup, model, lesson.name))
        pruning = {"dev_accuracy_before": with_all, "dev_accuracy_after": _accuracy(model, reading, corpus.dev)}
        say(
            f"{lesson.name}: keeps {len(reading.ids):,} of {len(words):,} words: dev accuracy "
            f"{pruning['dev_accuracy_after']:.4f}, with all of them {with_all:.4f}"
        )

    checkpoints = checkpoints_folder(folder)
    words, vectors_sum = tokenizer.vocabulary.words, float(setup.word_vectors.sum())
    start = (setup.embedding_training, setup.max_tokens)
    prunes = shape.vocabulary_size < len(words) or setup.too_rare.any()
    # What it is held to it learns to do with: in the last epoch, unless that is the first.
    first_to_keep = lesson.epochs - 1 if shape.is_held or prunes else 0

    def before_epoch(epoch: int) -> None:
        if epoch != first_to_keep or epoch == 0:
            return
        if prunes:
            prune()
            write_json(checkpoints / _KEPT_FILE, {"words": reading.ids.tolist(), "pruning": pruning})
        bases = []
        if shape.rank:
            few = math.ceil(_ROWS_MET / config.batch_size)
            batches = (x if corpus.pairs else (x,) for x, _ in itertools.islice(epoch_batches(0), few))
            ids = [np.pad(rows, [(0, 0), (0, _TOKENS_MET)])[:, :_TOKENS_MET] for batch in batches for rows in batch]
            bases = hold_to_rank(model, shape.rank, TextsMet(np.concatenate(ids)))
        if model.rounding is not None:
            model.rounding.begin(bases)

    history = fit_epochs(
        distiller,
        epoch_batches,
        (
            model.input_signature,
            {"label": tf.TensorSpec([None], tf.int32), "logits": tf.TensorSpec([None, classes], tf.float32)},
        ),
        steps,
        lesson.epochs,
        lambda: _accuracy(model, reading, corpus.dev),
        checkpoints,
        lesson.name,
        identity=repr((shape, seed, lesson.identity, digest(corpus.dev), words, vectors_sum, *start)),
        before_epoch=before_epoch,
        first_to_keep=first_to_keep,
    )
    if prunes and len(reading.ids) == len(words):  # there was but one epoch, or all were done before a kill
        if lesson.epochs == 1:
            prune()
        else:
            kept = read_json(checkpoints / _KEPT_FILE)
            reading, pruning = reading.keeping(np.array(kept["words"])), kept["pruning"]
    accuracy = _accuracy(model, reading, corpus.dev)
    student = Student(model.folded(reading.ids), reading.tokenizer, corpus.label_names, accuracy)
    facts = {
        "student": vars(shape),
        "distill": vars(config),
        "seed": seed,
        "dev": digest(corpus.dev),
        "epochs": [vars(e) for e in history],
        "pruning": {"words": len(words), "kept": len(reading.ids), **pruning},
    }
    save_student(student, folder, facts)
    shutil.rmtree(checkpoints)
    return student


def _embedding(setup: StudentSetup) -> keras.layers.Layer | None:
    """Returns what stands in for the embedding table in training; None if that is trained itself."""
    vectors, width = setup.word_vectors, setup.student.embedding_dim
    if setup.embedding_training == "projected":
        return ProjectedEmbedding(vectors, width, name="embedding")
    if setup.embedding_training == "multichannel":
        return MultichannelEmbedding(vectors[:, :width], name="embedding")
    return None


def _words_to_keep(setup: StudentSetup, model: BiLstmClassifier, lesson: str) -> np.ndarray:
    """Returns the ids of the words that a student in training is to keep."""
    tokenizer, size = setup.tokenizer, len(setup.tokenizer.vocabulary)
    each_word = EncodedTexts(np.arange(size, dtype=np.int32), np.arange(size + 1))
    with progress_bar(2 * size, f"{lesson}: words that matter", "words") as bar:
        logits_with, logits_without = (_logits_alone(model, words, bar) for words in (each_word, tokenizer.instead))
    return words_that_matter(
        logits_with,
        logits_without,
        _counts_in_use(setup.corpus.train, tokenizer, setup.rare),
        tokenizer.vocabulary.indispensable,
        setup.too_rare,
        setup.student.vocabulary_size,
    )


def _logits_alone(model: BiLstmClassifier, encoded: EncodedTexts, progress: Any) -> np.ndarray:
    """Returns the logits of texts; as pairs, with second texts that are empty."""
    empty = EncodedTexts(np.zeros(0, np.int32), np.zeros(len(encoded) + 1, np.int64))
    return model.logits(*([encoded, empty] if model.pairs else [encoded]), progress=progress)


def _counts_in_use(texts: Examples, tokenizer: Tokenizer, rare: np.ndarray) -> np.ndarray:
    """Returns how often texts use each token, int [vocabulary].

    That of the pieces which unknown words are made of is told by the rare words, read as if they were unknown.
    """
    size, rng = len(tokenizer.vocabulary), np.random.default_rng(0)
    counts = np.zeros((2, size), np.int64)
    for encoded in map(tokenizer.encode, texts.columns):
        forgotten = encoded.forgetting(rare, tokenizer.instead, 1.0, rng)  # all of them, whatever is drawn
        counts += [encoded.counts(size), forgotten.counts(size)]
    return counts.max(0)


def _accuracy(model: BiLstmClassifier, reading: Reading, examples: Examples) -> float:
    probabilities = model.probabilities(*reading.to_measure(examples))
    return float(np.mean(probabilities.argmax(1) == examples.labels))


def _optimizer(config: DistillConfig, steps: int) -> keras.optimizers.Optimizer:
    if config.optimizer == "adadelta":
        return keras.optimizers.Adadelta(config.learning_rate, rho=0.95)
    return LazyAdam(WarmupLinearDecay(config.learning_rate, steps, warmup=0.02), clipnorm=1.0)
