"""The exported file run by LiteRT alone."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tests.conftest import Count
from tests.export.conftest import DEV, DEV_TEXTS, LABELS, MAX_TOKENS, PAIRS, TEXTS, TEXTS_OF_PAIRS
from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.exporter import export_student
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.text.encoded_texts import INPUT_NAMES


def test_predicts_what_the_export_measured(tflite, exported):
    classifier = LiteRtClassifier.from_file(tflite)
    found = classifier.predict(DEV_TEXTS, progress=(count := Count()))
    np.testing.assert_array_equal(found, exported.probabilities)
    assert count.n == len(DEV_TEXTS)
    assert classifier.label_names == LABELS
    assert classifier.max_tokens == MAX_TOKENS


def test_pairs(pair_export, pair_student, tokenizer):
    classifier = LiteRtClassifier.from_file(pair_export.path)
    assert classifier.pairs
    assert schema.Model.GetRootAs(pair_export.path.read_bytes()).SubgraphsLength() == 1
    signature = Interpreter(str(pair_export.path)).get_signature_list()["serving_default"]
    assert signature == {"inputs": sorted(INPUT_NAMES), "outputs": ["probabilities"]}
    found = classifier.predict(*PAIRS.columns)
    np.testing.assert_array_equal(found, pair_export.probabilities)
    encoded = [tokenizer.encode(texts) for texts in PAIRS.columns]
    np.testing.assert_allclose(found, pair_student.probabilities(*encoded, max_tokens=MAX_TOKENS), atol=0.02)
    swapped = classifier.predict(*PAIRS.columns[::-1])
    assert np.abs(swapped - found).max() > 0.03  # which text is the first matters, and is kept
    assert classifier.truncated(*PAIRS.columns) == pair_export.truncated == 2  # one long text, in two pairs
    assert not LiteRtClassifier.from_file(pair_export.path).predict([], []).size


@pytest.mark.parametrize("quantization", ["dynamic_int8", "int8"])
@pytest.mark.parametrize(
    ("kind", "lowering"),
    [("words", "unrolled"), ("words", "folded"), ("words", "while"), ("pieces", "unrolled"), ("pairs", "unrolled")],
)
def test_a_text_goes_through_the_shortest_signature_it_fits(request, tmp_path, kind, lowering, quantization):
    """All lengths share the weights, and none changes what a text comes to."""
    pairs = kind == "pairs"
    student = request.getfixturevalue({"words": "student", "pieces": "piece_student", "pairs": "pair_student"}[kind])
    tokenizer = request.getfixturevalue("piece_tokenizer" if kind == "pieces" else "tokenizer")
    labels, dev, texts = (("a", "b", "c"), PAIRS, TEXTS_OF_PAIRS) if pairs else (LABELS, DEV, TEXTS)
    config = ExportConfig(max_tokens=MAX_TOKENS, quantization=quantization, lowering=lowering, min_agreement=0)
    configs = [dataclasses.replace(config, shorter_tokens=shorter) for shorter in ((), (3, 6))]
    files = [
        export_student(student, tokenizer, labels, dev, texts, tmp_path / f"{i}.tflite", config)
        for i, config in enumerate(configs)
    ]
    one, several = (LiteRtClassifier.from_file(file.path) for file in files)
    assert (one.lengths, several.lengths, several.max_tokens) == ((MAX_TOKENS,), (3, 6, MAX_TOKENS), MAX_TOKENS)
    np.testing.assert_allclose(several.predict(*texts.columns), one.predict(*texts.columns), atol=1e-6)
    np.testing.assert_array_equal(several.predict(*dev.columns), files[1].probabilities)
    assert files[1].size_bytes < files[0].size_bytes + 9 * 6_000  # bytes of the graphs, per step
    ids = tokenizer.encode(["good film"]).padded(length=6)
    used = several.predict_ids(*([ids[0]] * (1 + pairs)))
    np.testing.assert_allclose(used, one.predict(*[["good film"]] * (1 + pairs))[0], atol=1e-6)


def test_threads_do_not_mix_their_texts_up(tflite, exported):
    classifier = LiteRtClassifier.from_file(tflite)
    texts = DEV_TEXTS * 100
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(classifier.predict, [texts] * 8):
            np.testing.assert_array_equal(found, np.tile(exported.probabilities, (100, 1)))


@pytest.mark.parametrize("columns", [("a good film",), ([None],), (["a"], ["b"]), ()])
def test_what_is_no_list_of_texts(tflite, pair_export, columns):
    with pytest.raises(InputError, match="expected one list of texts"):
        LiteRtClassifier.from_file(tflite).predict(*columns)
    pairs = LiteRtClassifier.from_file(pair_export.path)
    for some in ((["a"],), (["a"], ["b", "c"]), ("a", "b")):
        with pytest.raises(InputError, match="expected two lists of as many texts"):
            pairs.predict(*some)


def test_no_texts_give_no_rows(tflite):
    probabilities = LiteRtClassifier.from_file(tflite).predict([])
    assert probabilities.shape == (0, 2)
    assert probabilities.dtype == np.float32


def test_counts_texts_longer_than_the_model_reads(tflite):
    texts = ["a " * MAX_TOKENS, "a " * (MAX_TOKENS + 1), "", "10 " * 10_000]
    assert LiteRtClassifier.from_file(tflite).truncated(texts) == 2


def test_words_after_the_last_read_change_nothing(tflite):
    one, other = LiteRtClassifier.from_file(tflite).predict(["a " * MAX_TOKENS, "a " * MAX_TOKENS + "bad film"])
    np.testing.assert_array_equal(one, other)


def test_ids_out_of_range_survive(tflite):
    classifier = LiteRtClassifier.from_file(tflite)
    for ids in (np.arange(-MAX_TOKENS, 0), np.arange(MAX_TOKENS) + 2**30, np.full(MAX_TOKENS, -128)):
        assert classifier.predict_ids(ids.astype(np.int32)).sum() == pytest.approx(1, abs=1e-5)


def test_a_model_whose_graph_is_damaged_is_one_clear_error(tflite, tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(tflite.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"damaged\.tflite"):
        LiteRtClassifier.from_file(damaged)


def test_a_model_without_a_signature(tflite, tmp_path):
    """As Model Maker's, which has metadata as ours has."""
    content, other = tflite.read_bytes(), tmp_path / "other.tflite"
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    model.signatureDefs = None
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    other.write_bytes(bytes(builder.Output()) + content[content.index(b"PK\x03\x04") :])
    with pytest.raises(InputError, match=r"other\.tflite: LiteRT can't load it: it has no signature"):
        LiteRtClassifier.from_file(other)


def test_needs_neither_tensorflow_nor_keras_nor_mediapipe(tflite):
    script = (
        "import sys; from tfkd.export.litert_classifier import LiteRtClassifier;"
        f"LiteRtClassifier.from_file({str(tflite)!r}).predict(['a good film']);"
        "print(*{'tensorflow', 'keras', 'mediapipe', 'jax', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
