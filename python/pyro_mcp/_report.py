"""Problems that a packer found in a source, and entries that it sent in another state."""

from __future__ import annotations

from ._errors import PyroError

_NAMED = 100
"""Names that an error's details list."""
_LISTED = 5
"""Names that a sentence lists."""

_HINTS = {
    "ARCHIVE_LINK_ESCAPES": "Choose with `--links`: `keep` sends links as links, `skip` leaves them out, `follow` sends "
    "what they point to.",
    "ARCHIVE_NAME_INVALID": (
        "Names must be UTF-8 without NUL bytes; rename the entry, or leave it out with `--exclude`."
    ),
    "ARCHIVE_PATH_TOO_LONG": "Shorten the path: 4,096 bytes in all, 255 for each part.",
    "ARCHIVE_TOO_MANY_ENTRIES": "Send less, for example with `--exclude`.",
    "SOURCE_UNREADABLE": "Make the named entries readable, or leave them out with `--exclude`.",
}


_WITH_GIT = " Add --with-git, push the main checkout, or leave .git out with --exclude .git."


class Names:
    """Names of one kind: the first of them, and how many there are."""

    def __init__(self, *names: str) -> None:
        self.first: list[str] = []
        self.count = 0
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < _NAMED:
            # A name that is not text is shown as the daemon shows it.
            self.first.append(name.encode(errors="surrogateescape").decode(errors="replace"))

    def __str__(self) -> str:
        shown = self.first[:_LISTED]
        more = f" and {self.count - len(shown)} more" if self.count > len(shown) else ""
        return ", ".join(shown) + more


class Report:
    """Entries that were sent in another state than in the source, by kind."""

    def __init__(self) -> None:
        self.special = Names()
        """Sockets, FIFOs and devices."""
        self.leaving_links = Names()
        self.dead_links = Names()
        """Links that ``follow`` could not follow, since they lead nowhere."""
        self.unsteady = Names()
        """Files that kept changing: the sent content may mix two states."""
        self.disappeared = Names()
        self.git_elsewhere = Names()
        """Each ``.git`` whose data is not sent, with the place of the data."""
        self.moved_worktrees = Names()
        """Worktrees whose repository is sent too, but gets another path."""

    def render(self) -> dict[str, object]:
        """The fields of a result that only the source's packer knows."""
        warnings = [
            f"{text}: {names}.{_WITH_GIT if names is self.git_elsewhere else ''}"
            for names, text in (
                (self.git_elsewhere, "Git will not work in the guest, since its data lies outside of the source"),
                (
                    self.moved_worktrees,
                    "Run `git worktree repair` in the guest for worktrees whose repository has moved",
                ),
                (self.special, f"Left out {counted(self.special, 'socket, FIFO or device', 'sockets, FIFOs and devices')}"),
                (
                    self.leaving_links,
                    f"Left out {counted(self.leaving_links, 'link that leads', 'links that lead')} out of the source",
                ),
                (self.dead_links, f"Left out {counted(self.dead_links, 'link', 'links')} with nothing to follow"),
                (
                    self.disappeared,
                    f"Left out {counted(self.disappeared, 'entry', 'entries')} that disappeared during the push",
                ),
                (
                    self.unsteady,
                    f"Sent {counted(self.unsteady, 'file', 'files')} that changed during the push, "
                    "perhaps half old and half new",
                ),
            )
            if names.count
        ]
        return {
            "skipped_special": self.special.count,
            "skipped_links": self.leaving_links.count + self.dead_links.count,
            "changed_entries": self.disappeared.count + self.unsteady.count,
            "warnings": warnings,
        }


def counted(names: Names, one: str, many: str) -> str:
    return f"{names.count} {one if names.count == 1 else many}"


def unreadable(*entries: str) -> PyroError:
    return unsendable("SOURCE_UNREADABLE", Names(*entries))


def unsendable(code: str, names: Names) -> PyroError:
    """Entries of the source that pyro cannot send, with the same code as the daemon gives such an entry."""
    if code == "SOURCE_UNREADABLE":
        message = f"Cannot read {counted(names, 'source file', 'source files')}: {names}."
        return PyroError(code, message, _HINTS[code], {"entries": names.first, "count": names.count})
    if code == "ARCHIVE_LINK_ESCAPES":
        message = f"{counted(names, 'link leads', 'links lead')} out of the source: {names}."
    else:
        message = f"Cannot send {counted(names, 'source entry', 'source entries')}: {names}."
    details = {"entry": names.first[0], "entries": names.first, "count": names.count}
    return PyroError(code, message, _HINTS[code], details)


def changed(entry: str) -> PyroError:
    message = f"{entry} changed while it was sent."
    return PyroError("SOURCE_CHANGED", message, "Try again when nothing writes to the source.", {"entries": [entry]})
