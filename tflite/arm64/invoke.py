"""Runs in the emulated ARM64 Python: invokes a .tflite on rows of inputs, with marks for instruction_counter.c.

    python3 invoke.py MODEL INPUTS.npz

INPUTS, which numpy.savez wrote, holds an array for each input of the model's first graph, in order: [rows, *shape].
Marks: two at once (their difference is what a mark costs itself), one before the file is opened, one after its first
result, and then for each row one before and one after its inference. One thread. If INSTRUCTION_PROFILE names a file,
it is of one more inference of each row, and what lies where in memory is printed.
"""

import contextlib
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

MARK, PROFILE = 0x7FC0DE, 0x7FC0DF
WARM_UP = 2


def mark(kind: int = MARK) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.getpgid(kind)


def main() -> None:
    model, arrays = sys.argv[1], np.load(sys.argv[2])
    inputs = [arrays[name] for name in arrays.files]
    mark()
    mark()
    mark()
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()

    def set_row(row: int) -> None:
        for detail, rows in zip(details, inputs, strict=True):
            interpreter.set_tensor(detail["index"], rows[row])

    set_row(0)
    interpreter.invoke()
    mark()
    for _ in range(WARM_UP):
        interpreter.invoke()
    for row in range(len(inputs[0])):
        set_row(row)
        mark()
        interpreter.invoke()
        mark()
    if "INSTRUCTION_PROFILE" in os.environ:
        mark(PROFILE)
        for row in range(len(inputs[0])):
            set_row(row)
            interpreter.invoke()
        mark(PROFILE)
        with open("/proc/self/maps") as maps:
            print(maps.read())


main()
