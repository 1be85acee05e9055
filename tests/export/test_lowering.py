"""The straight-line graph against the Keras student it is made of."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.conftest import randomized
from tfkd.export.arithmetic import Integers, Reals
from tfkd.export.graph import Graph, Model
from tfkd.export.lowering import LOWERINGS, SIGNATURE, lower
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.models.student_weights import LstmWeights
from tfkd.models.texts_met import Ranges, TextsMet
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES
from tfkd.text.vocabulary import PAD_ID


def keras_probabilities(model: keras.Model, ids: np.ndarray | list[np.ndarray]) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.softmax(model(ids)))


class Lowered:
    """A lowered student in the interpreter."""

    def __init__(self, content: bytes):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        self._run = interpreter.get_signature_runner()
        details = self._run.get_input_details()
        self._names = [name for name in (*INPUT_NAMES, *BERT_INPUT_NAMES) if name in details]

    def __call__(self, *rows: np.ndarray) -> np.ndarray:
        """Probabilities of texts or pairs, int32 [texts, tokens] each."""
        inputs = [
            dict(zip(self._names, (part[np.newaxis] for part in row), strict=True)) for row in zip(*rows, strict=True)
        ]
        return np.concatenate([self._run(**row)["probabilities"].copy() for row in inputs])


def lowered(
    model: BiLstmClassifier,
    max_tokens: int,
    weights: str = "float32",
    lowering: str = "unrolled",
    like_bert: bool = False,
) -> Lowered:
    return Lowered(lower(weights_of(model), [max_tokens], lambda graph: Reals(graph, weights), lowering, like_bert))


# A text's words, and padding to the length of the graph after them.
def padded(texts: list[list[int]], tokens: int) -> np.ndarray:
    return np.array([[*text, *[0] * (tokens - len(text))] for text in texts], np.int32)


@settings(max_examples=20, derandomize=True)
@given(data=st.data())
def test_lowered_student_equals_keras_masked_bilstm(data):
    size = st.integers(1, 9)
    vocabulary_size, classes, tokens = data.draw(st.integers(2, 20)), data.draw(st.integers(2, 4)), data.draw(size)
    model = BiLstmClassifier(
        vocabulary_size, classes, embedding_dim=data.draw(size), hidden_size=data.draw(size), dense_size=data.draw(size)
    )
    randomized(model, data.draw(st.integers(0, 99)))
    text = st.lists(st.integers(1, vocabulary_size - 1), max_size=tokens)
    rows = padded([*data.draw(st.lists(text, min_size=1, max_size=5)), []], tokens)
    expected = keras_probabilities(model, rows)
    for lowering in LOWERINGS:
        np.testing.assert_allclose(lowered(model, tokens, lowering=lowering)(rows), expected, atol=1e-5)


@settings(max_examples=20, derandomize=True)
@given(data=st.data())
def test_lowered_student_of_pairs_equals_keras(data):
    size = st.integers(1, 9)
    vocabulary_size, tokens = data.draw(st.integers(2, 20)), data.draw(size)
    shape = {"embedding_dim": data.draw(size), "hidden_size": data.draw(size), "dense_size": data.draw(size)}
    model = randomized(BiLstmClassifier(vocabulary_size, 3, **shape, pairs=True), data.draw(st.integers(0, 99)))
    text = st.lists(st.integers(1, vocabulary_size - 1), max_size=tokens)
    rows = [*data.draw(st.lists(st.tuples(text, text), min_size=1, max_size=5)), ([], [1] * tokens)]
    first, second = (padded(list(texts), tokens) for texts in zip(*rows, strict=True))
    expected = keras_probabilities(model, [first, second])
    for lowering in LOWERINGS:
        np.testing.assert_allclose(lowered(model, tokens, lowering=lowering)(first, second), expected, atol=1e-5)


@pytest.mark.parametrize("lowering", LOWERINGS)
@pytest.mark.parametrize("numbers", ["float32", "float16", "int8", "integers"])
@settings(max_examples=10, derandomize=True)
@given(data=st.data())
def test_what_pads_a_text_changes_nothing(numbers, lowering, data):
    size, length = st.integers(1, 40), st.integers(1, 6)
    words, tokens = data.draw(st.integers(2, 50)), data.draw(length)
    model = BiLstmClassifier(words, 2, data.draw(size), data.draw(size), data.draw(size))
    weights = weights_of(randomized(model, data.draw(st.integers(0, 99))))
    ranges = Ranges(*(data.draw(st.floats(0.5, 8)) for _ in range(3)))
    bits = data.draw(st.sampled_from([4, 8]))

    def arithmetic(graph: Graph) -> Reals:
        return Integers(graph, ranges, bits) if numbers == "integers" else Reals(graph, numbers)

    # Padding may stand within a text, where it is a step of no word.
    texts = [*data.draw(st.lists(st.lists(st.integers(0, words - 1), max_size=tokens), min_size=1, max_size=5)), []]
    more = tokens + data.draw(length)
    short, long = (Lowered(lower(weights, [n], arithmetic, lowering)) for n in (tokens, more))
    np.testing.assert_allclose(short(padded(texts, tokens)), long(padded(texts, more)), atol=1e-6)


@settings(max_examples=10, derandomize=True)
@given(words=st.lists(st.integers(1, 9), max_size=5), segments=st.integers(0, 1))
def test_like_bert_it_reads_what_stands_between_cls_and_sep(words, segments):
    model = randomized(BiLstmClassifier(10, 2, 6, 5, 4))
    padding = [0] * (5 - len(words))
    inputs = [[8, *words, 9, *padding], [1] * (len(words) + 2) + padding, [segments] * 7]
    like_bert = lowered(model, 5, like_bert=True)(*(np.array([row], np.int32) for row in inputs))
    np.testing.assert_allclose(like_bert, keras_probabilities(model, padded([words], 5)), atol=1e-5)


def test_ids_out_of_range_read_the_nearest_row(student):
    call = lowered(student, 3)
    last = student.vocabulary_size - 1
    outside = call(np.array([[5, 2**31 - 1, -(2**31)]], np.int32))
    np.testing.assert_array_equal(outside, call(np.array([[5, last, 0]], np.int32)))


# Every matrix but the last has more than 1024 elements, and weights are of a trained student's size.
@pytest.fixture(scope="module", params=[False, True], ids=["texts", "pairs"])
def trained(request) -> BiLstmClassifier:
    model = BiLstmClassifier(200, 3, embedding_dim=40, hidden_size=32, dense_size=24, pairs=request.param)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.05, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def random_texts(rng: np.random.Generator, texts: int, tokens: int = 10) -> np.ndarray:
    ids = rng.integers(1, 200, (texts, tokens)) * (np.arange(tokens) < rng.integers(0, tokens + 1, (texts, 1)))
    return ids.astype(np.int32)


@pytest.mark.parametrize("lowering", LOWERINGS)
@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [("float16", 2e-3), ("int8", 0.02), ("int8, table of 4", 0.05), ("integers", 0.02), ("integers, table of 4", 0.05)],
)
def test_quantized_student_gives_keras_probabilities(trained, quantization, tolerance, lowering):
    rng = np.random.default_rng(1)
    weights = weights_of(trained)
    ranges = TextsMet(random_texts(rng, 100)).ranges(weights)

    def arithmetic(graph: Graph) -> Reals:
        name, _, four = quantization.partition(", table of ")
        bits = int(four or 8)
        return Integers(graph, ranges, bits) if name == "integers" else Reals(graph, name, bits)

    content = lower(weights, [10], arithmetic, lowering)
    texts = [random_texts(rng, 20) for _ in range(1 + trained.pairs)]
    expected = keras_probabilities(trained, texts if trained.pairs else texts[0])
    np.testing.assert_allclose(Lowered(content)(*texts), expected, atol=tolerance)
    CompiledModel.from_buffer(content)  # takes it


def test_each_constant_is_stored_once_whatever_the_length():
    vocabulary, dim, hidden, dense = 3000, 63, 32, 40
    model = randomized(BiLstmClassifier(vocabulary, 2, dim, hidden, dense))
    content = lower(weights_of(model), [24], lambda graph: Reals(graph, "int8"))
    root = schema.Model.GetRootAs(content)
    assert root.SubgraphsLength() == 1
    graph = root.Subgraphs(0)
    stored = {
        tuple(t.ShapeAsNumpy()): t.Type()
        for t in map(graph.Tensors, range(graph.TensorsLength()))
        if t.ShapeLength() == 2 and root.Buffers(t.Buffer()).DataLength()
    }
    table, kernel = (vocabulary, dim + 1), (4 * hidden, dim + 1)
    quantized = {table, kernel, (4 * hidden, hidden), (dense, 2 * hidden)}
    assert {shape for shape, kind in stored.items() if kind == schema.TensorType.INT8} == quantized
    weights = np.prod(table) + 2 * np.prod(kernel) + 2 * 4 * hidden * hidden + dense * 2 * hidden
    assert weights < len(content) < weights + 24 * 3_000  # bytes of the graph, per step


@pytest.mark.parametrize("lowering", LOWERINGS)
def test_a_low_rank_is_folded_into_the_table(lowering):
    rng = np.random.default_rng(0)
    full = weights_of(randomized(BiLstmClassifier(30, 2, 12, 10, 4)))
    directions = [
        LstmWeights(
            rng.normal(0, 1, (13, 3)).astype(np.float32),
            rng.normal(0, 1, (10, 3)).astype(np.float32),
            lstm.bias,
            rng.normal(0, 1, (3, 40)).astype(np.float32),
            lstm.backward,
        )
        for lstm in full.directions
    ]
    narrow = dataclasses.replace(full, directions=tuple(directions))
    content = lower(narrow, [5], lambda graph: Reals(graph, "float32"), lowering)
    root = schema.Model.GetRootAs(content)
    graph = root.Subgraphs(0 if lowering != "while" else 2)
    shapes = [
        tuple(graph.Tensors(i).ShapeAsNumpy()) for i in range(graph.TensorsLength()) if graph.Tensors(i).ShapeLength()
    ]
    assert (30, 3) in shapes
    assert (30, 13) not in shapes
    # What numpy computes step by step.
    ids = np.array([[7, 3, 9, 0, 0]], np.int32)
    met = TextsMet(np.concatenate([ids, rng.integers(1, 30, (40, 5))]).astype(np.int32))
    (row,) = (i for i, text in enumerate(met.token_ids) if (text == ids[0]).all())
    whole = dataclasses.replace(
        narrow,
        directions=tuple(
            LstmWeights(d.kernel @ d.expansion, d.recurrent @ d.expansion, d.bias, None, d.backward) for d in directions
        ),
    )
    for steps, of_whole in zip(met.steps(narrow), met.steps(whole), strict=True):
        np.testing.assert_allclose(list(steps)[-1].state[row], list(of_whole)[-1].state[row], atol=1e-5)
    unfolded = lower(whole, [5], lambda graph: Reals(graph, "float32"))
    np.testing.assert_allclose(Lowered(content)(ids), Lowered(unfolded)(ids), atol=1e-5)


def test_a_loop_has_one_body_whatever_the_length():
    model = randomized(BiLstmClassifier(9, 2, 6, 5, 4))
    once, thrice = (lower(weights_of(model), [3 * n], lambda g: Reals(g, "float32"), "while") for n in (1, 3))
    operators = [schema.Model.GetRootAs(content).Subgraphs(2).OperatorsLength() for content in (once, thrice)]
    assert operators[0] == operators[1]


def test_the_names_are_those_of_the_flags():
    from tfkd.config import ExportConfig

    assert ExportConfig.__dataclass_fields__["lowering"].metadata["choices"] == tuple(LOWERINGS)


@pytest.mark.parametrize("columns", [7, 8])
def test_a_table_of_four_bits_is_that_of_its_integers(columns):
    """Two entries in a byte, a scale for each row: what is read is what rounding by hand gives."""
    table = np.random.default_rng(0).normal(0, 1, (5, columns)).astype(np.float32) * [[1], [9], [0.1], [2], [0]]
    model = Model()
    graph = Graph(model)
    ids = graph.input("token_ids", (5,))
    model.add(graph, SIGNATURE, {"probabilities": Reals(graph, "int8", table_bits=4).words(table, ids)})
    interpreter = Interpreter(model_content=model.to_bytes())
    run = interpreter.get_signature_runner()
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 7, 1e-6).astype(np.float16).astype(np.float32)
    read = run(token_ids=np.array([0, 4, 2, 3, 1], np.int32))["probabilities"]
    np.testing.assert_allclose(read, (np.rint(table / scales) * scales)[[0, 4, 2, 3, 1]], atol=1e-6)


def test_what_all_words_have_alike_is_not_rounded():
    table = np.random.default_rng(0).normal(0, 1, (6, 4)).astype(np.float32)
    table[:, -1] = 0.123
    table[PAD_ID] = 0
    model = Model()
    graph = Graph(model)
    ids = graph.input("token_ids", (3,))
    model.add(graph, SIGNATURE, {"probabilities": Reals(graph, "int8", table_bits=4).words(table, ids)})
    read = Interpreter(model_content=model.to_bytes()).get_signature_runner()(token_ids=np.array([5, 0, 1], np.int32))
    np.testing.assert_array_equal(read["probabilities"][:, -1], np.array([0.123, 0, 0.123], np.float32))


@pytest.mark.parametrize(("of_four_bits", "weights"), [(True, "int8"), (False, "int8"), (True, "float32")])
def test_a_table_of_four_bits_is_found_by_its_numbers(of_four_bits, weights):
    """Stored in four bits where nothing is lost by it, and as it is where something would be."""
    rng = np.random.default_rng(0)
    entries = rng.integers(-7, 8, (400, 8))
    entries[:, 0] = 7
    table = (entries * rng.uniform(0.1, 1, (400, 1))).astype(np.float32)
    if not of_four_bits:
        table[7, 3] += 0.05
    model = Model()
    graph = Graph(model)
    model.add(graph, SIGNATURE, {"probabilities": Reals(graph, weights).words(table, graph.input("token_ids", (3,)))})
    written = schema.Model.GetRootAs(model.to_bytes()).Subgraphs(0)
    types = {written.Tensors(i).Type() for i in range(written.TensorsLength())}
    assert (schema.TensorType.INT4 in types) == (of_four_bits and weights == "int8")
