"""Undoing the tokenization of corpora: SST-2's "it 's a film you ca n't miss ." -> "it's a film you can't miss."

A student is trained on what a phone's user writes. The work is done by NLTK or
sacremoses; here stands only what they miss and SST-2 and MRPC need.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}"}
_BRACKET = re.compile("|".join(_BRACKETS), re.IGNORECASE)
# Moses knows no "n't" (its own tokenizer writes "don 't").
_NOT = re.compile(r" (?=n['’]t\b)", re.IGNORECASE)
# MRPC's "doesn 't", which both take for an opening quote.
_SPLIT_NOT = re.compile(
    r"\b((?:ai|are|ca|could|did|does|do|had|has|have|is|might|must|need|should|was|were|wo|would)n) (?='t\b)",
    re.IGNORECASE,
)
# "` solaris '": Treebank knows the closing quote alone.
_OPENING_QUOTE = re.compile(r"(?<!\S)`(?: |$)")
# NLTK is slow (150 us a sentence), and words alone need nothing but a look for what it joins: "gon na".
_PLAIN = re.compile(r"(?!.*\b(?:cannot|not|na|ta|me|ye)\b)[\w -]*", re.IGNORECASE)
_DOUBLE_QUOTE = re.compile("``|''")


def detokenizer(name: str) -> Callable[[str], str]:
    """Returns a function from tokenized to natural text.

    On SST-2 "treebank" is the better: its rules undo the very tokenization that
    SST-2 went through. "moses" is four times faster, and the better where quotes
    are a plain `"` on both sides, as in MRPC; it leaves such as "gon na" apart and
    puts SST-2's single quotes on the wrong word.

    Args:
      name: "none" (texts stay as they are), "treebank" (NLTK) or "moses" (sacremoses).

    >>> detokenizer("treebank")("it 's a film ( of `` sorts '' ) that you ca n't miss . ")
    'it\\'s a film (of "sorts") that you can\\'t miss.'
    """
    if name == "none":
        return lambda text: text
    join = {"treebank": _treebank, "moses": _moses}[name]()

    def detokenize(text: str) -> str:
        words = " ".join(text.split())
        if _PLAIN.fullmatch(words):
            return words
        return join(_mend(words)) or words

    return detokenize


def _mend(text: str) -> str:
    """Returns the text with what both libraries miss put right."""
    text = _BRACKET.sub(lambda found: _BRACKETS[found[0].lower()], text)
    text = _SPLIT_NOT.sub(r"\1", text)
    return _NOT.sub("", text)


def _treebank() -> Callable[[str], str]:
    from nltk.tokenize.treebank import TreebankWordDetokenizer

    detokenize = TreebankWordDetokenizer().detokenize
    return lambda text: str(detokenize(_OPENING_QUOTE.sub("'", text).split(" ")))


def _moses() -> Callable[[str], str]:
    from sacremoses import MosesDetokenizer

    detokenize = MosesDetokenizer("en").detokenize
    return lambda text: str(detokenize(_DOUBLE_QUOTE.sub('"', text).split(" ")))
