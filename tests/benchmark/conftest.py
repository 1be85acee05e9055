"""The exported students of the export tests."""

from tests.export.conftest import (  # noqa: F401
    exported,
    pair_export,
    pair_student,
    piece_export,
    piece_student,
    piece_tokenizer,
    student,
    tokenizer,
)
