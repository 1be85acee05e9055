"""The sentences that the teacher is to label: each once, none of dev, the same bytes for the same seed."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfkd.config import AugmentationConfig
from tfkd.errors import InputError
from tfkd.files import read_json, sha256_of
from tfkd.text.examples import Corpus, Examples
from tfkd.text.overlap import overlap_key
from tfkd.transfer_set.sentences import write_sentences
from tfkd.transfer_set.shards import MANIFEST, ShardedTable, sentences_schema, shard_path

NOTHING = AugmentationConfig(n_iter=0, n_splice=0)


def corpus(train, dev=(("dev", 0),), unlabelled=()) -> Corpus:
    def examples(rows):
        return Examples([text for text, _ in rows], np.array([label for _, label in rows], np.int32))

    return Corpus(examples(train), examples(dev), Examples.without_labels(list(unlabelled)), ("neg", "pos"))


def rows_of(table: ShardedTable) -> list[tuple]:
    return [tuple(row.values()) for shard in table for row in shard.to_pylist()]


def test_train_then_unlabelled_each_once_and_without_dev(tmp_path):
    train = [("A good film", 1), ("bad", 0), ("a  GOOD film ", 0), ("In dev!", 1)]
    found = write_sentences(
        corpus(train, dev=[("in  DEV", 0)], unlabelled=["Bad", "who knows", "in dev"]), NOTHING, tmp_path / "s", 100, 1
    )
    assert rows_of(found) == [("A good film", "train", 1), ("bad", "train", 0), ("who knows", "unlabelled", None)]
    assert found.manifest["duplicates_dropped"] == {"train": 2, "unlabelled": 2}
    assert (found.manifest["seed"], found.manifest["label_names"]) == (1, ["neg", "pos"])
    assert found.read(0).schema.equals(sentences_schema(pairs=False))


def test_what_is_made_around_a_text_of_dev_is_left_out(tmp_path):
    train = [("the old man saw a dull film in the park today", 0), ("a young girl liked the play near the lake", 1)]
    config = AugmentationConfig(n_iter=0, n_splice=50)
    made = [row[0] for row in rows_of(write_sentences(corpus(train), config, tmp_path / "a", 1000, 0))]
    dev = " ".join(made[-1].split()[:6])
    assert not any(dev in text for text, _ in train)
    kept = [row[0] for row in rows_of(write_sentences(corpus(train, [(dev, 0)]), config, tmp_path / "b", 1000, 0))]
    assert kept == [text for text in made if dev not in text]


def test_shards_are_full_but_the_last_and_the_manifest_names_them(tmp_path):
    found = write_sentences(corpus([(f"text {i}", i % 2) for i in range(10)]), NOTHING, tmp_path / "s", 4, 0)
    assert [len(shard) for shard in found] == [4, 4, 2]
    assert (found.rows, len(found)) == (10, 3)
    assert [row[0] for row in rows_of(found)] == [f"text {i}" for i in range(10)]
    assert found.manifest["shards"] == [
        {"file": path.name, "rows": rows, "sha256": sha256_of(path)}
        for path, rows in zip(sorted((tmp_path / "s").glob("*.parquet")), (4, 4, 2), strict=True)
    ]
    # Nothing but the shards and the manifest is left.
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        "manifest.json", "shard-00000.parquet", "shard-00001.parquet", "shard-00002.parquet",
    ]  # fmt: skip


def test_pairs(tmp_path):
    def pairs(*rows) -> Examples:
        first, second = ([row[i] for row in rows] for i in (0, 1))
        return Examples(first, np.array([row[2] for row in rows], np.int32), second)

    train = pairs(("a b", "c", 1), ("A  b", "C", 0), ("a", "b c", 0), ("in", "dev", 1))
    unlabelled = Examples.without_labels(["c", "IN", "Dev"], ["a b", "dev.", "in"])
    found = write_sentences(
        Corpus(train, pairs(("In", "dev", 0)), unlabelled, ("no", "yes")),
        AugmentationConfig(n_iter=3, n_splice=0, p_mask=1.0, p_pos=0.0, p_ng=0.0),
        tmp_path / "s",
        100,
        1,
    )
    # The same words in other places are another pair; what is in dev is left out, as a pair in either order.
    assert rows_of(found)[:3] == [
        ("a b", "c", "train", 1),
        ("a", "b c", "train", 0),
        ("c", "a b", "unlabelled", None),
    ]
    # Then each of the five texts with itself, and with the one other that shares a word with it.
    recombined = [row for row in rows_of(found)[3:] if row[2] == "recombined"]
    assert {row[3] for row in recombined} == {None}
    assert {frozenset(row[:2]) for row in recombined} >= {frozenset([t]) for t in ("a b", "c", "b c", "in", "dev")}
    assert {row[2:] for row in rows_of(found)[3 + len(recombined) :]} == {("augmented", None)}
    assert ("a b", "[MASK]") in {row[:2] for row in rows_of(found)[3:]}
    assert not [row for row in rows_of(found) if {text.lower() for text in row[:2]} == {"in", "dev"}]
    assert found.manifest["duplicates_dropped"]["unlabelled"] == 2
    assert found.read(0).schema.equals(sentences_schema(pairs=True))


TRAIN = [("The film was so good that it hurts", 1), ("A dull, bad plot", 0), ("It isn't great", 0), ("Lovely!", 1)]


def test_augmented_sentences_are_new_and_unlabelled(tmp_path):
    config = AugmentationConfig(n_iter=40, n_splice=0)
    found = write_sentences(corpus(TRAIN, dev=[("plot", 0), ("[MASK]!", 1)]), config, tmp_path / "s", 1000, 3)
    rows = rows_of(found)
    assert rows[:4] == [(text, "train", label) for text, label in TRAIN]
    made = rows[4:]
    assert made
    assert {(source, label) for _, source, label in made} == {("augmented", None)}
    keys = [" ".join(text.lower().split()) for text, _, _ in rows]
    assert len(set(keys)) == len(keys)
    # Both are among what the rules make of these texts at this seed, so that they must have been left out.
    assert not {"plot", "[mask]!"} & set(keys)
    assert {"dull", "[mask]"} & set(keys)
    assert len(rows) + sum(found.manifest["duplicates_dropped"].values()) == 4 + 4 * 40
    # Any word is one of train's, or the marker.
    words = {w.lower() for text, _ in TRAIN for w in re.findall(r"[\w']+", text)} | {"mask"}
    assert {w.lower() for text, _, _ in made for w in re.findall(r"[\w']+", text)} <= words


def test_spliced_sentences_follow_the_augmented(tmp_path):
    config = AugmentationConfig(n_iter=1, n_splice=9)
    rows = rows_of(write_sentences(corpus(TRAIN), config, tmp_path / "s", 1000, 3))
    sources = [source for _, source, _ in rows]
    assert sources == sorted(sources, key=["train", "augmented", "spliced"].index)
    assert 0 < sources.count("spliced") <= 9 * 4
    assert {label for _, source, label in rows if source == "spliced"} == {None}
    # No word is masked or replaced in them.
    words = {w.lower() for text, _ in TRAIN for w in re.findall(r"[\w']+", text)}
    spliced = [text for text, source, _ in rows if source == "spliced"]
    assert {w.lower() for text in spliced for w in re.findall(r"[\w']+", text)} <= words
    pair = Examples(["a film so bad"], np.array([1], np.int32), ["a plot so dull"])
    of_pairs = write_sentences(Corpus(pair, pair, Examples.without_labels([], []), ()), config, tmp_path / "p", 9, 3)
    assert "spliced" in {row[2] for row in rows_of(of_pairs)}


def hashes(folder) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_sentences(corpus(TRAIN), AugmentationConfig(n_iter=10), tmp_path / name, 16, seed)
    assert len(hashes(tmp_path / "a")) > 2
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert hashes(tmp_path / "a") != hashes(tmp_path / "c")


def test_written_again_takes_the_place_of_what_was(tmp_path):
    write_sentences(corpus([(f"text {i}", 0) for i in range(9)]), NOTHING, tmp_path / "s", 2, 0)
    found = write_sentences(corpus([("one", 1)]), NOTHING, tmp_path / "s", 2, 0)
    assert rows_of(found) == [("one", "train", 1)]
    assert sorted(hashes(tmp_path / "s")) == ["manifest.json", "shard-00000.parquet"]


class BrokenError(Exception):
    pass


class BrokenTexts(list):
    """Texts that can't be read to the end."""

    def __iter__(self):
        yield from list.__iter__(self)
        raise BrokenError


def test_interrupted_writing_leaves_what_was(tmp_path):
    write_sentences(corpus([("old", 1)]), NOTHING, tmp_path / "s", 2, 0)
    before = hashes(tmp_path / "s")
    broken_texts = Examples.without_labels(BrokenTexts(["one", "two", "three"]))
    broken = Corpus(Examples(["a"], np.array([1], np.int32)), Examples.without_labels([]), broken_texts, ())
    with pytest.raises(BrokenError):
        write_sentences(broken, NOTHING, tmp_path / "s", 2, 0)
    assert hashes(tmp_path / "s") == before
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(train=texts, dev=texts, unlabelled=texts, shard_rows=st.integers(1, 5))
def test_any_texts(tmp_path, train, dev, unlabelled, shard_rows):
    found = write_sentences(
        corpus([(t, 0) for t in train], [(t, 0) for t in dev], unlabelled),
        AugmentationConfig(n_iter=2, n_splice=0), tmp_path / "s", shard_rows, 0,
    )  # fmt: skip

    def key(text):
        return " ".join(text.lower().split())

    rows = rows_of(found)
    keys = [key(text) for text, _, _ in rows]
    assert len(set(keys)) == len(keys)
    of_dev = {overlap_key([text]) for text in dev}
    assert not {overlap_key([text]) for text, _, _ in rows} & of_dev
    assert {key(t) for t in [*train, *unlabelled] if overlap_key([t]) not in of_dev} <= set(keys)
    assert len(rows) == found.rows


# --- reading -----------------------------------------------------------------


def test_folder_without_manifest(tmp_path):
    with pytest.raises(InputError, match=r"no manifest\.json there; the step that makes this folder hasn't finished"):
        ShardedTable(tmp_path)


def test_changed_or_missing_shard_is_refused(tmp_path):
    write_sentences(corpus(TRAIN), NOTHING, tmp_path / "s", 2, 0)
    path = shard_path(tmp_path / "s", 1)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    with pytest.raises(InputError, match=r"shard-00001\.parquet: missing or not the shard that manifest\.json names"):
        ShardedTable(tmp_path / "s")
    path.unlink()
    with pytest.raises(InputError, match=r"shard-00001\.parquet: missing"):
        ShardedTable(tmp_path / "s")
    path.write_bytes(content)
    assert ShardedTable(tmp_path / "s").rows == 4


def test_columns_of_a_shard(tmp_path):
    found = write_sentences(corpus(TRAIN), NOTHING, tmp_path / "s", 9, 0)
    assert found.read(0, ["label"]) == pa.table({"label": pa.array([1, 0, 0, 1], pa.int32())})
    assert read_json(tmp_path / "s" / MANIFEST)["rows"] == 4
