"""A stand-in for adb, by its documentation: devices, push, shell, over folders that stand for phones' storage.

    https://developer.android.com/tools/adb

STAND_IN_ADB names a JSON file: of each serial its state, its properties, what its commands are to fail with, and the
folder that is its storage. A benchmark_model that was pushed isn't run, but what it would print stands in "prints".
What is called is appended to calls.jsonl beside that file.
"""

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

HOME = Path(os.environ["STAND_IN_ADB"])


def fail(message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(1)


def main() -> None:
    phones, arguments = json.loads(HOME.read_text()), sys.argv[1:]
    with open(HOME.with_name("calls.jsonl"), "a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    if arguments == ["devices"]:
        print("List of devices attached")
        for serial, phone in phones.items():
            print(f"{serial}\t{phone['state']}")
        print()
        return
    assert arguments[0] == "-s", arguments
    serial, command, *rest = arguments[1:]
    if serial not in phones or command == phones[serial].get("vanishes_at"):
        phones.pop(serial, None)
        HOME.write_text(json.dumps(phones))
        fail(f"adb: device '{serial}' not found")
    phone = phones[serial]
    time.sleep(phone.get("sleeps", 0))
    root = Path(phone["storage"])
    if command == "push":
        source, target = rest
        place = root / target.lstrip("/")
        if not place.parent.is_dir():
            fail(f"adb: error: failed to copy '{source}' to '{target}': remote couldn't create file")
        shutil.copy(source, place)
        print(f"{source}: 1 file pushed, 0 skipped. 30.2 MB/s ({place.stat().st_size} bytes in 0.1s)")
        return
    assert command == "shell"
    # The device's shell gets one line, and splits it.
    program, *words = shlex.split(" ".join(rest))
    if program == "getprop":
        print(phone["properties"].get(words[0], ""))
    elif program == "mkdir":
        (root / words[0].lstrip("/")).mkdir(parents=True)
    elif program == "chmod":
        (root / words[1].lstrip("/")).chmod(int(words[0], 8))
    elif program == "rm":
        shutil.rmtree(root / words[1].lstrip("/"))
    elif (binary := root / program.lstrip("/")).is_file():
        if not os.access(binary, os.X_OK):
            fail(f"/system/bin/sh: {program}: can't execute: Permission denied")
        graph = next(word.partition("=")[2] for word in words if word.startswith("--graph="))
        if not (root / graph.lstrip("/")).is_file():
            fail(f"ERROR: Could not open '{graph}'.")
        print(phone["prints"])
        sys.exit(phone.get("status", 0))
    else:
        fail(f"/system/bin/sh: {program}: inaccessible or not found")


main()
