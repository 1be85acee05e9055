"""By which file the folder of a teacher, or of a student, is known; nothing here loads TensorFlow."""

from __future__ import annotations

from pathlib import Path

from tfkd.files import read_json

TEACHER_FILE, STUDENT_FILE = "teacher.json", "student.json"


def is_finetuned(folder: str | Path) -> bool:
    """Says whether `finetune` wrote this folder."""
    return (Path(folder) / TEACHER_FILE).is_file()


def is_student(folder: str | Path) -> bool:
    """Says whether `save_student` wrote this folder."""
    return (Path(folder) / STUDENT_FILE).is_file()


def pretrained_of(teacher: str) -> str:
    """Returns the name of the pretrained BERT that a teacher is, or was fine-tuned from.

    It is what students and baselines have their word vectors of, whether the teacher was fine-tuned before or is
    in the same run: the fine-tuned one's know of the task what a baseline is to learn of hard labels alone.
    """
    if not is_finetuned(teacher):
        return teacher
    return str(read_json(Path(teacher) / TEACHER_FILE)["pretrained"])
