"""`vptbench robustness` from start to end: a model of ours, a program, and a stranger who runs elsewhere."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.curvefile import read_robustness

METRICS = ["--metrics", "ssim-v1,l1-v1,flicker-v1"]

STRANGER = '''
"""Moves the picture as the neck moves. Knows nothing but the files that it is given."""
import csv, json, sys
from pathlib import Path

import av, cv2
import numpy as np

inputs, outputs = map(Path, sys.argv[1:])


def neck(path):
    (person,) = json.loads(path.read_text())["people"]
    return np.array(person["pose_keypoints_2d"]).reshape(-1, 3)[1, :2]


with (inputs / "items.csv").open(newline="") as stream:
    for row in csv.DictReader(stream):
        picture = cv2.imread(str(inputs / row["source"]))
        necks = [neck(path) for path in sorted((inputs / row["openpose-json"]).iterdir())]
        with av.open(str(inputs / row["skeleton-mp4"])) as video:
            drawn = sum(1 for _ in video.decode(video=0))
        assert len(necks) == drawn == int(row["count"])
        (outputs / row["item"]).mkdir(parents=True)
        start = necks[int(row["source_frame"])]
        for number, place in enumerate(necks):
            matrix = np.hstack([np.eye(2), (place - start)[:, None]])
            size = picture.shape[1::-1]
            moved = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
            cv2.imwrite(str(outputs / row["item"] / f"{number:05d}.png"), moved)
'''

PROGRAM = '''
"""The same for one clip, as a program that vptbench starts."""
import json, sys
from pathlib import Path

import cv2
import numpy as np

source, poses, out = map(Path, sys.argv[1:])
picture, start = cv2.imread(str(source)), None
for number, path in enumerate(sorted(poses.iterdir())):
    (person,) = json.loads(path.read_text())["people"]
    place = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)[1, :2]
    start = place if start is None else start
    matrix = np.hstack([np.eye(2), (place - start)[:, None]])
    moved = cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    cv2.imwrite(str(out / f"{number:05d}.png"), moved)
'''


@pytest.fixture
def listed(tmp_path):
    document = {
        "format": "vptbench-benchmark", "version": 1, "id": "mine-noisy-v1", "clean": "synthetic-v1",
        "corruptions": [{"kind": "jitter", "severities": [2, 5], "seeds": [0]}],
    }  # fmt: skip
    path = tmp_path / "list.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def robustness(stores, listed, tmp_path):
    """Runs the command on the shared store and into one folder; its status and what it said."""

    def run(model, *options, status=0):
        where = [stores["fashionvideo"], tmp_path / "sweep", "--benchmark", listed]
        done = CliRunner().invoke(main, ["robustness", model, *map(str, where), *map(str, options)])
        assert done.exit_code == status, done.output
        return done.output

    return run


def ssim(folder, role="model"):
    """SSIM by severity; 0 is clean."""
    cells = read_robustness(folder).cells
    chosen = cells[(cells["metric"] == "ssim-v1") & (cells["role"] == role)]
    return chosen.set_index("severity")["value"]


def test_a_model_of_ours(robustness, tmp_path):
    out = tmp_path / "sweep"
    planned = json.loads(robustness("mesh_warp", *METRICS, "--dry-run"))
    assert planned["cells"] == ["jitter-2-0", "jitter-5-0"]
    assert not out.exists()
    said = robustness("mesh_warp", *METRICS)
    table = said.splitlines()
    assert table[0].split()[:4] == ["kind", "metric", "clean", "auc"]
    assert {line.split()[1] for line in table[1:4]} == {"ssim-v1", "l1-v1", "flicker-v1"}
    for name in ("curves.csv", "summary.csv", "curves.svg", "curves.png"):
        assert (out / name).is_file()
        assert str(out / name) in said
    assert f"{out}: 7 scored" in said
    assert ssim(out).is_monotonic_decreasing
    assert ssim(out, "control").is_monotonic_decreasing
    assert ssim(out, "control")[0] == 1
    assert ssim(out)[0] > ssim(out, "floor")[0]
    assert "0 scored, 7 were there already" in robustness("mesh_warp", *METRICS)
    refused = robustness("keypoint_warp", *METRICS, status=2)
    assert refused.count("\n") == 1
    assert "model: 'mesh_warp', now 'keypoint_warp'" in refused


def test_a_stranger_who_runs_elsewhere(robustness, tmp_path):
    """Exported OpenPose files and skeleton videos, a script outside the package, outputs, a curve."""
    out, given = tmp_path / "sweep", tmp_path / "given"
    said = robustness("neck", "--export", "openpose-json,skeleton-mp4")
    assert f"next: run neck on each folder of {out / 'inputs'}" in said
    script = tmp_path / "stranger.py"
    script.write_text(STRANGER)
    for cell in ("clean", "jitter-2-0", "jitter-5-0"):
        command = [sys.executable, "-I", script, out / "inputs" / cell, given / cell]
        subprocess.run(command, check=True)
    said = robustness("neck", "--outputs", given, *METRICS)
    assert f"{out}: 7 scored" in said
    found = read_robustness(out)
    assert (found.model, found.kind) == ("neck", "claimed")
    assert ssim(out).is_monotonic_decreasing
    assert ssim(out)[0] > ssim(out)[5] + 0.02
    assert {2, 5} <= set(pd.read_csv(out / "curves.csv")["severity"])


def test_a_stranger_without_some_cells(robustness, tmp_path):
    out, given = tmp_path / "sweep", tmp_path / "given"
    (tmp_path / "stranger.py").write_text(STRANGER)
    robustness("neck", "--export", "openpose-json,skeleton-mp4", "--severities", "2")
    for cell in ("clean", "jitter-2-0"):
        command = [sys.executable, "-I", tmp_path / "stranger.py", out / "inputs" / cell, given / cell]
        subprocess.run(command, check=True)
    said = robustness("neck", "--outputs", given, *METRICS, "--no-control", status=1)
    assert (
        "  jitter-5-0: expected outputs in a folder jitter-5-0 of the one that is given, found none" in said
    )
    assert ssim(out).index.tolist() == [0, 2]


def test_a_program(robustness, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    line = f"{sys.executable} -I {tmp_path / 'program.py'} {{source}} {{poses}} {{out}}"
    robustness("neck", "--command", line, *METRICS, "--no-control")
    assert ssim(tmp_path / "sweep").is_monotonic_decreasing
    assert read_robustness(tmp_path / "sweep").kind == "model"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--severities", "x"], "expected whole numbers for --severities, such as 1,3, got 'x'"),
        (["--severities", "3"], "expected severities among 2, 5, got 3"),
        (["--kinds", "lag"], "expected a known kind of mine-noisy-v1, got 'lag'"),
        (["--layout", "auto"], "expected --layout beside --outputs only"),
        (["--timeout", "3"], "expected --timeout beside --command only"),
        (["--export", "openpose-json", "--metrics", "ssim-v1"], "expected no --metrics beside --export"),
        (["--outputs", "x", "--seed", "1"], "expected no --seed beside --outputs"),
        (["--command", "x {out}", "--checkpoint", "x"], "expected no --checkpoint beside --command"),
        (["--outputs", "x"], "a model that runs elsewhere, got mesh_warp, a model that is installed"),
    ],
)
def test_what_makes_no_sense_is_one_line(robustness, options, text):
    said = robustness("mesh_warp", *options, status=2)
    assert said.count("\n") == 1
    assert text in said
