"""Pauses and endings that all connections to a server share."""

import errno
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from vptbench.gate import (
    MOST_FAILURES,
    MOST_PATIENCE,
    BusyError,
    Gate,
    UnreachableError,
    is_reset,
    retry_after_to_seconds,
)


def answer(status, retry_after=None):
    made = requests.Response()
    made.status_code, made.reason = status, "Why"
    if retry_after is not None:
        made.headers["Retry-After"] = retry_after
    return made


def waited(gate, pause=0.0):
    begin = time.monotonic()
    gate.wait(pause)
    return time.monotonic() - begin


def test_pauses_are_numbers_or_dates():
    assert retry_after_to_seconds("7") == 7
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 98 < retry_after_to_seconds(soon) <= 100
    for header in ("Mon, 06 Jul 2020 09:00:00 GMT", "Mon, 06 Jul 2026 09:00:00", "-3", "soon", ""):
        assert retry_after_to_seconds(header) == 0


def test_one_busy_answer_stops_all_for_as_long_as_it_asks(monkeypatch):
    monkeypatch.setattr("vptbench.gate.retry_after_to_seconds", float)
    gate = Gate()
    assert waited(gate) < 0.05
    with pytest.raises(BusyError, match=r"status 429 \(Why\)"):
        gate.heed(answer(429, "0.2"))
    assert 0.15 < waited(gate) < 1
    assert 0.05 < waited(gate, 0.06) < 0.5
    gate.heed(answer(404))
    assert waited(gate) < 0.05


def test_too_long_a_pause_is_not_waited_for():
    gate = Gate()
    with pytest.raises(requests.HTTPError, match=r"status 503 .* not to be asked again for 301 seconds"):
        gate.heed(answer(503, f"{MOST_PATIENCE + 1:.0f}"))
    with pytest.raises(requests.RequestException, match=r"not asked for .*301 seconds"):
        gate.wait()


def test_stopping_wakes_who_waits_and_the_first_reason_stays():
    gate, ends = Gate(), []

    def wait():
        try:
            gate.wait(60)
        except requests.RequestException as error:
            ends.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    gate.stop("first")
    gate.stop("second")
    for thread in threads:
        thread.join(5)
    assert ends == ["nothing, as it was not asked for (first)"] * 3


def test_failures_count_in_succession_alone():
    gate = Gate()
    for error in [
        *[UnreachableError()] * (MOST_FAILURES - 1),
        None,
        *[UnreachableError()] * (MOST_FAILURES - 1),
    ]:
        gate.end(error, "gone")
    gate.end(requests.HTTPError("404"), "404")
    for _ in range(MOST_FAILURES):
        gate.wait()
        gate.end(UnreachableError(), "gone")
    with pytest.raises(requests.RequestException, match="5 files in succession failed, the last by: gone"):
        gate.wait()


def test_a_full_disk_stops_all_and_another_refusal_does_not():
    gate = Gate()
    gate.end(OSError(errno.EISDIR, "Is a directory"), "Is a directory")
    gate.wait()
    gate.end(OSError(errno.ENOSPC, "No space"), "No space")
    with pytest.raises(requests.RequestException, match="the system refused: No space"):
        gate.wait()


def test_resets():
    assert is_reset(requests.ReadTimeout())
    assert not is_reset(requests.ConnectTimeout())
    assert not is_reset(requests.ConnectionError("Name or service not known"))
