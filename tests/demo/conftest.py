"""The real `tfkd demo` in a process of its own, and students and a teacher to show."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.commands.conftest import ROOT
from tests.export.conftest import (  # noqa: F401  (fixtures)
    LABELS,
    exported,
    pair_export,
    pair_student,
    piece_export,
    piece_student,
    piece_tokenizer,
    student,
    tokenizer,
)
from tests.training.small_corpus import small_corpus
from tfkd.assets import cache_folder
from tfkd.config import TeacherConfig
from tfkd.demo.web_assets import MEDIAPIPE_WEB
from tfkd.training.finetune import finetune

# Where a test is run in the background, a shell has turned Ctrl-C off for all it starts.
_WITH_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tfkd.commands.main import main
main()
"""


@contextlib.contextmanager
def demo(*argv: object) -> Iterator[str]:
    """Yields the address of a `tfkd demo`, which Ctrl-C then ends: quietly."""
    command = [sys.executable, "-c", _WITH_CTRL_C, "demo", *map(str, argv), "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line.startswith(f"{argv[0]}: http://127.0.0.1:"), process.communicate()
        yield line.removeprefix(f"{argv[0]}: ").split()[0]
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert all(line.startswith("tfkd: asset ") or "loading the teacher" in line for line in err.splitlines()), err


@pytest.fixture(scope="session")
def teacher_folder(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuned teacher of the students' labels."""
    folder = tmp_path_factory.mktemp("demo") / "teacher"
    config = TeacherConfig(teacher=str(tiny_bert), teacher_epochs=1, max_pieces=16)
    finetune(dataclasses.replace(small_corpus(), label_names=LABELS), config, folder, seed=1)
    return folder


@pytest.fixture(scope="session")
def mediapipe_at_hand() -> None:
    """Skips what needs MediaPipe's files where they can't be had."""
    if shutil.which("npm") is None and not list(cache_folder().glob(f"{MEDIAPIPE_WEB.name}-{MEDIAPIPE_WEB.version}-*")):
        pytest.skip("neither npm (which comes with Node.js) is here nor what it once fetched")


@pytest.fixture(scope="session")
def browser(mediapipe_at_hand: None) -> Iterator[Browser]:
    """The system's own Chromium, which asks for nothing by itself."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium here: tools/test.sh --real installs Debian's where it may")
    quiet = ["--disable-gpu", "--disable-quic", "--disable-sync", "--no-first-run"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet.append("--no-sandbox")  # Chromium has none for root
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=quiet) as launched:
        yield launched
