"""README, docs and help: their commands and Python run; the flags, files and messages that they name are there."""

from __future__ import annotations

import ast
import contextlib
import csv
import functools
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.commands.conftest import ROOT, call
from tests.conftest import pairs, sentences
from tests.export.conftest import randomized
from tfkd.commands.names import COMMANDS

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BASIS = ROOT / "docs" / "own_data.md"  # whose commands run first: what they leave, the other pages go on from
PROGRAMS = ("tfkd", "python", "pip", "source", ".", "tools/quickstart.sh", "tools/test.sh")
# What takes minutes, a network, a phone or a browser: there the flags are compared with those that the command has.
TOO_MUCH = re.compile(
    r" --arm64\b| --phone\b|=asset:|=tfds:|=hf://|=bert_base|^tfkd demo |^tfkd benchmark (?!runs/|.* --data=)"
    r"| --glue_task=(?!.* --glue_test=)| --max_pieces=256 --max_tokens=256$"
)
# In place of the BERT and the sizes of the docs, unless a command names its own.
TINY = {
    "teacher_epochs": "1",
    "teacher_learning_rate": "3e-3",
    "n_iter": "3",
    "embedding_dim": "32",
    "hidden_size": "64",
    "dense_size": "8",
    "epochs": "2",
    "baseline_epochs": "2",
    "batch_size": "16",
    "learning_rate": "0.01",
    "max_tokens": "12",
    "min_agreement": "0.5",
}


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands_of(page: Path) -> list[str]:
    """The command lines of a page's indented and fenced blocks, in their order."""
    lines = page.read_text("utf-8").replace("\\\n", " ").splitlines()
    blocks = "\n".join(line for line in lines if line.startswith("    ")).splitlines()
    blocks += [
        line for language in ("sh", "bash") for block in code_blocks(page, language) for line in block.splitlines()
    ]
    return [line.split("  #")[0].strip() for line in blocks if line.split()[:1] and line.split()[0] in PROGRAMS]


@functools.cache
def flags_of(command: str) -> frozenset[str]:
    """The flags that a command's help shows, without dashes."""
    return frozenset(line.strip()[2:] for line in call(command, "--help").out.splitlines() if line.startswith("  --"))


def tool_flags(path: str) -> set[str]:
    """What a script of ours could take: what it defines, and `tfkd run`'s flags."""
    return {*re.findall(r'"(?:--)?([a-z_0-9]+)"', (ROOT / path).read_text("utf-8")), *flags_of("run")}


@functools.cache
def strings_of_the_code() -> str:
    """All texts in tfkd's and the devices' code, with an ellipsis for what is put into them."""
    found = []
    for path in [*(ROOT / "tfkd").rglob("*.py"), *(ROOT / "tflite").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(str(p.value) if isinstance(p, ast.Constant) else "\0" for p in node.values))
    return "\n".join(found)


@pytest.fixture(scope="module")
def prepared(tiny_bert, tmp_path_factory) -> Path:
    """A folder with all that the docs take for granted: a user's files, and what the commands of BASIS made of them."""
    folder = tmp_path_factory.mktemp("user")
    with open(folder / "reviews.csv", "w", newline="") as f:
        csv.writer(f).writerows([("text", "label"), *sentences()])
    with open(folder / "dev.csv", "w", newline="") as f:
        csv.writer(f).writerows(
            [("text", "label"), ("a dull film indeed", "negative"), ("such a fine cast", "positive")]
        )
    (folder / "pairs.tsv").write_text("sentence1\tsentence2\tlabel\n" + "".join("\t".join(p) + "\n" for p in pairs()))
    with open(folder / "mails.csv", "w", newline="") as f:
        rows = [("a film", text, label) for text, label in sentences()]
        csv.writer(f).writerows([("subject", "body", "category"), *rows])
    (folder / "pairs.txt").write_text("the film is good\ta very fine film\n")
    (folder / "more.csv").write_text("text\nwhat a lovely film\nthe story was so poor\n")
    (folder / "lines.txt").write_text("what a lovely film\nthe story was so poor\n")
    (folder / "test.tsv").write_text("index\tsentence\n0\ta good film\n1\ta bad film\n")
    (folder / "android_aarch64_benchmark_model").write_bytes(b"")
    shutil.copytree(tiny_bert, folder / "my_bert")
    for name in ("recipes", "tools", "tflite", "docs"):
        (folder / name).symlink_to(ROOT / name)
    with contextlib.chdir(folder):
        exec(python_block("other_model.parquet"), taken_for_granted())
        exec(python_block("joined.csv"), {})
        run_here("tfkd run --name=pairs --data=pairs.tsv")
        run_page(BASIS)
        run_here("tfkd run --name=mine --data=reviews.csv --update")  # as the other pages know it
        shutil.copytree("runs/mine", "runs/quickstart")
        shutil.copytree("runs/mine", "runs/other")
        run_here("tfkd export --teacher=teacher --data=reviews.csv --out=teacher.tflite")
    return folder


@pytest.fixture
def folder(prepared, tmp_path, monkeypatch) -> Path:
    """A copy of it to work in."""
    copy = shutil.copytree(prepared, tmp_path / "user", symlinks=True)
    monkeypatch.chdir(copy)
    return copy


def tiny(argv: list[str]) -> list[str]:
    """The command with a tiny BERT and few epochs, where it leaves them open."""
    given = {word[2:].split("=")[0] for word in argv if word.startswith("--")}
    added = {**TINY, "teacher": "my_bert"} if argv[0] in ("run", "finetune", "distill") else dict(TINY)
    if argv[0] == "run":
        added["label_precision"] = "float32"  # converting the BERT would take longer than all labelling
    if argv[0] == "benchmark":
        added["runs"] = "10"
    return [*argv, *(f"--{n}={v}" for n, v in added.items() if n in flags_of(argv[0]) - given)]


def run_here(line: str) -> None:
    """Runs a command line of the docs in the current folder."""
    program, *argv = shlex.split(line)
    if program.startswith("tools/"):
        assert os.access(ROOT / program, os.X_OK), line
        assert set(argv) <= {"--real", "tests/text", "-k", "csv"}, line
    elif program in (".", "source", "pip"):
        assert argv, line
    elif program == "python" and argv[0].startswith("tools/"):
        assert given_flags(argv) <= tool_flags(argv[0]), line
    elif program == "python" or "<" in argv:  # which the shell does
        python = shlex.quote(sys.executable)
        command = f"{python} -m {line}" if program == "tfkd" else f"{python} {line.removeprefix('python')}"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, env=environment)
        assert (done.returncode, bool(done.stdout)) == (0, True), (line, done.stderr)
    elif TOO_MUCH.search(line):
        assert given_flags(argv) <= flags_of(argv[0]), line
    elif any(word.startswith("--flagfile=") for word in argv):  # as tests/commands/test_recipes.py does
        outcome = call(*argv, "--data=nowhere.tsv", "--runs=other_runs")
        assert (outcome.status, outcome.err.count("\n")) == (1, 1), outcome.err
        assert outcome.err.startswith("tfkd: nowhere.tsv:"), outcome.err
    else:
        outcome = call(*tiny(argv[: argv.index(">")] if ">" in argv else argv))
        assert outcome.status == 0, (line, outcome.err[-2000:])


def run_page(page: Path) -> None:
    """Runs a page's command lines one after the other in the current folder."""
    for line in commands_of(page):
        run_here(line)
        assert_names_files(line)


def given_flags(argv: list[str]) -> set[str]:
    return {word[2:].split("=")[0] for word in argv if word.startswith("--")}


def test_there_are_commands_to_run():
    lines = [line for page in PAGES for line in commands_of(page)]
    assert len(lines) > 40
    assert sum(line.startswith("tfkd ") for line in lines) > 30
    named = {line.split()[1] for line in lines if line.startswith("tfkd ")}
    assert named == set(COMMANDS)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands_of(page) and page != BASIS], ids=lambda page: page.name
)
def test_commands_run_one_after_the_other(folder, page):
    run_page(page)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_help_run(folder, name):
    """Each command's help begins with a sentence and an example."""
    doc = (importlib.import_module(f"tfkd.commands.{name}").__doc__ or "").splitlines()
    assert doc[0].endswith(".")
    assert doc[1] == ""
    assert doc[2].strip().startswith(f"tfkd {name} ")
    for line in (line.strip() for line in doc):
        if line.startswith("tfkd "):
            run_here(line)
            assert_names_files(line)


def assert_names_files(line: str) -> None:
    """Asserts that all files of a command line are there, those that it writes among them unless it was too much."""
    for word in shlex.split(line.split(" > ")[0])[1:]:
        flag, _, value = word.rpartition("=")
        if (value.startswith("runs/") and line.startswith("tfkd ")) or re.fullmatch(
            r"[\w/]+\.(csv|tsv|txt|tflite|parquet|flags|py|sh)", value
        ):
            assert Path(value).exists() or (TOO_MUCH.search(line) and flag in ("--out", "--json")), (line, value)


def taken_for_granted() -> dict[str, object]:
    """What the docs' Python takes for granted: a model, ids, texts and logits."""
    layers = [
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(50, 16, mask_zero=True),
        keras.layers.LSTM(16),
        keras.layers.Dense(2, activation="softmax"),
    ]
    token_ids = np.random.default_rng(0).integers(1, 50, (100, 9))
    rows = sentences()
    logits = [[1.5, -1.5] if label == "negative" else [-1.5, 1.5] for _, label in rows]
    model = randomized(keras.Sequential(layers), scale=0.3)
    return {"model": model, "token_ids": token_ids, "texts": [text for text, _ in rows], "logits": logits}


def python_block(containing: str) -> str:
    (code,) = (block for page in PAGES for block in code_blocks(page, "python") if containing in block)
    return code


def test_python_that_classifies_with_mediapipe(folder, capsys):
    exec(python_block("mediapipe.tasks"), {})
    out = capsys.readouterr().out
    assert "category_name='positive'" in out
    assert "category_name='negative'" in out


def test_python_that_classifies_with_litert(folder, capsys):
    exec(python_block("LiteRtClassifier"), {})
    assert capsys.readouterr().out.startswith("('negative', 'positive') [[")


def test_python_that_exports_a_keras_model_and_runs_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(python_block("export_keras_model"), taken_for_granted())
    size, agreement = capsys.readouterr().out.split()
    assert int(size) == Path("model.tflite").stat().st_size
    assert float(agreement) >= 0.995
    exec(python_block("get_signature_runner"), {})
    assert capsys.readouterr().out.startswith("{'probabilities': array([[")


def test_every_block_of_python_is_among_these():
    assert sum(len(code_blocks(page, "python")) for page in PAGES) == 6  # two of them are run by `prepared`


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text("utf-8")
    known = set().union(*map(flags_of, COMMANDS), *(tool_flags(str(p)) for p in (ROOT / "tools").glob("*.py")))
    assert set(re.findall(r"(?<![\w-])--([a-z_0-9]+)", text)) <= {*known, "real"}
    code = re.findall(r"`([^`\n]+)`", text)
    commands = {words.split()[1] for words in code if words.startswith("tfkd ") and len(words.split()) > 1}
    assert {name for name in commands if not name.startswith("-")} <= set(COMMANDS)
    for words in code:
        if re.fullmatch(r"(docs|recipes|tests|tflite|tfkd|tools)/[\w./-]*", words):
            assert (ROOT / words).exists(), words
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            assert (linked := page.parent / file if file else page).exists(), target
            assert not anchor or anchor in anchors_of(linked), target


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_message_is_one_of_the_code():
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    messages = re.findall(r"^- `(.*)`$", text, flags=re.MULTILINE)
    assert len(messages) > 20
    said = strings_of_the_code()
    for message in messages:
        for fragment in filter(None, (part.strip(" ;:,") for part in message.split("..."))):
            assert fragment in said, (message, fragment)
