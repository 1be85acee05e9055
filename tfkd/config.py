"""What can be set, as frozen dataclasses: one field, one flag.

A field's default, help and allowed values stand here and nowhere else;
`tfkd.commands.flags` makes the flags of them. Values are checked when a config
is made: a ValueError names the field as its flag.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


def _option(default: Any, help: str, choices: tuple[str, ...] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


def _check(condition: bool, flag: str, value: object, expected: str) -> None:
    if not condition:
        raise ValueError(f"--{flag}={value}: expected {expected}")


def _check_positive(config: object, *flags: str) -> None:
    for flag in flags:
        _check(getattr(config, flag) > 0, flag, getattr(config, flag), "a number above 0")


def _check_share(config: object, *flags: str) -> None:
    for flag in flags:
        _check(0 <= getattr(config, flag) <= 1, flag, getattr(config, flag), "a share from 0 to 1")


def _check_choices(config: Any) -> None:
    for f in dataclasses.fields(config):
        if choices := f.metadata["choices"]:
            _check(getattr(config, f.name) in choices, f.name, getattr(config, f.name), " or ".join(choices))


def _set_whole_numbers(config: object, flag: str) -> None:
    """Makes numbers of what a flag that is a list gives as texts."""
    values = getattr(config, flag)
    shown = ",".join(map(str, values))
    _check(all(str(value).isdecimal() for value in values), flag, shown, "whole numbers, such as 8,16")
    object.__setattr__(config, flag, tuple(sorted({int(value) for value in values})))


_EMBEDDING_TRAININGS = ("projected", "free", "multichannel")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where labelled sentences come from, and how they are read."""

    data: str = _option(
        "",
        "labelled sentences: a TSV, CSV, JSONL or Parquet file; a folder with train.* and dev.*; "
        "tfds:NAME, such as tfds:glue/sst2; or asset:movie_reviews",
    )
    dev: str = _option("", "file of dev sentences; default: the data's own dev split, else one is cut from train")
    dev_split: str = _option(
        "", "with tfds:NAME: the split to measure on, such as validation_mismatched; default: its validation split"
    )
    unlabelled: str = _option("", "file of sentences without labels, which the teacher labels too")
    text_column: str = _option("", "name of the column with the text; default: guessed, and printed")
    text_pair_column: str = _option("", "name of the column with the second text of a pair")
    label_column: str = _option("", "name of the column with the label; default: guessed, and printed")
    labels: tuple[str, ...] = _option(
        (),
        "names of the labels in the order of their numbers, such as negative,positive; default: a TFDS data set's own, "
        "else those found in train, sorted",
    )
    dev_rows: int = _option(0, "rows to cut from train for dev, stratified, if there is no dev file; 0: a tenth")
    quoting: str = _option("auto", "whether fields of TSV may be quoted; auto: CSV yes, TSV no", ("auto", "yes", "no"))
    detokenize: str = _option(
        "none",
        'how to undo the tokenization of corpora such as SST-2 ("does n\'t" -> "doesn\'t")',
        ("none", "treebank", "moses"),
    )
    encoding: str = _option("utf-8", "encoding of text files, such as cp1252 or utf-16")
    max_bad_rows: int = _option(0, "rows that may be rejected (ragged, empty, without label) before reading gives up")

    def __post_init__(self) -> None:
        _check_choices(self)
        _check(self.dev_rows >= 0, "dev_rows", self.dev_rows, "0 or more rows")
        _check(self.max_bad_rows >= 0, "max_bad_rows", self.max_bad_rows, "0 or more rows")
        _check(len(set(self.labels)) == len(self.labels), "labels", ",".join(self.labels), "each name once")
        _check(len(self.labels) != 1, "labels", ",".join(self.labels), "at least two names")


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Which BERT to fine-tune, and how."""

    teacher: str = _option(
        "minilm_l6",
        "the BERT: an asset (minilm_l6), a keras-hub preset name, a Hugging Face folder, hf://ORG/NAME, "
        "or the folder of a teacher that `tfkd finetune` made, which `tfkd run` takes as it is",
    )
    teacher_epochs: int = _option(
        0,
        "epochs of fine-tuning; the best by dev accuracy is kept; 0: 3, or of few sentences more, up to 10, so that "
        "there are 300 steps",
    )
    teacher_batch_size: int = _option(32, "sentences a fine-tuning step")
    teacher_learning_rate: float = _option(4e-5, "peak learning rate of AdamW")
    teacher_warmup: float = _option(0.1, "share of the steps in which the learning rate rises")
    teacher_weight_decay: float = _option(0.01, "AdamW's weight decay; biases and layer norms are left out")
    teacher_r_drop: float = _option(
        0.0,
        "R-Drop's alpha: a step reads its sentences twice, under other dropout, and this is the weight of making the "
        "two predictions one, which keeps a teacher from learning train by heart; it takes 1.6 times as long; 0: none",
    )
    teacher_frozen_blocks: int = _option(
        1, "blocks of the BERT left as they are, from below: 1 the embeddings, 2 the first layer too, ...; 0: none"
    )
    max_pieces: int = _option(
        128,
        "word pieces of a text that the teacher reads, [CLS] and [SEP] included; the student learns from as many words "
        "or pieces",
    )

    def __post_init__(self) -> None:
        _check_positive(self, "teacher_batch_size", "teacher_learning_rate")
        _check(self.teacher_epochs >= 0, "teacher_epochs", self.teacher_epochs, "0 or more")
        _check_share(self, "teacher_warmup")
        _check(self.teacher_weight_decay >= 0, "teacher_weight_decay", self.teacher_weight_decay, "0 or more")
        _check(self.teacher_r_drop >= 0, "teacher_r_drop", self.teacher_r_drop, "0 or more")
        _check(self.teacher_frozen_blocks >= 0, "teacher_frozen_blocks", self.teacher_frozen_blocks, "0 or more")
        _check(self.max_pieces >= 3, "max_pieces", self.max_pieces, "at least 3")

    def epochs_of(self, steps: int) -> int:
        """Returns how many epochs there are, if one has so many steps."""
        return self.teacher_epochs or min(max(3, -(-300 // steps)), 10)


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """How sentences are made of sentences (Tang et al. 2019, section 3.3)."""

    n_iter: int = _option(10, "sentences made of each sentence of train, before duplicates are dropped; 0: none")
    p_mask: float = _option(0.1, "share of words replaced by [MASK]")
    p_pos: float = _option(0.1, "share of words replaced by another word of the same part of speech")
    p_ng: float = _option(0.25, "share of made sentences of which only an n-gram is kept")
    ngram_max: int = _option(5, "longest n-gram, in words")
    n_splice: int = _option(
        5,
        "how many more are made of each sentence, on average, by giving it a span of another one that begins and ends "
        "with the same parts of speech; the longer a sentence, the more; 0: none",
    )
    neighbours: int = _option(
        2,
        "of pairs: each text of train, or 20,000 drawn of more, is also paired with itself and with so many of the "
        "texts most like it, and what comes of that is augmented too; 0: none",
    )

    def __post_init__(self) -> None:
        for flag in ("n_iter", "n_splice", "neighbours"):
            _check(getattr(self, flag) >= 0, flag, getattr(self, flag), "0 or more")
        _check_share(self, "p_mask", "p_pos", "p_ng")
        _check(self.p_mask + self.p_pos <= 1, "p_mask", self.p_mask, f"at most 1 together with --p_pos={self.p_pos}")
        _check_positive(self, "ngram_max")


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """How the teacher labels the transfer set."""

    logits_from: str = _option(
        "", "Parquet file or folder with columns text and logits of any other model; then no teacher is run"
    )
    shard_rows: int = _option(16384, "sentences a shard; a killed labelling goes on at the last whole one")
    label_precision: str = _option(
        "int8",
        "arithmetic of the teacher that labels; int8: by LiteRT, three times as fast (with AVX2 alone 1.7 times), "
        "if its logits prove to be those of float32",
        ("int8", "float32"),
    )

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(self, "shard_rows")


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """The student's shape; the paper's by default."""

    embedding_dim: int = _option(300, "columns of the embedding table")
    hidden_size: int = _option(150, "LSTM units in each direction")
    dense_size: int = _option(200, "units of the ReLU layer")
    rank: int = _option(
        0,
        "rank of the LSTM's gate weights, in each direction, to which they are held in the last epoch: with a third of "
        "--hidden_size the exported file takes half of the time, at next to no loss; 0: full",
    )
    table_bits: int = _option(
        8,
        "bits of an entry of the embedding table; 4: half of its size, and the last epoch trains within it",
    )
    dropout: float = _option(0.1, "share of the embeddings and of the last states dropped in training")
    vocabulary_size: int = _option(
        20000,
        "words or pieces that the student keeps, those that change its logits most, and learns to do with in the last "
        "epoch; the file grows with them",
    )
    training_vocabulary_size: int = _option(
        60000,
        "words or pieces at most in training, upper and lower case counted once: train's, then the teacher's if words "
        "keep to its vectors or the student reads pieces",
    )
    min_count: int = _option(
        1,
        "a word that the texts have less often isn't kept either: it becomes <UNKNOWN>, or is read by its pieces; the "
        "BERT's own are, by students of pieces and by those of words that keep to its vectors",
    )
    tokenizer: str = _option(
        "pieces",
        "what the student reads; pieces: the teacher's word pieces, and train's words as pieces of their own: a word "
        "that neither knows is read by its parts; words: all else is <UNKNOWN>",
        ("pieces", "words"),
    )
    delimiter_regex: str = _option("", "RE2: what separates words; default: all but letters and digits")
    embeddings: str = _option(
        "teacher",
        "the word vectors that the student starts with: teacher (the BERT's that it was fine-tuned from), random, or "
        "file:PATH of word2vec's binary (.bin) or the text of GloVe, fastText or word2vec (.txt, .vec), with or "
        "without .gz; all but random ones are centred, turned to their principal axes and scaled",
    )
    embedding_training: str = _option(
        "projected",
        "what becomes of the word vectors in training; projected: words keep to them through a learned projection, "
        "and learn a part of their own; free: all are trained; multichannel: a fixed copy beside one that is trained",
        _EMBEDDING_TRAININGS,
    )

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(self, "embedding_dim", "hidden_size", "dense_size", "min_count")
        for flag in ("vocabulary_size", "training_vocabulary_size"):
            _check(getattr(self, flag) > 3, flag, getattr(self, flag), "more than the 3 special words")
        _check(0 <= self.dropout < 1, "dropout", self.dropout, "a share from 0 to below 1")
        most = (4 * self.hidden_size - 1) // 5  # more would save a state's step nothing
        _check(self.rank == 0 or 2 <= self.rank <= most, "rank", self.rank, f"0, or from 2 to {most}")
        _check(self.table_bits in (4, 8), "table_bits", self.table_bits, "4 or 8")
        _check(
            not self.delimiter_regex or self.tokenizer == "words",
            "delimiter_regex",
            self.delimiter_regex,
            f"none with --tokenizer={self.tokenizer}",
        )
        is_file = self.embeddings.startswith("file:") and self.embeddings != "file:"
        known = is_file or self.embeddings in ("teacher", "random")
        _check(known, "embeddings", self.embeddings, "teacher, random or file:PATH")

    @property
    def is_held(self) -> bool:
        """Whether the last epoch of its training holds it to few dimensions, or to few bits."""
        return self.rank > 0 or self.table_bits == 4


_LEAST_OF_ADADELTA = 0.1


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """How the student learns."""

    alpha: float = _option(0.0, "weight of the hard labels' cross-entropy; 1 - alpha is that of the teacher's logits")
    soft_loss: str = _option(
        "mse",
        "loss of the student's logits against the teacher's; mse: squared error, as in the paper; kl: divergence of "
        "their softmax at --temperature; argmax: cross-entropy with the teacher's label alone",
        ("mse", "kl", "argmax"),
    )
    temperature: float = _option(1.0, "with --soft_loss=kl: what both logits are divided by")
    epochs: int = _option(3, "passes over the transfer set")
    baseline_epochs: int = _option(
        8, "passes over train for the baseline, which learns from hard labels alone; 0: none"
    )
    baseline_embedding_training: str = _option(
        "free",
        "as --embedding_training, for the baseline, which is to be what the student would be without distillation",
        _EMBEDDING_TRAININGS,
    )
    batch_size: int = _option(128, "sentences a step")
    optimizer: str = _option("adam", "adam, or the paper's adadelta", ("adam", "adadelta"))
    learning_rate: float = _option(
        2e-3, "peak learning rate; it decays linearly to zero (adadelta: constant, in the paper 1)"
    )
    p_unknown: float = _option(
        0.5, "share of the words seen once in train that are read as <UNKNOWN>, or by pieces, so that these are learnt"
    )

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_share(self, "alpha", "p_unknown")
        _check_positive(self, "epochs", "batch_size", "learning_rate", "temperature")
        _check(self.baseline_epochs >= 0, "baseline_epochs", self.baseline_epochs, "0 or more")
        if self.optimizer == "adadelta":  # whose steps are as large as those before them, and begin with next to none
            rate = self.learning_rate
            _check(rate >= _LEAST_OF_ADADELTA, "learning_rate", rate, f"{_LEAST_OF_ADADELTA} or more with adadelta")

    def of_student(self) -> dict[str, Any]:
        """Returns what of it the student depends on."""
        return {name: value for name, value in vars(self).items() if not name.startswith("baseline_")}

    def of_baseline(self) -> dict[str, Any]:
        """Returns what of it the baseline depends on, which learns from hard labels alone, for epochs of its own."""
        others = ("alpha", "soft_loss", "temperature", "epochs")
        return {name: value for name, value in vars(self).items() if name not in others}


# Some twenty operators each.
MOST_UNROLLED_STEPS = 512


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How the student becomes a .tflite file."""

    max_tokens: int = _option(48, "words or pieces that the exported student reads of a text; time grows with it")
    shorter_tokens: tuple[int, ...] = _option(
        (),
        "further lengths, such as 8,16: a signature each in the one file, which share its weights; a text goes through "
        "the shortest it fits in. MediaPipe refuses a file of several",
    )
    quantization: str = _option(
        "auto",
        "arithmetic of the exported student; dynamic_int8: int8 weights, a quarter of the size; int8: what the LSTM "
        "computes is int8 too, for two thirds of the time; auto: int8, or dynamic_int8 if that doesn't agree with "
        "Keras; float16, float32: real weights",
        ("auto", "dynamic_int8", "int8", "float16", "float32"),
    )
    lowering: str = _option(
        "unrolled",
        "what becomes of the LSTM's steps; unrolled: a copy of them a word, the fewest instructions; folded: unrolled, "
        "and the table holds what words give to the gates: fewer yet, but of many times the size (with a low --rank "
        "all do so, as it is no larger); while: a loop over the text's words alone: it starts soonest, needs least "
        "memory and is faster on texts shorter than --max_tokens, but MediaPipe refuses it",
        ("unrolled", "folded", "while"),
    )
    export_rank: int = _option(
        0,
        "as --rank, but what was trained without is cut down: it loses more; 0: as it was trained",
    )
    table_dim: int = _option(
        0, "columns of the exported embedding table, which come nearest to all of them over real texts; 0: all"
    )
    export_table_bits: int = _option(
        0,
        "as --table_bits, 4 or 8, but what was trained without is rounded: it loses more; 0: as it was trained",
    )
    min_agreement: float = _option(
        0.995, "share of the dev sentences to which the file must give the Keras student's label, or it isn't written"
    )
    max_size: float = _option(0.0, "MB that the file may have, or it isn't written; 0: any")
    runtime: str = _option(
        "litert",
        "what is to run the file; mediapipe: what it can't run, pairs, --lowering=while and --shorter_tokens, is "
        "refused before any work is done. Other files run in both whichever is named",
        ("litert", "mediapipe"),
    )

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(self, "max_tokens")
        _set_whole_numbers(self, "shorter_tokens")
        for tokens in self.shorter_tokens:
            below = f"numbers from 1 to below --max_tokens={self.max_tokens}"
            _check(0 < tokens < self.max_tokens, "shorter_tokens", tokens, below)
            one = "none with --runtime=mediapipe, which takes one length"
            _check(self.runtime != "mediapipe", "shorter_tokens", tokens, one)
        _check_share(self, "min_agreement")
        bits = self.export_table_bits
        _check(bits in (0, 4, 8), "export_table_bits", bits, "0, 4 or 8")
        of_integers = self.quantization not in ("float16", "float32")
        _check(bits == 0 or of_integers, "export_table_bits", bits, f"0 with --quantization={self.quantization}")
        _check(self.export_rank == 0 or self.export_rank >= 2, "export_rank", self.export_rank, "0, or 2 or more")
        for name in ("table_dim", "max_size"):
            _check(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        _check(
            self.lowering == "while" or self.max_tokens <= MOST_UNROLLED_STEPS,
            "max_tokens",
            self.max_tokens,
            f"at most {MOST_UNROLLED_STEPS} with --lowering={self.lowering}; --lowering=while reads longer texts",
        )
        _check(
            self.lowering != "while" or self.runtime != "mediapipe",
            "lowering",
            self.lowering,
            "unrolled or folded with --runtime=mediapipe, which takes no loop",
        )

    @property
    def quantizations(self) -> tuple[str, ...]:
        """The arithmetics to try, in this order: the first that holds."""
        return ("int8", "dynamic_int8") if self.quantization == "auto" else (self.quantization,)

    @property
    def cut_down_by(self) -> list[str]:
        """The flags that make less of a student than was trained."""
        by = {
            "export_table_bits": self.export_table_bits == 4,
            "export_rank": self.export_rank,
            "table_dim": self.table_dim,
        }
        return [f"--{name}={getattr(self, name)}" for name, is_given in by.items() if is_given]

    @property
    def is_straight_line(self) -> bool:
        """Whether a file is one graph without a loop: a short text takes as long as one of `max_tokens`, and MediaPipe,
        if it is of single texts, takes it."""
        return self.lowering != "while" and not self.shorter_tokens

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths of text that the file has a signature for."""
        return (*self.shorter_tokens, self.max_tokens)
