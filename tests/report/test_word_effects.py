"""Effects of words in a classifier that counts one word, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.made_runs import by_good
from tfkd.report.word_effects import explain, rows_to_explain


def test_effects_by_hand():
    # Two "good" make log-odds of 3 for "yes"; without one of them they are 1, so each adds 2; "a" and "film" add none.
    found = explain(by_good, ["a good  good film"], label=0)
    assert (found.label, found.predicted) == (0, 1)
    assert found.probability == pytest.approx(1 / (1 + np.exp(-3)))
    (words,) = found.columns
    assert [(w.before, w.word) for w in words] == [("", "a"), (" ", "good"), ("  ", "good"), (" ", "film")]
    assert [w.effect for w in words] == pytest.approx([0, 2, 2, 0])
    assert found.strongest == pytest.approx(2)
    assert [w.word for w in found.most(1)] == ["good", "good"]
    assert found.most(-1) == []


def test_a_word_against_the_label():
    # Without it the log-odds of "no" are 1, with it -1 would be "yes": here "no" wins by the second column.
    def by_good_less_bad(texts: list[str]) -> np.ndarray:
        odds = np.array([text.split().count("good") - 3 * text.split().count("bad") for text in texts], float)
        yes = 1 / (1 + np.exp(-odds))
        return np.stack([1 - yes, yes], axis=1)

    found = explain(by_good_less_bad, ["good bad"], label=0)
    assert found.predicted == 0
    # Log-odds of "no": 2; without "good" 3, without "bad" -1.
    assert [w.effect for w in found.columns[0]] == pytest.approx([-1, 3])
    assert [w.word for w in found.most(-1)] == ["good"]


def test_both_texts_of_a_pair():
    found = explain(by_good, ["good film", "a good good one"], label=1)
    assert [[w.word for w in words] for words in found.columns] == [["good", "film"], ["a", "good", "good", "one"]]
    assert [[round(w.effect, 6) for w in words] for words in found.columns] == [[2, 0], [0, 2, 2, 0]]


def test_a_probability_of_one_has_an_effect_that_can_be_written():
    found = explain(lambda texts: np.array([[0.0, 1.0]] * len(texts), np.float32), ["sure thing"], label=1)
    assert [w.effect for w in found.columns[0]] == [0, 0]


def test_ideographs_are_words_of_their_own():
    found = explain(by_good, ["好电影 film。"], label=0)
    assert [w.word for w in found.columns[0]] == ["好", "电", "影", "film"]


def test_signs_stand_beside_words_unless_they_are_all_there_is():
    found = explain(by_good, ['"Don\'t go" (well-made), $5 ... 👍!'], label=0)
    (words,) = found.columns
    assert [w.word for w in words] == ["Don't", "go", "well-made", "$5", "...", "👍"]
    assert [w.before for w in words] == ['"', " ", '" (', "), ", " ", " "]
    assert found.ends == ("!",)


def test_a_word_goes_without_its_signs():
    """Of "good." the full stop stays: the classifier sees it."""
    seen = []

    def watched(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return by_good(texts)

    explain(watched, ["a good."], label=1)
    assert seen == ["a good.", " good.", "a ."]


@given(st.text(), st.text())
def test_words_and_what_stands_between_make_the_text(first, second):
    found = explain(by_good, [first, second], label=0)
    for text, words, end in zip((first, second), found.columns, found.ends, strict=True):
        assert "".join(w.before + w.word for w in words) + end == text


def test_rows_are_chosen_of_each_label():
    texts = [["one two three"] * 11 + ["one two"]]
    labels = np.array([0] * 7 + [1] * 5)
    sure = np.array([0.6, 0.7, 0.8, 0.9, 0.95, 0.55, 0.99, 0.8, 0.9, 0.7, 0.85, 0.999])
    # Row 3 is a wrong answer, and so is 8, of the same sureness; row 11 is too short.
    says = labels.copy()
    says[[3, 8]] = [1, 0]
    probabilities = np.where(np.eye(2)[says] == 1, sure[:, None], 1 - sure[:, None])
    chosen = rows_to_explain(labels, probabilities, texts, count=4)
    # A quarter of four: one wrong answer, the first of the surest. Right ones by sureness: 6 4 2 1 0 5 of label 0 and
    # 10 7 9 of label 1; of each the middle.
    assert chosen == [1, 7, 3]
    assert rows_to_explain(labels[11:], probabilities[11:], [texts[0][11:]]) == []


def test_rows_of_more_labels_than_room():
    labels = np.arange(20)
    chosen = rows_to_explain(labels, np.eye(20), [["one two three"] * 20], count=8)
    assert len(chosen) == len(set(chosen)) == 8
