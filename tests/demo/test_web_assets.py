"""The page's files, and MediaPipe's."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.commands.conftest import ROOT
from tfkd.assets import cache_folder
from tfkd.demo.web_assets import MEDIAPIPE_WEB, media_type, mediapipe_files, page_files


def test_media_types():
    assert media_type("text_wasm_internal.wasm") == "application/wasm"
    assert media_type("text_bundle.mjs") == media_type("demo.js") == "text/javascript; charset=utf-8"
    assert {media_type(name).partition(";")[0] for name in page_files()} == {
        *("text/html", "text/css", "text/javascript", "image/svg+xml"),
    }


def test_the_page_names_nothing_outside_and_nothing_inline():
    for name, content in page_files().items():
        text = content.decode().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in re.sub(r"^\s*// .*$|\s// .*$", "", text, flags=re.M), name
    html = page_files()["index.html"].decode()
    assert re.findall(r"<script(.*?)>(.*?)</script>", html) == [(' type="module" src="demo.js"', "")]
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    # What makes HTML of text isn't there to be used by mistake.
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page_files()["demo.js"].decode()
    )


def test_an_installed_wheel_has_the_page_and_all_that_a_device_runs(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("tfkd", "tflite"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"]
    done = subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as z:
        shipped = [path for path in (ROOT / "tflite").rglob("*") if path.is_file() and path.suffix != ".pyc"]
        assert {"index.html", "instruction_counter.c", "classify.py", "classify.js"} < {path.name for path in shipped}
        for path in shipped:
            assert z.read(f"tfkd/device/{path.relative_to(ROOT / 'tflite').as_posix()}") == path.read_bytes()
        assert {name.partition("/")[0] for name in z.namelist()} == {
            "tfkd",
            f"tfkd-{wheel.name.split('-')[1]}.dist-info",
        }


@pytest.mark.real
def test_true_mediapipe(mediapipe_at_hand):
    found = mediapipe_files()
    assert found["text_wasm_internal.wasm"][:8] == b"\0asm\1\0\0\0"
    # The first release that posts what it measures names the server in its bundle; ours names none.
    bundle = found["text_bundle.mjs"].decode()
    assert "TextClassifier" in bundle
    assert not re.findall(r"https?://[\w.-]+", bundle)
    (folder,) = cache_folder().glob(f"{MEDIAPIPE_WEB.name}-{MEDIAPIPE_WEB.version}-*")
    assert '"license": "Apache-2.0"' in (folder / "package.json").read_text(encoding="utf-8")
