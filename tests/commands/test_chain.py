"""Each command alone on the files of the one before."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands.conftest import assert_one_line, call
from tfkd.files import read_json


def test_every_command_says_what_it_made(chain):
    assert chain.outcomes["finetune"].out.startswith(f"{chain.folder / 'teacher'}: dev accuracy ")
    rows = read_json(chain.folder / "sentences" / "manifest.json")["rows"]
    assert rows > 144  # 160 sentences, a tenth of them for dev; and augmented ones
    for name, folder in (("augment", "sentences"), ("label", "transfer_set")):
        assert chain.outcomes[name].out == f"{chain.folder / folder}: {rows} sentences in {-(-rows // 100)} shards\n"
    assert f"{chain.tflite.stat().st_size / 1e6:.2f} MB" in chain.outcomes["export"].out
    assert "0 are truncated" in chain.outcomes["export"].out


def test_transfer_set_is_the_sentences_with_logits(chain):
    for path in sorted((chain.folder / "sentences").glob("*.parquet")):
        sentences, labelled = pq.read_table(path), pq.read_table(chain.folder / "transfer_set" / path.name)
        assert labelled.select(sentences.column_names).equals(sentences)
        assert {len(logits) for logits in labelled["logits"].to_pylist()} == {2}


def test_evaluate_finds_what_training_found(chain):
    models = [chain.folder / name for name in ("teacher", "student", "baseline", "student.tflite")]
    outcome = call("evaluate", f"--data={chain.data}", "--json", *models)
    assert outcome.status == 0
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["model"] for row in rows] == [str(model) for model in models]
    assert {row["rows"] for row in rows} == {16}
    for row, name in zip(rows, ("teacher", "student", "student"), strict=False):
        assert row["dev_accuracy"] == read_json(models[rows.index(row)] / f"{name}.json")["dev_accuracy"]
    plain = call("evaluate", f"--data={chain.data}", models[3])
    assert plain.out.startswith(f"{models[3]}: accuracy {rows[3]['dev_accuracy']:.4f}, F1 {rows[3]['dev_f1']:.4f}, ")
    assert plain.out.endswith(" on 16 sentences\n")


def test_labels_of_another_task(chain, tmp_path):
    other = tmp_path / "other.tsv"
    other.write_text("sentence\tlabel\n" + "".join(f"the film {i} is it\t{['no', 'yes'][i % 2]}\n" for i in range(40)))
    assert_one_line(
        call("evaluate", f"--data={other}", chain.tflite).without_notes(), 1, "negative, positive", "no, yes"
    )
    outcome = call(
        "distill",
        f"--data={other}",
        f"--transfer_set={chain.folder / 'transfer_set'}",
        f"--teacher={chain.folder / 'teacher'}",
        f"--out={tmp_path / 'student'}",
    )
    assert_one_line(outcome.without_notes(), 1, "negative, positive", "no, yes")
    assert not (tmp_path / "student").exists()


def test_folders_of_the_wrong_kind(chain, tmp_path):
    data = f"--data={chain.data}"
    assert_one_line(
        call("export", data, f"--student={chain.folder / 'teacher'}", "--out=x").without_notes(), 1, "student.json"
    )
    label = call(
        "label", f"--sentences={chain.folder / 'sentences'}", f"--teacher={chain.folder / 'student'}", "--out=x"
    )
    assert_one_line(label, 1, "teacher.json")
    assert_one_line(call("evaluate", data, chain.folder / "sentences").without_notes(), 1, "student.json")


@pytest.mark.parametrize("command", ["finetune", "augment", "label", "distill"])
def test_out_is_no_folder_of_something_else(chain, tmp_path, monkeypatch, command):
    """Before any work; what is there stays."""
    folder = chain.folder
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.tsv").write_text(chain.data.read_text())
    flags = {
        "finetune": ["--data=data"],
        "augment": ["--data=data"],
        "label": [f"--sentences={folder / 'sentences'}", f"--teacher={folder / 'teacher'}"],
        "distill": ["--data=data", "--baseline", "--embedding_dim=32", f"--teacher={folder / 'teacher'}"],
    }[command]
    monkeypatch.chdir(tmp_path)
    for out, says in (
        ("data", "holds something else than"),
        (".", "is the current folder"),
        (folder, "holds something"),
    ):
        assert_one_line(call(command, *flags, f"--out={out}").without_notes(), 1, f"{out}: {says}")
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "train.tsv"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("distill --data=d --baseline --transfer_set=t --out=o", "--transfer_set=t: a --baseline learns from train's"),
        ("label --sentences=s --teacher=t --labels=a,b --out=o", "--labels=a,b: is for --logits_from"),
        ("label --sentences=s --teacher=t --shard_rows=9 --out=o", "--shard_rows=9: is for --logits_from"),
        ("label --logits_from=l --labels=a,a --out=o", "--labels=a,a: expected each label once"),
        ("label --logits_from=l --labels=a,b --teacher=t --out=o", "--teacher=t: with --logits_from no teacher is run"),
        ("predict --model=m --glue_out=g --glue_task=sst2 --json", "--json=True: is for what is printed"),
    ],
)
def test_flags_that_would_do_nothing(command, says):
    assert_one_line(call(*command.split()), 2, says)


@pytest.mark.parametrize("learnt_from", ["baseline", "transfer_set"])
def test_what_is_held_in_the_last_epoch_needs_one_before_it(chain, tmp_path, learnt_from):
    """Of what is trained; how long the other would be trained is another matter."""
    source, flag, other = {
        "baseline": ("--baseline", "baseline_epochs", "epochs"),
        "transfer_set": (f"--transfer_set={chain.folder / 'transfer_set'}", "epochs", "baseline_epochs"),
    }[learnt_from]
    flags = (f"--data={chain.data}", source, "--rank=4", "--embeddings=random", f"--out={tmp_path / 'out'}")
    outcome = call("distill", *flags, f"--{flag}=1", f"--{other}=2")
    assert_one_line(outcome.without_notes(), 2, f"--rank=4: the last epoch is for it; expected --{flag}=2 or more")
    assert not (tmp_path / "out").exists()


def test_logits_of_another_model(chain, tmp_path):
    source, out = chain.folder / "transfer_set", tmp_path / "imported"
    assert call("label", f"--logits_from={source}", "--labels=negative,positive", f"--out={out}").status == 0
    read = [pq.read_table(path) for path in sorted(out.glob("*.parquet"))]
    assert sum(map(len, read)) == read_json(source / "manifest.json")["rows"]
    assert_one_line(call("label", f"--logits_from={source}", "--labels=a,b,c", f"--out={out}"), 1, "logits")
    assert [pq.read_table(path) for path in sorted(out.glob("*.parquet"))] == read


def test_imported_logits_are_labelled_anew(chain, tmp_path):
    imported, out = tmp_path / "imported", tmp_path / "labelled"
    source = chain.folder / "transfer_set"
    assert call("label", f"--logits_from={source}", "--labels=negative,positive", f"--out={imported}").status == 0
    outcome = call("label", f"--sentences={imported}", f"--teacher={chain.folder / 'teacher'}", f"--out={out}")
    assert outcome.status == 0, outcome.err
    assert "beside another dev set" not in outcome.err
    found, known = (
        pa.concat_tables(map(pq.read_table, sorted(path.glob("*.parquet")))).sort_by("text") for path in (out, source)
    )
    assert found["text"] == known["text"]
    np.testing.assert_allclose(np.stack(found["logits"].to_numpy()), np.stack(known["logits"].to_numpy()), atol=0.1)


def test_tuning_keeps_the_fastest_file_within_the_limits(chain, tmp_path):
    """What it prints of a file is so, and what it keeps is the first of the table."""
    out = tmp_path / "tuned.tflite"
    student = (f"--data={chain.data}", f"--student={chain.folder / 'student'}", "--max_tokens=12", f"--out={out}")
    outcome = call("export", *student, "--tune")
    assert outcome.status == 0, outcome.err
    header, _, *rows, _, kept = outcome.out.splitlines()
    assert header.startswith("|   | flags")
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len(cells) >= 7
    times = [float(row[2].removesuffix(" us")) for row in cells if row[2] != "-"]
    assert times == sorted(times)
    assert kept == f"{out}: {cells[0][1]}"
    assert cells[0][3] == f"{out.stat().st_size / 1e6:.2f} MB"
    assert "*" in [row[0] for row in cells]

    before = out.read_bytes()
    outcome = call("export", *student, "--tune", "--max_size=0.001")
    assert outcome.status == 1
    assert "nothing to export is within the limits: --lowering=unrolled" in outcome.err.splitlines()[-1]
    assert out.read_bytes() == before
    assert "while" not in call("export", *student, "--tune", "--runtime=mediapipe").out


def test_tuning_for_nothing(chain, tmp_path):
    """What is wrong is said before anything is tried."""
    (tmp_path / "file").write_text("none")
    student = f"--student={chain.folder / 'student'}"
    outcome = call("export", student, f"--data={chain.data}", "--tune", f"--out={tmp_path / 'file' / 'tuned.tflite'}")
    assert_one_line(outcome.without_notes(), 1, "tuned.tflite: can't be written")
    other = tmp_path / "other.tsv"
    other.write_text("sentence\tlabel\n" + "".join(f"film {i} is good\tno\nplot {i} is dull\tyes\n" for i in range(20)))
    outcome = call("export", student, f"--data={other}", "--tune", f"--out={tmp_path / 'tuned.tflite'}")
    assert_one_line(outcome.without_notes(), 1, "classifies into negative, positive; the data has no, yes")


def test_tuning_keeps_what_is_given(chain, tmp_path):
    student = (f"--data={chain.data}", f"--student={chain.folder / 'student'}", f"--out={tmp_path / 'tuned.tflite'}")
    outcome = call("export", *student, "--tune", "--lowering=while", "--max_tokens=1000", "--export_table_bits=4",
                   "--min_agreement=0.9")  # fmt: skip
    assert outcome.status == 0, outcome.err
    rows = outcome.out.splitlines()[2:-2]
    assert [row.split("|")[2].strip() for row in rows if "--lowering=while" in row and "_bits=4" in row]
    assert len({row.split("|")[2] for row in rows}) == len(rows) == 2
    assert all("| LiteRT " in row for row in rows)


@pytest.mark.real
def test_tuning_by_instructions(chain, tmp_path):
    out = tmp_path / "tuned.tflite"
    student = (f"--data={chain.data}", f"--student={chain.folder / 'student'}", "--max_tokens=12", f"--out={out}")
    outcome = call("export", *student, "--tune", "--arm64")
    assert outcome.status == 0, outcome.err
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in outcome.out.splitlines()[2:-2]]
    counts = [float(row[2].removesuffix(" M")) for row in rows if row[2] != "-"]
    assert len(counts) > 3
    assert counts == sorted(counts)
    assert outcome.out.splitlines()[-1] == f"{out}: {rows[0][1]}"
