"""Which links of a directory on this host lead out of it."""

from __future__ import annotations

import os

_MOST_LINKS = 40
"""Maximum number of links on a path, as in Linux."""


def leaves_tree(root: str, link: str, target: str, follows: bool, walked: list[int] | None = None) -> bool:
    """Whether a link leads out of the directory, also through other links. An absolute target always does.

    When such links are followed, another link on the way that leads out counts as what will be sent in its place.
    """
    if target.startswith("/"):
        return True
    walked = [0] if walked is None else walked
    at = _parts_of(os.path.relpath(os.path.dirname(link), root))
    todo = _parts_of(target)
    while todo:
        part = todo.pop(0)
        if part == "..":
            if not at:
                return True
            at.pop()
            continue
        at.append(part)
        path = os.path.join(root, *at)
        inner = _read_link(path)
        if inner is None:
            continue
        walked[0] += 1
        if walked[0] > _MOST_LINKS or (follows and leaves_tree(root, path, inner, follows, walked)):
            continue
        if inner.startswith("/"):
            return True
        at.pop()
        todo = _parts_of(inner) + todo
    return False


def _parts_of(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _read_link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
