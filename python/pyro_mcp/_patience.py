"""How long one call waits for a daemon that it has lost."""

from __future__ import annotations

import time

from ._errors import PyroError

MAX_RETURNS = 20
"""How often a broken connection to this machine's daemon is retried before the caller gets the error."""
RETURN_DELAY_SECONDS = 0.1
_MAX_OUTAGE_SECONDS = 60
_MAX_PAUSE_SECONDS = 2.0
_LASTING_SECONDS = 2.0
"""A connection that lasts longer than this ends an outage, even if no byte arrived over it."""


class Patience:
    """A daemon of this machine that died is started again at once; a network may be down for a while."""

    def __init__(self, is_far: bool) -> None:
        self._is_far = is_far
        self._returns = 0
        self._since: float | None = None
        self._reached_at: float | None = None
        self._count = 0

    def reached(self) -> None:
        """Called when the daemon has answered: the connection may stay quiet from now on."""
        self._reached_at = time.monotonic()

    def pause(self, error: Exception, count: int) -> float | None:
        """Seconds until the next try, None when the call has to fail. ``count`` is the number of events so far."""
        if not self._is_far:
            self._returns += 1
            return RETURN_DELAY_SECONDS if self._returns <= MAX_RETURNS else None
        has_lasted = self._reached_at is not None and time.monotonic() - self._reached_at > _LASTING_SECONDS
        self._reached_at = None
        if count != self._count or has_lasted:
            self._count, self._since, self._returns = count, None, 0
        was_reached = not isinstance(error, PyroError) or error.details.get("connected") is not False
        # A machine that was not reached before is not waited for.
        if self._since is None and not was_reached:
            return None
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > _MAX_OUTAGE_SECONDS:
            return None
        self._returns += 1
        return min(RETURN_DELAY_SECONDS * 2 ** (self._returns - 1), _MAX_PAUSE_SECONDS)
