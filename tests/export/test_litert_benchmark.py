"""LiteRT's own benchmark, which feeds ids from -128 to 127, on every form of file: it runs in CompiledModel."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.conftest import DEV, LABELS, MAX_TOKENS, PAIRS, TEXTS, TEXTS_OF_PAIRS
from tfkd.config import ExportConfig
from tfkd.export.exporter import export_student

RUNS = 3
# int8 of a student of random weights is that of no texts in particular.
ANY = ExportConfig(max_tokens=MAX_TOKENS, min_agreement=0)
WAYS = {
    **{
        f"{lowering}, {quantization}": {"lowering": lowering, "quantization": quantization}
        for lowering in ("unrolled", "folded", "while")
        for quantization in ("float32", "float16", "dynamic_int8", "int8")
    },
    "table of four bits": {"export_table_bits": 4, "quantization": "int8"},
    "narrow table and gates": {"table_dim": 8, "export_rank": 8},
    "several lengths": {"shorter_tokens": (4, 8)},
}


def benchmark(model: Path) -> dict:
    """What litert-benchmark says of a file."""
    out = model.with_suffix(".json")
    command = [Path(sys.executable).with_name("litert-benchmark"), "--model", model, "--result_json", out]
    limits = ["--num_runs", RUNS, "--warmup_runs", 1]
    done = subprocess.run([str(part) for part in [*command, *limits]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text("utf-8"))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_to_export(way, student, tokenizer, tmp_path):
    path = tmp_path / "student.tflite"
    export_student(student, tokenizer, LABELS, DEV, TEXTS, path, dataclasses.replace(ANY, **way))
    assert benchmark(path)["latency"]["num_runs"] == RUNS


def test_word_pieces(piece_export):
    assert benchmark(piece_export.path)["latency"]["num_runs"] == RUNS


def test_pairs(pair_student, tokenizer, tmp_path):
    path, labels = tmp_path / "student.tflite", ("contradiction", "neutral", "entailment")
    for quantization in ("dynamic_int8", "int8"):
        config = dataclasses.replace(ANY, quantization=quantization)
        export_student(pair_student, tokenizer, labels, PAIRS, TEXTS_OF_PAIRS, path, config)
        assert benchmark(path)["latency"]["num_runs"] == RUNS
