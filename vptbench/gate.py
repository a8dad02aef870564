"""When a server may be asked: all connections to it pause together, and give it up together."""

import errno
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import ProtocolError

from vptbench.manifest import library_versions

USER_AGENT = f"vptbench/{library_versions().get('vptbench', '0')} (datasets for research; python-requests)"
"""How we introduce ourselves."""

MOST_PATIENCE = 300.0
"""Longest pause that a server may ask for, seconds; the user is told of a longer one instead."""

MOST_FAILURES = 5
"""Files in succession that a server may fail to send before it is left alone."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Refusals of a disk that every other file would meet as well."""

BUSY = (requests.codes.too_many_requests, requests.codes.service_unavailable)
"""Statuses that ask for a pause: 429 and 503."""


class UnreachableError(requests.RequestException):
    """A server was given up for one file; others would hardly fare better."""


class BusyError(requests.RequestException):
    """A server asks for a pause."""


class Gate:
    """What all connections to one server share.

    Attributes:
        reason: Why nothing more is asked for; empty while something may be.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._opens = 0.0
        self._failures = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self, pause: float = 0.0) -> None:
        """Return after `pause` seconds, or later if the server asked for it.

        Raises:
            RequestException: Nothing more is to be asked for.
        """
        until = time.monotonic() + pause
        while (rest := max(until, self._opens) - time.monotonic()) > 0 and not self._stopped.wait(rest):
            pass
        if self._stopped.is_set():
            raise requests.RequestException(f"nothing, as it was not asked for ({self.reason})")

    def heed(self, answer: requests.Response) -> None:
        """Let nobody through for as long as a busy server's answer asks; return if it isn't busy.

        Raises:
            BusyError: It is, and may be asked again.
            HTTPError: It is, and wants to be left alone for too long; nobody is let through any more.
        """
        if answer.status_code not in BUSY:
            return
        told = f"status {answer.status_code} ({answer.reason})"
        seconds = retry_after_to_seconds(answer.headers.get("Retry-After", ""))
        if seconds > MOST_PATIENCE:
            told = f"{told}, not to be asked again for {seconds:,.0f} seconds"
            self.stop(told)
            raise requests.HTTPError(told)
        with self._lock:
            self._opens = max(self._opens, time.monotonic() + seconds)
        raise BusyError(told)

    def stop(self, reason: str) -> None:
        """Let nobody through any more, who waits included; the first `reason` stays."""
        with self._lock:
            self.reason = self.reason or reason
        self._stopped.set()

    def end(self, error: OSError | None, reason: str = "") -> None:
        """Note how a file fared; a full disk stops all, and so do `MOST_FAILURES` of the server in a row.

        Args:
            error: What ended it, or None if it came or the server said that it has none such.
            reason: The same for people.
        """
        with self._lock:
            self._failures = self._failures + 1 if isinstance(error, UnreachableError) else 0
        if error is not None and error.errno in FULL:
            self.stop(f"the system refused: {reason}")
        elif self._failures >= MOST_FAILURES:
            self.stop(f"{self._failures} files in succession failed, the last by: {reason}")


def retry_after_to_seconds(header: str) -> float:
    """The pause that a ``Retry-After`` header asks for in seconds or by a date; 0 where it is neither."""
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return 0.0


def is_reset(error: requests.RequestException) -> bool:
    """Whether there was a connection, which then ended or kept silent."""
    return isinstance(error, requests.ReadTimeout) or any(
        isinstance(cause, ProtocolError) for cause in error.args
    )
