"""The process that holds a local Dask cluster; `cluster.py` starts it, and it ends with its parent.

It stands apart from the caller so that worker processes never import the caller's script again (which a
script without ``if __name__ == "__main__"`` would not survive), and so that workers are stopped and
their scratch folders deleted even if the caller is killed.

Run as ``python -m vptbench.engine.host WORKERS``: writes the scheduler's address to standard output, and
ends when standard input does.
"""

import logging
import os
import sys
import tempfile
from contextlib import suppress

import dask
from distributed import LocalCluster

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Environment variables that keep a worker on one core."""

SETTINGS = {
    # All of it, so without Dask's MALLOC_TRIM_THRESHOLD_: with that, each frame's memory is mapped anew,
    # which doubles the processor time of preparing.
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(ONE_THREAD, "1"),
    # Dask's own sampling of what workers do would take a fifth of their time.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.scheduler.worker-saturation": 1.0,  # a task that kills its worker is blamed alone
}


def main(workers: int) -> None:
    """Hold a cluster of `workers` processes of one thread each, until standard input ends."""
    address_pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what workers print belongs beside the caller's messages
    with (
        tempfile.TemporaryDirectory(prefix="vptbench-", ignore_cleanup_errors=True) as scratch,
        dask.config.set({**SETTINGS, "temporary-directory": scratch}),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            memory_limit=0,
        ) as cluster,
    ):
        with suppress(BrokenPipeError), address_pipe:  # the caller may be gone already
            address_pipe.write(f"{cluster.scheduler_address}\n")
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
