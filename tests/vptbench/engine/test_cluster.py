"""Tasks side by side, on a local cluster and on a given one."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numba
import pytest

from vptbench.engine import cluster, local_cluster, tasks_to_results
from vptbench.errors import PoseError, UsageError, VptbenchError


def double(task):
    if task == 3:
        raise PoseError("expected an even number, got 3; choose another")
    return 2 * task


def die_once(folder, task):
    """Kills its process the first time it meets task 0."""
    marker = Path(folder) / "died"
    if task == 0 and not marker.exists():
        marker.touch()
        os._exit(1)
    return os.getpid()


def die(task):
    if task == 1:
        os._exit(1)
    return task


def threads(_task):
    import torch  # noqa: PLC0415 - half a gigabyte that only this task needs

    return cv2.getNumThreads(), numba.get_num_threads(), torch.get_num_threads()


def process(_task):
    return os.getpid()


def slow(folder, task):
    Path(folder, f"{task}").write_text(str(os.getpid()))
    time.sleep(60)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def importable(monkeypatch, pytestconfig):
    """Workers import the functions above by name, wherever the tests are started from."""
    monkeypatch.syspath_prepend(pytestconfig.rootpath)


def test_more_tasks_than_the_window_all_come_back_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = dict(tasks_to_results(double, range(50), workers=2))
    assert sorted(results) == list(range(50))
    assert isinstance(results.pop(3), PoseError)
    assert results == {task: 2 * task for task in results}
    assert list(tmp_path.iterdir()) == []


def test_tasks_of_a_worker_that_dies_are_done_again(tmp_path):
    results = dict(tasks_to_results(partial(die_once, str(tmp_path)), range(6), workers=2))
    assert sorted(results) == list(range(6))
    assert all(isinstance(result, int) for result in results.values())


def test_a_task_that_kills_every_worker_fails_alone():
    results = dict(tasks_to_results(die, range(3), workers=2))
    assert isinstance(results.pop(1), VptbenchError)
    assert results == {0: 0, 2: 2}


def test_one_local_cluster_serves_several_calls():
    """In processes of its own, the same for all; for one worker there is none."""
    with local_cluster(2) as address:
        pids = {
            pid for _ in range(2) for _, pid in tasks_to_results(process, range(6), scheduler=address)
        }  # fmt: skip
    assert os.getpid() not in pids
    assert len(pids) <= 2
    with local_cluster(1) as address:
        assert address is None
    with pytest.raises(UsageError, match="expected at least 1 worker, got 0"), local_cluster(0):
        pass


def test_an_unreachable_scheduler_is_told_in_time(monkeypatch):
    assert cluster.CONNECT_SECONDS < 10
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(UsageError, match=r"expected a Dask scheduler at tcp://127\.0\.0\.1:9, none answered"):
        list(tasks_to_results(double, [1], scheduler="tcp://127.0.0.1:9"))
    assert time.monotonic() - start < 6
    with pytest.raises(UsageError, match="expected a Dask scheduler at nonsense"):
        list(tasks_to_results(double, [1], scheduler="nonsense"))


MALFORMED = """
from vptbench.engine import tasks_to_results
from vptbench.errors import UsageError
try:
    list(tasks_to_results(abs, [1], scheduler="nonsense"))
except UsageError as error:
    print(error)
"""


def test_a_malformed_address_leaves_no_client_that_cannot_close():
    done = subprocess.run([sys.executable, "-c", MALFORMED], capture_output=True, text=True, check=True)
    assert "expected a Dask scheduler at nonsense" in done.stdout
    assert done.stderr == ""


@pytest.fixture(scope="module")
def given_cluster(pytestconfig, tmp_path_factory):
    scratch = str(tmp_path_factory.mktemp("scratch"))
    command = [sys.executable, "-m", "vptbench.engine.host", "1"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=pytestconfig.rootpath,
        env={**os.environ, "TMPDIR": scratch},
    ) as host:
        yield host, host.stdout.readline().strip()


def test_a_given_cluster_is_joined_and_left_running(given_cluster):
    _, address = given_cluster
    for _ in range(2):
        assert dict(tasks_to_results(abs, [-1, -2], scheduler=address)) == {-1: 1, -2: 2}


def test_errors_of_the_program_are_raised(given_cluster):
    with pytest.raises(TypeError):
        list(tasks_to_results(double, [None, {}], scheduler=given_cluster[1]))


def test_a_worker_uses_one_thread(given_cluster):
    assert dict(tasks_to_results(threads, [0], scheduler=given_cluster[1])) == {0: (1, 1, 1)}


def test_a_lost_scheduler_is_told(given_cluster):
    host, address = given_cluster
    results = tasks_to_results(sleep_long_for_one, [0, 1, 2], scheduler=address)
    assert next(results) == (0, 0)
    host.kill()
    with pytest.raises(VptbenchError, match="lost the Dask scheduler"):
        list(results)


def sleep_long_for_one(task):
    if task:
        time.sleep(60)
    return task


SCRIPT = """
from functools import partial
from vptbench.engine import tasks_to_results
print(sorted(result for _, result in tasks_to_results(abs, [-1, -2, -3], workers=2)))
"""


def test_a_script_without_main_guard_runs_once(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[1, 2, 3]\n", "", 0)


INTERRUPTED = """
import sys
from functools import partial
from tests.vptbench.engine.test_cluster import slow
from vptbench.engine import tasks_to_results
list(tasks_to_results(partial(slow, sys.argv[1]), [1, 2], workers=2))
"""


def test_workers_end_with_the_caller_and_leave_nothing(tmp_path, pytestconfig):
    callers = {}
    for sign in (signal.SIGINT, signal.SIGKILL):
        folder, scratch = tmp_path / f"{sign}", tmp_path / f"{sign}-scratch"
        folder.mkdir()
        scratch.mkdir()
        callers[sign] = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, str(folder)],
            stderr=subprocess.PIPE, text=True, cwd=pytestconfig.rootpath,
            env={**os.environ, "TMPDIR": str(scratch)},
        )  # fmt: skip
    pids = []
    for sign, caller in callers.items():
        started = [tmp_path / f"{sign}" / name for name in "12"]
        wait_until(lambda started=started: all(path.exists() and path.read_text() for path in started))
        pids += [int(path.read_text()) for path in started]
        caller.send_signal(sign)
    for sign, caller in callers.items():
        assert ("KeyboardInterrupt" in caller.communicate(timeout=120)[1]) == (sign == signal.SIGINT)
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    wait_until(lambda: not list(tmp_path.glob("*-scratch/*")))
