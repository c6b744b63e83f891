"""Settings of this process that the daemon cannot know: it has its own directory and variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ._errors import PyroError
from ._operations import NETWORK_VARIABLES, TRUST_VARIABLES

_TIMEOUT_VARIABLE = "PYRO_TIMEOUT_SECONDS"
_MAX_TIMEOUT_SECONDS = 86400
_TIMED = {"vm.run", "vm.exec", "task.exec"}
"""The operations that run a command."""


def absolute(environment: str) -> str:
    """The same reference to an image, with an absolute path: the daemon has a working directory of its own."""
    kind, colon, path = environment.partition(":")
    return f"{kind}{colon}{os.path.abspath(path)}" if is_path(environment) else environment


def is_path(environment: str) -> bool:
    """True for a reference to an image in a file or directory."""
    kind, _, path = environment.partition(":")
    return kind in ("rootfs", "oci", "docker-archive") and path != ""


def timeout_env(operation: str) -> Mapping[str, int]:
    """The default time-out of this process, for operations that run a command."""
    text = os.environ.get(_TIMEOUT_VARIABLE, "")
    if not text or operation not in _TIMED:
        return {}
    digits = text.lstrip("0")
    # Python refuses to convert thousands of digits.
    if text.isascii() and text.isdecimal() and 1 <= len(digits) <= 5 and int(digits) <= _MAX_TIMEOUT_SECONDS:
        return {"default_timeout_seconds": int(digits)}
    shown = text[:100]
    message = f"{_TIMEOUT_VARIABLE} must be a whole number from 1 to {_MAX_TIMEOUT_SECONDS}, not {shown}."
    hint = f"Set {_TIMEOUT_VARIABLE} to seconds, or unset it."
    limits = {"minimum": 1, "maximum": _MAX_TIMEOUT_SECONDS}
    raise PyroError("INVALID_ARGUMENT", message, hint, {"variable": _TIMEOUT_VARIABLE, "value": shown, **limits})


def with_host_env(operation: str, fields: Mapping[str, object]) -> Mapping[str, object]:
    """Adds proxies and bundles of certificates that this process's variables name, if the operation passes them on."""
    proxies = fields.get("network_host_proxy") is True
    trust = proxies or fields.get("network_host_ca") is True or operation == "doctor"
    if not trust or "network_host_env" in fields:
        return fields
    picked = {}
    for name, value in os.environ.items():
        if value and proxies and name.lower() in NETWORK_VARIABLES:
            picked[name] = value
        elif value and name.lower() in TRUST_VARIABLES:
            # The daemon has another working directory.
            picked[name] = os.path.abspath(value)
    return {**fields, "network_host_env": picked}
