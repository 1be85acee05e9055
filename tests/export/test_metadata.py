"""What is written into a model is read back, and what can't be read says so in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import zipfile

import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.export.conftest import LABELS, MAX_TOKENS
from tfkd.errors import InputError
from tfkd.export.arithmetic import Reals
from tfkd.export.lowering import lower
from tfkd.export.metadata import (
    DELIMITER_FILE,
    LABELS_FILE,
    VOCABULARY_FILE,
    NoVocabularyError,
    parse_metadata,
    read_metadata,
    with_metadata,
)
from tfkd.models.keras_layers import weights_of
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer


@pytest.fixture(scope="module")
def bare(student) -> bytes:
    """A model without metadata."""
    return lower(weights_of(student), [MAX_TOKENS], lambda graph: Reals(graph, "int8"))


def test_metadata_round_trips(tflite, tokenizer):
    metadata = read_metadata(tflite)
    assert metadata.tokenizer == tokenizer
    assert metadata.label_names == LABELS
    assert metadata.max_tokens == MAX_TOKENS
    assert metadata.name == "tfkd student"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    labels=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1), min_size=2, max_size=2),
    spellings=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1)),
    regex=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_metadata_of_any_script_round_trips(bare, tflite, labels, spellings, regex):
    written_tokenizer = WordTokenizer(Vocabulary.from_counts(dict.fromkeys(spellings, 1), max_size=100), regex)
    written = dataclasses.replace(read_metadata(tflite), tokenizer=written_tokenizer, label_names=tuple(labels))
    assert parse_metadata(with_metadata(bare, written), "any") == written


def test_the_files_are_stored_uncompressed_with_a_fixed_time(tflite, tokenizer):
    with zipfile.ZipFile(tflite) as archive:
        assert archive.namelist() == [VOCABULARY_FILE, LABELS_FILE, DELIMITER_FILE]
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read(LABELS_FILE) == b"negative\npositive\n"
        assert archive.read(DELIMITER_FILE).decode() == tokenizer.delimiter_regex


def test_the_models_buffers_stay_aligned_and_whole(bare, tflite):
    before, after = schema.ModelT.InitFromPackedBuf(bare), schema.ModelT.InitFromPackedBuf(tflite.read_bytes())
    for old, new in zip(before.buffers, after.buffers, strict=False):
        assert (old.data is None) == (new.data is None)
        if old.data is not None:
            assert old.data.tobytes() == new.data.tobytes()
    root = schema.Model.GetRootAs(tflite.read_bytes())
    for buffer in map(root.Buffers, range(root.BuffersLength())):
        if buffer.DataLength():
            assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0


@pytest.mark.parametrize("spelling", ["ice cream", "line\nbreak", " ", "cr\r", "no\u00a0break"])
def test_a_word_that_is_no_word_of_a_line_is_refused(bare, tflite, spelling):
    """MediaPipe would take what follows the space for its id, and end the app."""
    metadata = read_metadata(tflite)
    vocabulary = metadata.tokenizer.vocabulary
    assert isinstance(vocabulary, Vocabulary)
    odd = Vocabulary({**vocabulary.ids, spelling: len(vocabulary)}, (*vocabulary.words, spelling))
    with pytest.raises(InputError, match="can't be a word of its file: leave it out"):
        with_metadata(bare, dataclasses.replace(metadata, tokenizer=WordTokenizer(odd, r"\W+")))


@pytest.mark.parametrize("label", ["", "two\nlines", " spaced", "cr\r"])
def test_a_label_that_is_no_line_is_refused(bare, tflite, label):
    with pytest.raises(InputError, match=r"the label .* can't be a line of the file's labels"):
        with_metadata(bare, dataclasses.replace(read_metadata(tflite), label_names=("good", label)))


def test_mediapipes_start_token_is_refused(bare, tflite):
    known = Vocabulary.from_counts({"film": 1}, max_size=10)
    vocabulary = Vocabulary({**known.ids, "<START>": 3}, known.words)  # as read from a file made elsewhere
    with pytest.raises(InputError, match="<START>"):
        with_metadata(bare, dataclasses.replace(read_metadata(tflite), tokenizer=WordTokenizer(vocabulary)))


def test_a_vocabulary_made_elsewhere_is_no_missing_one(bare, tflite):
    """As MediaPipe's own classifiers of words number theirs."""
    vocabulary = Vocabulary({"<PAD>": 0, "good": 1, "<UNKNOWN>": 2}, ("<PAD>", "good", "<UNKNOWN>"))
    metadata = dataclasses.replace(read_metadata(tflite), tokenizer=WordTokenizer(vocabulary))
    with pytest.raises(InputError, match=r"^any: its vocabulary isn't as tfkd writes it: <UNKNOWN> is 2") as error:
        parse_metadata(with_metadata(bare, metadata), "any")
    assert not isinstance(error.value, NoVocabularyError)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "can't be read: No such file"), (b"", "isn't a .tflite"), (b"PK\3\4 a zip, say", "isn't a .tflite")],
)
def test_a_file_that_is_none(tmp_path, content, says):
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        read_metadata(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(InputError, match="can't be read: Is a directory"):
        read_metadata(tmp_path)


def test_a_model_without_metadata(bare):
    with pytest.raises(InputError, match=r"x\.tflite: has no metadata"):
        parse_metadata(bare, "x.tflite")


def test_a_model_without_its_files(tflite):
    content = tflite.read_bytes()
    archive_start = content.index(b"PK\3\4")
    with pytest.raises(InputError, match=r"vocabulary\.txt is missing"):
        parse_metadata(content[:archive_start], "x.tflite")


def test_labels_of_another_number_than_classes(bare, tflite):
    three = dataclasses.replace(read_metadata(tflite), label_names=("a", "b", "c"))
    with pytest.raises(InputError, match="3 labels for 2 classes"):
        parse_metadata(with_metadata(bare, three), "x.tflite")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_one_line_or_its_metadata(tflite, data):
    content = bytearray(tflite.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(9, len(content) - 1))]
    for position in data.draw(st.lists(st.integers(8, len(content) - 1), max_size=20)):
        content[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):  # any other exception is a traceback for the user
        parse_metadata(bytes(content), "x.tflite")
