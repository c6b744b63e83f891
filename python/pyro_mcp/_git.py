"""Notes each ``.git`` of a tree whose data is not sent with it, where Git in the guest would not find it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ._report import Report
from ._scan import Planned

_POINTER_BYTES = 8_192
"""The longest ``.git`` file that is read."""


def note_git(root: str, plan: Sequence[Planned], report: Report) -> None:
    """A worktree or a submodule, whose ``.git`` is a file that points elsewhere, a link, and a clone that borrows objects."""
    every = [planned for planned in plan if planned.path == ".git" or planned.path.endswith("/.git")]
    sent = {planned.path for planned in plan} if every else set()
    for planned in every:
        try:
            pointer = _read_pointer(root, planned, sent)
        except (OSError, UnicodeDecodeError):
            continue
        if pointer is None:
            continue
        target, base, is_worktree = pointer
        is_absolute = target.startswith("/")
        is_inside = is_absolute and target.startswith(f"{root}/") and target[len(root) + 1 :] in sent
        if is_inside and is_worktree:
            report.moved_worktrees.add(os.path.dirname(planned.path) or ".")
        elif is_absolute or os.path.normpath(os.path.join(base, target)) not in sent:
            report.git_elsewhere.add(f"{planned.path} ({target})")


def _read_pointer(root: str, planned: Planned, sent: set[str]) -> tuple[str, str, bool] | None:
    """The place of the data as written in the ``.git``, the start of a relative path, and whether this is a worktree."""
    base = os.path.dirname(planned.path)
    absolute = planned.absolute(root)
    if os.path.islink(absolute):
        return os.readlink(absolute), base, False
    if planned.is_directory:
        if f"{planned.path}/objects/info/alternates" not in sent:
            return None
        with open(os.path.join(absolute, "objects/info/alternates"), encoding="utf-8") as file:
            targets = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
        return (targets[0], os.path.join(planned.path, "objects"), False) if targets else None
    if not os.path.isfile(absolute) or os.path.getsize(absolute) > _POINTER_BYTES:
        return None
    with open(absolute, encoding="utf-8") as file:
        match = re.match(r"gitdir: (.*)", file.read())
    return (match[1].rstrip(), base, "/worktrees/" in match[1]) if match else None
