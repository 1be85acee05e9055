"""The demo put together: a student's file, its teacher, and the page that shows them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfkd.demo.examples import EXAMPLES, examples_of_file, examples_of_run
from tfkd.demo.server import DemoServer, Resource
from tfkd.demo.student_file import StudentFile, open_student_file
from tfkd.demo.web_assets import media_type, mediapipe_files, page_files
from tfkd.errors import InputError
from tfkd.progress import say


def open_demo(model: str | Path, teacher: str | Path = "", examples: str | Path = "", port: int = 0) -> DemoServer:
    """Returns a server of the demo, which listens already; `serve_forever` answers.

    Args:
      model: a .tflite file that tfkd exported, or a run's folder: its student and its sentences.
      teacher: folder of a fine-tuned teacher to ask; "": none.
      examples: file of texts to click on, one a line; "" for the run's own, of a file alone some of film reviews.
      port: where it listens; 0 for any port that is free.

    Raises:
      InputError: the model, teacher or examples can't be shown, the port is taken, or MediaPipe can't be fetched.
    """
    run = Path(model) if Path(model).is_dir() else None
    student = open_student_file(run / "export" / "student.tflite" if run else model)
    texts = examples_of_file(examples) if examples else examples_of_run(run) if run else EXAMPLES
    about: dict[str, Any] = {
        "name": run.resolve().name if run else student.path.name,
        "size_bytes": len(student.content),
        "max_tokens": student.max_tokens,
        "examples": texts,
        "teacher": None,
    }
    server = DemoServer(port)
    try:
        if teacher:
            server.teacher = _asked(Path(teacher), student)
            about["teacher"] = {"size_bytes": _size_bytes(Path(teacher))}
        shown = {**page_files(), **{f"mediapipe/{name}": content for name, content in mediapipe_files().items()}}
        server.resources = {
            **{f"/{name}": Resource(media_type(name), content) for name, content in shown.items()},
            "/": Resource(media_type("index.html"), shown["index.html"]),
            "/about.json": Resource("application/json", json.dumps(about).encode()),
            "/student.tflite": Resource("application/octet-stream", student.content),
        }
    except BaseException:
        server.server_close()
        raise
    return server


def _asked(folder: Path, student: StudentFile) -> Callable[[str], dict[str, Any]]:
    """What the teacher in `folder` says of a text: labels with probabilities, and milliseconds."""
    from tfkd.native_stderr import import_tensorflow

    say(f"{folder}: loading the teacher")
    import_tensorflow()
    from scipy.special import softmax

    from tfkd.training.finetune import load_finetuned

    found = load_finetuned(folder)
    if found.label_names != student.label_names:
        raise InputError(
            f"--teacher={folder}: classifies into {', '.join(found.label_names)}; "
            f"{student.path} into {', '.join(student.label_names)}"
        )
    teacher = found.teacher

    def answer(text: str) -> dict[str, Any]:
        start = time.perf_counter()
        (probabilities,) = softmax(teacher.logits(teacher.encode([text])), axis=1)
        milliseconds = 1000 * (time.perf_counter() - start)
        scores = [{"label": name, "score": float(p)} for name, p in zip(found.label_names, probabilities, strict=True)]
        return {"scores": scores, "milliseconds": milliseconds}

    answer("")  # TensorFlow traces the model at its first text: not the time of a sentence
    return answer


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
