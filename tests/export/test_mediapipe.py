"""The exported file in LiteRT's other runtimes: the same words, ids and probabilities everywhere."""

from __future__ import annotations

import contextlib
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.conftest import DEV, LABELS, MAX_TOKENS, TEXTS
from tests.text.test_word_tokenizer import of_unicode_14
from tfkd.config import ExportConfig
from tfkd.export.exporter import export_student
from tfkd.export.graph import Graph, Model
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.export.lowering import SIGNATURE, between_cls_and_sep
from tfkd.export.metadata import ModelMetadata, with_metadata
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer
from tfkd.text.tokenizer import Tokenizer
from tfkd.text.vocabulary import PAD_ID

AWKWARD_TEXTS = {
    "capitals": "A GOOD Film, GoOd fILM",
    "ASCII apostrophes": "it's 'good' doesn't DOESN'T ''",
    "typographic apostrophes": "it’s don’t ‘good’ “bad”",
    "emoji": "good 👍 film👍🏽bad",
    "ZWJ sequences": "a 👩‍👩‍👧‍👦 film 🏳️‍🌈",
    "composed accents": "caf\u00e9 na\u00efve CAF\u00c9",
    "decomposed accents": "cafe\u0301 nai\u0308ve CAFE\u0301",
    "CJK": "映画 映画は good 映画。bad，映",
    "zero-width characters": "go\u200bod \u200cfilm\u200d \ufeffbad \u2060a",
    "10,000 words": "good bad " * 5_000,
    "empty": "",
    "white space only": " \t\n\u00a0\u3000 ",
    "spaces around": "   good film   ",
    "newlines and tabs": "good\nfilm\r\nbad\ta\x0ba\x0cfilm",
    "mask marker": "a [MASK] film MASK mask",
    "MediaPipe's own names": "<PAD> a <UNKNOWN> film <START>",
    "digits": "10 of 10, 1.0 ١٠ ２０ x²",
    "right to left": "טוב good فيلم \u202ebad\u202c",
    "Cyrillic": "и И",
    "controls": "good\x01film\x7fbad\x85a\u2028film",
    "beyond the BMP": "𝐠𝐨𝐨𝐝 𠀀 good",
    "private and never assigned": "good\ue000film\ue000bad\U0010ffff a",
    "punctuation only": "...!?—–",
    "words without a piece": "Filmgood filming goodness badly b10 10b xfilm",
    "long words": f"{'good' * 25} {'good' * 25}s {'a' * 97}é {'a' * 99}é film",
    "BERT's own names": "[CLS] a [SEP] [UNK] [PAD] ##s # good##s",
}

# MediaPipe's RE2 knows the letters of Unicode 17, Arrow's those of 14, as Python 3.11 does: the 9,754 letters, marks
# and digits assigned since part words here and not there. No other character differs. NUL has a test of its own.
any_text = st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"))
_NOT_ASKED = ("Cs", "Cn", "Co")
# Words that are known, between characters that may or may not part them.
film_text = st.lists(
    st.one_of(st.sampled_from(["good", "BAD", "film", "it's", "café", "映画", " ", "[MASK]"]), any_text)
)


@contextlib.contextmanager
def mediapipe_scores(content: bytes) -> Iterator[Callable[[str], np.ndarray]]:
    """Yields what gives MediaPipe's scores of a raw text, float32 [classes], in the model's own order."""
    import mediapipe as mp  # 8 s

    text_tasks = mp.tasks.text
    options = text_tasks.TextClassifierOptions(base_options=mp.tasks.BaseOptions(model_asset_buffer=content))
    # Left to the garbage collector, its threads end at some moment of another test.
    with text_tasks.TextClassifier.create_from_options(options) as classifier:

        def scores(text: str) -> np.ndarray:
            categories = classifier.classify(text).classifications[0].categories
            return np.array([c.score for c in sorted(categories, key=lambda c: c.index)], np.float32)

        yield scores


@contextlib.contextmanager
def echoing_mediapipe(tokenizer: Tokenizer, max_tokens: int) -> Iterator[Callable[[str], list[int]]]:
    """Yields MediaPipe's ids of a raw text, seen from outside: a model that returns its input, same metadata."""
    like_bert = isinstance(tokenizer, PieceTokenizer)
    names = BERT_INPUT_NAMES if like_bert else INPUT_NAMES[:1]
    length = max_tokens + 2 if like_bert else max_tokens

    model = Model()
    graph = Graph(model)
    inputs = [graph.input(name, (1, length)) for name in names]
    # What students make of BERT's inputs (see tfkd.export.lowering).
    ids = between_cls_and_sep(graph, *inputs) if like_bert else inputs[0]
    echoed = graph.cast(graph.reshape(ids, (1, max_tokens)), np.float32)
    model.add(graph, SIGNATURE, {"probabilities": echoed})
    positions = tuple(f"position {i}" for i in range(max_tokens))
    metadata = ModelMetadata("echo", "", tokenizer, positions, max_tokens)
    with mediapipe_scores(with_metadata(model.to_bytes(), metadata)) as scores:
        yield lambda text: scores(text).astype(int).tolist()


@pytest.fixture(scope="module", params=["words", "pieces"])
def read_tokenizer(request, tokenizer, piece_tokenizer) -> Tokenizer:
    return {"words": tokenizer, "pieces": piece_tokenizer}[request.param]


@pytest.fixture(scope="module")
def mediapipe_ids(read_tokenizer) -> Iterator[Callable[[str], list[int]]]:
    with echoing_mediapipe(read_tokenizer, MAX_TOKENS) as ids:
        yield ids


@pytest.fixture(scope="module")
def our_ids(read_tokenizer) -> Callable[[str], list[int]]:
    return lambda text: read_tokenizer.encode([text]).padded(length=MAX_TOKENS)[0].tolist()


@pytest.mark.parametrize("text", AWKWARD_TEXTS.values(), ids=AWKWARD_TEXTS)
def test_mediapipe_reads_the_same_ids(mediapipe_ids, our_ids, text):
    assert mediapipe_ids(text) == our_ids(text)


@of_unicode_14
@settings(max_examples=300)
@given(text=any_text)
def test_mediapipe_reads_the_same_ids_of_any_text(mediapipe_ids, our_ids, text):
    assert mediapipe_ids(text) == our_ids(text)


@of_unicode_14
@settings(max_examples=300)
@given(parts=film_text)
def test_mediapipe_reads_the_same_ids_among_known_words(mediapipe_ids, our_ids, parts):
    text = "".join(parts)
    assert mediapipe_ids(text) == our_ids(text)


@of_unicode_14
def test_every_assigned_character_parts_words_or_not_as_in_mediapipe(read_tokenizer):
    """`good<c>film` is two words if c is a delimiter, an unknown one if not."""
    at_once = 1000  # texts of one character each, joined by spaces
    longest = 3  # tokens of one of them
    # Ideographs and Hangul syllables are runs of one category each: their ends will do.
    inner = {*range(0x3410, 0x4DB0), *range(0x4E10, 0x9FF0), *range(0xAC10, 0xD790), *range(0x17010, 0x187E0)}
    inner |= {*range(0x20010, 0x2A6D0), *range(0x2A710, 0x2B730), *range(0x2B820, 0x2CEA0), *range(0x2CEB0, 0x2EBE0)}
    characters = [
        chr(i)
        for i in range(1, sys.maxunicode + 1)
        if i not in inner and unicodedata.category(chr(i)) not in _NOT_ASKED
    ]
    assert len(characters) > 30_000
    with echoing_mediapipe(read_tokenizer, longest * at_once) as mediapipe_ids:
        for start in range(0, len(characters), at_once):
            text = " ".join(f"good{c}film" for c in characters[start : start + at_once])
            ours = read_tokenizer.encode([text])
            assert ours.lengths[0] <= longest * at_once
            assert mediapipe_ids(text) == ours.padded(length=longest * at_once)[0].tolist(), start


def test_mediapipe_stops_at_a_nul(mediapipe_ids, our_ids):
    """Its tokenizer takes a C string; here a NUL is a control character like another."""
    good = our_ids("good film")[0]
    assert mediapipe_ids("good\0film")[:2] == [good, PAD_ID]
    assert our_ids("good\0film") == our_ids("good\1film")


@pytest.fixture(scope="module", params=["words", "pieces"])
def any_tflite(request, exported, piece_export) -> Path:
    return {"words": exported, "pieces": piece_export}[request.param].path


def test_mediapipe_gives_the_same_probabilities(any_tflite):
    ours = LiteRtClassifier.from_file(any_tflite).predict(list(AWKWARD_TEXTS.values()))
    with mediapipe_scores(any_tflite.read_bytes()) as scores:
        np.testing.assert_allclose([scores(text) for text in AWKWARD_TEXTS.values()], ours, atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"quantization": "int8"},
        {"quantization": "int8", "export_table_bits": 4},
        {"quantization": "int8", "export_rank": 5},
        {"quantization": "dynamic_int8"},
        {"quantization": "float16"},
        {"quantization": "float32"},
        {"quantization": "int8", "lowering": "folded"},
        {"quantization": "float16", "lowering": "folded"},
        {"lowering": "folded", "export_table_bits": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["words", "pieces"])
def test_all_runtimes_run_every_arithmetic(request, tmp_path, monkeypatch, kind, options):
    # How near a student of random weights comes to Keras in five dimensions is of no matter here.
    monkeypatch.setattr("tfkd.export.parity.MAX_MEAN_PROBABILITY_DIFFERENCE", 1.0)
    student = request.getfixturevalue("student" if kind == "words" else "piece_student")
    tokenizer = request.getfixturevalue("tokenizer" if kind == "words" else "piece_tokenizer")
    config = ExportConfig(max_tokens=MAX_TOKENS, runtime="mediapipe", min_agreement=0.01, **options)
    path = export_student(student, tokenizer, LABELS, DEV, TEXTS, tmp_path / "s.tflite", config).path
    ours = LiteRtClassifier.from_file(path).predict(TEXTS.texts[:20])
    with mediapipe_scores(path.read_bytes()) as scores:
        np.testing.assert_allclose([scores(text) for text in TEXTS.texts[:20]], ours, atol=1e-3)
    np.testing.assert_allclose(compiled_probabilities(path, TEXTS.texts[:20]), ours, atol=1e-3)


def test_mediapipe_names_the_labels(any_tflite):
    import mediapipe as mp

    with mp.tasks.text.TextClassifier.create_from_model_path(str(any_tflite)) as classifier:
        categories = classifier.classify("a good film").classifications[0].categories
    assert {c.index: c.category_name for c in categories} == dict(enumerate(LABELS))


def compiled_probabilities(path: Path, texts: Sequence[str]) -> np.ndarray:
    """What CompiledModel gives for raw texts, float32 [texts, classes]."""
    classifier, model = LiteRtClassifier.from_file(path), CompiledModel.from_file(str(path))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    names = model.get_signature_by_index(0)["inputs"]
    tokenizer, rows = classifier.tokenizer, []
    for ids in tokenizer.encode(texts).padded(length=classifier.max_tokens):
        by_name = tokenizer.bert_inputs(ids) if isinstance(tokenizer, PieceTokenizer) else {INPUT_NAMES[0]: ids}
        for buffer, name in zip(inputs, names, strict=True):
            buffer.write(by_name[name])
        model.run_by_index(0, inputs, outputs)
        rows.append(outputs[0].read(len(classifier.label_names), np.float32))
    return np.stack(rows)


def test_compiled_model_gives_the_same_probabilities(any_tflite):
    texts = ["", "a good film", "bad " * 50]
    ours = LiteRtClassifier.from_file(any_tflite).predict(texts)
    np.testing.assert_allclose(compiled_probabilities(any_tflite, texts), ours, atol=1e-3)
