"""The key files of a setup."""

import hashlib
import os
import stat
from typing import Any

from ._errors import PyroError

_HINT = "Name regular files, relative to the working directory."


def setup_digest(given: dict[str, Any]) -> str:
    """The digest of the key files of a task's setup, as every client computes it."""
    if given.get("setup") is None:
        raise PyroError("INVALID_ARGUMENT", "`setup_key` needs a `setup`.", "Add --setup COMMAND.", {})
    digests = "\n".join(_digest_of(path) for path in given["setup_key"])
    return hashlib.sha256(digests.encode()).hexdigest()


def _digest_of(path: str) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            message = f"The key file {path} does not exist."
            raise PyroError("SOURCE_NOT_FOUND", message, _HINT, {"path": path}) from error
        raise _unreadable(path) from error
    with os.fdopen(file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise _unreadable(path)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unreadable(path: str) -> PyroError:
    message = f"The key file {path} is not a file that can be read."
    return PyroError("SOURCE_UNREADABLE", message, _HINT, {"path": path})
