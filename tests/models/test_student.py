"""The student: its shape by the paper, its logits by numpy, whatever the padding."""

import keras
import numpy as np
import pytest

from tests.conftest import Count
from tfkd.models.multichannel_embedding import MultichannelEmbedding
from tfkd.models.projected_embedding import ProjectedEmbedding
from tfkd.models.student import BiLstmClassifier, siamese_features
from tfkd.text.encoded_texts import EncodedTexts

IDS = [[3, 4, 5, 6, 7], [8, 3], [9], []]


def padded(rows, length: int) -> np.ndarray:
    return np.array([row + [0] * (length - len(row)) for row in rows], np.int32)


def encoded(rows) -> EncodedTexts:
    return EncodedTexts(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


@pytest.fixture(scope="module")
def student() -> BiLstmClassifier:
    model = BiLstmClassifier(vocabulary_size=10, num_classes=3, embedding_dim=6, hidden_size=4, dense_size=5)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    return model


def test_weights_outside_the_embeddings():
    model = BiLstmClassifier(vocabulary_size=7, num_classes=2, embedding_dim=300)
    # A direction of the LSTM: 4 gates of 150 * (300 + 150 + 1) weights, 270,600; the ReLU layer: 2 * 150 * 200
    # + 200 = 60,200; the logits: 200 * 2 + 2 = 402.
    assert model.count_params() - 7 * 300 == 2 * 270_600 + 60_200 + 402


def test_weights_outside_the_papers_two_channels():
    channels = MultichannelEmbedding(np.zeros((7, 300), np.float32), name="embedding")
    model = BiLstmClassifier(vocabulary_size=7, num_classes=2, embedding_dim=300, embedding=channels)
    # The paper's 0.96 M; of the two tables one is trained, and once trained both are one.
    assert model.count_params() - 7 * 300 == 961_802
    assert model.folded(np.arange(7)).count_params() - 7 * 600 == 961_802


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def last_state(x: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """An LSTM's last hidden state by its textbook equations; Keras' gates are i, f, c, o."""
    h = c = np.zeros(recurrent.shape[0])
    for step in x:
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h


def test_logits_are_those_of_the_papers_equations(student):
    table, wf, uf, bf, wb, ub, bb, w1, b1, w2, b2 = student.get_weights()
    expected = []
    for ids in IDS:
        x = table[ids] if ids else np.zeros((0, 6))
        states = np.concatenate([last_state(x, wf, uf, bf), last_state(x[::-1], wb, ub, bb)])
        expected.append(np.maximum(states @ w1 + b1, 0) @ w2 + b2)
    np.testing.assert_allclose(student(padded(IDS, 5)), expected, rtol=1e-4, atol=1e-5)


def test_siamese_features_by_hand():
    found = siamese_features(np.array([[2.0, -1.0], [0.0, 3.0]]), np.array([[-1.0, -1.0], [4.0, 1.0]]))
    np.testing.assert_array_equal(found, [[2, -1, -1, -1, -2, 1, 3, 0], [0, 3, 4, 1, 0, 3, 4, 2]])


def test_logits_of_pairs_are_those_of_the_papers_equations():
    model = BiLstmClassifier(10, 3, embedding_dim=6, hidden_size=4, dense_size=5, dropout=0.3, pairs=True)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    table, wf, uf, bf, wb, ub, bb, w1, b1, w2, b2 = model.get_weights()  # one BiLSTM for both texts
    assert w1.shape == (4 * 2 * 4, 5)
    expected = []
    for pair in zip(IDS, IDS[::-1], strict=True):
        states = []
        for ids in pair:
            x = table[ids] if ids else np.zeros((0, 6))
            states.append(np.concatenate([last_state(x, wf, uf, bf), last_state(x[::-1], wb, ub, bb)]))
        h1, h2 = states
        features = np.concatenate([h1, h2, h1 * h2, np.abs(h1 - h2)])
        expected.append(np.maximum(features @ w1 + b1, 0) @ w2 + b2)
    found = model([padded(IDS, 5), padded(IDS[::-1], 5)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    columns = [encoded(IDS), encoded(IDS[::-1])]
    np.testing.assert_allclose(model.logits(*columns, batch_size=3), found, atol=1e-5)
    again = BiLstmClassifier.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.logits(*columns), model.logits(*columns))


@pytest.mark.parametrize("length", [6, 9, 40])
def test_logits_do_not_depend_on_padding(student, length):
    np.testing.assert_allclose(student(padded(IDS, length)), student(padded(IDS, 5)), atol=1e-6)
    for i, ids in enumerate(IDS):
        alone = student(padded([ids], max(len(ids), 1)))
        np.testing.assert_allclose(alone[0], student(padded(IDS, length))[i], atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_logits_of_texts_come_in_their_order(student, batch_size):
    texts = encoded(IDS)
    expected = student(padded(IDS, 5))
    found = student.logits(texts, batch_size=batch_size, progress=(count := Count()))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert count.n == pytest.approx(len(IDS))
    cut = student(padded([ids[:2] for ids in IDS], 2))
    np.testing.assert_allclose(student.logits(texts, max_tokens=2, batch_size=batch_size), cut, atol=1e-6)


def test_saved_student_gives_the_same_logits(student, tmp_path):
    student.save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    assert type(loaded) is BiLstmClassifier
    assert loaded.get_config() == student.get_config()
    np.testing.assert_array_equal(loaded(padded(IDS, 5)), student(padded(IDS, 5)))


def test_saved_student_keeps_its_dropout(tmp_path):
    model = BiLstmClassifier(10, 2, embedding_dim=6, hidden_size=4, dense_size=5, dropout=0.25)
    model.save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    assert loaded.dropout == 0.25
    assert [layer.rate for layer in loaded.layers if isinstance(layer, keras.layers.Dropout)] == [0.25, 0.25]


def test_dropout_drops_in_training_alone():
    keras.utils.set_random_seed(0)
    model = BiLstmClassifier(10, 2, embedding_dim=6, hidden_size=4, dense_size=5, dropout=0.5)
    ids = padded(IDS[:2], 5)
    np.testing.assert_array_equal(model(ids), model(ids))
    assert not np.allclose(model(ids, training=True), model(ids, training=True))


@pytest.fixture
def in_training(student) -> BiLstmClassifier:
    """The student of IDS before it is folded: ten words of eight columns, every weight drawn at random."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, 0.7, (10, 8)).astype(np.float32)
    embedding = ProjectedEmbedding(vectors, student.embedding_dim, name="embedding")
    model = BiLstmClassifier(**student.get_config(), embedding=embedding)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    return model


def test_folded_student_gives_the_same_logits(in_training, tmp_path):
    folded = in_training.folded(np.arange(10))
    assert type(folded.get_layer("embedding")) is keras.layers.Embedding
    np.testing.assert_allclose(folded(padded(IDS, 5)), in_training(padded(IDS, 5)), rtol=1e-4, atol=1e-5)
    folded.save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    np.testing.assert_array_equal(loaded(padded(IDS, 5)), folded(padded(IDS, 5)))


def test_folded_student_knows_the_words_it_was_to_keep(student):
    folded = student.folded(np.array([0, 1, 2, 5, 8]))
    assert folded.vocabulary_size == 5
    np.testing.assert_allclose(folded(padded([[3, 4]], 2)), student(padded([[5, 8]], 2)), atol=1e-6)


def test_student_in_training_is_not_saved(in_training, tmp_path):
    with pytest.raises(ValueError, match="save what folded"):
        in_training.save(tmp_path / "student.keras")


def test_layers_are_named_as_the_export_reads_them(student):
    assert {"embedding", "bilstm", "hidden", "logits"} <= {layer.name for layer in student.layers}
