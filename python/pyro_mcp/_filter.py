"""The patterns of excluded entries, in the syntax of `.gitignore`, as src/archive/filter.ts reads them.

Only simple patterns, which all programs read in the same way, are applied here. If any other is among them, everything is sent,
and the daemon applies the patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Excludes = Callable[[str, bool], bool]

_ODD = re.compile(r"[\s\\\[\]#]|\*{3}|//|.!|^!?/?$")
"""Patterns that are not simple: classes, escapes, comments, and others that programs read in different ways."""


def create_filter(exclude: Sequence[str], include: Sequence[str]) -> Excludes | None:
    """Whether a name is left out, if its directories are kept. None: the daemon decides. The last matching pattern counts."""
    patterns = [*exclude, *(f"!{pattern}" for pattern in include)] if exclude else []
    if not patterns or not all(_is_plain(pattern) for pattern in patterns):
        return None
    rules = [_parse(pattern) for pattern in patterns]

    def excludes(path: str, is_directory: bool) -> bool:
        # A name that is not text is matched as the daemon sees it.
        text = path.encode(errors="surrogateescape").decode(errors="replace")
        for takes_back, only_directories, matches in reversed(rules):
            if (is_directory or not only_directories) and matches.fullmatch(text):
                return not takes_back
        return False

    return excludes


def _is_plain(pattern: str) -> bool:
    return pattern.isprintable() and _ODD.search(pattern) is None


def _parse(pattern: str) -> tuple[bool, bool, re.Pattern[str]]:
    body = pattern.removeprefix("!").removesuffix("/")
    parts = body.removeprefix("/").split("/")
    source = "" if "/" in body else "(?:.*/)?"
    for part in parts[:-1]:
        source += "(?:[^/]+/)*" if part == "**" else f"{_translate(part)}/"
    source += ".+" if parts[-1] == "**" else _translate(parts[-1])
    return pattern.startswith("!"), pattern.endswith("/"), re.compile(source, re.DOTALL)


def _translate(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
