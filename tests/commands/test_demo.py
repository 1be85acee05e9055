"""`tfkd demo` as a user calls it, rightly and wrongly."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.request

import pytest

from tests.commands.conftest import assert_one_line, call, call_process
from tests.commands.test_main import LOADED, _loaded
from tests.demo.conftest import demo, mediapipe_at_hand  # noqa: F401  (a fixture)
from tfkd.report.evaluation import open_classifier


@pytest.fixture
def no_assets(tmp_path, monkeypatch):
    """A machine that has fetched nothing and has no npm: what gets as far as that was accepted."""
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "cache"


def test_one_model():
    assert_one_line(call("demo"), 2, "0 models: name one", "tfkd demo --help")
    assert_one_line(call("demo", "a.tflite", "b.tflite"), 2, "2 models: name one")


@pytest.mark.parametrize("port", ["-1", "65536", "many"])
def test_ports_that_are_none(port):
    assert_one_line(call("demo", "a.tflite", f"--port={port}"), 2, "port", "tfkd demo --help")


def test_models_that_are_none(chain, tmp_path):
    assert_one_line(call("demo", tmp_path / "none.tflite"), 1, "none.tflite: can't be read: No such file")
    assert_one_line(call("demo", tmp_path), 1, "student.tflite: can't be read: No such file")
    (tmp_path / "text.tflite").write_text("a text")
    assert_one_line(call("demo", tmp_path / "text.tflite"), 1, "text.tflite: isn't a .tflite model")
    assert_one_line(call("demo", chain.folder / "student" / "student.keras"), 1, "isn't a .tflite model")


def test_no_npm_and_nothing_fetched(chain, no_assets):
    outcome = call("demo", chain.tflite, "--port=0")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith(
        "tfkd: asset mediapipe_web: npm, which downloads @mediapipe/tasks-text,"
    )
    assert list(no_assets.iterdir()) == []


def test_port_in_use(chain, no_assets):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(
            call("demo", chain.tflite, f"--port={port}"), 1, f"--port={port}: can't be listened on", "0 for any"
        )
    assert not no_assets.exists()


def test_examples_that_are_none(chain, no_assets, tmp_path):
    assert_one_line(
        call("demo", chain.tflite, f"--examples={tmp_path / 'no'}"), 1, f"--examples={tmp_path / 'no'}: can't"
    )


def test_teachers_that_are_none(chain, no_assets, tmp_path):
    for folder in (tmp_path, chain.folder / "student", tmp_path / "nowhere"):
        outcome = call("demo", chain.tflite, f"--teacher={folder}", "--port=0")
        assert outcome.status == 1
        assert outcome.err.splitlines()[-1].startswith(
            f"tfkd: {folder}: no fine-tuned teacher (teacher.json is missing)"
        )


def test_a_teacher_of_other_labels(chain, no_assets, tmp_path):
    other = tmp_path / "teacher"
    shutil.copytree(chain.folder / "teacher", other)
    description = json.loads((other / "teacher.json").read_text())
    description["label_names"] = ["bad", "good"]
    (other / "teacher.json").write_text(json.dumps(description))
    outcome = call("demo", chain.tflite, f"--teacher={other}", "--port=0")
    assert outcome.status == 1
    line = f"tfkd: --teacher={other}: classifies into bad, good; {chain.tflite} into negative, positive"
    assert outcome.err.splitlines()[-1] == line


def test_tensorflow_is_imported_for_a_teacher_alone(chain, no_assets):
    outcome = call_process("demo", chain.tflite, "--port=0", code=LOADED)
    assert "tfkd.demo.server" in _loaded(outcome.err)
    assert not _loaded(outcome.err) & {"tensorflow", "keras", "keras_hub", "mediapipe"}


@pytest.mark.real
def test_open_calls_the_browser(chain, tmp_path, monkeypatch, mediapipe_at_hand):  # noqa: F811
    script, opened = tmp_path / "browser", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\necho "$1" >"{opened}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    with demo(chain.tflite, "--open") as address, urllib.request.urlopen(address) as response:  # after it was opened
        assert response.status == 200
        assert opened.read_text() == f"{address}\n"


@pytest.mark.real
def test_the_folder_of_a_run(chain, tmp_path, mediapipe_at_hand):  # noqa: F811
    (tmp_path / "export").mkdir()
    shutil.copy(chain.tflite, tmp_path / "export" / "student.tflite")
    for name in ("teacher", "sentences"):
        (tmp_path / name).symlink_to(chain.folder / name)
    (tmp_path / "flags.json").write_text("{}")
    with demo(tmp_path) as address:
        with urllib.request.urlopen(f"{address}about.json") as response:
            about = json.load(response)
        text = json.dumps({"text": "the film is good"}).encode()
        request = urllib.request.Request(f"{address}teacher", text, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        with urllib.request.urlopen(f"{address}student.tflite") as response:
            assert response.read() == chain.tflite.read_bytes()
    assert (about["name"], about["size_bytes"]) == (tmp_path.name, chain.tflite.stat().st_size)
    assert about["teacher"] is not None
    # Four words or more of the corpus that the chain was made of.
    assert len(about["examples"]) == 6
    assert {example.split()[-1].strip(".") for example in about["examples"]} & {"good", "bad", "film"}
    (probabilities,) = open_classifier(chain.folder / "teacher").predict(["the film is good"])
    assert [row["label"] for row in answer["scores"]] == ["negative", "positive"]
    assert [row["score"] for row in answer["scores"]] == pytest.approx(probabilities.tolist(), abs=1e-5)
