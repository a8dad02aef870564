"""Tasks in this process, and errors as values."""

import errno

import pytest

from vptbench.engine import tasks_to_results
from vptbench.errors import PoseError, StoreError, UsageError, VptbenchError


def test_results_come_in_order_with_their_tasks():
    assert list(tasks_to_results(abs, [-2, 1])) == [(-2, 2), (1, 1)]


def fail(error):
    raise error


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_told_in_words(code):
    [(_, result)] = tasks_to_results(fail, [OSError(code, "No space left on device", "store/clip.h5")])
    assert isinstance(result, StoreError)
    assert str(result).startswith(
        "store/clip.h5: the disk is full (No space left on device); free some space"
    )


def test_what_the_system_refuses_is_told_in_words():
    [(_, result)] = tasks_to_results(fail, [PermissionError(errno.EACCES, "Permission denied", "raw/a.mp4")])
    assert isinstance(result, VptbenchError)
    assert "raw/a.mp4: expected to read or write there, the system refused (Permission denied)" in str(result)


def test_a_users_errors_are_values_and_do_not_stop_the_others():
    error = PoseError("expected 25 joints, found 24")
    results = list(tasks_to_results(lambda task: fail(error) if task else "done", [1, 0]))
    assert results == [(1, error), (0, "done")]


def test_errors_of_the_program_are_raised():
    with pytest.raises(ZeroDivisionError):
        list(tasks_to_results(lambda task: 1 // task, [0]))


def test_fewer_than_one_worker_is_refused():
    with pytest.raises(UsageError, match="expected at least 1 worker, got 0"):
        list(tasks_to_results(abs, [1], workers=0))
