"""Instructions of emulated ARM64 (the emulator is fetched: --real)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest

from tfkd.benchmark import arm64
from tfkd.benchmark.arm64 import arm64_emulator
from tfkd.errors import InputError
from tfkd.export.arithmetic import Reals
from tfkd.export.lowering import lower
from tfkd.files import LOCK_FILE
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier

COUNTER = Path(__file__).parents[3] / "shared/tools/arm64_insns/count.py"


def written(tmp_path: Path, hidden_size: int, lowering: str = "unrolled", tokens: int = 16) -> Path:
    keras.utils.set_random_seed(0)
    model = BiLstmClassifier(500, 2, embedding_dim=32, hidden_size=hidden_size, dense_size=16)
    path = tmp_path / f"{lowering}-{hidden_size}.tflite"
    path.write_bytes(lower(weights_of(model), [tokens], lambda graph: Reals(graph, "int8"), lowering))
    return path


def texts(lengths: list[int], tokens: int = 16) -> list[np.ndarray]:
    return [np.stack([(np.arange(tokens) < length).astype(np.int32) for length in lengths])[:, np.newaxis]]


@pytest.mark.real
def test_the_same_model_gives_the_same_figure_and_a_larger_one_a_larger(tmp_path):
    emulator, small, large = arm64_emulator(), written(tmp_path, 32), written(tmp_path, 96)
    first = emulator.count(small, texts([16] * 5))
    assert emulator.count(small, texts([16] * 5)) == first
    # 32 units: 16 steps of two directions, of 4 * 32 * 32 multiply-adds, sixteen an instruction at most.
    assert 16 * 2 * 4 * 32 * 32 / 16 < first.inference < first.first_result
    assert emulator.count(large, texts([16] * 5)).inference > 2 * first.inference


@pytest.mark.real
def test_rows_are_counted_one_by_one(tmp_path):
    emulator, loop = arm64_emulator(), written(tmp_path, 32, "while")
    short, long = (emulator.count(loop, texts([length] * 3)).inference for length in (2, 16))
    assert long > 3 * short
    assert emulator.count(loop, texts([2, 2, 16])).inference == pytest.approx(short, rel=0.02)  # the median


@pytest.mark.real
def test_the_profile_is_of_what_is_counted(tmp_path):
    emulator, model = arm64_emulator(), written(tmp_path, 96)
    count, kernels = emulator.count(model, texts([16] * 5)), emulator.profile(model, texts([16] * 5))
    # Python's part of setting a row's inputs is profiled, and not counted.
    assert count.inference < sum(kernels.values()) < 1.2 * count.inference
    assert list(kernels.values()) == sorted(kernels.values(), reverse=True)
    # int8 weights, real numbers quantized as they come; 16 steps of two directions, as above.
    assert kernels["kai_matmul"] > 16 * 2 * 4 * 96 * 96 / 16
    assert {"libpywrap_litert_common.so", "python3.11"} <= kernels.keys()


@pytest.mark.real
@pytest.mark.skipif(not COUNTER.is_file(), reason=f"{COUNTER} isn't there")
def test_another_counter_comes_to_the_same(tmp_path):
    model = written(tmp_path, 96)
    done = subprocess.run(
        [str(COUNTER), str(model), "--low=1", "--high=500", "--runs=3000", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = json.loads(done.stdout)[str(model)]["insns_per_inference"]
    # That counts all threads of a whole run, and is within some percent of itself.
    assert arm64_emulator().count(model, texts([16] * 5)).inference == pytest.approx(expected, rel=0.06)


@pytest.mark.real
def test_a_file_that_litert_refuses(tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\0\0\0\0TFL3 and no more")
    with pytest.raises(InputError, match=r"broken\.tflite: can't be run in the emulator: ValueError"):
        arm64_emulator().count(broken, texts([3]))


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ({"qemu-aarch64", "apt-get"}, "--arm64: qemu-aarch64 isn't there; install it"),
        ({"gcc"}, "--arm64: gcc isn't there; install gcc, on Debian, and"),
        ({"apt-get"}, "--arm64: apt-get isn't there"),
    ],
)
def test_what_is_missing_is_said(missing, says, tmp_path, monkeypatch):
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(arm64.shutil, "which", lambda program: None if program in missing else f"/bin/{program}")
    with pytest.raises(InputError, match=says):
        arm64_emulator.__wrapped__()
    assert not (tmp_path / "cache").exists()


def test_a_failed_fetch_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("qemu-aarch64", "gcc", "apt-get", "dpkg"):
        (programs / name).write_text("#!/bin/sh\necho 'emulator version 7.2.1'\necho 'E: no network' >&2\n" +
                                     ("exit 0\n" if name in ("qemu-aarch64", "gcc") else "exit 100\n"))  # fmt: skip
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(InputError, match="--arm64: apt-get failed: E: no network"):
        arm64_emulator.__wrapped__()
    assert {path.name for path in tmp_path.iterdir()} == {"programs", LOCK_FILE}
