# Run from a checkout: make setup && PATH="$PWD/bin:$PATH" PYTHONPATH=python python3 examples/python/seeded_task.py DIRECTORY
"""A task whose workspace begins with a directory of this machine, and is brought up to date later: all of a push arrives, or nothing."""

import sys

from pyro_mcp import Pyro

source = sys.argv[1] if len(sys.argv) > 1 else "."
pyro = Pyro()
with pyro.task("debian:12", mem_mib=256, source_path=source, exclude=["node_modules", ".git"]) as task:
    seed = task.info["workspace_seed"]
    print(f"seeded with {seed['entry_count']} entries, {seed['bytes_written']} bytes")

    print(f"files in it: {task.exec('find . -type f | wc -l')['stdout'].strip()}")

    pushed = task.sync_push(source, dest="again", exclude=["node_modules", ".git"])
    print(f"pushed {pushed['entry_count']} entries to {pushed['destination']}")
