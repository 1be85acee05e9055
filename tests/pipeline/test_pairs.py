"""The whole road for pairs with a tiny BERT, and what the commands make of its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.commands.conftest import ROOT, STUDENT_FLAGS, TEACHER_FLAGS, assert_one_line, call, call_process
from tests.conftest import pairs
from tests.report.pages import assert_stands_alone
from tfkd.files import read_json
from tfkd.transfer_set.shards import ShardedTable, is_of_pairs


@pytest.fixture(scope="module")
def finished(tiny_bert: Path, pair_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a run."""
    runs = tmp_path_factory.mktemp("runs")
    flags = (f"--runs={runs}", "--name=pairs", f"--data={pair_file}", f"--teacher={tiny_bert}")
    outcome = call("run", *flags, "--n_iter=3", "--max_tokens=12", *TEACHER_FLAGS, *STUDENT_FLAGS)
    assert outcome.status == 0, outcome.err
    assert "; 0 dev pairs are truncated\n" in outcome.err
    return runs / "pairs"


@pytest.mark.parametrize("recipe", ["paper_sst2", "paper_qqp", "paper_mnli"])
def test_the_papers_recipes_go_all_the_way(tiny_bert, pair_file, corpus_file, tmp_path, recipe):
    data = corpus_file if recipe == "paper_sst2" else pair_file
    flags = (f"--flagfile={ROOT / 'recipes' / recipe}.flags", f"--data={data}", f"--teacher={tiny_bert}")
    small = ("--n_iter=2", "--epochs=2", "--embedding_dim=8", "--hidden_size=6", "--dense_size=5", "--max_tokens=12")
    outcome = call("run", *flags, *TEACHER_FLAGS, *small, "--baseline_epochs=1", f"--runs={tmp_path}")
    assert outcome.status == 0, outcome.err
    metrics = read_json(tmp_path / recipe / "metrics.json")
    assert metrics["export"]["student_agreement"] >= 0.995
    table = pq.read_table(tmp_path / recipe / "transfer_set" / "shard-00000.parquet")
    assert ("text_pair" in table.column_names) == (data == pair_file)
    kept = read_json(tmp_path / recipe / "student" / "student.json")["student"]
    assert (kept["embedding_training"], kept["tokenizer"]) == ("multichannel", "words")


def test_a_pair_is_labelled_and_learned_as_such(finished):
    table = pq.read_table(finished / "transfer_set" / "shard-00000.parquet")
    assert table.column_names == ["text", "text_pair", "source", "label", "logits"]
    train = {(first, second) for first, second, _ in pairs()}
    rows = [tuple(row.values()) for row in table.select(["text", "text_pair", "source"]).to_pylist()]
    assert {row[:2] for row in rows if row[2] == "train"} <= train
    # Of each pair the first, the second or both texts were augmented.
    made = {row[:2] for row in rows if row[2] == "augmented"}
    firsts, seconds = {first for first, _ in train}, {second for _, second in train}
    kinds = {(first in firsts, second in seconds) for first, second in made}
    assert kinds >= {(False, True), (True, False), (False, False)}


def test_metrics(finished):
    metrics = read_json(finished / "metrics.json")
    assert metrics["export"]["student_agreement"] == 1
    assert metrics["rows"]["dev"] == len(pairs()) // 10
    for name in ("student", "baseline"):
        assert metrics[name]["dev_accuracy"] == read_json(finished / name / "student.json")["dev_accuracy"]
    assert metrics["latency"]["student_us"] > 0


def test_report(finished, tmp_path):
    page = assert_stands_alone((finished / "report.html").read_text("utf-8"))
    assert "16 dev pairs" in page.text
    quotes = page.text.partition("What single words do")[2]
    assert any(f"{first} {second}" in quotes for first, second, _ in pairs())
    again = shutil.copytree(finished, tmp_path / "pairs")
    assert call("report", again).status == 0
    assert (again / "report.html").read_bytes() == (finished / "report.html").read_bytes()


def test_evaluate(finished, pair_file):
    models = [finished / "teacher", finished / "student", finished / "export" / "student.tflite"]
    outcome = call("evaluate", f"--data={pair_file}", "--json", *models)
    metrics = read_json(finished / "metrics.json")
    found = [json.loads(line)["dev_accuracy"] for line in outcome.out.splitlines()]
    assert found == [metrics[name]["dev_accuracy"] for name in ("teacher", "student", "export")]


def test_pairs_are_counted_as_such(finished, pair_file, tmp_path):
    assert "\nTrain 144 pairs, dev 16, " in (finished / "report.md").read_text("utf-8")
    data, teacher, sentences = f"--data={pair_file}", f"--teacher={finished / 'teacher'}", finished / "sentences"
    for command in (
        ("augment", data, "--n_iter=1", f"--out={tmp_path / 'made'}"),
        ("label", f"--sentences={sentences}", teacher, f"--out={tmp_path / 'labelled'}"),
        ("export", data, f"--student={finished / 'student'}", f"--out={tmp_path / 'student.tflite'}"),
        ("evaluate", data, finished / "student"),
    ):
        outcome = call(*command)
        assert " pairs" in outcome.out
        assert "sentences" not in outcome.out.replace(str(finished), "")


def test_predict(finished):
    model = f"--model={finished / 'export' / 'student.tflite'}"
    texts = ("the film is good", "a very great plot", "the cast is dull", "")
    by_arguments = call_process("predict", model, "--json", *texts)
    rows = [json.loads(line) for line in by_arguments.out.splitlines()]
    assert [(row["text"], row["text_pair"]) for row in rows] == [texts[:2], texts[2:]]
    assert set(rows[0]["probabilities"]) == {"same", "other"}
    lines = f"{texts[0]}\t{texts[1]}\n{texts[2]}\t{texts[3]}"
    assert call_process("predict", model, "--json", stdin=lines.encode()).out == by_arguments.out
    plain = call_process("predict", model, *texts[:2]).out.removesuffix("\n").split("\t")
    assert (plain[0], tuple(plain[-2:])) == (rows[0]["label"], texts[:2])


def test_predict_of_what_is_no_pair(finished):
    model = f"--model={finished / 'export' / 'student.tflite'}"
    assert_one_line(call_process("predict", model, "a", "b", "c"), 2, "3 texts: expected two a pair")
    assert_one_line(call_process("predict", model, stdin=b"\n"), 1, "line 1: 0 tabs; expected one")
    assert_one_line(call_process("predict", model, stdin=b"a\tb\tc\n"), 1, "line 1: 2 tabs; expected one")


def test_run_for_mediapipe_is_refused_before_any_work(pair_file, tmp_path):
    outcome = call("run", f"--runs={tmp_path}", "--name=pairs", f"--data={pair_file}", "--runtime=mediapipe")
    assert outcome.status == 1
    expected = "tfkd: --runtime=mediapipe: MediaPipe has no task for pairs of texts; export for litert"
    assert outcome.err.splitlines()[-1] == expected
    assert not list(tmp_path.glob("pairs/*"))


def test_models_and_data_of_different_kinds(finished, tmp_path):
    single = tmp_path / "single.tsv"
    single.write_text("text\tlabel\n" + "".join(f"it is {i}\t{('same', 'other')[i % 2]}\n" for i in range(40)))
    teacher, student, transfer_set = (finished / name for name in ("teacher", "student", "transfer_set"))
    for says, command in {
        "teacher: classifies pairs; the data has single texts": ("evaluate", teacher),
        "student: classifies pairs; the data has single texts": ("evaluate", student),
        "student.tflite: classifies pairs; the data has single texts": (
            "evaluate",
            finished / "export" / "student.tflite",
        ),
        "dev has single texts; the student classifies pairs": (
            "export",
            f"--student={student}",
            f"--out={tmp_path / 'student.tflite'}",
        ),
        "holds pairs; the data has single texts": (
            "distill",
            f"--transfer_set={transfer_set}",
            "--embeddings=random",
            f"--out={tmp_path / 'student'}",
        ),
    }.items():
        assert_one_line(call(*command, f"--data={single}").without_notes(), 1, says)
    assert list(tmp_path.iterdir()) == [single]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("text\tlabel\nit is\tother\nit was\tsame\n", "teacher: classifies pairs; the data has single texts"),
        ("text\ttext_pair\tlabel\na\tb\tyes\nc\td\tno\n", "teacher: classifies into other, same; the data has no, yes"),
    ],
)
def test_a_teacher_labels_what_it_was_finetuned_for(finished, tmp_path, rows, says):
    (tmp_path / "train.tsv").write_text(rows)
    (tmp_path / "dev.tsv").write_text(rows.replace("\n", "\nnow ", 2))
    teacher, sentences = f"--teacher={finished / 'teacher'}", tmp_path / "sentences"
    outcome = call("augment", f"--data={tmp_path}", f"--out={sentences}")
    assert outcome.status == 0, outcome.err
    assert is_of_pairs(ShardedTable(sentences).schema) == ("text_pair" in rows)
    out = tmp_path / "transfer_set"
    assert_one_line(call("label", f"--sentences={sentences}", teacher, f"--out={out}"), 1, says)
    assert not out.exists()
    outcome = call("run", f"--data={tmp_path}", teacher, f"--runs={tmp_path}", "--name=run")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].endswith(says)
