"""Pairs made of pairs: by hand, and on any text."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tfkd.text import recombination
from tfkd.text.examples import NO_LABEL, Examples
from tfkd.text.recombination import recombined

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def pairs_of(*pairs: tuple[str, str]) -> Examples:
    return Examples([a for a, _ in pairs], np.zeros(len(pairs), np.int32), [b for _, b in pairs])


def rows_of(examples: Examples) -> list[tuple[str, str]]:
    assert set(examples.labels.tolist()) <= {NO_LABEL}
    return list(zip(*examples.columns, strict=True))


def unordered(rows: list[tuple[str, str]]) -> Counter[frozenset[str]]:
    return Counter(map(frozenset, rows))


# Of A the nearest is B (two of three words), then C (one); of D none has a word.
A, B, C, D = "red dog runs", "red dog sleeps", "red tree", "Nobody?"


def test_each_text_with_itself_and_its_nearest_by_hand():
    made = recombined(pairs_of((A, D), (C, B), (A, B)), neighbours=1, seed=0)
    # B's nearest is A as A's is B; C's nearest may be either: both share one word with it, and are as long.
    assert unordered(rows_of(made)) - Counter({frozenset([C, A]): 1, frozenset([C, B]): 1}) == Counter(
        {frozenset([A]): 1, frozenset([B]): 1, frozenset([C]): 1, frozenset([D]): 1, frozenset([A, B]): 2}
    )
    assert len(made) == 4 + 3


def test_more_neighbours_than_there_are():
    made = recombined(pairs_of((A, B), (C, D)), neighbours=9, seed=0)
    alike = Counter({frozenset([A, B]): 2, frozenset([A, C]): 2, frozenset([B, C]): 2})
    assert unordered(rows_of(made)) == Counter(map(frozenset, ([A], [B], [C], [D]))) + alike


def test_either_text_comes_first():
    pairs = pairs_of(*[(f"red dog {i}", f"red cat {i}") for i in range(200)])
    first, second = recombined(pairs, neighbours=1, seed=3).columns
    unlike = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    # What is paired twice, from either side, comes in either order half the time.
    order = [a < b for a, b in unlike]
    assert 0.4 < np.mean(order) < 0.6


def test_no_neighbours_no_pairs():
    assert recombined(pairs_of((A, B)), neighbours=0, seed=0).columns == ([], [])


def test_seed_fixes_the_pairs():
    pairs = pairs_of((A, B), (C, D), ("a red house", "the dog"))
    rows = [rows_of(recombined(pairs, 2, seed)) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert unordered(rows[0]) == unordered(rows[2])


def test_of_very_many_texts_some_are_drawn(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(recombination, "_MAX_TEXTS", 10)
    pairs = pairs_of(*[(f"red {i}", f"blue {i}") for i in range(50)])
    with_itself = [a for a, b in rows_of(recombined(pairs, 1, 0)) if a == b]
    assert len(with_itself) == len(set(with_itself)) == 10
    assert capsys.readouterr().err == "augment: 10 of 100 texts are drawn to be paired with their neighbours\n"


@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6), st.integers(1, 3))
@example([("a", "A"), ("a!", "a?")], 1)
def test_any_texts(pairs, neighbours):
    made = rows_of(recombined(pairs_of(*pairs), neighbours, seed=0))
    texts = {text for pair in pairs for text in pair}
    assert {text for pair in made for text in pair} == texts
    assert len(made) <= len(texts) * (1 + neighbours)
    assert len(rows := [row for row in made if row[0] == row[1]]) == len(set(rows)) == len(texts)
