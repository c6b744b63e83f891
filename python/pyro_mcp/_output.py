"""The output of a command as bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal


def output_bytes(result: Mapping[str, Any], stream: Literal["stdout", "stderr"] = "stdout") -> bytes:
    """The bytes of an output in a result: of text, or of base64 if they are not UTF-8."""
    text: str = result[stream]
    return base64.b64decode(text) if result[f"{stream}_encoding"] == "base64" else text.encode()
