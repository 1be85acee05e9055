"""The teacher: what it reads of a text, the same logits in every company, and its schedule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Count
from tfkd.models.teacher import Teacher, WarmupLinearDecay, compile_for_finetuning
from tfkd.text.vocabulary import MASK_MARKER

# The ids of tests/conftest.py's words, by their place in its list.
PAD, UNK, CLS, SEP, MASK = range(5)
GOOD, BAD, FILM, THE, IS, DOT, APOSTROPHE, S = 5, 9, 13, 18, 20, 26, 28, 29
TEXTS = ["the film is good .", "bad", "the film's plot was so very dull , and the cast was awful", "", "good film"]


@pytest.fixture(scope="module")
def teacher(tiny_bert) -> Teacher:
    made = Teacher.from_preset(tiny_bert, max_pieces=20, num_classes=3)
    # Weights large enough for logits to differ by much: as made, they differ in the fifth decimal.
    rng = np.random.default_rng(1)
    made.classifier.set_weights([rng.normal(0, 0.5, w.shape) for w in made.classifier.get_weights()])
    return made


def ids(teacher: Teacher, text: str) -> list[int]:
    return teacher.encode([text]).ids[0].tolist()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The film is GOOD.", [THE, FILM, IS, GOOD, DOT]),
        ("films", [FILM, S]),
        ("a [MASK] film", [19, MASK, FILM]),
        ("[MASK]film,[MASK]", [MASK, FILM, 27, MASK]),
        ("fílm FÍLM fi\u0301lm gööd", [FILM, FILM, FILM, GOOD]),
        ("unheard words", [UNK, UNK]),
        ("film's", [FILM, APOSTROPHE, UNK]),
        ("", []),
        (" \n ", []),
    ],
)
def test_pieces_by_hand(teacher, text, pieces):
    assert ids(teacher, text) == [CLS, *pieces, SEP]


def test_tokens_are_pieces_as_they_stand_or_texts(teacher):
    tokens = ["##s", "film", "films", "[MASK]", "unheard"]
    found = [pieces.tolist() for pieces in teacher.encode_tokens(tokens).ids]
    assert found == [[CLS, *pieces, SEP] for pieces in ([S], [FILM], [FILM, S], [MASK], [UNK])]
    assert teacher.encode_tokens(tokens).first_lengths.tolist() == [3, 3, 4, 3, 3]


def test_mask_marker_of_augmented_text_is_the_teachers_one_mask_id(teacher):
    assert teacher.tokenizer.token_to_id(MASK_MARKER) == MASK
    assert ids(teacher, f"the {MASK_MARKER} is {MASK_MARKER}.").count(MASK) == 2


def test_pieces_past_the_limit_are_cut_and_the_end_is_kept(tiny_bert):
    teacher = Teacher.from_preset(tiny_bert, max_pieces=5, num_classes=2)
    assert ids(teacher, "the film is good .") == [CLS, THE, FILM, IS, SEP]
    assert ids(teacher, "the film is") == [CLS, THE, FILM, IS, SEP]
    assert ids(teacher, "the film") == [CLS, THE, FILM, SEP]


def test_no_more_pieces_than_bert_has_positions(tiny_bert):
    teacher = Teacher.from_preset(tiny_bert, max_pieces=10_000, num_classes=2)
    assert teacher.max_pieces == 64
    assert len(ids(teacher, "good " * 1000)) == 64


# [CLS] first [SEP] second [SEP]; the second text and its [SEP] are segment 1.
def test_pieces_of_pairs_by_hand(teacher):
    pieces = teacher.encode(["the film", "", "good"], ["bad", "film", ""])
    inputs = pieces.padded(np.array([0, 1, 2]))
    assert {name: value.tolist() for name, value in inputs.items()} == {
        "token_ids": [[CLS, THE, FILM, SEP, BAD, SEP], [CLS, SEP, FILM, SEP, 0, 0], [CLS, GOOD, SEP, SEP, 0, 0]],
        "segment_ids": [[0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0]],
        "padding_mask": [[1] * 6, [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0]],
    }


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [(9, 2, (3, 2)), (2, 9, (2, 3)), (9, 9, (3, 2)), (3, 3, (3, 2)), (1, 3, (1, 3)), (0, 9, (0, 5)), (9, 0, (5, 0))],
)
def test_of_a_pair_too_long_the_longer_text_is_cut(tiny_bert, first, second, left):
    teacher = Teacher.from_preset(tiny_bert, max_pieces=8, num_classes=2)  # five besides [CLS] and two [SEP]
    (found,) = teacher.encode(["good " * first], ["bad " * second]).ids
    assert found.tolist() == [CLS, *[GOOD] * left[0], SEP, *[BAD] * left[1], SEP]


def test_second_text_is_read_as_such(teacher):
    good, bad = teacher.logits(teacher.encode(["good", "bad"], ["bad", "good"]))
    assert np.abs(good - bad).max() > 0.01


def test_no_texts(teacher):
    pieces = teacher.encode([])
    assert teacher.logits(pieces).shape == (0, 3)


def test_padded_batch_by_hand(teacher):
    inputs = teacher.encode(TEXTS).padded(np.array([1, 4]))
    assert {name: value.tolist() for name, value in inputs.items()} == {
        "token_ids": [[CLS, BAD, SEP, PAD], [CLS, GOOD, FILM, SEP]],
        "segment_ids": [[0] * 4, [0] * 4],
        "padding_mask": [[1, 1, 1, 0], [1, 1, 1, 1]],
    }


@settings(max_examples=50)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_is_read(teacher, texts):
    pieces = teacher.encode(texts)
    assert len(pieces.ids) == len(texts)
    for piece_ids, length in zip(pieces.ids, pieces.lengths, strict=True):
        assert 2 <= length <= 20
        assert (piece_ids[0], piece_ids[-1]) == (CLS, SEP)


def test_neither_padding_nor_company_nor_order_changes_logits(teacher):
    together = teacher.logits(teacher.encode(TEXTS))
    assert (together.shape, together.dtype) == ((5, 3), np.float32)
    for batch_size in (1, 2):
        np.testing.assert_allclose(teacher.logits(teacher.encode(TEXTS), batch_size), together, atol=1e-5)
    np.testing.assert_allclose(teacher.logits(teacher.encode(TEXTS[::-1])), together[::-1], atol=1e-5)
    # It isn't that all are one.
    assert (np.ptp(together, axis=0) > 0.02).all()


def test_logits_are_the_classifiers_own(teacher):
    text_ids = np.array([[CLS, GOOD, FILM, SEP]])
    inputs = {"token_ids": text_ids, "segment_ids": 0 * text_ids, "padding_mask": text_ids**0}
    np.testing.assert_allclose(
        teacher.logits(teacher.encode(["good film"])), teacher.classifier.predict(inputs, verbose=0), atol=1e-6
    )


def test_progress_counts_every_text(teacher):
    count = Count()
    teacher.logits(teacher.encode(TEXTS), batch_size=2, progress=count)
    assert count.n == pytest.approx(5)


def test_saved_teacher_gives_the_same_logits(teacher, tmp_path):
    teacher.save(tmp_path)
    loaded = Teacher.from_preset(tmp_path, max_pieces=20)
    np.testing.assert_array_equal(loaded.logits(loaded.encode(TEXTS)), teacher.logits(teacher.encode(TEXTS)))
    assert ids(loaded, "a [MASK] fílm") == [CLS, 19, MASK, FILM, SEP]


# --- fine-tuning's optimizer -------------------------------------------------


@pytest.mark.parametrize(
    ("warmup", "steps", "rates"),
    [
        # Rising over 0.2 * 10 = 2 steps: 1/2, 1; then (10 - step) / 8.
        (0.2, 10, [0.5, 1.0, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0.0, 0.0]),
        (0.0, 4, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        (1.0, 4, [0.25, 0.5, 0.75, 1.0, 0.0]),
        (0.5, 1, [1.0, 0.0]),
    ],
)
def test_learning_rate_rises_and_falls(warmup, steps, rates):
    schedule = WarmupLinearDecay(3.0, steps, warmup)
    np.testing.assert_allclose([schedule(step) for step in range(len(rates))], 3.0 * np.array(rates), rtol=1e-6)
    again = WarmupLinearDecay.from_config(schedule.get_config())
    np.testing.assert_array_equal([again(s) for s in range(4)], [schedule(s) for s in range(4)])


def test_only_matrices_decay(tiny_bert):
    classifier = Teacher.from_preset(tiny_bert, max_pieces=20, num_classes=2).classifier
    compile_for_finetuning(classifier, 10, 0.1, 0.0, weight_decay=0.5)
    before = [np.array(v) for v in classifier.trainable_variables]
    classifier.optimizer.apply([np.zeros_like(v) for v in before], classifier.trainable_variables)
    # Without a gradient a step is the decay alone: w - 0.1 * 0.5 * w.
    for old, variable in zip(before, classifier.trainable_variables, strict=True):
        kept = 1.0 if variable.name in ("bias", "gamma", "beta") else 0.95
        np.testing.assert_allclose(np.array(variable), kept * old, rtol=1e-5, err_msg=variable.path)
