"""What a word is to Python's regular expressions, whose letters and digits are without combining marks.

Without these words of Hindi or Thai, or of any text whose accents are characters of their own, fall apart.
"""

from __future__ import annotations

import itertools
import unicodedata

# The combining marks, which Unicode has in these planes alone.
_MARKS = "".join(
    c for c in map(chr, itertools.chain(range(0x1F000), range(0xE0100, 0xE0200))) if unicodedata.category(c)[0] == "M"
)
# Letters and digits, and the marks that follow them.
WORD = rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*"
