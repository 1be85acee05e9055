"""What of dev stands in texts to learn from, whole or inside longer ones."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text import overlap
from tfkd.text.examples import Examples
from tfkd.text.overlap import RowsHeld, find_overlap, inseparable, overlap_key, overlap_keys

of = Examples.without_labels
DEV = ["It 's n't a bad film , at all .", "Good!", "one two three four five six"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("it's n't a BAD film, at all", 0),
        ("He says it 's n't a bad film at all , I think", 0),
        ("good", 1),
        ("a good one", None),  # too short a dev text to count inside another
        ("One two three four five six.", 2),
        ("zero one two three four five six seven", 2),
        ("one two three four five seven", None),
        ("two three four five six", None),
        ("", None),
    ],
)
def test_by_hand(text, holds):
    assert find_overlap(of([text]), of(DEV)).tolist() == [holds is not None]
    assert RowsHeld(of(DEV)).longest_by([text]) == (set() if holds is None else {holds})


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_any_text(text):
    assert overlap._words(text) == overlap._WORD.findall(text.lower())


def test_of_texts_that_begin_alike_the_longest_holds_the_others():
    six = "one two three four five six"
    held = RowsHeld(of([six, f"{six} seven", f"{six} seven eight", "else"]))
    assert held.longest_by([f"zero {six} seven nine"]) == {1}
    assert held.longest_by([six]) == {0}
    assert held.longest_by([f"{six} seven eight"]) == {1, 2}
    assert held.any_by([f"zero {six} nine"])
    assert not held.any_by(["one two three four five"])


def test_texts_of_one_repeated_word_are_parted_in_no_time():
    texts = ["ha " * n for n in range(6, 406)]
    started = time.process_time()
    assert len(set(inseparable(of(texts)))) == 1
    assert time.process_time() - started < 20  # by length of each at each word it took minutes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("दिन", "दान", False),  # by their marks alone
        ("ไม่ดี", "ไมดี", False),
        ("café", "cafe\u0301", True),  # the accent a character of its own
        ("café", "cafe", False),
    ],
)
def test_marks_belong_to_words(one, other, same):
    assert (overlap_key([one]) == overlap_key([other])) is same


def test_words_with_marks_are_counted_whole():
    """Three words of Hindi in five, else: a text that short holds nothing."""
    assert not find_overlap(of(["मुझे यह फिल्म पसंद है आज"]), of(["मुझे यह फिल्म पसंद है"])).any()


def test_of_pairs_both_texts_must_be_the_same_in_either_order():
    long = "one two three four five six"
    dev = of([long, "c"], ["b", "d"])
    texts = of(["One two three four five six!", long, "c d", "b"], ["B", "x", "", long])
    assert find_overlap(texts, dev).tolist() == [True, False, False, True]


def test_texts_without_a_word_are_the_same_if_they_are_equal():
    assert find_overlap(of(["...", " 🙂 ", "!"]), of(["🙂"])).tolist() == [False, True, False]


def test_inseparable_by_hand():
    six = "one two three four five six"
    texts = ["Good!", six, f"zero {six}", "good", f"{six} seven", "alone", f"{six.upper()}."]
    keys = inseparable(of(texts))
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]
    assert keys[1] == keys[2] == keys[4] == keys[6]
    assert keys[5] == overlap_keys(of(texts))[5]
    # What two texts hold ties them together by way of it, not more than that.
    assert len(set(inseparable(of([f"zero {six}", f"{six} seven"])))) == 2
    assert len(set(inseparable(of([f"a {six}", six], ["b", "b"])))) == 2


@given(st.lists(st.text(alphabet="ab", max_size=3)))
def test_short_texts_are_parted_as_their_keys_are(texts):
    assert inseparable(of(texts)) == overlap_keys(of(texts))


@given(text=st.text(), more=st.text())
def test_a_text_holds_itself_whatever_it_is(text, more):
    assert find_overlap(of([text]), of([text])).all()
    words = "a b c d e f"
    assert find_overlap(of([f"{more} {words} {text}"]), of([words])).all()
    assert len(overlap_keys(of([text, more]))) == 2
