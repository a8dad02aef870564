"""Runs MediaPipe's pose model in an interpreter of its own: frames come in, landmarks go out.

MediaPipe 0.10.21 needs protobuf 4, which this package's own environment may not have, so `mediapipe.py`
starts this file as a program, perhaps with an older Python and without vptbench.

Standard input: one line of JSON ``{"height": H, "width": W}``, then frames of H × W × 3 bytes RGB. Standard
output: one line of JSON ``{"version": …}``, then for each frame 33 × 4 little-endian float32: x and y in
widths and heights of the frame, visibility, and presence; all NaN where nobody is found.

With the argument ``probe`` it writes its first line and ends.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any, BinaryIO

LANDMARKS, COLUMNS = 33, 4

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    """Serve frames until the input ends."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get among the numbers
    mediapipe = _import_mediapipe()
    pose = mediapipe.solutions.pose
    _write(output, json.dumps({"version": mediapipe.__version__}).encode() + b"\n")
    if "probe" in arguments:
        return
    with pose.Pose(static_image_mode=False, model_complexity=1, smooth_landmarks=False) as model:
        _serve(model, sys.stdin.buffer, output)


def _serve(model: Any, stream: BinaryIO, output: BinaryIO) -> None:
    import numpy as np  # noqa: PLC0415 - of the interpreter that MediaPipe is installed in

    size = json.loads(stream.readline())
    shape = (size["height"], size["width"], 3)
    while len(data := stream.read(shape[0] * shape[1] * 3)) == shape[0] * shape[1] * 3:
        found = model.process(np.frombuffer(data, np.uint8).reshape(shape)).pose_landmarks
        points = np.full((LANDMARKS, COLUMNS), np.nan, "<f4")
        if found is not None:
            points[:] = [(mark.x, mark.y, mark.visibility, mark.presence) for mark in found.landmark]
        _write(output, points.tobytes())


def _write(output: BinaryIO, data: bytes) -> None:
    output.write(data)
    output.flush()


def _import_mediapipe() -> Any:
    """MediaPipe, not the file of that name beside this one; its drawing helpers may lack matplotlib."""
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != HERE]
    try:
        importlib.import_module("matplotlib.pyplot")
    except ImportError:
        pyplot = types.ModuleType("matplotlib.pyplot")
        package = types.ModuleType("matplotlib")
        package.__dict__["pyplot"] = pyplot
        sys.modules.update({"matplotlib": package, "matplotlib.pyplot": pyplot})
    return importlib.import_module("mediapipe")


if __name__ == "__main__":
    main(sys.argv[1:])
