# Run from a checkout: make setup && PATH="$PWD/bin:$PATH" PYTHONPATH=python python3 examples/python/cancel.py
"""Two ways to end a command early; Ctrl-C is the third. The task stays, and so does the output of the command."""

from threading import Timer

from pyro_mcp import Cancellation, Pyro

pyro = Pyro()
with pyro.task("debian:12", mem_mib=256) as task:
    cancellation = Cancellation()
    Timer(1, cancellation.cancel).start()
    stopped = task.exec("echo begun; sleep 60", cancellation=cancellation)
    print(f"by another thread: aborted={stopped['aborted']} stdout={stopped['stdout'].strip()}")

    late = task.exec("sleep 60", timeout_seconds=1)
    print(f"by its time-out: timed_out={late['timed_out']} aborted={late['aborted']}")
