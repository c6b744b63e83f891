# Run from a checkout: make setup && PATH="$PWD/bin:$PATH" PYTHONPATH=python python3 examples/python/parallel_tasks.py
"""Several tasks at once, each with a thread and its own VM; `with` deletes it at the end of its block."""

from concurrent.futures import ThreadPoolExecutor

from pyro_mcp import Pyro

pyro = Pyro()


def work(name: str) -> str:
    with pyro.task("debian:12", mem_mib=256) as task:
        task.exec("cat >name", stdin=name)
        return task.exec("echo $(cat name) on $(hostname)")["stdout"].strip()


with ThreadPoolExecutor() as threads:
    print("\n".join(threads.map(work, ["first", "second", "third"])))
