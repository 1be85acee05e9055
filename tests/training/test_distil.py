"""The student trained on a transfer set: killed, repeated, measured by numpy; and its folder."""

import re
import shutil
from dataclasses import replace

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tfkd.training.distil as distil_module
from tests.conftest import GOOD
from tests.training.small_corpus import KilledError, small_corpus
from tfkd.config import DistillConfig, LabelConfig, StudentConfig
from tfkd.errors import InputError, UsageError
from tfkd.files import read_json
from tfkd.models.compression import in_few_dimensions
from tfkd.models.keras_layers import weights_of
from tfkd.models.word_vectors import random_vectors
from tfkd.training.distil import distil, train_baseline
from tfkd.training.reading import Reading
from tfkd.training.student_folder import load_student
from tfkd.training.student_setup import (
    StudentSetup,
    build_tokenizer,
    check_last_epoch,
    rare_tokens,
    set_up_student,
    too_rare_tokens,
)
from tfkd.transfer_set.labelling import import_logits
from tfkd.transfer_set.shards import ShardedTable

SHAPE = StudentConfig(tokenizer="words", embedding_dim=8, hidden_size=6, dense_size=5, dropout=0.2, embeddings="random")
CONFIG = DistillConfig(epochs=8, batch_size=8, learning_rate=2e-2)
SEED = 3


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(small_corpus(), SHAPE)


@pytest.fixture(scope="module")
def transfer_set(tmp_path_factory) -> ShardedTable:
    """Train's sentences, a third of them without label; the logits are 2 for the right class and -1 for the other."""
    folder = tmp_path_factory.mktemp("transfer_set")
    train = small_corpus().train
    labels = [None if i % 3 == 0 else int(label) for i, label in enumerate(train.labels)]
    logits = [[-1.0, 2.0] if any(a in text for a in GOOD) else [2.0, -1.0] for text in train.texts]
    pq.write_table(pa.table({"text": train.texts, "label": labels, "logits": logits}), folder / "logits.parquet")
    return import_logits(folder / "logits.parquet", ("neg", "pos"), LabelConfig(shard_rows=50), folder / "shards")


def setup_of(corpus, tokenizer, shape, config, max_tokens=128) -> StudentSetup:
    vectors = random_vectors(len(tokenizer.vocabulary), shape.embedding_dim, SEED)
    too_rare = too_rare_tokens(corpus, tokenizer, (), shape.min_count)
    rare, training = rare_tokens(corpus, tokenizer), shape.embedding_training
    return StudentSetup(corpus, tokenizer, rare, too_rare, vectors, training, shape, config, max_tokens)


def run(transfer_set, tokenizer, folder, corpus=None, shape=SHAPE, config=CONFIG, seed=SEED):
    return distil(transfer_set, setup_of(corpus or small_corpus(), tokenizer, shape, config), folder, seed)


def epochs_of(folder) -> list[tuple[float, float]]:
    return [(e["loss"], e["dev_accuracy"]) for e in read_json(folder / "student.json")["epochs"]]


def assert_same_weights(one, other) -> None:
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def whole(transfer_set, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("distilled") / "student"
    return run(transfer_set, tokenizer, folder), folder


def test_student_learns_what_the_teacher_knows(whole):
    student, folder = whole
    dev = small_corpus().dev
    assert student.dev_accuracy == np.mean(student.probabilities(dev.texts).argmax(1) == dev.labels)
    assert student.dev_accuracy == max(accuracy for _, accuracy in epochs_of(folder))
    assert student.dev_accuracy == 1.0  # an adjective says the label, and all of them are in train
    assert [p.name for p in folder.parent.iterdir()] == ["student"]


def test_killed_after_its_second_epoch_it_ends_the_same(whole, transfer_set, tokenizer, tmp_path):
    with pytest.raises(KilledError):
        run(transfer_set, tokenizer, tmp_path / "student", small_corpus(dies_after=2))
    assert not (tmp_path / "student").exists()
    rest = small_corpus(dies_after=7)  # the epochs that are left to measure, and the student that comes of them
    again = run(transfer_set, tokenizer, tmp_path / "student", rest)
    assert rest.dev.labels.lives == 0  # type: ignore[attr-defined]
    assert_same_weights(again, whole[0])
    assert epochs_of(tmp_path / "student") == epochs_of(whole[1])


def test_checkpoint_of_other_flags_is_started_over_and_same_seed_gives_same_bytes(
    whole, transfer_set, tokenizer, tmp_path
):
    other = DistillConfig(epochs=8, batch_size=8, learning_rate=2e-2, alpha=0.5)
    with pytest.raises(KilledError):
        run(transfer_set, tokenizer, tmp_path / "student", small_corpus(dies_after=1), config=other)
    again = run(transfer_set, tokenizer, tmp_path / "student")
    assert_same_weights(again, whole[0])
    assert epochs_of(tmp_path / "student") == epochs_of(whole[1])


def test_loss_that_is_no_longer_finite_is_said(transfer_set, tokenizer, tmp_path):
    with pytest.raises(InputError, match=r"student: the loss is (nan|inf) in epoch .; try a lower learning rate"):
        run(transfer_set, tokenizer, tmp_path / "student", config=DistillConfig(learning_rate=1e30))
    assert not (tmp_path / "student").exists()


@pytest.mark.parametrize(("alpha", "batch_size"), [(0.25, 7), (0.0, 1000)])
def test_loss_of_an_epoch_is_the_papers_over_every_row_once(transfer_set, tokenizer, tmp_path, alpha, batch_size):
    # A learning rate so small that the student stays what it was, and can be asked afterwards.
    still = DistillConfig(epochs=1, alpha=alpha, batch_size=batch_size, learning_rate=1e-12, p_unknown=0.0)
    shape = StudentConfig(embedding_dim=8, hidden_size=6, dense_size=5, dropout=0.0)
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape, config=still)
    rows = [row for shard in transfer_set for row in shard.to_pylist()]
    assert len(rows) == 120
    found = student.model.logits(student.tokenizer.encode([row["text"] for row in rows]))
    teacher = np.array([row["logits"] for row in rows])
    labels = [int(np.argmax(row["logits"])) if row["label"] is None else row["label"] for row in rows]
    entropy = np.log(np.exp(found).sum(1)) - found[np.arange(120), labels]
    expected = np.mean(alpha * entropy + (1 - alpha) * ((found - teacher) ** 2).sum(1))
    assert epochs_of(tmp_path / "student")[0][0] == pytest.approx(expected, rel=1e-4)


def test_baseline_learns_from_the_hard_labels_of_train_alone(tokenizer, tmp_path):
    corpus = small_corpus()
    still = DistillConfig(baseline_epochs=1, batch_size=16, learning_rate=1e-12, p_unknown=0.0)
    shape = StudentConfig(embedding_dim=8, hidden_size=6, dense_size=5, dropout=0.0)
    student = train_baseline(setup_of(corpus, tokenizer, shape, still), tmp_path / "still", SEED)
    found = student.model.logits(student.tokenizer.encode(corpus.train.texts))
    expected = np.mean(np.log(np.exp(found).sum(1)) - found[np.arange(120), corpus.train.labels])
    assert epochs_of(tmp_path / "still")[0][0] == pytest.approx(expected, rel=1e-4)


def test_of_a_text_as_many_tokens_are_learnt_from_as_the_setup_says(tokenizer):
    train = small_corpus().train
    rows = distil_module._Rows((pa.array(train.texts),), train.labels, np.zeros((len(train), 2), np.float32))
    most = max(len(text.split()) for text in train.texts)
    assert most > 3
    for max_tokens in (3, 128):
        setup = setup_of(small_corpus(), tokenizer, SHAPE, CONFIG, max_tokens)
        reading = Reading.of_all(tokenizer, setup.rare)
        batches = distil_module._batches(rows, reading, setup, np.random.default_rng(0))
        assert max(token_ids.shape[1] for token_ids, _ in batches) == min(most, max_tokens)


def test_adadelta(transfer_set, tokenizer, tmp_path):
    config = DistillConfig(epochs=2, batch_size=16, optimizer="adadelta", learning_rate=1.0)
    run(transfer_set, tokenizer, tmp_path / "student", config=config)
    losses = [loss for loss, _ in epochs_of(tmp_path / "student")]
    assert losses[1] < losses[0]
    optimizer = distil_module._optimizer(config, steps=9)
    assert isinstance(optimizer, keras.optimizers.Adadelta)
    assert (float(optimizer.learning_rate.numpy()), optimizer.rho) == (1.0, 0.95)  # as in the paper


@pytest.mark.parametrize("training", ["free", "projected", "multichannel"])
def test_baseline_starts_with_the_words_and_vectors_that_its_flag_says(tiny_bert, tmp_path, training):
    still = DistillConfig(baseline_epochs=1, batch_size=16, learning_rate=1e-12)
    still = replace(still, baseline_embedding_training=training)
    setup = set_up_student(small_corpus(), replace(SHAPE, embeddings="teacher"), still, str(tiny_bert), SEED)
    baseline = train_baseline(setup, tmp_path / training, SEED)
    start = setup.for_baseline()
    assert sorted(baseline.tokenizer.vocabulary.words) == sorted(start.tokenizer.vocabulary.words)
    (table,) = baseline.model.get_layer("embedding").get_weights()
    rows = [start.tokenizer.vocabulary.words.index(word) for word in baseline.tokenizer.vocabulary.words]
    channel = start.word_vectors[rows, : SHAPE.embedding_dim]
    expected = np.concatenate([channel, channel], axis=1) if training == "multichannel" else channel
    np.testing.assert_allclose(table, expected, atol=1e-6)


def test_student_learns_to_do_with_the_words_that_it_keeps(transfer_set, tokenizer, tmp_path, capsys, monkeypatch):
    """The last epoch is theirs, and is what is kept; killed in it or after it, the same."""
    shape, folder = replace(SHAPE, vocabulary_size=13), tmp_path / "pruned"
    pruned = run(transfer_set, tokenizer, folder, shape=shape)
    kept = pruned.tokenizer.vocabulary
    assert len(kept) == 13
    assert load_student(folder).tokenizer.vocabulary == kept
    dev, facts = small_corpus().dev, read_json(folder / "student.json")
    *_, (_, before), (_, last) = epochs_of(folder)
    assert pruned.dev_accuracy == last == (pruned.probabilities(dev.texts).argmax(1) == dev.labels).mean()
    # What that costs is said.
    words = len(tokenizer.vocabulary)
    said = re.search(
        rf"keeps 13 of {words} words: dev accuracy ([\d.]+), with all of them {before:.4f}\n", _err(capsys)
    )
    assert said is not None
    assert float(said[1]) <= last
    after = facts["pruning"].pop("dev_accuracy_after")
    assert after == pytest.approx(float(said[1]), abs=1e-4)
    assert facts["pruning"] == {"words": words, "kept": 13, "dev_accuracy_before": before}

    def killed(*_):
        raise KilledError

    pruning = read_json(folder / "student.json")["pruning"]
    for name in ("write_json", "save_student"):
        with monkeypatch.context() as patched:
            patched.setattr(f"tfkd.training.distil.{name}", killed)
            with pytest.raises(KilledError):
                run(transfer_set, tokenizer, tmp_path / name, shape=shape)
        assert_same_weights(run(transfer_set, tokenizer, tmp_path / name, shape=shape), pruned)
        assert read_json(tmp_path / name / "student.json")["pruning"] == pruning


def test_words_that_are_too_rare_are_left_out_like_others(transfer_set, tokenizer, tmp_path, capsys):
    """What that costs is said, and the last epoch is for doing without them."""
    corpus, shape = small_corpus(), replace(SHAPE, min_count=40)
    too_rare = too_rare_tokens(corpus, tokenizer, (), 40)
    kept = [word for word, rare in zip(tokenizer.vocabulary.words, too_rare, strict=True) if not rare]
    assert 3 < len(kept) < len(too_rare)
    pruned = run(transfer_set, tokenizer, tmp_path / "pruned", shape=shape)
    assert list(pruned.tokenizer.vocabulary.words) == kept
    *_, (_, before), (_, last) = epochs_of(tmp_path / "pruned")
    assert f"keeps {len(kept)} of {len(too_rare)} words: dev accuracy" in (said := _err(capsys))
    assert f"with all of them {before:.4f}\n" in said
    assert pruned.dev_accuracy == last


def test_student_of_one_epoch_is_cut_down_after_it(transfer_set, tokenizer, tmp_path, capsys):
    pruned = run(transfer_set, tokenizer, tmp_path / "pruned", shape=replace(SHAPE, vocabulary_size=13),
                 config=replace(CONFIG, epochs=1))  # fmt: skip
    assert len(pruned.tokenizer.vocabulary) == 13
    ((_, accuracy),) = epochs_of(tmp_path / "pruned")
    assert f"dev accuracy {pruned.dev_accuracy:.4f}, with all of them {accuracy:.4f}" in _err(capsys)


def _err(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_multichannel_student_is_saved_as_one_table(transfer_set, tokenizer, tmp_path):
    shape = replace(SHAPE, embedding_training="multichannel")
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape)
    assert student.model.embedding_dim == 2 * SHAPE.embedding_dim
    (table,) = student.model.get_layer("embedding").get_weights()
    rows = [tokenizer.vocabulary.words.index(word) for word in student.tokenizer.vocabulary.words]
    fixed = random_vectors(len(tokenizer.vocabulary), SHAPE.embedding_dim, SEED)
    np.testing.assert_allclose(table[:, : SHAPE.embedding_dim], fixed[rows], atol=1e-6)
    assert np.abs(table[:, SHAPE.embedding_dim :] - fixed[rows]).max() > 0.01
    assert load_student(tmp_path / "student").model.embedding_dim == 2 * SHAPE.embedding_dim


def test_student_of_pieces(transfer_set, tmp_path, capsys):
    shape = replace(SHAPE, tokenizer="pieces")
    corpus = small_corpus()
    tokenizer = build_tokenizer(corpus, shape, ["##s", "##ly", "fine"])
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape)
    assert student.dev_accuracy == 1.0
    loaded = load_student(tmp_path / "student")
    assert (loaded.tokenizer, loaded.tokenizer.name) == (student.tokenizer, "pieces")
    assert_same_weights(loaded, student)
    # With a word left out the indispensable ones are still there, and others are read by their letters.
    size = len(tokenizer.vocabulary.indispensable) + 9
    pruned = run(transfer_set, tokenizer, tmp_path / "pruned", shape=replace(shape, vocabulary_size=size))
    assert len(pruned.tokenizer.vocabulary) == size
    assert pruned.tokenizer.vocabulary.indispensable == tokenizer.vocabulary.indispensable
    assert f"keeps {size:,} of {len(tokenizer.vocabulary):,} words" in _err(capsys)


# --- its folder --------------------------------------------------------------


def test_loaded_student_is_the_same(whole):
    student, folder = whole
    loaded = load_student(folder)
    assert_same_weights(loaded, student)
    assert (loaded.label_names, loaded.dev_accuracy) == (student.label_names, student.dev_accuracy)
    assert loaded.tokenizer == student.tokenizer
    texts = ["The FILM was good!", "", "unheard of", "a [MASK] plot"]
    np.testing.assert_array_equal(loaded.probabilities(texts), student.probabilities(texts))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("student.keras", None, "no student there (student.keras is missing)"),
        ("vocabulary.txt", None, "no student there (vocabulary.txt is missing)"),
        ("student.json", None, "no student there (student.json is missing)"),
        ("student.json", b"{", "isn't JSON"),
        ("student.keras", b"PK\x05\x06" + bytes(18), "config.json"),  # an archive of nothing
        ("student.json", b"{}", "the student can't be loaded: student.json has no 'delimiter_regex'"),
        ("student.json", b'{"delimiter_regex": " "}', "student.json has no 'label_names'"),
        ("student.keras", b"PK", "the student can't be loaded"),
        ("vocabulary.txt", b"film\n", "the student can't be loaded: line 1 of the vocabulary is 'film'"),
        ("vocabulary.txt", b"\xff 0\n", "the student can't be loaded"),
    ],
)
def test_folder_that_is_no_student(whole, tmp_path, name, content, message):
    folder = shutil.copytree(whole[1], tmp_path / "student")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError) as e:
        load_student(folder)
    assert message in str(e.value)
    assert "\n" not in str(e.value)


def test_another_keras_model_is_no_student(whole, tmp_path):
    folder = shutil.copytree(whole[1], tmp_path / "student")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(folder / "student.keras")
    with pytest.raises(InputError, match=r"student\.keras is a Sequential, no student"):
        load_student(folder)


@pytest.mark.parametrize("training", ["projected", "free"])
@pytest.mark.parametrize("table_bits", [8, 4])
def test_student_held_to_a_rank(transfer_set, tokenizer, tmp_path, training, table_bits, monkeypatch):
    """The last epoch is what is kept, and is of that rank, the candidate's bias included; killed in it, the same."""
    shape = replace(SHAPE, rank=4, embedding_training=training, table_bits=table_bits)
    config = replace(CONFIG, epochs=3)
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape, config=config)
    weights = in_few_dimensions(weights_of(student.model))
    assert [lstm.recurrent.shape[1] for lstm in weights.directions] == [4, 4]
    for lstm in weights.directions:
        assert is_of_four_bits((weights.embedding @ lstm.kernel)[:, :-1]) == (table_bits == 4)
    assert student.dev_accuracy == pytest.approx(epochs_of(tmp_path / "student")[-1][1])

    dies = iter([0.5, 0.5, None])

    def accuracy(*_):
        if (value := next(dies)) is None:
            raise KilledError
        return value

    with monkeypatch.context() as patched:
        patched.setattr(distil_module, "_accuracy", accuracy)
        with pytest.raises(KilledError):
            run(transfer_set, tokenizer, tmp_path / "killed", shape=shape, config=config)
    assert_same_weights(run(transfer_set, tokenizer, tmp_path / "killed", shape=shape, config=config), student)


def test_a_rank_that_is_more_than_a_word_has_columns(transfer_set, tokenizer, tmp_path):
    shape, config = replace(SHAPE, embedding_dim=2, rank=4), replace(CONFIG, epochs=2, batch_size=1)
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape, config=config)
    weights = in_few_dimensions(weights_of(student.model))
    assert [lstm.recurrent.shape[1] for lstm in weights.directions] == [4, 4]


def test_a_table_of_four_bits_of_full_rank(transfer_set, tokenizer, tmp_path):
    """The embeddings themselves are what the file's table holds."""
    shape, config = replace(SHAPE, table_bits=4), replace(CONFIG, epochs=2)
    student = run(transfer_set, tokenizer, tmp_path / "student", shape=shape, config=config)
    assert is_of_four_bits(student.model.get_layer("embedding").get_weights()[0])


def is_of_four_bits(rows: np.ndarray) -> bool:
    """Whether each row is of whole numbers from -7 to 7, of a scale of its own."""
    entries = 7 * rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-6)
    return bool(np.abs(entries - np.rint(entries)).max() < 1e-2)


def test_what_is_held_in_the_last_epoch_needs_one_before_it():
    for flag in ("epochs", "baseline_epochs"):
        for held, shape in {"rank": replace(SHAPE, rank=4), "table_bits": replace(SHAPE, table_bits=4)}.items():
            message = f"--{held}=4: the last epoch is for it; expected --{flag}=2 or more"
            with pytest.raises(UsageError, match=message):
                check_last_epoch(shape, **{flag: 1})
            check_last_epoch(shape, **{flag: 2})
    check_last_epoch(SHAPE, epochs=1)
    for rank in (1, 5, -1):
        with pytest.raises(ValueError, match=f"--rank={rank}: expected 0, or from 2 to 4"):
            replace(SHAPE, rank=rank)
    with pytest.raises(ValueError, match="--table_bits=5: expected 4 or 8"):
        replace(SHAPE, table_bits=5)
