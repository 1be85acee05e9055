"""The teacher's logits, once a sentence, whatever kills it; and those of any other model."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import random_teacher
from tfkd.config import AugmentationConfig, LabelConfig
from tfkd.errors import InputError
from tfkd.files import sha256_of, write_json
from tfkd.models.teacher import Teacher
from tfkd.text.examples import Corpus, Examples, digest
from tfkd.transfer_set.labelling import import_logits, label_sentences
from tfkd.transfer_set.sentences import write_sentences
from tfkd.transfer_set.shards import MANIFEST, ShardedTable, check_transfer_set, shard_path, transfer_set_schema

TEXTS = ["the film is good", "a bad plot", "so very dull", "great cast", "it was awful .", "lovely scene", "the story"]
LABELS = [1, 0, 0, 1, 0, 1, 1]
LABEL = LabelConfig(label_precision="float32")


@pytest.fixture(scope="module")
def teacher(tiny_bert) -> Teacher:
    return random_teacher(tiny_bert, 2, 0)


def sentences(folder, texts=TEXTS, shard_rows: int = 3) -> ShardedTable:
    dev = Examples(["dev"], np.array([0], np.int32))
    train = Examples(list(texts[:5]), np.array(LABELS[: len(texts[:5])], np.int32))
    corpus = Corpus(train, dev, Examples.without_labels(list(texts[5:])), ("neg", "pos"))
    return write_sentences(corpus, AugmentationConfig(n_iter=0, n_splice=0), folder, shard_rows, 0)


def hashes(folder) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def logits_of(table: ShardedTable) -> np.ndarray:
    return np.array([row for shard in table for row in shard["logits"].to_pylist()], np.float32)


def test_every_sentence_has_the_teachers_logits(tmp_path, teacher):
    found = label_sentences(sentences(tmp_path / "s"), teacher, "me", LABEL, tmp_path / "t")
    rows = [row for shard in found for row in shard.to_pylist()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["label"] for row in rows] == [*LABELS[:5], None, None]
    assert [row["source"] for row in rows] == ["train"] * 5 + ["unlabelled"] * 2
    # Each alone through the teacher.
    expected = np.concatenate([teacher.logits(teacher.encode([text])) for text in TEXTS])
    np.testing.assert_allclose(logits_of(found), expected, atol=1e-5)
    assert found.read(0).schema.equals(transfer_set_schema(pairs=False))


def test_manifest_names_the_teacher_the_sentences_and_the_shards(tmp_path, teacher):
    source = sentences(tmp_path / "s")
    manifest = label_sentences(source, teacher, "me", LABEL, tmp_path / "t").manifest
    assert (manifest["teacher"], manifest["rows"], manifest["seed"]) == ("me", 7, 0)
    assert manifest["sentences"] == [sha256_of(shard_path(tmp_path / "s", i)) for i in range(3)]
    assert [(s["rows"], s["sha256"]) for s in manifest["shards"]] == [
        (rows, sha256_of(shard_path(tmp_path / "t", i))) for i, rows in enumerate((3, 3, 1))
    ]
    assert sorted(hashes(tmp_path / "t")) == ["manifest.json", *(f"shard-0000{i}.parquet" for i in range(3))]


def test_labelled_twice_gives_the_same_bytes_and_runs_no_teacher(tmp_path, teacher):
    source = sentences(tmp_path / "s")
    for name in ("a", "b"):
        label_sentences(source, teacher, "me", LABEL, tmp_path / name)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    modified = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.parquet")}
    label_sentences(source, Silent(teacher), "me", LABEL, tmp_path / "a")
    assert modified == {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.parquet")}
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


class KilledError(Exception):
    pass


class Silent(Teacher):
    """A teacher that counts the sentences it is asked for, and dies at the one named."""

    def __init__(self, teacher: Teacher, dies_at: int | None = 0):
        super().__init__(teacher.classifier, teacher.tokenizer, teacher.max_pieces)
        self.asked, self.dies_at = 0, dies_at

    def logits(self, pieces, batch_size=128, progress=None):
        return super().logits(pieces, batch_size, self if progress is None else Both(self, progress))

    def update(self, n):
        self.asked += n
        if self.dies_at is not None and self.asked > self.dies_at:
            raise KilledError


class Both:
    def __init__(self, *bars):
        self.bars = bars

    def update(self, n):
        for bar in self.bars:
            bar.update(n)


@pytest.mark.parametrize(("dies_at", "left"), [(1, 0), (3, 1), (5, 1), (6, 2)])
def test_killed_labelling_goes_on_at_the_first_missing_shard(tmp_path, teacher, dies_at, left):
    source = sentences(tmp_path / "s")
    whole = label_sentences(source, teacher, "me", LABEL, tmp_path / "whole")
    with pytest.raises(KilledError):
        label_sentences(source, Silent(teacher, dies_at), "me", LABEL, tmp_path / "t")
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == [
        "labelling.json", *(f"shard-0000{i}.parquet" for i in range(left)),
    ]  # fmt: skip
    with pytest.raises(InputError, match="hasn't finished"):
        ShardedTable(tmp_path / "t")
    again = Silent(teacher, dies_at=None)
    label_sentences(source, again, "me", LABEL, tmp_path / "t")
    assert again.asked == 7 - 3 * left
    assert hashes(tmp_path / "t") == hashes(tmp_path / "whole")
    assert whole.rows == 7


def test_killed_between_the_last_shard_and_the_manifest(tmp_path, teacher):
    source = sentences(tmp_path / "s")
    label_sentences(source, teacher, "me", LABEL, tmp_path / "t")
    before = hashes(tmp_path / "t")
    with pytest.raises(KilledError):
        label_sentences(source, Silent(teacher, 6), "me", LABEL, tmp_path / "killed")
    started = (tmp_path / "killed" / "labelling.json").read_bytes()
    (tmp_path / "t" / MANIFEST).unlink()
    (tmp_path / "t" / "labelling.json").write_bytes(started)
    label_sentences(source, Silent(teacher), "me", LABEL, tmp_path / "t")
    assert hashes(tmp_path / "t") == before


@pytest.mark.parametrize("damage", [b"", b"another shard"])
def test_a_shard_that_was_damaged_since_is_labelled_again(tmp_path, teacher, damage):
    source = sentences(tmp_path / "s")
    label_sentences(source, teacher, "me", LABEL, tmp_path / "t")
    before = hashes(tmp_path / "t")
    second = shard_path(tmp_path / "t", 1)
    second.write_bytes(damage or second.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"shard-00001\.parquet: missing or not the shard that manifest\.json names"):
        ShardedTable(tmp_path / "t")
    again = Silent(teacher, dies_at=None)
    label_sentences(source, again, "me", LABEL, tmp_path / "t")
    assert again.asked == 3
    assert hashes(tmp_path / "t") == before


def test_a_manifest_of_something_else(tmp_path):
    write_json(tmp_path / MANIFEST, {"name": "app", "rows": 1})
    with pytest.raises(InputError, match=r": no folder of shards: its manifest.json has no shards$"):
        ShardedTable(tmp_path)


def test_another_teacher_labels_anew(tmp_path, teacher, tiny_bert):
    source = sentences(tmp_path / "s")
    first = logits_of(label_sentences(source, teacher, "one", LABEL, tmp_path / "t"))
    other = random_teacher(tiny_bert, 2, 1)
    with pytest.raises(KilledError):  # and what it leaves unfinished is no mixture
        label_sentences(source, Silent(other, 3), "two", LABEL, tmp_path / "t")
    found = label_sentences(source, other, "two", LABEL, tmp_path / "t")
    assert found.manifest["teacher"] == "two"
    assert np.abs(logits_of(found) - first).max(1).min() > 1e-3
    np.testing.assert_allclose(logits_of(found), other.logits(other.encode(TEXTS)), atol=1e-5)


def test_killed_labelling_of_another_teacher_is_not_gone_on_with(tmp_path, teacher):
    source = sentences(tmp_path / "s")
    with pytest.raises(KilledError):
        label_sentences(source, Silent(teacher, 3), "one", LABEL, tmp_path / "t")
    again = Silent(teacher, dies_at=None)
    label_sentences(source, again, "two", LABEL, tmp_path / "t")
    assert again.asked == 7


def test_other_sentences_are_labelled_anew_and_fewer_shards_leave_none_over(tmp_path, teacher):
    label_sentences(sentences(tmp_path / "s"), teacher, "me", LABEL, tmp_path / "t")
    fewer = sentences(tmp_path / "s2", ["the film", "good"], shard_rows=2)
    found = label_sentences(fewer, teacher, "me", LABEL, tmp_path / "t")
    assert [row["text"] for shard in found for row in shard.to_pylist()] == ["the film", "good"]
    assert sorted(hashes(tmp_path / "t")) == ["manifest.json", "shard-00000.parquet"]


def test_nan_logits_of_the_teacher_are_refused(tmp_path, tiny_bert):
    broken = random_teacher(tiny_bert, 2, 0)
    broken.classifier.set_weights([np.full_like(w, np.nan) for w in broken.classifier.get_weights()])
    with pytest.raises(InputError, match=r"the teacher abcdefabcdef: logits of row 1 are \[nan, nan\], not finite"):
        label_sentences(sentences(tmp_path / "s"), broken, "abcdef" * 9, LABEL, tmp_path / "t")
    assert not list((tmp_path / "t").glob("*.parquet"))


def in_int8(source, teacher, folder) -> ShardedTable:
    return label_sentences(source, teacher, "me", LabelConfig(label_precision="int8"), folder)


def test_int8_gives_nearly_the_same_logits_and_the_same_bytes_again(tmp_path, small_bert, capsys):
    source, teacher = sentences(tmp_path / "s"), random_teacher(small_bert, 2, 0)
    found = in_int8(source, teacher, tmp_path / "t")
    assert "label: in int8, which adds an error of 0." in capsys.readouterr().err
    expected = teacher.logits(teacher.encode(TEXTS))
    error = np.mean((logits_of(found) - expected) ** 2) / expected.var(0).mean()
    assert 1e-5 < error < 0.01
    in_int8(source, teacher, tmp_path / "again")
    assert hashes(tmp_path / "again") == hashes(tmp_path / "t")
    # Killed after its first shard, it ends with the same bytes.
    for name in ("shard-00001.parquet", "shard-00002.parquet"):
        (tmp_path / "again" / name).unlink()
    in_int8(source, teacher, tmp_path / "again")
    assert hashes(tmp_path / "again") == hashes(tmp_path / "t")


def test_int8_is_given_up_where_it_would_change_the_logits(tmp_path, small_bert, capsys, monkeypatch):
    monkeypatch.setattr("tfkd.transfer_set.labelling._MAX_INT8_ERROR", 1e-9)
    teacher = random_teacher(small_bert, 2, 0)
    found = in_int8(sentences(tmp_path / "s"), teacher, tmp_path / "t")
    assert "label: in float32, since int8 would add an error of 0." in capsys.readouterr().err
    np.testing.assert_allclose(logits_of(found), teacher.logits(teacher.encode(TEXTS)), atol=1e-5)


def test_nan_logits_are_refused_in_int8_too(tmp_path, tiny_bert):
    broken = random_teacher(tiny_bert, 2, 0)
    broken.classifier.set_weights([np.full_like(w, np.nan) for w in broken.classifier.get_weights()])
    with pytest.raises(InputError, match=r"logits of row 1 are \[nan, nan\], not finite"):
        in_int8(sentences(tmp_path / "s"), broken, tmp_path / "t")


# --- logits of any other model -----------------------------------------------

GOOD = {"text": ["a", "b", "c"], "logits": [[0.5, -1.0], [2.0, 3.0], [0.0, 1e-3]]}


def written(path, columns, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def imported(source, folder, classes=("neg", "pos"), shard_rows=2) -> ShardedTable:
    return import_logits(source, classes, LabelConfig(shard_rows=shard_rows), folder)


def test_logits_alone_are_a_transfer_set(tmp_path, capsys):
    found = imported(written(tmp_path / "a.parquet", GOOD), tmp_path / "t")
    assert "a.parquet were taken to be of neg, pos, in this order\n" in capsys.readouterr().err
    assert [shard.to_pylist() for shard in found] == [
        [
            {"text": "a", "source": "unlabelled", "label": None, "logits": [0.5, -1.0]},
            {"text": "b", "source": "unlabelled", "label": None, "logits": [2.0, 3.0]},
        ],
        [{"text": "c", "source": "unlabelled", "label": None, "logits": [0.0, float(np.float32(1e-3))]}],
    ]
    assert found.read(0).schema.equals(transfer_set_schema(pairs=False))
    assert (found.rows, found.manifest["teacher"], found.manifest["label_names"]) == (3, None, ["neg", "pos"])
    assert found.manifest["logits_from"] == str(tmp_path / "a.parquet")


def test_rows_that_hold_dev_are_left_out(tmp_path, capsys):
    source = written(tmp_path / "a.parquet", {**GOOD, "text": ["A.", "a b", "He said: one two three, four five six"]})
    for dev, left in (
        (Examples.without_labels(["a", "one two three four five six"]), ["a b"]),
        (Examples.without_labels(["d"]), ["A.", "a b", "He said: one two three, four five six"]),
    ):
        found = import_logits(source, ("neg", "pos"), LabelConfig(), tmp_path / "t", dev)
        assert [text for shard in found for text in shard["text"].to_pylist()] == left
        assert found.manifest["dev"] == digest(dev)
        assert ("2 rows of" in capsys.readouterr().err) == (left == ["a b"])
    with pytest.raises(InputError, match="holds single texts; the data has pairs"):
        import_logits(source, ("neg", "pos"), LabelConfig(), tmp_path / "t", Examples.without_labels(["a"], ["b"]))


def test_a_transfer_set_of_unknown_texts_is_compared_with_dev(tmp_path, capsys):
    found = imported(written(tmp_path / "a.parquet", GOOD), tmp_path / "t")
    for text, rows in (("B!", 1), ("d", 0)):
        dev = Examples([text], np.array([0], np.int32))
        check_transfer_set(found, Corpus(dev, dev, Examples.without_labels([]), ("neg", "pos")))
        assert ("1 of 3 rows hold texts of dev" in capsys.readouterr().err) == bool(rows)


@pytest.mark.parametrize(
    "columns",
    [
        {"text": pa.array(GOOD["text"], pa.large_string()), "logits": pa.array(GOOD["logits"], pa.list_(pa.float64()))},
        {
            "text": pa.array(GOOD["text"]).dictionary_encode(),
            "logits": pa.array(GOOD["logits"], pa.list_(pa.float16())),
        },
        {"logits": pa.array(GOOD["logits"], pa.list_(pa.float32(), 2)), "more": [1, 2, 3], "text": GOOD["text"]},
        {"text": GOOD["text"], "logits": pa.array(GOOD["logits"], pa.large_list(pa.float32()))},
    ],
)
def test_other_types_of_the_same_kind_are_taken(tmp_path, columns):
    found = imported(written(tmp_path / "a.parquet", columns), tmp_path / "t")
    assert [text for shard in found for text in shard["text"].to_pylist()] == ["a", "b", "c"]
    np.testing.assert_allclose(logits_of(found), np.array(GOOD["logits"]), atol=1e-6)


@pytest.mark.parametrize("label_of_none", [None, -1])
def test_labels_and_sources_are_kept(tmp_path, label_of_none):
    columns = {**GOOD, "label": pa.array([1, label_of_none, 0], pa.int64()), "source": ["train", "augmented", "train"]}
    found = imported(written(tmp_path / "a.parquet", columns), tmp_path / "t", shard_rows=9)
    assert found.read(0)["label"].to_pylist() == [1, None, 0]
    assert found.read(0).schema.equals(transfer_set_schema(pairs=False))
    assert found.read(0)["source"].to_pylist() == ["train", "augmented", "train"]


@pytest.mark.parametrize("shard_rows", [1, 4, 5, 7, 100])
def test_files_of_a_folder_are_cut_anew(tmp_path, shard_rows):
    # 5 + 0 + 6 rows in row groups of 2, in the order of the names.
    for name, low, high in (("b", 5, 11), ("a", 0, 5), ("aa", 0, 0)):
        columns = {
            "text": pa.array([str(i) for i in range(low, high)], pa.string()),
            "logits": pa.array([[float(i), -float(i)] for i in range(low, high)], pa.list_(pa.float32())),
        }
        written(tmp_path / "in" / f"{name}.parquet", columns, row_group_size=2)
    found = imported(tmp_path / "in", tmp_path / "t", shard_rows=shard_rows)
    assert [text for shard in found for text in shard["text"].to_pylist()] == [str(i) for i in range(11)]
    assert logits_of(found).tolist() == [[i, -i] for i in range(11)]
    full, rest = divmod(11, shard_rows)
    assert [len(shard) for shard in found] == [shard_rows] * full + [rest] * (rest > 0)


def test_rows_without_a_source(tmp_path):
    found = imported(
        written(tmp_path / "a.parquet", {**GOOD, "source": ["train", None, None]}), tmp_path / "t", shard_rows=9
    )
    assert found.read(0)["source"].to_pylist() == ["train", "unlabelled", "unlabelled"]


def test_single_texts_and_pairs_in_one_folder(tmp_path):
    written(tmp_path / "in" / "a.parquet", GOOD)
    written(tmp_path / "in" / "b.parquet", {**GOOD, "text_pair": ["x", "y", "z"]})
    with pytest.raises(InputError, match=r"b\.parquet: holds pairs; .*a\.parquet holds single texts"):
        imported(tmp_path / "in", tmp_path / "t")


def test_a_transfer_set_is_labelled_anew_and_sentences_are_not_written_over(tmp_path, teacher, tiny_bert):
    first = label_sentences(sentences(tmp_path / "s"), teacher, "me", LABEL, tmp_path / "t")
    again = label_sentences(first, teacher, "me", LABEL, tmp_path / "again")
    assert [shard.to_pylist() for shard in again] == [shard.to_pylist() for shard in first]
    with pytest.raises(InputError, match=r"can't be labelled in place, .* name another folder$"):
        label_sentences(first, teacher, "another", LABEL, tmp_path / "x" / ".." / "t")
    assert [shard.to_pylist() for shard in ShardedTable(tmp_path / "t")] == [shard.to_pylist() for shard in again]
    before = hashes(tmp_path / "s")
    with pytest.raises(InputError, match="can't be labelled in place"):
        label_sentences(ShardedTable(tmp_path / "s"), teacher, "me", LABEL, tmp_path / "s")
    with pytest.raises(InputError, match="holds something else than a transfer set"):
        imported(tmp_path / "t", tmp_path / "s")
    assert hashes(tmp_path / "s") == before
    dev = Examples(["d"], np.array([0], np.int32))
    with pytest.raises(InputError, match="holds sentences without logits; expected what `tfkd label` makes of them"):
        check_transfer_set(ShardedTable(tmp_path / "s"), Corpus(dev, dev, Examples.without_labels([]), ("neg", "pos")))


def test_what_import_wrote_can_be_imported(tmp_path):
    columns = {**GOOD, "label": pa.array([1, None, 0], pa.int32()), "source": ["train", "augmented", "train"]}
    one = imported(written(tmp_path / "a.parquet", columns), tmp_path / "one")
    other = imported(tmp_path / "one", tmp_path / "other")
    assert [s["sha256"] for s in one.manifest["shards"]] == [s["sha256"] for s in other.manifest["shards"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"], "scores": [[1.0, 2.0]]}, "no column 'logits'; found text, scores"),
        ({"sentence": ["a"], "logits": [[1.0, 2.0]]}, "no column 'text'; found sentence, logits"),
        ({"text": ["a", "b"], "logits": [[1.0, 2.0, 3.0]] * 2}, "row 1 has 3 logits; expected 2"),
        # Four logits in two rows, as it should be, but not two in each.
        ({"text": ["a", "b"], "logits": [[1.0, 2.0, 3.0], [4.0]]}, "row 1 has 3 logits; expected 2"),
        ({"text": ["a", "b"], "logits": [[1.0, 2.0], []]}, "row 2 has 0 logits; expected 2"),
        ({"text": ["a", "b"], "logits": [[1.0, 2.0], [float("nan"), 1.0]]}, r"logits of row 2 are \[nan, 1.0\], not"),
        ({"text": ["a"], "logits": [[1.0, float("-inf")]]}, r"logits of row 1 are \[1.0, -inf\], not finite"),
        ({"text": ["a"], "logits": [[1e300, 1.0]]}, r"logits of row 1 are \[inf, 1.0\], not finite"),
        ({"text": ["a"], "logits": [[None, 1.0]]}, r"logits of row 1 are \[nan, 1.0\], not finite"),
        (pa.table([["a"], ["b"], [[1.0, 2.0]]], ["text", "text", "logits"]), "2 columns are named 'text'; expected o"),
        ({"text": [None, "a"], "logits": [[1.0, 2.0]] * 2}, "a text or its logits are missing"),
        ({"text": ["a", "b"], "logits": [[1.0, 2.0], None]}, "a text or its logits are missing"),
        ({"text": ["a"], "logits": [1.0]}, "columns aren't of the transfer set's kind"),
        ({"text": ["a"], "logits": [["x", "y"]]}, "columns aren't of the transfer set's kind"),
        ({"text": [b"\xff"], "logits": [[1.0, 2.0]]}, "columns aren't of the transfer set's kind"),
        ({"text": ["a"], "logits": [[1.0, 2.0]], "label": ["pos"]}, "columns aren't of the transfer set's kind"),
        ({"text": ["a", "b"], "logits": [[1.0, 2.0]] * 2, "label": [1, 2]}, "the label of row 2 is 2; expected 0 to 1"),
        ({"text": ["a"], "logits": [[1.0, 2.0]], "label": [-2]}, "the label of row 1 is -2; expected 0 to 1"),
        ({"text": ["a"], "logits": [[1.0, 2.0]], "label": [2**31]}, "columns aren't of the transfer set's kind"),
        ({"text": ["a"], "logits": [[1.0, 2.0]], "label": [0.5]}, "columns aren't of the transfer set's kind"),
        ({"text": pa.array([], pa.string()), "logits": pa.array([], pa.list_(pa.float32()))}, "no rows"),
    ],
)
def test_bad_logits_are_refused_in_one_line_and_spoil_nothing(tmp_path, columns, message):
    imported(written(tmp_path / "good.parquet", GOOD), tmp_path / "t")
    before = hashes(tmp_path / "t")
    with pytest.raises(InputError, match=message) as e:
        imported(written(tmp_path / "bad.parquet", columns), tmp_path / "t")
    assert str(tmp_path / "bad.parquet") in str(e.value)
    assert "\n" not in str(e.value)
    assert hashes(tmp_path / "t") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.parquet", "good.parquet", "t"]


@pytest.mark.parametrize("content", [b"", b"text,logits\na,1\n", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_file_that_is_not_parquet(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.parquet: isn't a Parquet file") as e:
        imported(tmp_path / "a.parquet", tmp_path / "t")
    assert "\n" not in str(e.value)


def test_parquet_file_with_damaged_pages(tmp_path):
    columns = {"text": [f"text {i}" for i in range(999)], "logits": [[float(i), 1.0] for i in range(999)]}
    path = written(tmp_path / "a.parquet", columns, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:600] = b"\xff" * 596
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.parquet: (isn't a Parquet file|can't be read)") as e:
        imported(path, tmp_path / "t")
    assert "\n" not in str(e.value)


def test_no_file_there(tmp_path):
    for source in (tmp_path / "none.parquet", tmp_path):
        with pytest.raises(InputError, match="no Parquet file there"):
            imported(source, tmp_path / "t")


def test_row_of_an_error_is_that_of_the_file(tmp_path):
    """Not of a batch within it: a file of 70,000 rows is read in more than one."""
    rows = 70_000
    logits = np.zeros((rows, 2), np.float32)
    logits[rows - 2, 0] = np.nan
    columns = {"text": ["a"] * rows, "logits": list(logits)}
    with pytest.raises(InputError, match=r"logits of row 69999 are \[nan, 0.0\]"):
        imported(written(tmp_path / "a.parquet", columns), tmp_path / "t", shard_rows=50_000)


def test_unreadable_labelling_json_is_named(tmp_path, teacher):
    (tmp_path / "t").mkdir()
    write_json(tmp_path / "t" / "labelling.json", {})
    (tmp_path / "t" / "labelling.json").write_text("{")
    with pytest.raises(InputError, match=r"labelling\.json: isn't JSON"):
        label_sentences(sentences(tmp_path / "s"), teacher, "me", LABEL, tmp_path / "t")
