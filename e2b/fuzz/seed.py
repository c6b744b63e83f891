"""Writes a few small inputs, and those that were kept, for the fuzz target: seed.py place FOLDER."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../../guest/fuzz"))
import corpus

SEEDS = [
    b'{"user":"root","path":"/a/../b//c/."}',
    b'{"user":"root","path":"~/x"}',
    b'{"user":"nobody","path":"a/b/../../.."}',
    b'{"path":"/","user":"no such user"}',
    b'{"user":"root","path":"' + b"/.." * 40 + b"x" * 300 + b'"}',
]

kind, folder = sys.argv[1:]
assert kind == "place"
corpus.write_inputs(folder, SEEDS, os.path.join(os.path.dirname(__file__), "corpus", f"{kind}.txt"))
