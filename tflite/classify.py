"""A runner to copy: classifies the lines of standard input with a .tflite file of tfkd's, by LiteRT alone.

python classify.py student.tflite < lines.txt

It prints each line's label and probabilities; of pairs a line holds two texts with a tab between them. It needs numpy,
ai-edge-litert, and for students of words google-re2, and reads texts as MediaPipe does.
"""

import re
import sys
import zipfile
from unicodedata import category

import numpy as np
from ai_edge_litert.interpreter import Interpreter

IDEOGRAPH = re.compile("[㐀-䶿一-鿿\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf\U0002f800-\U0002fa1f]")


class Classifier:
    def __init__(self, path: str):
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:  # which is appended to the model
            lines, self.labels = (archive.read(f"{n}.txt").decode().split("\n")[:-1] for n in ("vocabulary", "labels"))
            file.seek(0)
            self.interpreter = Interpreter(model_content=file.read(), num_threads=1)
            signatures = map(self.interpreter.get_signature_runner, self.interpreter.get_signature_list())
            self.by_length = sorted((next(iter(s.get_input_details().values()))["shape"][1], s) for s in signatures)
            names = self.by_length[0][1].get_input_details()
            self.texts, self.like_bert = 1 + ("pair_token_ids" in names), "ids" in names
            if of_words := lines[0] != "[PAD]":
                import re2  # of google-re2

                self.delimiters = re2.compile(archive.read("delimiter_regex.txt").decode())
        tokens = (line.rsplit(" ", 1) if of_words else (line, i) for i, line in enumerate(lines))
        self.ids = {token: int(i) for token, i in tokens}

    def probabilities(self, *texts: str) -> np.ndarray:  # for one thread at a time
        if len(texts) != self.texts:
            raise ValueError(f"{len(texts)} texts; expected {self.texts}, with a tab between them")
        inputs = dict(zip(("token_ids", "pair_token_ids"), map(self.tokens, texts), strict=False))
        if self.like_bert:  # as single texts of pieces are
            ids = [self.ids["[CLS]"], *inputs["token_ids"][: self.by_length[-1][0] - 2], self.ids["[SEP]"]]
            inputs = {"ids": ids, "mask": [1] * len(ids), "segment_ids": []}
        length, run = next((f for f in self.by_length if f[0] >= max(map(len, inputs.values()))), self.by_length[-1])
        padded = {name: np.array([[*ids, *[0] * length][:length]], np.int32) for name, ids in inputs.items()}
        return next(iter(run(**padded).values()))[0]

    def tokens(self, text: str) -> list[int]:
        if "<UNKNOWN>" in self.ids:
            words = self.delimiters.split(text)[:: 1 + self.delimiters.groups]  # without what its groups matched
            return [self.ids.get(word, self.ids["<UNKNOWN>"]) for word in words if word]
        lower = text.encode().lower().decode()  # of bytes: ASCII's letters alone
        signs = (category(c)[0] in ("PS" if c.isascii() else "P") or IDEOGRAPH.match(c) for c in lower)
        apart = "".join(f" {c} " if is_sign else c for c, is_sign in zip(lower, signs, strict=True))
        return [i for word in re.split("[ \t\n\f\r]+", apart) for i in self.pieces(word)]

    def pieces(self, word: str) -> list[int]:
        found, prefix = [], ""
        while word:  # the longest piece that it begins with, again and again
            end = next((n for n in range(min(len(word), 100), 0, -1) if prefix + word[:n] in self.ids), 0)
            if not end or len(word.encode()) > 100:
                return [self.ids["[UNK]"]]
            found.append(self.ids[prefix + word[:end]])
            word, prefix = word[end:], "##"
        return found


if __name__ == "__main__":
    model = sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: python classify.py student.tflite < lines.txt")
    where = f"{model} isn't a file that tfkd export wrote"
    try:
        classifier = Classifier(model)
        for number, line in enumerate(sys.stdin.buffer, start=1):
            where = f"line {number}"
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
            found = classifier.probabilities(*(text.split("\t") if classifier.texts > 1 else [text]))
            named = (f"{name}={p:.4f}" for name, p in zip(classifier.labels, found, strict=True))
            print(classifier.labels[found.argmax()], *named, text, sep="\t", flush=True)
    except (KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile) as e:
        sys.exit(f"classify.py: {where}: {' '.join(str(e).split())}")
