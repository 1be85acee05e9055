"""Vector files as gensim writes them, and what is none."""

from __future__ import annotations

import contextlib
import gzip
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfkd.errors import InputError
from tfkd.text.vector_files import read_vectors
from tfkd.text.vocabulary import MASK_ID, Vocabulary

VOCABULARY = Vocabulary.from_counts({"film": 9, "Good": 5, "café": 3, "unheard": 1}, max_size=100)
WORDS = ["the", "Film", "film", "GOOD", "Good", "cafe", "映画", "<UNKNOWN>", "MASK", "<PAD>"]


def id_of(word: str) -> int:
    return VOCABULARY.words.index(word)


def vectors(words: int = len(WORDS), width: int = 5) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(words, width)).astype(np.float32)


def written(path: Path, binary: bool, header: bool = True) -> Path:
    """Writes WORDS with `vectors` by gensim."""
    keyed = KeyedVectors(5)
    keyed.add_vectors(WORDS, vectors())
    keyed.save_word2vec_format(str(path), binary=binary, write_header=header)
    return path


@pytest.mark.parametrize(
    ("name", "binary", "header"),
    [
        ("w2v.bin", True, True),
        ("w2v.bin.gz", True, True),
        ("wiki.vec", False, True),
        ("wiki.vec.gz", False, True),
        ("glove.txt", False, False),
        ("glove.6B.5d.txt.gz", False, False),
    ],
)
def test_files_that_gensim_writes(tmp_path, name, binary, header):
    found = read_vectors(written(tmp_path / name, binary, header), VOCABULARY)
    expected = np.zeros((len(VOCABULARY), 5), np.float32)
    # The normalized spelling's own vector wins over those before it; else the first spelling's.
    for word, row in (("film", 2), ("good", 3), ("cafe", 5)):
        expected[id_of(word)] = vectors()[row]
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert found.vectors.dtype == np.float32
    assert set(np.flatnonzero(found.found)) == {id_of("film"), id_of("good"), id_of("cafe")}
    assert found.notes == (f"{tmp_path / name}: has 3 of 4 words (75.0%)",)
    assert not found.found[: MASK_ID + 1].any()


def text(tmp_path, *lines: bytes, name: str = "some.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def test_words_with_spaces_trailing_spaces_and_blank_lines(tmp_path):
    path = text(tmp_path, b"film 1 2 \r", b"", b". . . 3 4", b"at name@site.com 5 6", b"good 7 8")
    found = read_vectors(path, VOCABULARY)
    np.testing.assert_array_equal(found.vectors[[id_of("film"), id_of("good")]], [[1, 2], [7, 8]])


def test_duplicates_and_bad_rows_are_counted(tmp_path):
    lines = (b"film 1 2", b"film 3 4", b"good nan 1", b"caf\xc3\xa9 x 1", b"caf\xe9 1 2", b"unheard 5 6", b"film 7 8")
    found = read_vectors(text(tmp_path, *lines), VOCABULARY)
    np.testing.assert_array_equal(found.vectors[id_of("film")], [1, 2])
    assert found.found.sum() == 2
    assert found.notes[1].endswith(": 2 rows repeat a word; the first of each was taken")
    assert found.notes[2].endswith("3 rows left out; the first: line 3: has a number that isn't finite")


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


def test_a_last_line_without_an_end_may_be_cut_off_in_a_number(tmp_path):
    found = read_vectors(cut(text(tmp_path, b"film 1 2", b"good 1.25 2.75"), -3), VOCABULARY)
    assert (found.found[id_of("film")], found.found[id_of("good")]) == (True, False)
    assert found.notes[1].endswith("1 rows left out; the first: line 2: has no line end, and may be cut off")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p / "none.txt", "can't be read: No such file"),
        (lambda p: p, "expected .bin"),
        (lambda p: text(p, b"film 1 2", name="vectors.npy"), "expected .bin"),
        (lambda p: text(p), "has no rows"),
        (lambda p: text(p, b"film"), "line 1 has 0 numbers; expected some, separated by spaces"),
        (
            lambda p: text(p, b"film\t1\t2"),
            "line 1 has tabs; expected a word and its numbers, separated by single spaces",
        ),
        (lambda p: text(p, b"film\t1 2 3"), "line 1 has tabs"),
        (lambda p: text(p, b"2 2", b"film\t1\t2"), "line 2 has tabs"),
        (lambda p: text(p, b"film 1 2", b"good\t1\t2"), "line 2 has tabs"),
        (lambda p: text(p, b"film 1 2", b"good 1 2 3"), "line 2 has 3 numbers; expected 2"),
        (lambda p: text(p, b"film 1 2", b"good 1"), "line 2 has 1 numbers; expected 2"),
        (lambda p: cut(text(p, b"film 1 2", b"good 1 2"), 15), "truncated in line 2; fetch it again"),
        (lambda p: cut(text(p, b"film 1 2", b"good 1 2"), 11), "truncated in line 2; fetch it again"),
        (lambda p: cut(text(p, b"film 1 2", b"caf\xc3\xa9 1 2"), 13), "truncated in line 2; fetch it again"),
        (lambda p: cut(text(p, b"2 2", b"film 1 2"), 10), "truncated in line 2; fetch it again"),
        (lambda p: text(p, b"9 2", b"film 1 2"), "truncated: 1 rows; its first line says 9"),
        (lambda p: text(p, b"no 1 2", b"such 3 4"), "has none of the vocabulary's 4 words"),
        (lambda p: text(p, b"film " + b"1" * 2_000_000), "line 1 is over 1,048,576 bytes"),
        (lambda p: text(p, b"film 1 2", name="x.bin"), "isn't word2vec's 'words width'"),
        (lambda p: written(p / "x.bin", binary=False), "is text; name it .vec"),
        (
            lambda p: written(p / "x.txt", binary=True),
            "isn't a word and its numbers; if it is word2vec's binary, name it .bin",
        ),
        (lambda p: cut(written(p / "x.bin", binary=True), 90), "truncated in row 4 of 10"),
        (lambda p: cut(written(p / "x.vec.gz", binary=False), 150), "truncated, or not gzipped"),
        (lambda p: text(p, b"film 1 2", name="x.txt.gz"), "truncated, or not gzipped"),
        (lambda p: written(p / "x.vec.gz", binary=False).rename(p / "x.vec"), "is gzipped; add .gz to its name"),
        (lambda p: written(p / "x.bin.gz", binary=True).rename(p / "x.bin"), "is gzipped; add .gz to its name"),
        (
            lambda p: text(p, b"\xba\x16O/\x0c\0\0\0 1 2", name="cc.en.300.bin"),
            "is fastText's own model; take its .vec",
        ),
        (lambda p: text(p, b"PK\x03\x04 1 2"), "is a zip archive; unpack it"),
        (lambda p: text(p, b"1 " + b"9" * 5000, name="x.bin"), "isn't word2vec's 'words width'"),
        (lambda p: text(p, b"1 1000000000", name="x.bin"), "isn't word2vec's 'words width'"),
    ],
)
def test_what_is_no_file_of_vectors(tmp_path, make, says):
    path = make(tmp_path)
    with pytest.raises(InputError, match=re.escape(says)) as error:
        read_vectors(path, VOCABULARY)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60), name=st.sampled_from(["x.bin", "x.txt", "x.vec.gz"]), header=st.booleans())
def test_any_bytes_give_vectors_or_one_line(tmp_path, content, name, header):
    content = b"3 2\n" + content if header else content
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with contextlib.suppress(InputError):  # any other exception is a traceback for the user
        assert np.isfinite(read_vectors(path, VOCABULARY).vectors).all()


@pytest.mark.parametrize("name", ["big.txt", "big.bin", "big.vec.gz"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    rows, width = 40_000, 100
    path = tmp_path / name
    if name == "big.bin":
        content = b"".join(b"w%d " % i + bytes(4 * width) + b"\n" for i in range(rows))
        path.write_bytes(b"%d %d\n" % (rows, width) + content + b"")
    else:
        lines = b"".join(b"w%d" % i + b" 0.25" * width + b"\n" for i in range(rows))
        path.write_bytes(gzip.compress(lines, 1) if name.endswith("gz") else lines)
    known = Vocabulary.from_counts({"w7": 1, "w39999": 1}, max_size=10)
    tracemalloc.start()
    assert read_vectors(path, known).found.sum() == 2
    assert tracemalloc.get_traced_memory()[1] < 5_000_000  # the file has 16 to 20 MB
    tracemalloc.stop()


def test_the_words_found_are_held_once(tmp_path):
    rows, width = 10_000, 200
    content = b"".join(b"w%d " % i + bytes(4 * width) + b"\n" for i in range(rows))
    (tmp_path / "big.bin").write_bytes(b"%d %d\n" % (rows, width) + content)
    known = Vocabulary.from_counts({f"w{i}": 1 for i in range(rows)}, max_size=2 * rows)
    tracemalloc.start()
    found = read_vectors(tmp_path / "big.bin", known)
    above = tracemalloc.get_traced_memory()[1] - found.vectors.nbytes
    tracemalloc.stop()
    assert found.found.sum() == rows
    assert above < found.vectors.nbytes  # spellings and buffers alone: the rows once more would be too much
