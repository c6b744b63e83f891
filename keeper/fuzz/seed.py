"""Writes a few small inputs, and those that were kept, for the fuzz target: seed.py regions FOLDER."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../../guest/fuzz"))
import corpus


def mapping(start, size, offset, name, flags="rw-p"):
    return f"{start:x}-{start + size:x} {flags} {offset:08x} 00:2a 1234 {' ' * 20}{name}\n".encode()


BASE = 0x7F0000000000
RAM = "/pyro/template/ram"
OTHERS = mapping(0x400000, 0x1000, 0, "/usr/bin/qemu-system-x86_64", "r-xp") + mapping(0x7FFF00000000, 0x21000, 0, "[stack]")
SEEDS = [
    b"\x10" + OTHERS + mapping(BASE, 0x10000, 0, RAM),
    b"\x10" + mapping(BASE, 0x8000, 0, RAM) + mapping(BASE + 0x8000, 0x8000, 0x8000, RAM) + OTHERS,
    b"\x10" + mapping(BASE, 0x4000, 0, RAM) + mapping(BASE + 0x4000, 0x8000, 0, "/home/s/ram (deleted)") + mapping(BASE + 0xC000, 0x4000, 0xC000, RAM),
    b"\x10" + mapping(BASE, 0x8000, 0, "") + mapping(BASE + 0x8000, 0x8000, 0x8000, RAM),
    b"\x02" + mapping(0x1000, 0x2000, 0x4000, RAM) + mapping(BASE, 0x2000, 0, "/memfd:/ram"),
    b"\x01" + b"x" * 5000 + mapping(BASE, 0x1000, 0, RAM),
]

kind, folder = sys.argv[1:]
assert kind == "regions"
corpus.write_inputs(folder, SEEDS, os.path.join(os.path.dirname(__file__), "corpus", f"{kind}.txt"))
