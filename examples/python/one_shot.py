# Run from a checkout: make setup && PATH="$PWD/bin:$PATH" PYTHONPATH=python python3 examples/python/one_shot.py
"""One command in a fresh VM, which is then removed."""

from pyro_mcp import Pyro

pyro = Pyro()
result = pyro.run_in_vm("debian:12", command=["git", "--version"])
if result["exit_code"] == 0:
    print(result["stdout"].strip())
else:
    print(f"failed with {result['exit_code']}: {result['stderr']}")
