"""Stands between vptbench and a stranger's program, and ends the program when vptbench ends, however it ends.

Run as ``python watch.py PROGRAM ARGUMENT…`` with a pipe as standard input, in a session of its own: when the
pipe closes, it and everything that the program started are killed. It imports nothing of vptbench, so that it
starts at once.
"""

import os
import signal
import subprocess
import sys
import threading


def main(words: list[str]) -> int:
    """Run the program; its exit status, or 128 and the number of the signal that ended it."""
    program = subprocess.Popen(words, stdin=subprocess.DEVNULL)  # noqa: S603 - what the user asked for
    threading.Thread(target=_wait_for_the_end, args=(program,), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


def _wait_for_the_end(program: "subprocess.Popen[bytes]") -> None:
    os.read(0, 1)
    if sys.platform == "win32":
        program.kill()
        os._exit(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # the thread still waits
