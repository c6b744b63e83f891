"""Kept inputs of the fuzz targets in C: a file for each, one input in base64 for each line.

corpus.py keep FILE FOLDER adds those of a folder, the short ones only, to a file."""

import base64
import os
import sys

# They are tried, with mutations, at each `make test`.
MOST_INPUTS = 40
MOST_INPUT_BYTES = 256


def read(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [base64.b64decode(line) for line in file]


def write_inputs(folder, seeds, path):
    """Writes the seeds and the kept inputs of a target into a folder."""
    for name, inputs in [("seed", seeds), ("kept", read(path))]:
        for number, given in enumerate(inputs):
            with open(os.path.join(folder, f"{name}-{number}"), "wb") as file:
                file.write(given)


def keep(path, folder):
    kept = read(path)
    found = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found.append(file.read())
    fresh = sorted({given for given in found if 0 < len(given) <= MOST_INPUT_BYTES} - set(kept), key=lambda given: (len(given), given))
    # Of all lengths: the shortest alone reach little.
    room = max(0, MOST_INPUTS - len(kept))
    chosen = fresh if len(fresh) <= room else [fresh[at * len(fresh) // room] for at in range(room)]
    with open(path, "w") as file:
        file.writelines(base64.b64encode(given).decode() + "\n" for given in kept + chosen)


if __name__ == "__main__":
    command, file, inputs = sys.argv[1:]
    assert command == "keep"
    os.makedirs(os.path.dirname(file), exist_ok=True)
    keep(file, inputs)
