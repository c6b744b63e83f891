"""The files of this machine that a build names."""

import json

from ._errors import PyroError

_MAX_SCRIPT_LENGTH = 262144
_CHECK_PATH = "Check the path; it must exist on the machine that runs the client."


def parse_copy(text: str) -> tuple[str, str]:
    """``SRC:DEST`` as both parts: the last colon divides them."""
    source, colon, to = text.rpartition(":")
    if colon and source and to.startswith("/"):
        return source, to
    hint = "Name a path of this machine, a colon, and an absolute path of the guest."
    raise PyroError("INVALID_ARGUMENT", f"copy: {json.dumps(text, ensure_ascii=False)} is not SRC:DEST.", hint, {"copy": text})


def read_script(path: str) -> str:
    """The content of a script."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            text = file.read(_MAX_SCRIPT_LENGTH + 1)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        code, what = ("SOURCE_NOT_FOUND", "does not exist") if is_missing else ("SOURCE_UNREADABLE", "cannot be read")
        raise PyroError(code, f"The script {path} {what}.", _CHECK_PATH, {"path": path}) from error
    if len(text) <= _MAX_SCRIPT_LENGTH:
        return text
    hint = "Copy it with `copy`, and run it with `run`."
    message = f"The script {path} has more than {_MAX_SCRIPT_LENGTH} characters."
    raise PyroError("SOURCE_UNSUPPORTED", message, hint, {"path": path, "limit": _MAX_SCRIPT_LENGTH})
