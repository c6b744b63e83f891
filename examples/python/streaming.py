# Run from a checkout: make setup && PATH="$PWD/bin:$PATH" PYTHONPATH=python python3 examples/python/streaming.py
"""Output as it comes, and standard input from a generator. A slow reader makes the command wait."""

from pyro_mcp import Pyro

pyro = Pyro()
with pyro.task("debian:12", mem_mib=256) as task:
    task.exec(
        "for i in 1 2 3; do echo $i; sleep 0.2; done; echo done >&2",
        on_stdout=lambda text: print(f"stdout: {text}", end=""),
        on_stderr=lambda text: print(f"stderr: {text}", end=""),
    )
    numbers = (f"{number}\n" for number in range(1, 1001))
    print(task.exec("sha256sum", stdin=numbers)["stdout"].strip())
