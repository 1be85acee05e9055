"""tflite/classify.py, which an app's developer copies: the same answers with nothing but LiteRT, NumPy and RE2."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings

from tests.export.conftest import DEV, LABELS, MAX_TOKENS, TEXTS
from tests.export.test_mediapipe import AWKWARD_TEXTS, any_text, film_text
from tests.text.test_word_tokenizer import of_unicode_14
from tfkd.config import ExportConfig
from tfkd.export.exporter import export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.text.word_tokenizer import WordTokenizer

RUNNER = Path(__file__).parents[2] / "tflite" / "classify.py"
KINDS = ("words", "groups", "pieces", "pairs", "piece_pairs", "lengths")
# Calls the runner where nothing of the modules named first can be imported.
_WITHOUT = """
import runpy, sys
_, refused, *sys.argv = sys.argv
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused.split(","):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refusing())
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_TFKDS = "tensorflow,keras,keras_hub,mediapipe,pyarrow,tfkd"


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("classify", RUNNER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(
    exported, piece_export, pair_export, piece_pair_export, student, tokenizer, tmp_path_factory
) -> dict[str, Path]:
    """A file of each kind that there is."""
    folder = tmp_path_factory.mktemp("kinds")
    lengths = ExportConfig(max_tokens=MAX_TOKENS, shorter_tokens=(3, 6))
    grouping = WordTokenizer(tokenizer.vocabulary, r"([^\pL\pN\pM])+")  # split() of Python's returns groups too
    return {
        "words": exported.path,
        "groups": export_student(
            student, grouping, LABELS, DEV, TEXTS, folder / "groups.tflite", ExportConfig(max_tokens=MAX_TOKENS)
        ).path,
        "pieces": piece_export.path,
        "pairs": pair_export.path,
        "piece_pairs": piece_pair_export.path,
        "lengths": export_student(student, tokenizer, LABELS, DEV, TEXTS, folder / "lengths.tflite", lengths).path,
    }


def _rows(kind: str, texts: list[str]) -> list[tuple[str, ...]]:
    """The texts, or each with the one before it as a pair."""
    return list(itertools.pairwise([texts[-1], *texts])) if kind.endswith("pairs") else [(text,) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_those_of_tfkd(files, kind):
    rows = _rows(kind, [*AWKWARD_TEXTS.values(), "good\0film", *DEV.texts])
    classifier = _runner().Classifier(str(files[kind]))
    found = np.stack([classifier.probabilities(*row) for row in rows])
    np.testing.assert_array_equal(found, LiteRtClassifier.from_file(files[kind]).predict(*zip(*rows, strict=True)))
    assert len(np.unique(found[:, 0])) > 10  # or it would say nothing


@pytest.fixture(scope="module", params=["words", "pieces"])
def both(request, files):
    """The ids of a text, as the runner and as tfkd read it."""
    path = files[request.param]
    return _runner().Classifier(str(path)).tokens, LiteRtClassifier.from_file(path).tokenizer


@of_unicode_14
@settings(max_examples=300)
@given(text=any_text)
def test_ids_of_any_text(both, text):
    tokens, tokenizer = both
    assert tokens(text) == tokenizer.encode([text]).ids.tolist()


@of_unicode_14
@settings(max_examples=300)
@given(parts=film_text)
def test_ids_among_known_words(both, parts):
    tokens, tokenizer = both
    text = "".join(parts)
    assert tokens(text) == tokenizer.encode([text]).ids.tolist()


def _lines(kind: str) -> bytes:
    texts = [text for text in AWKWARD_TEXTS.values() if not {"\n", "\t"} & set(text)]
    return "".join("\t".join(row) + "\n" for row in _rows(kind, texts)).encode()


def _predicted(path: Path, lines: bytes) -> bytes:
    command = [sys.executable, "-m", "tfkd", "predict", f"--model={path}"]
    return subprocess.run(command, input=lines, capture_output=True, check=True, cwd=RUNNER.parents[1]).stdout


def _called(*argv: object, stdin: bytes = b"", refused: str = _TFKDS) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", _WITHOUT, refused, str(RUNNER), *map(str, argv)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize(("kind", "refused"), [("words", _TFKDS), ("pieces", f"{_TFKDS},re2"), ("pairs", _TFKDS)])
def test_prints_what_tfkd_predict_prints(files, kind, refused):
    lines = _lines(kind)
    done = _called(files[kind], stdin=lines, refused=refused)
    assert done.returncode == 0, done.stderr
    assert done.stdout == _predicted(files[kind], lines)
    assert done.stdout.count(b"\n") == lines.count(b"\n") > 10
    assert _called(files[kind], stdin=b"\xef\xbb\xbf" + lines, refused=refused).stdout == done.stdout


@pytest.mark.real
def test_in_an_environment_of_its_own(files, tmp_path):
    """With these two packages and what they bring: no TensorFlow, no tfkd."""
    packages = ("ai-edge-litert", "google-re2")
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in packages]
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    python = tmp_path / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(install, check=True)
    for module in _TFKDS.split(","):
        assert (
            subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, cwd=tmp_path).returncode == 1
        )
    for kind in KINDS:
        lines = _lines(kind)
        done = subprocess.run(
            [python, "-I", RUNNER, files[kind]], input=lines, capture_output=True, check=True, cwd=tmp_path
        )
        assert done.stdout == _predicted(files[kind], lines)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "isn't a file that tfkd export wrote: File is not a zip file"),
        (b"no model", "isn't a file that tfkd export wrote: File is not a zip file"),
    ],
)
def test_a_file_that_is_none(tmp_path, content, says):
    path = tmp_path / "some.tflite"
    if content is not None:
        path.write_bytes(content)
    _assert_one_line(_called(path, stdin=b"good\n"), f"classify.py: {path} isn't a file that tfkd export wrote", says)


def test_a_model_without_metadata_and_one_cut_off(files, tmp_path):
    content = files["words"].read_bytes()
    bare, headless = tmp_path / "bare.tflite", tmp_path / "headless.tflite"
    bare.write_bytes(content[: content.index(b"PK\3\4")])
    headless.write_bytes(content[2000:])
    _assert_one_line(_called(bare), "bare.tflite isn't a file that tfkd export wrote: File is not a zip file")
    _assert_one_line(_called(headless), "headless.tflite isn't a file that tfkd export wrote: ")


def test_a_zip_archive_without_the_files(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no model")
    _assert_one_line(_called(path), "There is no item named 'vocabulary.txt' in the archive")


def test_a_call_without_a_model_or_with_more_than_one(files):
    for arguments in ((), (files["words"], files["words"])):
        _assert_one_line(_called(*arguments), "usage: python classify.py student.tflite < lines.txt")


def test_lines_that_cannot_be_read(files):
    latin = _called(files["words"], stdin=b"good\ncaf\xe9\n")
    assert latin.stdout.count(b"\n") == 1
    _assert_one_line(latin, "classify.py: line 2: 'utf-8' codec can't decode byte 0xe9")
    _assert_one_line(_called(files["pairs"], stdin=b"good\n"), "line 1: 1 texts; expected 2, with a tab between them")
    _assert_one_line(_called(files["pairs"], stdin=b"a\tb\tc\n"), "line 1: 3 texts; expected 2")


def _assert_one_line(done: subprocess.CompletedProcess[bytes], *parts: str) -> None:
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith("INFO: ")]  # LiteRT's own
    assert done.returncode == 1
    assert len(said) == 1, said
    for part in parts:
        assert part in said[0]


def test_is_as_short_as_it_says():
    assert len(RUNNER.read_text("utf-8").splitlines()) <= 80
