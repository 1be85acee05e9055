"""Which ways to export are tried, and which of them stand out, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.export.conftest import randomized
from tfkd.config import ExportConfig
from tfkd.export.exporter import ExportResult
from tfkd.export.parity import Parity
from tfkd.models.student import BiLstmClassifier
from tfkd.pipeline.tuning import Trial, combinations, described, trials_table

MODEL = BiLstmClassifier(20, 2, embedding_dim=32, hidden_size=6, dense_size=4)


def ways(config: ExportConfig, *given: str) -> list[str]:
    return [described(way) for way in combinations(config, MODEL, frozenset(given))]


def test_each_way_is_tried_once():
    assert ways(ExportConfig()) == [
        "--lowering=unrolled --quantization=dynamic_int8",
        "--lowering=unrolled --quantization=int8",
        "--lowering=folded --quantization=dynamic_int8",
        "--lowering=folded --quantization=int8",
        "--lowering=while --quantization=dynamic_int8",
        "--lowering=while --quantization=int8",
        "--lowering=unrolled --quantization=float16",
        "--lowering=unrolled --quantization=int8 --export_table_bits=4",
        "--lowering=while --quantization=int8 --export_table_bits=4",
        "--lowering=unrolled --quantization=int8 --table_dim=16",
    ]


def test_what_is_given_is_kept_and_what_is_impossible_left_out():
    assert ways(ExportConfig(lowering="while", max_tokens=1000), "lowering", "max_tokens") == [
        "--lowering=while --quantization=dynamic_int8",
        "--lowering=while --quantization=int8",
        "--lowering=while --quantization=float16",
        "--lowering=while --quantization=int8 --export_table_bits=4",
        "--lowering=while --quantization=int8 --table_dim=16",
    ]
    four_bits = ways(ExportConfig(export_table_bits=4, table_dim=20), "export_table_bits", "table_dim")
    assert not [way for way in four_bits if "float16" in way]
    assert len(four_bits) == 6
    assert all(way.endswith(" --export_table_bits=4 --table_dim=20") for way in four_bits)
    assert not [way for way in ways(ExportConfig(runtime="mediapipe")) if "while" in way]


def test_what_is_folded_anyway_is_not_tried_twice():
    wide = randomized(BiLstmClassifier(20, 2, embedding_dim=48, hidden_size=6, dense_size=4))
    tried = [way.lowering for way in combinations(ExportConfig(), wide)]
    assert "unrolled" in tried
    assert "folded" not in tried


def trial(us: float, size: int, agreement: float, **more) -> Trial:
    result = ExportResult(Path("a"), "int8", size, 0, Parity(100, agreement, 0.0, 0.0), np.zeros((1, 2)))
    return Trial(ExportConfig(quantization="int8"), result, accuracy=0.5, latency_us=us, **more)


def column(trials: list[Trial], name: str) -> list[str]:
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in trials_table(trials).splitlines()
    )
    return [row[header.index(name)] for row in rows]


@pytest.mark.parametrize(
    ("trials", "stars"),
    [
        ([(90, 1000, 1.0), (100, 1000, 1.0)], "* "),  # slower, and no better in anything else
        ([(90, 1000, 0.99), (100, 1000, 1.0)], "**"),  # slower, but nearer
        ([(90, 1000, 1.0), (90, 1000, 1.0)], "**"),  # as good
        ([(90, 1000, 1.0), (100, 900, 1.0), (110, 950, 0.99)], "** "),  # by one of the others
    ],
)
def test_stars_mark_what_nothing_beats(trials, stars):
    assert "".join(mark or " " for mark in column([trial(*costs) for costs in trials], "")) == stars


def test_instructions_count_instead_of_time():
    trials = [trial(100, 1000, 1.0, instructions=2_000_000), trial(90, 1000, 1.0, instructions=3_000_000)]
    assert column(trials, "") == ["*", ""]
    assert column(trials, "instructions") == ["2.00 M", "3.00 M"]


def test_what_runs_where_and_what_failed():
    trials = [trial(90, 1000, 1.0, in_mediapipe=True), trial(95, 990, 1.0), Trial(ExportConfig(), problem="too large")]
    assert column(trials, "runs in") == ["LiteRT, MediaPipe", "LiteRT", "not written"]
    assert column(trials, "") == ["*", "*", ""]
