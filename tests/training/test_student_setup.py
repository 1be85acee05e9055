"""The words that a student knows and the vectors that they start with."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.training.small_corpus import small_corpus
from tfkd.config import DistillConfig, StudentConfig
from tfkd.errors import InputError
from tfkd.models.teacher import Teacher
from tfkd.models.word_vectors import random_vectors, randomize_rows, teacher_vectors, vocabulary_vectors
from tfkd.text.examples import NO_LABEL, Corpus, Examples
from tfkd.text.tokenizer import Tokenizer
from tfkd.text.vector_files import read_vectors
from tfkd.text.vocabulary import MASK_ID
from tfkd.training.student_setup import build_tokenizer, rare_tokens, set_up_student, too_rare_tokens

SHAPE = StudentConfig(tokenizer="words", embedding_dim=8, hidden_size=6, dense_size=5, embeddings="random")
CONFIG = DistillConfig()
SEED = 3


def test_vocabulary_is_of_train_and_the_unlabelled_but_not_of_dev():
    def examples(*texts):
        return Examples(list(texts), np.full(len(texts), NO_LABEL, np.int32))

    corpus = Corpus(
        examples("Good good film", "it [MASK]"),
        examples("dev"),
        Examples.without_labels(["unlabelled"]),
        ("neg", "pos"),
    )
    made = build_tokenizer(corpus, SHAPE)
    assert made.vocabulary.words[3:] == ("good", "film", "it", "unlabelled")
    assert made.encode(["GOOD dev [MASK]"]).ids.tolist() == [3, 1, MASK_ID]
    assert len(build_tokenizer(corpus, StudentConfig(tokenizer="words", training_vocabulary_size=5)).vocabulary) == 5
    assert build_tokenizer(corpus, StudentConfig(tokenizer="words", delimiter_regex="[^a-z]|o")).vocabulary.words[
        3:5
    ] == ("d", "film")


def test_tokens_that_are_too_rare():
    """By the count of all texts and spellings; what the teacher knows, or all vocabularies have, never is."""
    train = Examples(["good film good plot Odd", "a good day odd"], np.array([0, 1], np.int32))
    corpus = Corpus(train, train, Examples.without_labels(["day one"]), ("neg", "pos"))
    for tokenizer in ("words", "pieces"):
        made = build_tokenizer(corpus, StudentConfig(tokenizer=tokenizer), pieces=["plot", "unseen"])

        def too_rare(min_count: int, made: Tokenizer = made) -> set[str]:
            found = too_rare_tokens(corpus, made, ["plot", "unseen"], min_count)
            return {word for word, rare in zip(made.vocabulary.words, found, strict=True) if rare}

        letter = {"a"} if tokenizer == "words" else set()
        assert too_rare(1) == set()
        assert too_rare(2) == {"film", "one"} | letter
        assert too_rare(3) == {"film", "one", "day", "odd"} | letter


def test_a_berts_piece_with_an_accent_is_never_too_rare():
    train = Examples(["tr\u00e8s bon", "bon"], np.array([0, 1], np.int32))
    corpus = Corpus(train, train, Examples.without_labels([]), ("neg", "pos"))
    for tokenizer, kept in (("words", "tres"), ("pieces", "tr\u00e8s")):
        made = build_tokenizer(corpus, StudentConfig(tokenizer=tokenizer), pieces=["tr\u00e8s"])
        found = too_rare_tokens(corpus, made, ["tr\u00e8s"], 3)
        assert {made.vocabulary.words[i] for i in np.flatnonzero(found)} == {"bon"}
        assert kept in made.vocabulary.words


@pytest.mark.parametrize(
    ("regex", "message"), [("(", "missing )"), (" *", "matches the empty"), (r"\b", "matches the")]
)
def test_delimiter_that_can_not_be_used_is_named_by_its_flag(regex, message):
    with pytest.raises(InputError) as e:
        build_tokenizer(small_corpus(), StudentConfig(tokenizer="words", delimiter_regex=regex))
    assert str(e.value).startswith(f"--delimiter_regex={regex}: ")
    assert message in str(e.value)


def test_words_of_the_teacher_fill_up_the_vocabulary():
    corpus = small_corpus()
    trained = build_tokenizer(corpus, SHAPE).vocabulary.words
    pieces = ["[PAD]", "[unused1]", "[MASK]", "!", "a", "7", "1990s", "zebra", trained[3], "##ing", "movie's", "Ape"]
    found = build_tokenizer(corpus, SHAPE, pieces).vocabulary
    # Words alone: no special piece, no sign, single letter or number, no rest of a word, and none twice.
    assert found.words == (*trained, "zebra", "ape")
    assert found.ids["APE"] == found.ids["Ape"] == found.ids["ape"] == len(trained) + 1
    one_more = replace(SHAPE, training_vocabulary_size=len(trained) + 1)
    assert build_tokenizer(corpus, one_more, pieces).vocabulary.words == (*trained, "zebra")


def test_student_starts_with_the_teachers_words_and_vectors(tiny_bert):
    corpus, shape = small_corpus(), replace(SHAPE, embedding_dim=20, embeddings="teacher")
    setup = set_up_student(corpus, shape, CONFIG, str(tiny_bert), SEED)
    teacher = Teacher.from_preset(tiny_bert, max_pieces=16, num_classes=2)
    words = setup.tokenizer.vocabulary.words
    trained = build_tokenizer(corpus, shape).vocabulary.words
    assert words[: len(trained)] == trained
    pieces = teacher.tokenizer.get_vocabulary()
    assert set(words[len(trained) :]) == {w for w in pieces if w.isalpha() and len(w) > 1} - set(trained)
    np.testing.assert_allclose(setup.word_vectors, vocabulary_vectors(teacher_vectors(words, teacher), 20), atol=1e-5)


@pytest.mark.parametrize(("kind", "rare"), [("words", {"film", "tame"}), ("pieces", {"tame"})])
def test_rare_tokens_are_those_seen_once_that_the_teacher_reads_by_parts(kind, rare):
    train = Examples(["a tame film", "a good one", "good one"], np.zeros(3, np.int32))
    corpus = Corpus(train, train, Examples.without_labels(["a wild one"]), ("neg", "pos"))
    pieces = ["film", "##s", "wild"]
    tokenizer = build_tokenizer(corpus, replace(SHAPE, tokenizer=kind), pieces)
    found = rare_tokens(corpus, tokenizer, pieces)
    assert {tokenizer.vocabulary.words[i] for i in np.flatnonzero(found)} == rare


def test_student_of_pieces_reads_the_words_of_train_and_the_teachers_pieces(tiny_bert):
    corpus = small_corpus()
    shape = replace(SHAPE, embedding_dim=20, embeddings="teacher", tokenizer="pieces")
    setup = set_up_student(corpus, shape, CONFIG, str(tiny_bert), SEED)
    teacher = Teacher.from_preset(tiny_bert, max_pieces=16, num_classes=2)
    pieces = setup.tokenizer.vocabulary.words
    in_train = {piece for text in corpus.train.texts for piece in re.findall(r"\w+|[.,]", text.lower())}
    assert in_train <= set(pieces)
    assert {p for p in teacher.tokenizer.get_vocabulary() if not p.startswith("[")} <= set(pieces)
    np.testing.assert_allclose(setup.word_vectors, vocabulary_vectors(teacher_vectors(pieces, teacher), 20), atol=1e-5)
    # The baseline reads the same pieces, and is free to make of them what it will.
    free = setup.for_baseline()
    assert free.tokenizer == setup.tokenizer
    assert (free.embedding_training, free.word_vectors.shape) == ("free", (len(pieces), 20))
    random = set_up_student(corpus, replace(shape, embeddings="random"), CONFIG, str(tiny_bert), SEED)
    assert random.tokenizer == setup.tokenizer


def test_a_student_without_a_teacher_knows_the_words_of_train_and_starts_with_the_same_vectors(tiny_bert):
    corpus, shape = small_corpus(), replace(SHAPE, embedding_dim=20, embeddings="teacher")
    setup = set_up_student(corpus, shape, CONFIG, str(tiny_bert), SEED)
    free = setup.for_baseline()
    assert free.tokenizer.vocabulary.words == build_tokenizer(corpus, shape).vocabulary.words
    assert (setup.embedding_training, free.embedding_training) == ("projected", "free")
    size = len(free.tokenizer.vocabulary)
    assert size < len(setup.tokenizer.vocabulary)
    np.testing.assert_array_equal(free.word_vectors, setup.word_vectors[:size, :20])
    small = replace(setup, student=replace(shape, vocabulary_size=7)).for_baseline()
    assert small.tokenizer.vocabulary.words == free.tokenizer.vocabulary.words[:7]
    assert small.word_vectors.shape == (7, 20)


def test_student_may_start_with_the_vectors_of_a_file(tmp_path, capsys):
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2 3\nfilm 3 2 1\ngood 0 0 1\nzebra 9 9 9\n")
    setup = set_up_student(small_corpus(), replace(SHAPE, embeddings=f"file:{path}"), CONFIG, "no such teacher", 7)
    words = setup.tokenizer.vocabulary.words
    assert words == build_tokenizer(small_corpus(), SHAPE).vocabulary.words  # zebra isn't one of them
    assert f"has 3 of {len(words) - 3} words" in capsys.readouterr().err
    read = read_vectors(path, setup.tokenizer.vocabulary)
    randomize_rows(read.vectors, ~read.found, 7)
    expected = vocabulary_vectors(read.vectors, SHAPE.embedding_dim)
    np.testing.assert_allclose(setup.word_vectors, expected, atol=1e-6)


def test_vectors_of_a_file_are_centred_turned_and_scaled_by_one_factor(tmp_path):
    words = build_tokenizer(small_corpus(), SHAPE).vocabulary.words[3:]
    rows = np.random.default_rng(0).normal(5, 1, (len(words), 4))
    path = tmp_path / "some.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, rows, strict=True)))
    shape = replace(SHAPE, embeddings=f"file:{path}", embedding_dim=4)
    vectors = set_up_student(small_corpus(), shape, CONFIG, "no such teacher", 7).word_vectors
    np.testing.assert_allclose(vectors.mean(0), 0, atol=1e-5)
    assert (np.diff(vectors.var(0)) < 0).all()
    # From word to word it is as far as before, by one factor.
    factors = np.linalg.norm(vectors[4:] - vectors[3], axis=1) / np.linalg.norm(rows[1:] - rows[0], axis=1)
    np.testing.assert_allclose(factors, factors[0], rtol=1e-4)
    assert factors[0] < 0.5


@pytest.mark.parametrize(("width", "says"), [(8, "5 of the 8 columns start at zero"), (3, ""), (2, "")])
def test_columns_that_vectors_do_not_fill_are_said(tmp_path, capsys, width, says):
    path = tmp_path / "narrow.txt"
    path.write_text("the 1 2 3\nfilm 3 2 1\ngood 0 0 1\n")
    shape = replace(SHAPE, embeddings=f"file:{path}", embedding_dim=width)
    vectors = set_up_student(small_corpus(), shape, CONFIG, "no such teacher", 7).word_vectors
    assert (~vectors[:, :width].any(0)).sum() == max(width - 3, 0)
    notes = capsys.readouterr().err.splitlines()[1:]
    assert len(notes) == bool(says)
    assert not says or says in notes[0]
    assert not says or notes[0].endswith("--embedding_dim=3 leaves none")


def test_student_may_start_at_random():
    setup = set_up_student(small_corpus(), SHAPE, CONFIG, "no such teacher", 7)
    vocabulary = build_tokenizer(small_corpus(), SHAPE).vocabulary
    assert setup.tokenizer.vocabulary.words == vocabulary.words
    np.testing.assert_array_equal(setup.word_vectors, random_vectors(len(vocabulary), SHAPE.embedding_dim, 7))
