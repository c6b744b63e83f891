"""Writes a few small inputs for the fuzz target: seed.py place FOLDER."""

import os
import sys

SEEDS = [
    b'{"user":"root","path":"/a/../b//c/."}',
    b'{"user":"root","path":"~/x"}',
    b'{"user":"nobody","path":"a/b/../../.."}',
    b'{"path":"/","user":"no such user"}',
    b'{"user":"root","path":"' + b"/.." * 40 + b"x" * 300 + b'"}',
]

kind, folder = sys.argv[1:]
assert kind == "place"
for number, seed in enumerate(SEEDS):
    with open(os.path.join(folder, f"seed-{number}"), "wb") as file:
        file.write(seed)
