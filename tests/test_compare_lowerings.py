"""The comparison's peers are the same student, and its table has a line for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.export.conftest import LABELS, TEXTS, randomized, small_student
from tfkd.models.student import BiLstmClassifier
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer
from tfkd.training.student_folder import Student, save_student
from tfkd.transfer_set.shards import transfer_set_schema, write_manifest, write_shard
from tools.compare_lowerings import STUDENTS, runner_of
from tools.peers import fused_lstm, keras_stock, onnx_int8

TOKENS = 6


@pytest.mark.parametrize(
    ("peer", "suffix", "reads_padding"),
    [(keras_stock, ".tflite", False), (fused_lstm, ".tflite", True), (onnx_int8, ".onnx", False)],
)
def test_a_peer_is_the_same_student(tmp_path, peer, suffix, reads_padding):
    student = randomized(BiLstmClassifier(60, 2, 32, 32, 16), scale=0.2)
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 60, (20, TOKENS)).astype(np.int32)
    if not reads_padding:
        ids *= np.arange(TOKENS) < rng.integers(1, TOKENS + 1, (20, 1))
    path = tmp_path / f"peer{suffix}"
    path.write_bytes(peer(student, TOKENS))
    run = runner_of(path)
    expected = np.exp(student(ids).numpy())
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.concatenate([run(row) for row in ids[:, np.newaxis]]), expected, atol=0.02)


def test_the_table(tmp_path):
    tokenizer = WordTokenizer(Vocabulary.from_counts(dict.fromkeys(" ".join(TEXTS.texts).split(), 1), max_size=100))
    save_student(Student(small_student(tokenizer), tokenizer, LABELS, 0.5), tmp_path / "student", {})
    folder = tmp_path / "transfer_set"
    folder.mkdir()
    columns = [list(TEXTS.texts), ["train"] * len(TEXTS), [0] * len(TEXTS), [[0.0, 0.0]] * len(TEXTS)]
    write_shard(folder, 0, pa.table(columns, schema=transfer_set_schema(pairs=False)))
    write_manifest(folder, 1, {})
    data = tmp_path / "data.tsv"
    data.write_text("text\tlabel\n" + "".join(f"{text}\t{LABELS[i % 2]}\n" for i, text in enumerate(TEXTS.texts)))
    done = subprocess.run(
        [
            *(sys.executable, "tools/compare_lowerings.py", f"--student={tmp_path / 'student'}", f"--data={data}"),
            *(f"--transfer_set={folder}", f"--tokens={TOKENS}", "--noarm64", f"--out={tmp_path / 'table.md'}"),
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert done.stdout.endswith("\n".join(lines) + "\n")
    assert len(lines) == 2 + len(STUDENTS) + 3
    (stock,) = (line for line in lines if "stock" in line)
    assert stock.split("|")[-2].strip() == "Interpreter, CompiledModel"
    (fused,) = (line for line in lines if "fused" in line)
    assert fused.split("|")[-2].strip() == "Interpreter, MediaPipe"
    in_mediapipe = {line.split("|")[1].split(",")[0].strip() for line in lines if "CompiledModel, MediaPipe" in line}
    assert in_mediapipe == {"unrolled", "folded"}
