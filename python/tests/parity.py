"""Makes the calls that lines of JSON on standard input ask for, and answers each with a line: test/parity/python.ts reads them."""

from __future__ import annotations

import json
import sys

from pyro_mcp import Cancellation, Pyro, PyroError

pyro = Pyro()
for line in sys.stdin:
    request = json.loads(line)
    options = request["input"]
    if "from" in options:
        options["from_"] = options.pop("from")
    if request.get("stdin") is not None:
        options["stdin"] = request["stdin"]
    if request.get("cancel"):
        cancellation = Cancellation()
        heard = "on_progress" if request["method"] == "pull_environment" else "on_stdout"
        options |= {"cancellation": cancellation, heard: lambda _heard, it=cancellation: it.cancel()}
    try:
        answer = {"result": getattr(pyro, request["method"])(**options)}
    except PyroError as error:
        answer = {
            "error": {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}
        }
    print(json.dumps(answer), flush=True)
