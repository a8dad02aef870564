"""Tasks on a Dask cluster: a local one of processes, or one that is given."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vptbench.engine.inline import packed_to_result, tasks_to_results_here
from vptbench.errors import UsageError, VptbenchError

if TYPE_CHECKING:
    from distributed import Client, Future

Task = TypeVar("Task")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

CONNECT_SECONDS = 8
"""How long to look for a given scheduler."""

WAITING_PER_THREAD = 4
LEAST_WAITING = 32
"""Tasks handed to the cluster and not yet come back: enough to keep it busy, few enough to stay small."""


def tasks_to_results(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[Task, Result | VptbenchError]]:
    """Do independent tasks, here or side by side, and yield each with its result as it is done.

    Tasks must bear being done twice: those of a worker that dies are done again elsewhere.

    Args:
        function: What to do with a task; importable by name in another process, or a
            `functools.partial` of such a function.
        tasks: What to do; tasks and results must pickle.
        workers: 1 works in this process; more start a local cluster of that many processes.
        scheduler: Address of a Dask scheduler to join instead, such as ``tcp://host:8786``.

    Yields:
        A task and its result, in the order of completion (of `tasks`, in this process). A `VptbenchError`
        that the task raised comes in place of its result, and so does what the operating system
        refused; any other error is raised here.

    Raises:
        UsageError: `workers` is below 1, or no scheduler answers at the address.
    """
    if workers < 1:
        raise UsageError(f"expected at least 1 worker, got {workers}")
    workers = min(workers, len(tasks))
    if not tasks or (workers == 1 and scheduler is None):
        yield from tasks_to_results_here(function, tasks)
    elif scheduler is None:
        with _local_scheduler(workers) as address, _client(address) as client:
            yield from _on_cluster(client, function, tasks)
    else:
        with _client(scheduler) as client:
            yield from _on_cluster(client, function, tasks)


def _on_cluster(
    client: "Client", function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[tuple[Task, Result | VptbenchError]]:
    """Keep a window of tasks in the cluster's hands."""
    from distributed import as_completed  # noqa: PLC0415 - a second's import, not needed in one process
    from distributed.protocol.pickle import dumps  # noqa: PLC0415

    threads = sum(client.nthreads().values())  # type: ignore[no-untyped-call]
    if threads == 0:
        log.warning("the Dask cluster has no workers yet; waiting for some to join")
    waiting = {}
    completed = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    coming = iter(tasks)

    def submit(count: int) -> None:
        for task in islice(coming, count):
            # opaque, so that the scheduler need not import what they need
            packed = dumps((function, task))  # type: ignore[no-untyped-call]
            future = client.submit(packed_to_result, packed, pure=False)
            waiting[future] = task
            completed.add(future)  # type: ignore[no-untyped-call]

    submit(max(WAITING_PER_THREAD * threads, LEAST_WAITING))
    for future in completed:
        yield waiting.pop(future), _future_to_result(future)
        submit(1)


def _future_to_result(future: "Future[Result | VptbenchError]") -> Result | VptbenchError:
    """What a finished task gave.

    Raises:
        VptbenchError: The cluster is gone.
    """
    from distributed import CancelledError, KilledWorker  # noqa: PLC0415

    try:
        return future.result()
    except KilledWorker as error:
        return VptbenchError(
            f"expected the task to end, but {error.allowed_failures + 1} worker processes died of it; "
            "look for a lack of memory or a damaged file, then run the same command again"
        )
    except CancelledError as error:
        raise VptbenchError(
            "lost the Dask scheduler; start it and run the same command again: what was finished is kept"
        ) from error


@contextmanager
def local_cluster(workers: int) -> Iterator[str | None]:
    """One local cluster for several calls of `tasks_to_results`: the address to give them as `scheduler`.

    Args:
        workers: How many processes; for 1 none is started, and the address is None.

    Raises:
        UsageError: `workers` is below 1.
        VptbenchError: The cluster does not start.

    Example:
        ``with local_cluster(4) as address: list(tasks_to_results(work, tasks, scheduler=address))``
    """
    if workers < 1:
        raise UsageError(f"expected at least 1 worker, got {workers}")
    if workers == 1:
        yield None
    else:
        with _local_scheduler(workers) as address:
            yield address


@contextmanager
def _local_scheduler(workers: int) -> Iterator[str]:
    """A local cluster in processes of its own (`host.py`) and the address of its scheduler.

    Raises:
        VptbenchError: It does not start.
    """
    modules = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    with subprocess.Popen(  # noqa: S603 - this package's own module
        [sys.executable, "-m", "vptbench.engine.host", str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": modules},
        start_new_session=True,  # Ctrl-C is for the caller, who then closes standard input
        text=True,
    ) as host:
        address = host.stdout.readline().strip() if host.stdout else ""
        if not address:
            raise VptbenchError(
                f"expected {workers} worker processes to start, they did not (see above); use fewer --workers"
            )
        yield address


@contextmanager
def _client(address: str) -> "Iterator[Client]":
    """A connection to the scheduler at `address`.

    Raises:
        UsageError: None answers.
    """
    from distributed import Client  # noqa: PLC0415
    from distributed.comm.addressing import get_address_host_port  # noqa: PLC0415

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        get_address_host_port(address)  # a client of a malformed address cannot be closed
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise UsageError(
            f"expected a Dask scheduler at {address}, none answered in {CONNECT_SECONDS} s; "
            "check the address, such as tcp://host:8786, and that it runs"
        ) from error
    with client:
        yield client
