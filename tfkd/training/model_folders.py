"""By which file the folder of a teacher, or of a student, is known; nothing here loads TensorFlow."""

from __future__ import annotations

from pathlib import Path

TEACHER_FILE, STUDENT_FILE = "teacher.json", "student.json"


def is_finetuned(folder: str | Path) -> bool:
    """Says whether `finetune` wrote this folder."""
    return (Path(folder) / TEACHER_FILE).is_file()
