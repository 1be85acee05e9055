"""By which file the folder of a teacher, or of a student, is known; nothing here loads TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfkd.errors import InputError
from tfkd.files import read_json, read_object
from tfkd.progress import say

TEACHER_FILE, STUDENT_FILE = "teacher.json", "student.json"
# What else keras-hub, or `save_student`, writes beside it, as patterns of names.
TEACHER_FILES = (TEACHER_FILE, "*.json", "*.weights.h5", "assets")
MODEL_FILE, VOCABULARY_FILE = "student.keras", "vocabulary.txt"
STUDENT_FILES = (STUDENT_FILE, MODEL_FILE, VOCABULARY_FILE)

_OF_EACH_TEACHER = ("pretrained", "label_names", "max_pieces", "dev_accuracy", "fingerprint")


def is_finetuned(folder: str | Path) -> bool:
    """Says whether `finetune` wrote this folder."""
    return (Path(folder) / TEACHER_FILE).is_file()


def is_student(folder: str | Path) -> bool:
    """Says whether `save_student` wrote this folder."""
    return (Path(folder) / STUDENT_FILE).is_file()


def facts_of_teacher(folder: str | Path) -> dict[str, Any]:
    """Returns what a fine-tuned teacher's folder says of it: what `finetune` wrote to TEACHER_FILE.

    Raises:
      InputError: it isn't there, or damaged.
    """
    if not is_finetuned(folder):
        raise InputError(f"{folder}: no fine-tuned teacher ({TEACHER_FILE} is missing); run `tfkd finetune` first")
    path = Path(folder) / TEACHER_FILE
    facts = read_object(path)
    if missing := [name for name in _OF_EACH_TEACHER if name not in facts]:
        raise InputError(f"{path}: has no {', '.join(missing)}; fine-tune again")
    return facts


def warn_of_other_dev(folder: str | Path, dev: str) -> None:
    """Says if the dev set of this digest isn't the one that the teacher or student in a folder was trained beside.

    Folders of earlier versions don't say which that was, and files of students don't.
    """
    for name in (TEACHER_FILE, STUDENT_FILE):
        if (path := Path(folder) / name).is_file() and read_json(path).get("dev", dev) != dev:
            say(
                f"{folder}: was trained beside another dev set, and may have learnt rows of this one: then it, and "
                "what learns of it, is less often right about new texts than about these"
            )


def max_pieces_of(teacher: str, max_pieces: int) -> int:
    """Returns how many word pieces of a text a teacher reads: what was said as it was fine-tuned, else `max_pieces`."""
    return int(facts_of_teacher(teacher)["max_pieces"]) if is_finetuned(teacher) else max_pieces


def pretrained_of(teacher: str) -> str:
    """Returns the name of the pretrained BERT that a teacher is, or was fine-tuned from.

    It is what students and baselines have their word vectors of, whether the teacher was fine-tuned before or is
    in the same run: the fine-tuned one's know of the task what a baseline is to learn of hard labels alone.
    """
    if not is_finetuned(teacher):
        return teacher
    return str(facts_of_teacher(teacher)["pretrained"])
