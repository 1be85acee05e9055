"""A trained student and its folder: model, tokenizer, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfkd.errors import InputError
from tfkd.files import atomic_folder, read_json, write_json, write_text
from tfkd.models.student import BiLstmClassifier
from tfkd.text.tokenizer import Tokenizer, tokenizer_of
from tfkd.text.word_tokenizer import WordTokenizer
from tfkd.training.model_folders import MODEL_FILE, STUDENT_FILE, STUDENT_FILES, VOCABULARY_FILE


@dataclass(frozen=True)
class Student:
    """A trained student as it lies in its folder.

    Attributes:
      model: the Keras model.
      tokenizer: turns raw texts into its inputs.
      label_names: the names of its classes in order.
      dev_accuracy: accuracy on the dev set it was chosen by.
    """

    model: BiLstmClassifier
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    dev_accuracy: float

    def probabilities(self, *columns: Sequence[str]) -> np.ndarray:
        """Returns the probabilities of raw texts, or of pairs of them in two columns, float32 [texts, classes]."""
        return self.model.probabilities(*map(self.tokenizer.encode, columns))


def save_student(student: Student, folder: str | Path, facts: dict[str, Any]) -> None:
    """Writes a student's folder: model, vocabulary, and what is known of it."""
    with atomic_folder(folder) as temporary:
        student.model.save(temporary / MODEL_FILE)
        write_text(temporary / VOCABULARY_FILE, "\n".join(student.tokenizer.vocabulary.to_lines()) + "\n")
        description = {
            **facts,
            "label_names": list(student.label_names),
            "tokenizer": student.tokenizer.name,
            "delimiter_regex": getattr(student.tokenizer, "delimiter_regex", None),
            "dev_accuracy": student.dev_accuracy,
        }
        write_json(temporary / STUDENT_FILE, description)


def load_student(folder: str | Path) -> Student:
    """Loads what `save_student` wrote.

    Raises:
      InputError: a file of it is missing or damaged.
    """
    folder = Path(folder)
    for name in STUDENT_FILES:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no student there ({name} is missing); run `tfkd distill` first")
    description = read_json(folder / STUDENT_FILE)
    try:
        regex, labels, accuracy = (description[name] for name in ("delimiter_regex", "label_names", "dev_accuracy"))
    except KeyError as e:
        raise InputError(f"{folder}: the student can't be loaded: {STUDENT_FILE} has no {e}") from e
    try:
        lines = (folder / VOCABULARY_FILE).read_text("utf-8").splitlines()
        # Of an earlier version, which knew words alone, it doesn't say which.
        tokenizer = tokenizer_of(description.get("tokenizer", WordTokenizer.name), lines, regex)
        model = keras.models.load_model(folder / MODEL_FILE, compile=False)
        if not isinstance(model, BiLstmClassifier):
            raise ValueError(f"{MODEL_FILE} is a {type(model).__name__}, no student (see tfkd.export.keras_export)")
        return Student(model, tokenizer, tuple(labels), accuracy)
    except (ValueError, TypeError, OSError, KeyError) as e:
        raise InputError(f"{folder}: the student can't be loaded: {' '.join(str(e).split())[:300]}") from e
