"""Words in the place of those like them: by hand with a scripted rng, shares at a fixed seed, on any text."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.text.test_augmentation import Script, any_text, chi_squared, initial, single, within
from tfkd.text.augmentation import tag_text
from tfkd.text.near_words import NearWords
from tfkd.text.splicing import Splicer

SOURCE = "A Slow, sad film (by far)!"
NEAR = {"slow": ("calm", "fast"), "film": ("movie",), "a": ("the",)}


def content(tokens: Sequence[str]) -> list[str]:
    """Every word is a noun, but "a"."""
    return ["DT" if token.lower() == "a" else "NNS" for token in tokens]


def replaced(text: str, *draws, share: float = 0.5, near=NEAR) -> str:
    script = Script(*draws)
    made = NearWords(near, share).replaced_in(tag_text(text, content), script)  # type: ignore[arg-type]
    assert not script.draws
    return made


def test_words_are_replaced_by_hand():
    all_of_them, first_of_them = [0.1] * 6, [0.1, 0.4, 0.9, 0.5, 0.9, 0.9]
    assert replaced(SOURCE, all_of_them, 1, 0) == "A fast, sad movie (by far)!"
    # 0.5 is no less than the share; the article is replaced by no rule, and "sad" has no word near to it.
    assert replaced(SOURCE, first_of_them, 0) == "A calm, sad film (by far)!"
    assert replaced("...", []) == "..."


def test_share_and_choice_at_a_fixed_seed():
    text, rng = tag_text(" ".join(["slow"] * 20_000), content), np.random.default_rng(3)
    near = ("calm", "fast", "lazy", "late")
    counts = Counter(NearWords({"slow": near}, 0.25).replaced_in(text, rng).split())
    assert within(counts.pop("slow"), 20_000, 0.75)
    assert set(counts) == set(near)
    assert chi_squared([counts[word] for word in near], [0.25] * 4) < 16.266  # 0.999 quantile, 3 degrees of freedom


def test_what_is_spliced_has_its_words_replaced_and_of_pairs_what_stays_does_not():
    rows = [(tag_text("a b c d", content), tag_text("a b c d", content))]
    near = NearWords(dict.fromkeys("bcd", ("x",)), 1.0)
    first, second, both = Splicer(rows, 0, near).generate(3, seed=0)
    assert (first[1], second[0]) == ("a b c d", "a b c d")
    for text in (first[0], second[1], *both):
        assert set(text.split()) <= {"a", "x"}
    assert single(Splicer([(tag_text(SOURCE, initial),)], 0, NearWords({}, 1.0)).generate(2, 0))


@given(text=any_text, seed=st.integers(0, 9))
def test_what_stands_between_words_stays_as_it_is(text, seed):
    tagged = tag_text(text, content)
    near = NearWords({word.lower(): ("x",) for word in tagged.words}, 1.0)
    made = near.replaced_in(tagged, np.random.default_rng(seed))
    words = iter(["x" if tag == "NNS" else word for word, tag in zip(tagged.words, tagged.tags, strict=True)])
    parts, start = [], 0
    for first, last in tagged.spans:
        parts += [text[start:first], next(words)]
        start = last
    assert made == "".join([*parts, text[start:]])
    assert NearWords({}, 1.0).replaced_in(tagged, np.random.default_rng(seed)) == text
