"""What a .tflite file's weights are stored as."""

from __future__ import annotations

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


def weights_type(model: bytes) -> str:
    """Returns the type that most bytes of a .tflite's weights have: "int8", "float32"; "" if it has none."""
    root = schema.Model.GetRootAs(model)
    sizes = Counter[str]()
    for graph in map(root.Subgraphs, range(root.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            sizes[_NAMES[tensor.Type()]] += root.Buffers(tensor.Buffer()).DataLength()
    ((name, size),) = sizes.most_common(1) or [("", 0)]
    return name if size else ""
