"""`tfkd completion`: what real shells make of its scripts, as one types."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.commands.conftest import assert_one_line, call, call_process
from tests.commands.test_main import HEAVY, LOADED, _loaded
from tfkd.commands.completion_scripts import SCRIPTS
from tfkd.commands.names import COMMANDS

# How each shell is started without the user's own settings, and told of the script.
_STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {script}"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source {script}"),
    "fish": (["fish", "--no-config", "-i"], "source {script}"),
}
_SECONDS = 60  # after which a shell that doesn't answer is hung


@pytest.fixture(scope="module", params=_STARTS)
def shell(request, tmp_path_factory) -> tuple[str, Path]:
    """A shell that is installed, and the script for it."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} isn't here (Debian's package has its name)")
    script = tmp_path_factory.mktemp("completion") / "script"
    script.write_text(call("completion", request.param).out, "utf-8")
    return request.param, script


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where one types: with two files and a folder."""
    (tmp_path / "reviews.csv").write_text("text,label\n")
    (tmp_path / "my student.tflite").write_bytes(b"")
    (tmp_path / "runs").mkdir()
    return tmp_path


def typed(shell: str, script: Path, line: str, expected: str, folder: Path) -> str:
    """Types a line and a tab in an interactive shell; returns what the terminal shows, up to what is expected."""
    command, told = _STARTS[shell]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = {**os.environ, "TERM": "dumb", "HISTFILE": "", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        os.execvpe(command[0], command, environment)
    try:
        ready = "rea''dy"  # which the echo of what is typed doesn't show
        os.write(terminal, f"{told.format(script=script)}; echo {ready}\n".encode())
        shown = _read_until(terminal, "ready")
        assert "rror" not in shown
        os.write(terminal, f"{line}\t".encode())
        return _read_until(terminal, expected)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def _read_until(terminal: int, expected: str) -> str:
    shown, end = "", time.monotonic() + _SECONDS
    while expected not in shown:
        left = end - time.monotonic()
        assert left > 0, f"{expected!r} never came: {shown!r}"
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tfkd pred", "tfkd predict "),
        ("tfkd export --lowerin", "tfkd export --lowering"),
        ("tfkd export --lowering=fol", "tfkd export --lowering=folded"),
        ("tfkd export --data=rev", "tfkd export --data=reviews.csv"),
        ("tfkd run --upd", "tfkd run --update "),
        ("tfkd run --update --quantization=float1", "--quantization=float16"),
        ("tfkd demo ru", "tfkd demo runs/"),
        ("tfkd evaluate --json my", r"tfkd evaluate --json my\ student.tflite"),
    ],
)
def test_completes_what_is_typed(shell, folder, line, expected):
    name, script = shell
    shown = typed(name, script, line, expected, folder)
    assert line in shown


def test_offers_every_command_and_flag_there_is(shell):
    """As the commands' own help has them."""
    name, script = shell
    text = script.read_text("utf-8")
    for command in COMMANDS:
        assert command in text
        flags = {line.strip() for line in call(command, "--help").out.splitlines() if line.startswith("  --")}
        assert len(flags) >= 3
        if name == "zsh":  # which can be asked by a terminal alone
            words = text.partition(f"\n    {command})\n")[2].partition("        ;;")[0]
            words = words.replace("'", "\n").replace("[", "\t")
        else:
            asked = {
                "bash": f"COMP_WORDS=(tfkd {command} --) COMP_CWORD=2; _tfkd; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                "fish": f"complete -C 'tfkd {command} --'",
            }
            argv = [name, "-c", f"source {script}; {asked[name]}"]
            words = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        offered = {word.split("\t")[0].strip().removesuffix("=") for word in words.splitlines()}
        assert {flag for flag in offered if flag.startswith("--")} == flags


def test_numbers_get_no_files(folder, tmp_path):
    script = tmp_path / "script"
    script.write_text(call("completion", "bash").out, "utf-8")
    line = f'source {script}; COMP_WORDS=(tfkd run --seed = "") COMP_CWORD=4; _tfkd; echo "${{#COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout == "0\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_is_quick(name):
    """It is called whenever a shell starts, by some."""
    loaded = _loaded(call_process("completion", name, code=LOADED).err)
    assert "tfkd.commands.completion" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]])
def test_called_wrongly(arguments):
    assert_one_line(call("completion", *arguments), 2, "expected one of bash, zsh, fish")
