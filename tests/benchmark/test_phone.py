"""Phones by way of adb: a stand-in for it, and what benchmark_model prints, as their documentation has it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tfkd.benchmark.phone import Adb, Phone, names_of, parse_benchmark
from tfkd.errors import InputError

# Of benchmark_model built from TensorFlow 2.16, shortened (tensorflow/lite/tools/benchmark).
PRINTED = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [/data/local/tmp/tfkd/student.tflite]
INFO: Loaded model /data/local/tmp/tfkd/student.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: The input model file size (MB): 0.966
INFO: Initialized session in 3.337ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=9 first=913 curr=502 min=502 max=913 avg=584.7 std=135

INFO: Running benchmark for at least 200 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=1061 first=376 curr=99 min=94.5 max=602 avg=105.8 std=9

INFO: Inference timings in us: Init: 3337, First inference: 913, Warmup (avg): 584.7, Inference (avg): 105.8
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual \
memory footprint of the model at runtime. Take the information at your discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=2.43359 overall=8.67578
INFO: Overall peak memory footprint (MB) via periodic monitoring: 13.1797
"""
PROFILE = """\
INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
                 [node type]  [first]  [avg ms]      [%]    [cdf%]  [mem KB] [times called] [Name]
                      GATHER    0.002     0.001   1.037%    1.037%     0.000         1      []:0
"""
RANGES = {"ids": ((1, 34), 1, 99), "mask": ((1, 34), 1, 1)}
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(11) + (183).to_bytes(2, "little")
X86_64 = ARM64[:18] + (62).to_bytes(2, "little")


class Desk:
    """Phones that are plugged in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder = folder
        self.phones: dict[str, dict] = {}
        self.adb_program = folder / "adb"
        self.adb_program.write_text(
            f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("stand_in_adb.py")} "$@"\n'
        )
        self.adb_program.chmod(0o755)
        self.model, self.binary = folder / "student.tflite", folder / "benchmark_model"
        self.model.write_bytes(b"model")
        self.binary.write_bytes(ARM64)
        monkeypatch.setenv("STAND_IN_ADB", str(folder / "phones.json"))
        self.plug("A1")

    def plug(self, serial: str, state: str = "device", abis: str = "arm64-v8a,armeabi-v7a", **more) -> None:
        storage = self.folder / serial
        (storage / "data/local/tmp").mkdir(parents=True, exist_ok=True)
        properties = {"ro.product.model": f"Phone {serial}", "ro.product.cpu.abilist": abis}
        self.phones[serial] = {
            "state": state, "properties": properties, "storage": str(storage), "prints": PRINTED, **more
        }  # fmt: skip
        (self.folder / "phones.json").write_text(json.dumps(self.phones))

    @property
    def adb(self) -> Adb:
        return Adb(str(self.adb_program))

    def left(self, serial: str = "A1") -> list[Path]:
        """What is left in the place where commands work."""
        return list((self.folder / serial / "data/local/tmp").iterdir())

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_model_is_pushed_run_and_removed(desk):
    (phone,) = desk.adb.phones()
    assert phone == Phone("A1", "Phone A1", ("arm64-v8a", "armeabi-v7a"))
    times = desk.adb.benchmark(phone, desk.binary, desk.model, RANGES, runs=200, threads=2)
    assert (times.runs, times.mean_us, times.min_us, times.max_us, times.deviation_us) == (1061, 105.8, 94.5, 602, 9)
    assert times.first_result_ms == pytest.approx(4.25)
    assert times.peak_memory_mb == 13.1797
    assert times.median_us is None
    assert desk.left() == []
    (ran,) = (call for call in desk.calls() if call[2:3] == ["shell"] and "--graph" in str(call))
    assert {"--num_runs=200", "--num_threads=2", "--use_xnnpack=true", "--input_layer=ids,mask"} < set(ran)
    assert {"--input_layer_shape=1,34:1,34", "--input_layer_value_range=ids,1,99:mask,1,1"} < set(ran)
    assert "--enable_op_profiling=true" not in ran


def test_operators_are_profiled_on_request(desk):
    desk.plug("A1", prints=PRINTED + PROFILE)
    (phone,) = desk.adb.phones()
    times = desk.adb.benchmark(phone, desk.binary, desk.model, RANGES, profile=True)
    assert "--enable_op_profiling=true" in str(desk.calls())
    assert times.profile.splitlines()[0] == "Operator-wise Profiling Info for Regular Benchmark Runs:"
    assert "GATHER    0.002" in times.profile


def test_newer_binaries_tell_the_median():
    printed = PRINTED.replace("avg=105.8 std=9", "avg=105.8 std=9 p5=95 median=101 p95=120")
    assert parse_benchmark(printed).median_us == 101


def test_several_phones(desk):
    desk.plug("B2")
    assert [phone.serial for phone in desk.adb.phones()] == ["A1", "B2"]
    assert [phone.name for phone in desk.adb.phones(["B2"])] == ["Phone B2"]
    with pytest.raises(InputError, match="--phones=C3: adb sees no such device, but A1, B2"):
        desk.adb.phones(["C3"])


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("unauthorized", "phone A1: hasn't authorized this computer: unlock it"),
        ("offline", "phone A1: is offline: plug it in again"),
        (
            "no permissions (user in plugdev group; are your udev rules wrong?)",
            "phone A1: may not be used by this user",
        ),
        ("recovery", "phone A1: is recovery"),
    ],
)
def test_a_phone_that_is_not_ready(desk, state, says):
    desk.plug("A1", state=state)
    with pytest.raises(InputError, match=says):
        desk.adb.phones()


def test_no_adb_and_no_phone(desk):
    with pytest.raises(InputError, match=r"--adb=no-such-adb: isn't there; install Android's platform tools"):
        Adb("no-such-adb")
    desk.phones.clear()
    (desk.folder / "phones.json").write_text("{}")
    with pytest.raises(InputError, match="adb sees no device: plug one in"):
        desk.adb.phones()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (X86_64, "is for x86_64; phone Phone A1 runs arm64-v8a, armeabi-v7a"),
        (ARM64[:18] + b"\xf3\0", "is for another machine; phone"),
        (b"#!/bin/sh\necho no\n", "isn't a program for Android; expected LiteRT's benchmark_model"),
        (b"", "isn't a program for Android"),
        (None, r"benchmark_model=.*: can't be read: No such file"),
    ],
)
def test_a_binary_that_the_phone_cannot_run(desk, content, says):
    if content is None:
        desk.binary.unlink()
    else:
        desk.binary.write_bytes(content)
    (phone,) = desk.adb.phones()
    with pytest.raises(InputError, match=says):
        desk.adb.benchmark(phone, desk.binary, desk.model, RANGES)
    assert "push" not in str(desk.calls())


@pytest.mark.parametrize("moment", ["push", "shell"])
def test_a_phone_that_vanishes_midway(desk, moment):
    (phone,) = desk.adb.phones()
    desk.plug("A1", vanishes_at=moment)
    with pytest.raises(InputError, match=r"phone Phone A1 \(A1\): adb .* failed: adb: device 'A1' not found"):
        desk.adb.benchmark(phone, desk.binary, desk.model, RANGES)


def test_a_phone_that_no_longer_answers(desk, monkeypatch):
    """Not to clean up either."""
    (phone,) = desk.adb.phones()
    desk.plug("A1", sleeps=5)
    monkeypatch.setattr("tfkd.benchmark.phone._SECONDS", 0.3)
    with pytest.raises(InputError, match=r"phone Phone A1: no answer within 0\.3 s; is it still plugged in\?"):
        desk.adb.benchmark(phone, desk.binary, desk.model, RANGES)


def test_phones_of_one_name_are_told_apart():
    phones = [Phone("A1", "Pixel", ()), Phone("B2", "Pixel", ()), Phone("C3", "Other", ())]
    assert names_of(phones) == {"A1": "Pixel (A1)", "B2": "Pixel (B2)", "C3": "Other"}


def test_a_model_that_the_binary_refuses(desk):
    desk.plug("A1", prints="INFO: STARTING!\nERROR: Didn't find op for builtin opcode 'GATHER' version '9'.\n")
    (phone,) = desk.adb.phones()
    with pytest.raises(InputError, match="benchmark_model: gave no times: ERROR: Didn't find op for builtin opcode"):
        desk.adb.benchmark(phone, desk.binary, desk.model, RANGES)
    desk.plug("A1", status=1, prints="Aborted")
    with pytest.raises(InputError, match=r"phone Phone A1 .* failed: Aborted"):
        desk.adb.benchmark(phone, desk.binary, desk.model, RANGES)
    assert desk.left() == []


def test_a_model_whose_name_has_blanks(desk):
    desk.model = desk.model.rename(desk.folder / "my student's.tflite")
    (phone,) = desk.adb.phones()
    assert desk.adb.benchmark(phone, desk.binary, desk.model, RANGES).runs == 1061
    assert stat.S_IMODE(desk.binary.stat().st_mode) & 0o777 != 0o755  # only what was pushed is made a program
