"""Which files the demo takes: those that MediaPipe takes."""

from __future__ import annotations

import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.export.conftest import DEV, LABELS, MAX_TOKENS, TEXTS
from tfkd.config import ExportConfig
from tfkd.demo.student_file import open_student_file
from tfkd.errors import InputError
from tfkd.export.exporter import export_student
from tfkd.export.graph import packed


@pytest.mark.parametrize("name", ["exported", "piece_export"])
def test_a_student(name, request):
    path = request.getfixturevalue(name).path
    found = open_student_file(path)
    assert found.content == path.read_bytes()
    assert found.label_names == LABELS
    assert found.max_tokens == MAX_TOKENS


def test_pairs(pair_export):
    with pytest.raises(
        InputError, match=r"student\.tflite: classifies pairs of texts, for which MediaPipe has no task"
    ):
        open_student_file(pair_export.path)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (
            {"lowering": "while"},
            r"has \d graphs, as a loop has; MediaPipe takes one: export it with --lowering=unrolled",
        ),
        ({"shorter_tokens": (4, 8)}, r"a signature for each of the lengths 4, 8, 12; MediaPipe takes one"),
    ],
)
def test_forms_for_litert_alone(form, reason, student, tokenizer, tmp_path):
    path = tmp_path / "student.tflite"
    export_student(student, tokenizer, LABELS, DEV, TEXTS, path, ExportConfig(max_tokens=MAX_TOKENS, **form))
    with pytest.raises(InputError, match=reason):
        open_student_file(path)


def test_without_metadata(exported, tmp_path):
    root = schema.ModelT.InitFromPackedBuf(exported.path.read_bytes())
    root.metadata = []
    path = tmp_path / "bare.tflite"
    path.write_bytes(packed(root))
    with pytest.raises(InputError, match=r"bare\.tflite: has no metadata, so its words and labels are unknown"):
        open_student_file(path)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x1c\x00\x00\x00TFL3" + bytes(100)])
def test_a_file_that_is_no_model(content, tmp_path):
    (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.tflite: (is|has no)"):
        open_student_file(tmp_path / "x.tflite")
