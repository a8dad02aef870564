"""Tasks in this process, and what becomes of a task's errors anywhere."""

import errno
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import cv2

from vptbench.errors import StoreError, VptbenchError

Task = TypeVar("Task")
Result = TypeVar("Result")

DISK_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""What the system says when a file cannot grow: no space, a size limit, a quota."""


def tasks_to_results_here(
    function: Callable[[Task], Result], tasks: Iterable[Task]
) -> Iterator[tuple[Task, Result | VptbenchError]]:
    """Do `tasks` one after another, in this process; see `cluster.tasks_to_results`."""
    for task in tasks:
        yield task, task_to_result(function, task)


def task_to_result(function: Callable[[Task], Result], task: Task) -> Result | VptbenchError:
    """Do one task. What a user can mend comes back as a value; errors of the program are raised.

    OpenCV is kept to one thread: clips run side by side, and pictures are too small to share.
    """
    cv2.setNumThreads(1)
    try:
        return function(task)
    except VptbenchError as error:
        return error
    except OSError as error:
        return _refusal(error)


def packed_to_result(packed: bytes) -> object:
    """Do a pickled (function, task) in a worker process, which has one core to itself."""
    function, task = pickle.loads(packed)  # noqa: S301 - packed by `cluster.py`
    if "torch" in sys.modules:  # one that is imported later follows OMP_NUM_THREADS, which Dask sets to 1
        sys.modules["torch"].set_num_threads(1)
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)
    return task_to_result(function, task)


def _refusal(error: OSError) -> VptbenchError:
    """An operating system's refusal, in words."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in DISK_FULL:
        return StoreError(
            f"{where}the disk is full ({error.strerror}); free some space and run the same command again: "
            "what was finished is kept"
        )
    return VptbenchError(
        f"{where}expected to read or write there, the system refused ({error.strerror or error}); "
        "mend that and run the same command again"
    )
