"""Detokenizing: sentences of SST-2 and MRPC against what a person would have written."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text.detokenizer import detokenizer

DATA = Path(__file__).parents[2].parent / "shared" / "data"

# Tokenized as SST-2 and MRPC are; written as a person writes.
BOTH = [
    ("it 's a charming and often affecting journey . ", "it's a charming and often affecting journey."),
    ("you do n't have to know about music", "you don't have to know about music"),
    ("what the director ca n't do", "what the director can't do"),
    ("you wo n't like roger , but", "you won't like roger, but"),
    ("the production 's austere locales", "the production's austere locales"),
    ("i 'd say they 're here , and we 've seen", "i'd say they're here, and we've seen"),
    ("-lrb- a trifle -RRB- , but fun", "(a trifle), but fun"),
    ("is it ( still ) there ?", "is it (still) there?"),
    ("The business doesn 't fit", "The business doesn't fit"),
    ("about $ 40 , or 4.4 % up", "about $40, or 4.4% up"),
    ("unflinchingly bleak and desperate ", "unflinchingly bleak and desperate"),
    ("the subtle strength of `` elling '' is", 'the subtle strength of "elling" is'),
    ("isn't it?", "isn't it?"),
]
TREEBANK = [
    ("if soderbergh 's ` solaris ' is a failure", "if soderbergh's 'solaris' is a failure"),
    ("love thyself , ' he said", "love thyself,' he said"),
    ("you 're gon na like it", "you're gonna like it"),
    ("gon na", "gonna"),
]
MOSES = [('called " the witness " , of', 'called "the witness", of')]


@pytest.mark.parametrize(("tokenized", "natural"), BOTH + TREEBANK)
def test_treebank(tokenized, natural):
    assert detokenizer("treebank")(tokenized) == natural


@pytest.mark.parametrize(("tokenized", "natural"), BOTH + MOSES)
def test_moses(tokenized, natural):
    assert detokenizer("moses")(tokenized) == natural


def test_none_changes_nothing():
    assert detokenizer("none")(" ca n't  ` ") == " ca n't  ` "


@pytest.mark.parametrize("name", ["treebank", "moses"])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip()))
def test_no_text_becomes_empty(name, text):
    assert detokenizer(name)(text).strip()


@given(st.lists(st.from_regex(r"[a-z]{5,8}", fullmatch=True), min_size=1))
def test_words_alone_stay(words):
    for name in ("treebank", "moses"):
        assert detokenizer(name)(" ".join(words)) == " ".join(words)


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} isn't there: it lies beside the project, not in it")
def test_no_clitic_of_sst2_stays_apart():
    lines = (DATA / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    undo = detokenizer("treebank")
    texts = [undo(line.split("\t")[0]) for line in lines]
    left = [text for text in texts if re.search(r"(?<=\w) (n't|'(s|re|ve|ll|d|m))\b|``|''|-[lr]rb-", text)]
    assert left == []
