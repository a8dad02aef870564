"""A stranger's program as a model: what it is given, what is taken from it, and how it fails."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.errors import OutputError, RegistryError, UsageError
from vptbench.generate.command import CommandSettings, command_to_outputs, line_to_words
from vptbench.generate.drive import derive_seed
from vptbench.generate.run import store_to_outputs
from vptbench.outputs.check import outputs_to_problems
from vptbench.outputs.reader import open_outputs
from vptbench.score.scoring import ScoreSettings, outputs_to_scorefile
from vptbench.store.reader import open_store

BENCHMARK = "synthetic-v1"

COPY = """
import shutil, sys
from pathlib import Path

source, poses, out = sys.argv[1:4]
for number, pose in enumerate(sorted(Path(poses).iterdir())):
    shutil.copy(source, Path(out) / f"frame_{number}.png")
"""
"""Repeats the source frame for every pose, with numbers that are not padded."""


@pytest.fixture
def script(tmp_path):
    """A function that writes a program into a folder with a space in its name; the line that runs it."""

    def write(text, *words):
        folder = tmp_path / "their code"
        folder.mkdir(exist_ok=True)
        (folder / "infer.py").write_text(text)
        return " ".join([f"'{sys.executable}' '{folder / 'infer.py'}'", *(words or WORDS)])

    return write


WORDS = ("{source}", "{poses}", "{out}")


def run(store, out, line, **settings):
    return command_to_outputs("mine", store, out, BENCHMARK, CommandSettings(line, **settings))


def read_manifest(outputs):
    return json.loads((outputs / "outputs.json").read_text())


def test_a_program_that_copies_the_source_scores_as_copy_source(written_store, tmp_path, script):
    outputs = tmp_path / "with space" / "mine"
    report = run(written_store, outputs, script(COPY))
    assert (report.done, report.skipped, report.failed) == (("a", "b/1"), (), {})
    assert outputs_to_problems(outputs) == []
    store_to_outputs("copy_source", written_store, tmp_path / "copy", BENCHMARK)
    pictures = sorted(path.relative_to(outputs) for path in outputs.rglob("*.png"))
    assert pictures == sorted(
        path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*.png")
    )
    assert all((outputs / path).read_bytes() == (tmp_path / "copy" / path).read_bytes() for path in pictures)
    figures = []
    for name, place in (("mine", outputs), ("copy", tmp_path / "copy")):
        settings = ScoreSettings(metrics=("ssim-v1", "psnr-v1", "l1-v1"))
        made = outputs_to_scorefile(
            place, tmp_path / "scores" / name, settings, store=written_store, benchmark=BENCHMARK
        )
        figures.append({key: (figure.value, figure.low, figure.high) for key, figure in made.metrics.items()})
    assert figures[0] == figures[1]
    assert len(figures[0]) == 3


def test_the_manifest_says_what_ran_and_what_was_not_measured(written_store, tmp_path, script):
    line = script(COPY)
    run(written_store, tmp_path / "out", line)
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["model"], manifest["kind"], manifest["checkpoint"]) == ("mine", "model", None)
    assert (manifest["command"]["line"], manifest["command"]["format"]) == (line, "openpose-json")
    assert "neither memory nor parameters" in manifest["command"]["measured"]
    cost = manifest["cost"]
    assert (cost["device"], cost["peak_memory_bytes"], cost["parameters"]) == ("unknown", None, None)
    assert 0 < cost["seconds_per_frame"] < 30
    assert manifest["entries"]["b/1"]["source"] == {"clip": "b/1", "frame": 0}
    log = (tmp_path / "out" / "logs" / "b" / "1.txt").read_text()
    assert log.startswith("$ ")
    assert "infer.py" in log
    assert not list((tmp_path / "out").rglob("*.part"))


TELL = """
import json, sys
from pathlib import Path
import shutil
source, poses, out, said = sys.argv[1:5]
Path(said).joinpath(sys.argv[5].replace("/", "-") + ".json").write_text(json.dumps({
    "words": sys.argv[5:], "out": [str(path) for path in Path(out).iterdir()],
    "poses": sorted(path.name for path in Path(poses).iterdir()) if Path(poses).is_dir() else poses,
    "room": sorted(path.name for path in Path(source).parent.iterdir()),
}))
for number in range(int(sys.argv[6])):
    shutil.copy(source, Path(out) / f"{number:05d}.png")
"""


def test_placeholders_and_nothing_else_are_handed_over(written_store, tmp_path, script):
    told = tmp_path / "told"
    told.mkdir()
    words = (*WORDS, str(told), "{clip} {frames} {size} {width} {height} {fps} {seed} {{x}}")
    assert run(written_store, tmp_path / "out", script(TELL, *words), form="dwpose").failed == {}
    found = json.loads((told / "b-1.json").read_text())
    fps = f"{open_store(written_store)['b/1'].fps:g}"
    assert found["words"] == ["b/1", "6", "64x64", "64", "64", fps, str(derive_seed(0, "b/1")), "{x}"]
    assert found["poses"] == [f"{n:05d}.png" for n in range(6)]
    assert found["room"] == ["out", "poses", "source.png"]
    assert found["out"] == []


@pytest.mark.parametrize(("form", "suffix"), [("skeleton-mp4", ".mp4"), ("heatmaps", ".npz")])
def test_formats_that_are_files_keep_their_suffix(written_store, tmp_path, script, form, suffix):
    (tmp_path / "told").mkdir()
    words = (*WORDS, str(tmp_path / "told"), "{clip}", "{frames}")
    assert run(written_store, tmp_path / "out", script(TELL, *words), form=form).failed == {}
    assert json.loads((tmp_path / "told" / "a.json").read_text())["poses"].endswith(f"poses{suffix}")


VIDEO = """
import sys
from pathlib import Path
from vptbench.image import read_image
from vptbench.video import frames_to_video
source, poses, out = sys.argv[1:4]
frames = [read_image(Path(source))] * len(list(Path(poses).iterdir()))
frames_to_video(frames, Path(out) / "x.mp4", fps=8, crf=0)
"""


def test_a_video_will_do(written_store, tmp_path, script):
    assert run(written_store, tmp_path / "out", script(VIDEO)).failed == {}
    made = open_outputs(tmp_path / "out").frames("a", range(5))
    assert made.shape == (5, 64, 64, 3)
    assert np.abs(made - open_store(written_store)["a"].frames[0].astype(float)).mean() < 8


ENDS_BADLY = "a: expected the program to end well, it ended with "

FAULTS = {
    "status": (
        "print('loading'); print('out of memory', file=sys.stderr); sys.exit(3)",
        ENDS_BADLY + "status 3: loading | out of memory (see logs/a.txt)",
    ),
    "signal": ("os.kill(os.getpid(), 9)", ENDS_BADLY + "signal 9: it said nothing (see logs/a.txt)"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero (see logs/a.txt)"),
    "nothing": ("sys.exit(0)", "a: expected frames in {out}, found none"),
    "few": (
        "sys.argv[2] = str(Path(sys.argv[2]).parent)",  # which holds three things
        "a: expected 5 frames in {out}, one for each pose, found 3 with numbers 0 to 2",
    ),
    "size": (
        """
for n in range(5):
    cv2.imwrite(f"{sys.argv[3]}/{n}.png", np.zeros((8, 9, 3)))
sys.exit(0)
""",
        "a: expected frames uint8 (5, 64, 64, 3), got uint8 (5, 8, 9, 3)",
    ),
    "half": (
        """
for n in range(5):
    Path(sys.argv[3], f"{n}.png").write_bytes(Path(sys.argv[1]).read_bytes()[:200])
sys.exit(0)
""",
        "found 200 bytes that are none",
    ),
    "gaps": (
        """
for n in range(5):
    shutil.copy(sys.argv[1], f"{sys.argv[3]}/{2 * n}.png")
sys.exit(0)
""",
        "a: expected 5 frames in {out}, one for each pose, found 5 with numbers 0 to 8",
    ),
    "two": (
        """
for name in "xy":
    os.mkdir(f"{sys.argv[3]}/{name}")
    shutil.copy(sys.argv[1], f"{sys.argv[3]}/{name}/0.png")
sys.exit(0)
""",
        "a: expected the frames of one clip in {out}, found 2 (x, y, …)",
    ),
}
"""What a program does for clip "a" before it copies the source, and what is told of it."""


@pytest.mark.parametrize(("fault", "text"), FAULTS.values(), ids=FAULTS)
def test_a_failing_clip_is_told_in_a_line_and_the_others_are_done(
    written_store, tmp_path, script, fault, text
):
    outputs = tmp_path / "out"
    start = "import os, shutil, sys, cv2, numpy as np\nfrom pathlib import Path\nif sys.argv[4] == 'a':\n"
    line = script(start + textwrap.indent(fault, "    ") + "\n" + COPY, *WORDS, "{clip}")
    words = [
        "generate",
        "mine",
        str(written_store),
        str(outputs),
        "--benchmark",
        BENCHMARK,
        "--command",
        line,
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    first, second = result.output.splitlines()
    assert first == f"{outputs}: 1 clips generated, 1 failed:"
    assert text in second
    assert open_outputs(outputs).ids == ("b/1",)
    assert list(read_manifest(outputs)["failures"]) == ["a"]
    assert not list(outputs.rglob("*.part"))
    script(COPY)  # mended, under the same name
    again = CliRunner().invoke(main, words)
    assert (again.exit_code, again.output) == (0, f"{outputs}: 1 clips generated, 1 were there already\n")


SLOW = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[4], "a").write(f"{child.pid}\\n")
print("step 1 of 900", flush=True)
time.sleep(60)
"""


def is_alive(process):
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat") as stat:  # noqa: PTH123 - gone any moment
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(process):
    """Whether a process ends within a while."""
    deadline = time.monotonic() + 10
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(process)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")  # noqa: PTH112
def test_what_takes_too_long_is_ended_with_all_that_it_started(written_store, tmp_path, script):
    pids = tmp_path / "pids"
    start = time.monotonic()
    report = run(written_store, tmp_path / "out", script(SLOW, *WORDS, str(pids)), seconds=1.5)
    assert time.monotonic() - start < 30
    assert list(report.failed) == ["a", "b/1"]
    assert report.failed["a"] == (
        "expected the program to end within 1.5 s, it did not and was ended; give more time by --timeout: "
        "step 1 of 900 (see logs/a.txt)"
    )
    assert all(gone(int(process)) for process in pids.read_text().split())


LEAVES = """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[4], "a").write(f"{child.pid}\\n")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")  # noqa: PTH112
@pytest.mark.parametrize("code", [0, 3])
def test_what_a_program_that_ends_by_itself_leaves_running_is_ended(written_store, tmp_path, script, code):
    pids = tmp_path / "pids"
    text = f"import subprocess{COPY}{LEAVES}sys.exit({code})\n"
    report = run(written_store, tmp_path / "out", script(text, *WORDS, str(pids)))
    assert list(report.failed) == ([] if code == 0 else ["a", "b/1"])
    processes = [int(process) for process in pids.read_text().split()]
    assert len(processes) == 2
    assert all(gone(process) for process in processes)


CALLER = """
import sys
from pathlib import Path
from vptbench.generate.command import CommandSettings, command_to_outputs
command_to_outputs("mine", Path(sys.argv[1]), Path(sys.argv[2]), "synthetic-v1", CommandSettings(sys.argv[3]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")  # noqa: PTH112
def test_the_program_ends_with_its_caller(written_store, tmp_path, script, number):
    pids = tmp_path / "pids"
    line = script(SLOW, *WORDS, str(pids))
    words = [sys.executable, "-c", CALLER, written_store, tmp_path / "out", line]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as caller:
        deadline = time.monotonic() + 60
        while not (pids.exists() and pids.read_text().endswith("\n")) and time.monotonic() < deadline:
            time.sleep(0.05)
        caller.send_signal(number)
    assert caller.returncode != 0
    assert gone(int(pids.read_text()))
    mended = script(COPY, *WORDS, str(pids))
    assert mended == line
    assert run(written_store, tmp_path / "out", line).done == ("a", "b/1")
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_second_start_does_what_is_missing(written_store, tmp_path, script):
    outputs, line = tmp_path / "out", script(COPY)
    run(written_store, outputs, line)
    before = (outputs / "outputs.json").read_bytes()
    assert run(written_store, outputs, line).skipped == ("a", "b/1")
    assert (outputs / "outputs.json").read_bytes() == before
    (outputs / "frames" / "a" / "00003.png").unlink()
    assert run(written_store, outputs, line, seconds=50).done == ("a",)  # a limit is no other run
    with pytest.raises(OutputError, match=r"expected outputs of the same run, found others \(command: "):
        run(written_store, outputs, line, form="dwpose")
    with pytest.raises(OutputError, match="expected outputs of the same run, found others"):
        store_to_outputs("copy_source", written_store, outputs, BENCHMARK)


@pytest.mark.slow
def test_two_workers_make_the_same(written_store, tmp_path, script):
    settings = CommandSettings(script(COPY))
    for workers in (1, 2):
        place = tmp_path / str(workers)
        assert not command_to_outputs(
            "mine", written_store, place, BENCHMARK, settings, workers=workers
        ).failed
    pictures = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.png"))
    assert len(pictures) == 11
    assert all((tmp_path / "1" / p).read_bytes() == (tmp_path / "2" / p).read_bytes() for p in pictures)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "python x.py --out {out} --mask {mask}",
            r"expected placeholders among \{source\}, .*, got \{mask\}; write",
        ),
        ("python x.py {out} {}", r"got \{\}; write braces that mean themselves twice"),
        ("python x.py {out} {frames:05d}", r"got \{frames:05d\}"),
        ("python x.py {out} {seed!r}", r"got \{seed!r\}"),
        ("python x.py {out} {source.__class__}", r"got \{source.__class__\}"),
        ("python x.py --source {source}", r"expected \{out\}, where the program is to write"),
        ("python x.py {out} 'half", "No closing quotation"),
        ("python x.py {out", "close quotes and braces"),
        ("", r"expected \{out\}"),
    ],
)
def test_lines_that_cannot_be_meant_are_refused(line, text):
    with pytest.raises(UsageError, match=text):
        line_to_words(line)


def test_refusals_come_before_anything_is_made(written_store, tmp_path, script):
    outputs = tmp_path / "out"
    with pytest.raises(RegistryError, match="expected a known format of a model's input, got 'dwpos'"):
        run(written_store, outputs, script(COPY), form="dwpos")
    with pytest.raises(UsageError, match="got copy_source, a model that is installed"):
        command_to_outputs("copy_source", written_store, outputs, BENCHMARK, CommandSettings(script(COPY)))
    assert not outputs.exists()
    with pytest.raises(
        UsageError, match="expected a program that can be run as 'no-such-program', found none"
    ):
        run(written_store, outputs, "no-such-program {out}")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--timeout", "5"], "expected --timeout with --command only, got no --command"),
        (["--format", "dwpose"], "expected --format with --command only, got no --command"),
        (["--command", "x {out}", "--checkpoint", "y"], "expected --checkpoint with a model of ours only"),
        (["--command", "x {out}", "--device", "cpu"], "expected --device with a model of ours only"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(written_store, tmp_path, words, text):
    start = ["generate", "mine", str(written_store), str(tmp_path / "out"), "--benchmark", BENCHMARK]
    result = CliRunner().invoke(main, [*start, *words])
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert text in result.output
