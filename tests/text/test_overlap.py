"""What of dev stands in texts to learn from, whole or inside longer ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text.examples import Examples
from tfkd.text.overlap import RowsHeld, find_overlap, inseparable, overlap_keys

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
    assert RowsHeld(of(DEV)).by([text]) == (set() if holds is None else {holds})


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
