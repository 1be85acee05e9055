"""Commands called in this process, and what each leaves for the next one."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from absl import flags

from tfkd.commands.main import run_command

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str

    def without_notes(self) -> Outcome:
        """Returns it without what was said of the data, and of the run that a model is of."""
        notes = ("data: ", "export: as long as in ")
        kept = [line for line in self.err.splitlines(keepends=True) if not line.startswith(notes)]
        return replace(self, err="".join(kept))


def call(*argv: object) -> Outcome:
    """Runs one command in this process, with flags of its own."""
    out, err = io.StringIO(), io.StringIO()
    forget_flags()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run_command([str(argument) for argument in argv])
    finally:
        forget_flags()
    return Outcome(status, out.getvalue(), err.getvalue())


def forget_flags() -> None:
    """Forgets the flags that a command of this process has defined."""
    for module, defined in list(flags.FLAGS.flags_by_module_dict().items()):
        if module.startswith("tfkd") or module == "__main__":
            for name in [n for flag in defined for n in (flag.name, flag.short_name) if n]:
                if name in flags.FLAGS:
                    delattr(flags.FLAGS, name)
    flags.FLAGS.unparse_flags()


def call_process(*argv: object, stdin: bytes = b"", code: str = "") -> Outcome:
    """Runs one command in a process of its own; `code` instead of `-m tfkd`, if given."""
    start = ["-c", code] if code else ["-m", "tfkd"]
    done = subprocess.run(
        [sys.executable, *start, *map(str, argv)], input=stdin, capture_output=True, cwd=ROOT, check=False
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def assert_one_line(outcome: Outcome, status: int, *parts: str) -> None:
    """Asserts how a command failed: its exit status, and one line on stderr with these parts in it."""
    assert outcome.status == status, outcome
    assert outcome.err.startswith("tfkd: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    for part in parts:
        assert part in outcome.err


TEACHER_FLAGS = ("--teacher_epochs=2", "--teacher_learning_rate=3e-3")
STUDENT_FLAGS = (
    "--embedding_dim=8",
    "--hidden_size=6",
    "--dense_size=5",
    "--epochs=3",
    "--baseline_epochs=2",
    "--batch_size=16",
    "--learning_rate=0.01",
)


@dataclass(frozen=True)
class Chain:
    """The files of all commands, each made of those of the one before; and what each printed."""

    folder: Path
    data: Path
    outcomes: dict[str, Outcome]

    @property
    def tflite(self) -> Path:
        return self.folder / "student.tflite"


@pytest.fixture(scope="session")
def chain(tiny_bert: Path, corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Returns what finetune, augment, label, distill and export made, one after the other."""
    folder = tmp_path_factory.mktemp("chain")
    data = f"--data={corpus_file}"
    teacher, bert = folder / "teacher", f"--teacher={tiny_bert}"
    steps: dict[str, Callable[[], Outcome]] = {
        "finetune": lambda: call("finetune", data, bert, f"--out={teacher}", *TEACHER_FLAGS),
        "augment": lambda: call("augment", data, "--n_iter=3", "--shard_rows=100", f"--out={folder / 'sentences'}"),
        "label": lambda: call(
            "label", f"--sentences={folder / 'sentences'}", f"--teacher={teacher}", f"--out={folder / 'transfer_set'}"
        ),
        "distill": lambda: call(
            "distill",
            data,
            f"--transfer_set={folder / 'transfer_set'}",
            f"--teacher={teacher}",
            f"--out={folder / 'student'}",
            *STUDENT_FLAGS,
        ),
        "baseline": lambda: call(
            "distill", data, "--baseline", "--embeddings=random", f"--out={folder / 'baseline'}", *STUDENT_FLAGS
        ),
        "export": lambda: call(
            "export",
            data,
            f"--student={folder / 'student'}",
            "--max_tokens=12",
            f"--out={folder / 'student.tflite'}",
        ),
    }
    outcomes = {}
    for name, step in steps.items():
        outcomes[name] = step()
        assert outcomes[name].status == 0, (name, outcomes[name].err)
    return Chain(folder, corpus_file, outcomes)
