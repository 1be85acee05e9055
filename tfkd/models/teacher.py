"""The teacher: a keras-hub BERT classifier with the tokenizer it was trained with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from tfkd.models.r_drop import RDropCrossEntropy
from tfkd.text.batching import sorted_batches

_INT_MATRIX = tf.TensorSpec([None, None], tf.int32)
# Of one batch: int32 [sentences, pieces] each.
INPUT_SIGNATURE = {"token_ids": _INT_MATRIX, "segment_ids": _INT_MATRIX, "padding_mask": _INT_MATRIX}


@dataclass(frozen=True)
class Pieces:
    """The word pieces of many sentences or pairs, [CLS] and [SEP] included.

    Attributes:
      ids: one int32 array each.
      first_lengths: how many of its pieces are the first text's, [CLS] and its [SEP] included; int64 [texts].
    """

    ids: list[np.ndarray]
    first_lengths: np.ndarray

    @cached_property
    def lengths(self) -> np.ndarray:
        """Word pieces of each text, int64 [texts]."""
        return np.array([len(ids) for ids in self.ids], np.int64)

    def padded(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns BERT's inputs of the chosen rows, int32 [rows, longest of them] each."""
        length = max(len(self.ids[i]) for i in rows)
        token_ids, segment_ids, padding_mask = np.zeros((3, len(rows), length), np.int32)
        for row, i in enumerate(rows):
            end = len(self.ids[i])
            token_ids[row, :end] = self.ids[i]
            segment_ids[row, self.first_lengths[i] : end] = 1
            padding_mask[row, :end] = 1
        return {"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": padding_mask}


class BertInputs(Protocol):
    """Many texts as a BERT reads them, or as its upper blocks do."""

    @property
    def lengths(self) -> np.ndarray:
        """Word pieces of each text, int64 [texts]."""

    def padded(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns a model's inputs of the chosen rows, as long as the longest of them."""


def batched_logits(
    infer: Callable[[dict[str, np.ndarray]], tf.Tensor],
    inputs: BertInputs,
    num_classes: int,
    batch_size: int,
    progress: Any = None,
) -> np.ndarray:
    """Returns the logits of all texts in their order, float32 [texts, classes].

    Args:
      infer: a batch's inputs -> its logits.
      inputs: the texts.
      num_classes: logits of a text.
      batch_size: texts a batch, all of about one length.
      progress: has `update(n)`; see `sorted_batches`.
    """
    out = np.zeros((len(inputs.lengths), num_classes), np.float32)
    for rows in sorted_batches(inputs.lengths, batch_size, progress):
        out[rows] = infer(inputs.padded(rows)).numpy()
    return out


class Teacher:
    """A BERT classifier and its tokenizer.

    Args:
      classifier: a keras-hub BertTextClassifier without preprocessor, giving logits.
      tokenizer: its tokenizer; it is remade so that `[MASK]` in a text is one id
        and, where it lowercases, accents are stripped, as BERT's own does.
      max_pieces: word pieces read of a sentence, [CLS] and [SEP] included.
    """

    def __init__(
        self,
        classifier: keras_hub.models.BertTextClassifier,
        tokenizer: keras_hub.tokenizers.BertTokenizer,
        max_pieces: int,
    ):
        self.classifier = classifier
        self.tokenizer = keras_hub.tokenizers.BertTokenizer(
            vocabulary=tokenizer.get_vocabulary(),
            lowercase=tokenizer.lowercase,
            strip_accents=tokenizer.lowercase,
            special_tokens_in_strings=True,
        )
        self.max_pieces = min(max_pieces, classifier.backbone.max_sequence_length)
        self._infer = tf.function(lambda inputs: classifier(inputs, training=False), input_signature=[INPUT_SIGNATURE])

    @classmethod
    def from_preset(cls, preset: str | Path, max_pieces: int, num_classes: int | None = None) -> Teacher:
        """Loads a pretrained or fine-tuned BERT.

        Args:
          preset: what keras-hub's `from_preset` takes: a preset's name, `hf://ORG/NAME`,
            a Hugging Face folder or a folder that `save` wrote.
          max_pieces: as above.
          num_classes: classes of a new head; None keeps the preset's own.
        """
        head = {} if num_classes is None else {"num_classes": num_classes}
        with warnings.catch_warnings():
            # keras-hub compiles what it loads; that its optimizer finds no state is as it should be.
            warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
            classifier = keras_hub.models.BertTextClassifier.from_preset(str(preset), preprocessor=None, **head)
        tokenizer = keras_hub.tokenizers.BertTokenizer.from_preset(str(preset))
        return cls(classifier, tokenizer, max_pieces)

    def save(self, folder: str | Path) -> None:
        """Writes a keras-hub preset: the weights, the head and the tokenizer."""
        self.classifier.optimizer = None  # its state is twice the weights, and of no use any more
        self.classifier.save_to_preset(str(folder))
        self.tokenizer.save_to_preset(str(folder))

    def encode(self, *columns: Sequence[str]) -> Pieces:
        """Returns the word pieces of each text or pair, cut to `max_pieces`: of a pair the longer text is cut first.

        Args:
          columns: the texts; for pairs the first texts, then the second ones.
        """
        cls_id, sep_id = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        room = self.max_pieces - 1 - len(columns)
        ids, first_lengths = [], []
        for bodies in zip(*(self.tokenizer(list(texts)) if texts else [] for texts in columns), strict=True):
            lengths = _cut_lengths([len(body) for body in bodies], room)
            pieces = [cls_id]
            for body, length in zip(bodies, lengths, strict=True):
                pieces += [*body[:length], sep_id]
            ids.append(np.array(pieces, np.int32))
            first_lengths.append(lengths[0] + 2)
        return Pieces(ids, np.array(first_lengths, np.int64))

    def encode_tokens(self, tokens: Sequence[str]) -> Pieces:
        """Returns the word pieces of each token: itself, if the vocabulary has it ("##ing"), else those of its text.

        Args:
          tokens: words or word pieces.
        """
        known = {piece: i for i, piece in enumerate(self.tokenizer.get_vocabulary())}
        cls_id, sep_id = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        read = iter(self.encode([token for token in tokens if token not in known]).ids)
        ids = [np.array([cls_id, known[token], sep_id], np.int32) if token in known else next(read) for token in tokens]
        return Pieces(ids, np.array([len(pieces) for pieces in ids], np.int64))

    def logits(self, pieces: Pieces, batch_size: int = 128, progress: Any = None) -> np.ndarray:
        """Returns the teacher's logits, float32 [texts, classes].

        Args:
          pieces: what `encode` returned.
          batch_size: texts a step.
          progress: has `update(n)`; see `sorted_batches`.
        """
        return batched_logits(self._infer, pieces, self.classifier.num_classes, batch_size, progress)


def _cut_lengths(lengths: list[int], room: int) -> list[int]:
    """Returns the lengths of a text, or of a pair's two, once the longer one gave way until they fit."""
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first, second = lengths
    second = min(second, max(room - first, room // 2))
    return [min(first, room - second), second]


def compile_for_finetuning(
    model: keras.Model, steps: int, learning_rate: float, warmup: float, weight_decay: float, r_drop: float = 0.0
) -> None:
    """Compiles with AdamW as BERT is fine-tuned: linear warm-up and decay, no decay of biases and norms.

    Args:
      model: the teacher's classifier, or the blocks of it that are trained.
      steps: steps in all.
      learning_rate: its peak.
      warmup: share of the steps in which the learning rate rises.
      weight_decay: AdamW's.
      r_drop: if it isn't 0 batches give their rows twice, and it is RDropCrossEntropy's alpha.
    """
    optimizer = keras.optimizers.AdamW(
        WarmupLinearDecay(learning_rate, steps, warmup), weight_decay=weight_decay, clipnorm=1.0
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=RDropCrossEntropy(r_drop) if r_drop else keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # every length would be compiled anew
    )


@keras.saving.register_keras_serializable(package="tfkd")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that rises linearly to its peak, then falls linearly to zero.

    Args:
      peak: highest learning rate.
      steps: steps in all.
      warmup: share of the steps in which it rises.
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.0):
        self.peak, self.steps, self.warmup = peak, steps, warmup

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rising = self.warmup * self.steps
        factor = (self.steps - step) / max(self.steps - rising, 1.0)
        if rising:
            factor = keras.ops.minimum((step + 1) / rising, factor)
        return self.peak * keras.ops.maximum(factor, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup}
