"""Assets: fetched by the true pip from a folder of wheels, by the true npm from a small registry; checked, kept."""

import dataclasses
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tfkd import assets
from tfkd.assets import ASSETS, Asset, asset_folder, cache_folder, data_folder, folder_of
from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.files import sha256_of
from tfkd.text import movie_reviews
from tfkd.text.corpus import read_corpus


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Asset:
    """An asset whose wheel lies in the only place where pip may look."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel = shelf / "tiny_asset-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as z:
        z.writestr("tiny_asset/model/config.json", "{}")
        z.writestr("tiny_asset/model/other.bin", "not asked for")
        z.writestr("tiny_asset-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-asset\nVersion: 1.0\n")
        z.writestr("tiny_asset-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("tiny_asset-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return Asset(
        name="tiny",
        kind="model",
        package="tiny-asset",
        version="1.0",
        sha256=sha256_of(wheel),
        size_bytes=wheel.stat().st_size,
        source_archive=False,
        licence="CC0",
        members={"tiny_asset/model/config.json": "config.json"},
    )


def no_pip(*_, **__):
    raise AssertionError("pip was called")


def test_fetched_once_and_said(tiny, tmp_path, monkeypatch, capfd):
    folder = folder_of(tiny, tmp_path / "cache")
    assert sorted(path.name for path in folder.iterdir()) == ["asset.json", "config.json"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "downloading tiny-asset 1.0 with pip (0.0 MB, licence: CC0)" in err
    assert str(folder) in err
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]

    monkeypatch.setattr(subprocess, "run", no_pip)
    assert folder_of(tiny, tmp_path / "cache") == folder
    assert capfd.readouterr().err == ""


def test_wrong_hash_names_both_and_keeps_nothing(tiny, tmp_path):
    other = dataclasses.replace(tiny, sha256="0" * 64)
    with pytest.raises(InputError, match=f"found {tiny.sha256}, expected {'0' * 64}") as e:
        folder_of(other, tmp_path / "cache")
    assert "\n" not in str(e.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_hash_is_checked_here_too(tiny, tmp_path, monkeypatch):
    """Should a pip of the future let another file through, this doesn't."""

    def careless_pip(command, **_):
        downloads = Path(command[command.index("--dest") + 1])
        (downloads / "tiny_asset-1.0-py3-none-any.whl").write_bytes(b"evil")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", careless_pip)
    with pytest.raises(InputError, match="wrong SHA-256"):
        folder_of(tiny, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_out_of_reach(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(InputError, match=r"pip can't download tiny-asset==1\.0: .*; is there a network") as e:
        folder_of(tiny, tmp_path / "cache")
    assert "\n" not in str(e.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_traceback_of_pip_is_told_by_its_last_line(tiny, tmp_path, monkeypatch):
    stderr = (
        "ERROR: Exception:\nTraceback (most recent call last):\n  ...\nOSError: [Errno 28] No space left on device\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 2, "", stderr))
    with pytest.raises(InputError, match=r"tiny-asset==1\.0: OSError: \[Errno 28\] No space left on device; "):
        folder_of(tiny, tmp_path / "cache")


def test_python_without_pip(tiny, tmp_path, monkeypatch):
    answer = subprocess.CompletedProcess([], 1, "", "/usr/bin/python3: No module named pip\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(InputError, match="has no pip"):
        folder_of(tiny, tmp_path / "cache")


def test_damaged_folder_is_fetched_again(tiny, tmp_path):
    folder = folder_of(tiny, tmp_path / "cache")
    for damage in (lambda path: path.write_bytes(b""), Path.unlink):
        damage(folder / "config.json")
        assert folder_of(tiny, tmp_path / "cache") == folder
        assert (folder / "config.json").read_text() == "{}"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_interrupted_fetch_leaves_nothing(tiny, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(assets, "_build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder_of(tiny, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_a_killed_fetch_left_is_cleared_a_day_later(tiny, tmp_path):
    for name, age in (("old", 2 * 86_400), ("young", 60)):
        left = tmp_path / "cache" / f".fetch.{name}"
        left.mkdir(parents=True)
        (left / "half.whl").write_bytes(b"half")
        then = left.stat().st_mtime - age
        os.utime(left, (then, then))
    folder = folder_of(tiny, tmp_path / "cache")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".fetch.young", folder.name]


def test_the_slower_of_two_takes_what_the_faster_made(tiny, tmp_path, monkeypatch):
    build, made = assets._build, []

    def overtaken(asset, raw, fresh):
        build(asset, raw, fresh)
        monkeypatch.setattr(assets, "_build", build)
        made.append(folder_of(asset, tmp_path / "cache"))
        (made[0] / "by_the_faster").touch()

    monkeypatch.setattr(assets, "_build", overtaken)
    assert folder_of(tiny, tmp_path / "cache") == made[0]
    assert (made[0] / "by_the_faster").exists()
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_cache_that_can_not_be_written(tiny, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="TFKD_CACHE"):
        folder_of(tiny, tmp_path / "file" / "cache")


@pytest.mark.skipif(sys.platform == "darwin", reason="the cache directory of other systems")
def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("TFKD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/me/.cache/tfkd")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/tfkd")
    monkeypatch.setenv("TFKD_CACHE", "~/mine")
    assert cache_folder() == Path("/home/me/mine")


def test_names():
    with pytest.raises(UsageError, match="'nope' is no asset, expected one of minilm_l6, movie_reviews"):
        asset_folder("nope")
    with pytest.raises(UsageError, match="is a model, expected data: movie_reviews"):
        data_folder("minilm_l6")


def test_table_is_pinned():
    for name, asset in ASSETS.items():
        assert asset.name == name
        assert len(asset.sha256) == 64
        assert asset.licence
        assert any("LICENSE" in member for member in asset.members)


# --- npm ---


@pytest.fixture
def tiny_web(tmp_path, monkeypatch):
    """An asset in the only registry that npm may ask, which knows one package of one version."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here, which comes with Node.js")
    members = {
        "package/package.json": b'{"name": "@tiny/web", "version": "1.0.0"}',
        "package/wasm/run.wasm": b"\0asm",
        "package/other.js": b"not asked for",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as t:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    tarball = tmp_path / "tiny-web-1.0.0.tgz"
    tarball.write_bytes(packed.getvalue())

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.lower() == "/@tiny%2fweb":
                dist = {"tarball": f"{address}web.tgz"}
                version = {"name": "@tiny/web", "version": "1.0.0", "dist": dist}
                about = {"name": "@tiny/web", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
                content = json.dumps(about).encode()
            elif self.path == "/web.tgz":
                content = tarball.read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    yield Asset(
        name="tiny_web",
        kind="web",
        package="@tiny/web",
        version="1.0.0",
        sha256=sha256_of(tarball),
        size_bytes=tarball.stat().st_size,
        source_archive=False,
        licence="CC0",
        members={"package/wasm/run.wasm": "run.wasm"},
        index="npm",
    )
    server.shutdown()
    server.server_close()


def test_npm_fetches_once_and_what_is_asked_for(tiny_web, tmp_path, monkeypatch, capfd):
    folder = folder_of(tiny_web, tmp_path / "cache")
    assert {path.name for path in folder.iterdir()} == {"asset.json", "run.wasm"}
    assert (folder / "run.wasm").read_bytes() == b"\0asm"
    out, err = capfd.readouterr()
    assert out == ""
    assert "downloading @tiny/web 1.0.0 with npm (0.0 MB, licence: CC0)" in err
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]

    monkeypatch.setenv("PATH", "")
    assert folder_of(tiny_web, tmp_path / "cache") == folder
    assert capfd.readouterr().err == ""


def test_what_npm_brought_has_another_hash(tiny_web, tmp_path):
    other = dataclasses.replace(tiny_web, sha256="0" * 64)
    with pytest.raises(InputError, match=f"found {tiny_web.sha256}, expected {'0' * 64}; look at npm's settings"):
        folder_of(other, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_npm_has_no_such_version(tiny_web, tmp_path):
    other = dataclasses.replace(tiny_web, version="9.9.9")
    with pytest.raises(InputError, match=r"npm can't download @tiny/web@9\.9\.9: .*9\.9\.9; is there a network") as e:
        folder_of(other, tmp_path / "cache")
    assert "\n" not in str(e.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_npm_has_no_network(tiny_web, tmp_path, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    with pytest.raises(
        InputError, match=r"npm can't download @tiny/web@1\.0\.0: .*ECONNREFUSED.*; is there a network"
    ) as e:
        folder_of(tiny_web, tmp_path / "cache")
    assert "\n" not in str(e.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_npm(tiny_web, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm, which downloads @tiny/web, isn't there: install Node"):
        folder_of(tiny_web, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


# --- movie reviews ----------------------------------------------------------


def ratings(path: Path, *rows: tuple[float, str]) -> Path:
    path.write_bytes("".join(f"{i}\t{rating}\t{text}\r\n" for i, (rating, text) in enumerate(rows)).encode())
    return path


def test_movie_reviews_by_the_sign_of_the_rating(tmp_path, monkeypatch):
    monkeypatch.setattr(movie_reviews, "DEV_ROWS", 2)
    rows = [
        (3.5, "''Alien'' &amp; more"),
        (0.5, "meh"),
        (-0.5, "meh too"),
        (0.51, "ok"),
        (-0.51, "no"),
        (-4, "café awful"),
    ]
    movie_reviews.write_movie_reviews(ratings(tmp_path / "r.txt", *rows, (2, "ok"), (-1, "bad")), tmp_path)
    lines = [(tmp_path / f"{name}.tsv").read_text(encoding="utf-8").splitlines() for name in ("train", "dev")]
    assert [part[0] for part in lines] == ["text\tlabel"] * 2
    assert Counter(lines[0][1:] + lines[1][1:]) == Counter(
        [
            '"Alien" & more\tpositive',
            "ok\tpositive",
            "ok\tpositive",
            "no\tnegative",
            "café awful\tnegative",
            "bad\tnegative",
        ]
    )
    texts = [{line.split("\t")[0] for line in part[1:]} for part in lines]
    assert not texts[0] & texts[1]
    assert len(lines[1]) == 3


@pytest.mark.parametrize("content", [b"1\t2.0\n", b"1\tgood\ttext\n", b"1\t2.0\t\xff\n"])
def test_other_file_than_the_movie_reviews(tmp_path, content):
    (tmp_path / "r.txt").write_bytes(content)
    with pytest.raises(InputError, match="line 1: expected id, rating and text"):
        movie_reviews.write_movie_reviews(tmp_path / "r.txt", tmp_path)


@pytest.mark.real
def test_true_movie_reviews():
    folder = asset_folder("movie_reviews")
    assert (folder / "LICENSE.txt").read_text(encoding="utf-8").startswith("The MIT License")
    found = read_corpus(DataConfig(data="asset:movie_reviews"), seed=1)
    assert found.label_names == ("negative", "positive")
    assert len(found.dev) == 2000
    counts = Counter(found.train.labels.tolist()) + Counter(found.dev.labels.tolist())
    assert counts == {0: 5061, 1: 4982}
    assert not set(found.train.texts) & set(found.dev.texts)
    # The split is fixed: figures on dev are compared from run to run and from machine to machine.
    assert sha256_of(folder / "dev.tsv") == "388cb8bb2e4f4e05e92d469de9543fe6a7f75bbcc28041e7975456d53ad48d3a"


@pytest.mark.real
def test_true_minilm_l6():
    folder = asset_folder("minilm_l6")
    assert len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines()) == 30_522
    assert (folder / "model.safetensors").stat().st_size == 90_868_376
    assert "license: apache-2.0" in (folder / "README.md").read_text(encoding="utf-8")
