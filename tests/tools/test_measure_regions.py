"""Regions of two clips by hand: a triangle that stays, and one that comes out from behind it.

Frames are 32 × 32. Each triangle covers 5 + 4 + 3 + 2 + 1 = 15 pixels. In frame 0, the source, the far one
lies behind the near one; in frame 1 it lies by itself, where the source does not show it; in frame 2 it is
back.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest

from vptbench.clip import Clip, Mesh
from vptbench.outputs import schema as outputs_schema
from vptbench.outputs.writer import frames_to_output, output_path, write_outputs_manifest
from vptbench.skeleton import missing_keypoints
from vptbench.store import schema
from vptbench.store.writer import ClipParts, clip_path, clip_to_file, write_clips_table, write_store_manifest

SIZE, GREY, OFF = 32, 100, 151
NEAR, FAR, OUT = (5, 5, 1), (5, 5, 9), (18, 18, 9)
HALF_OUT, NEVER_OUT = (FAR, OUT, FAR), (FAR, FAR, FAR)
"""Where the far triangle lies in each frame."""

L1 = (OFF - GREY) / 255
SSIM = (2 * GREY * OFF + 2.55**2) / (GREY**2 + OFF**2 + 2.55**2)
"""Of a pixel all of whose window is constant in both frames: variances and covariance are 0."""


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "tools"))
    return importlib.import_module("measure_regions")


def triangle(x, y, depth):
    return [(x, y, depth), (x + 4, y, depth), (x, y + 4, depth)]


def make_clip(far, name="a"):
    """A grey clip of three frames."""
    vertices = np.array([triangle(*NEAR) + triangle(*place) for place in far], np.float32)
    faces, weights = np.array([[0, 2, 1], [3, 5, 4]], np.int32), np.full((6, 25), 1 / 25, np.float32)
    frames = np.full((3, SIZE, SIZE, 3), GREY, np.uint8)
    return Clip(name, "test", frames, missing_keypoints(3), 25.0, mesh=Mesh(vertices, faces, weights))


def make_generated(clip):
    """Equal to the clip but for frame 1, where the far triangle comes out, as far as its windows reach: 15².

    The source frame is wrong all over, which must not count.
    """
    generated = np.array(clip.frames)
    generated[0], generated[1, 13:28, 13:28] = 255, OFF
    return generated


def test_shares_and_differences_by_hand(tool):
    clip = make_clip(HALF_OUT)
    found = tool.measure_clip(clip, 0, [1, 2], make_generated(clip)[1:])
    # Pixels of the body: 30 in frame 1, 15 in frame 2; hidden: the 15 of the far one in frame 1, none in 2.
    assert [found[region].share * SIZE**2 for region in found] == pytest.approx([SIZE**2, 22.5, 7.5])
    # Of the body's 45 pixels in both frames the far one's 15 of frame 1 differ; hidden are these alone.
    expected = [L1 * 15**2 / SIZE**2 / 2, L1 / 3, L1]
    assert [found[region].l1 for region in found] == pytest.approx(expected)
    assert found["body"].ssim == pytest.approx((SSIM + 2) / 3)
    assert found["hidden"].ssim == pytest.approx(SSIM)
    assert list(found) == ["whole", "body", "hidden"]


def test_the_source_decides_on_what_is_hidden(tool):
    """Frame 1 shows all, so nothing of frame 0 is hidden there, and what is empty has no figures."""
    clip = make_clip(HALF_OUT)
    found = tool.measure_clip(clip, 1, [0], np.full((1, SIZE, SIZE, 3), OFF, np.uint8))
    assert found["body"] == pytest.approx((15 / SIZE**2, L1, SSIM))
    assert found["hidden"] == pytest.approx((0, np.nan, np.nan), nan_ok=True)


@pytest.fixture
def folders(tmp_path):
    """A store of a clip where the far triangle comes out and one where it does not, and their outputs."""
    clips = [make_clip(HALF_OUT), make_clip(NEVER_OUT, "b")]
    entries = {}
    for clip in clips:
        attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {
            "clip": clip.id, "split": "test", "fps": 25.0, "settings": {},
        }  # fmt: skip
        shape = (3, SIZE, SIZE)
        parts = ClipParts(attributes, shape, [clip.frames], clip.keypoints, None, clip.mesh, {})
        clip_to_file(parts, clip_path(tmp_path / "store", "test", clip.id))
        generated = make_generated(clip) if clip.id == "a" else clip.frames
        frames_to_output(generated, output_path(tmp_path / "made", clip.id))
        entries[clip.id] = {
            "kind": outputs_schema.PNG_FOLDER, "path": f"{outputs_schema.FRAMES_FOLDER}/{clip.id}",
            "first": 0, "count": 3, "size": [SIZE, SIZE], "source": {"clip": clip.id, "frame": 0},
        }  # fmt: skip
    write_clips_table(tmp_path / "store", [(clip.id, "test", 3, SIZE, SIZE, 25.0, "x") for clip in clips])
    write_store_manifest(tmp_path / "store", {"complete": True})
    facts = dict.fromkeys(outputs_schema.IDENTITY, "x") | {"clips": ["a", "b"], "complete": True}
    facts |= {"store": {}, "entries": entries, "failures": {}, "cost": {}}
    write_outputs_manifest(tmp_path / "made", facts)
    return tmp_path / "store", tmp_path / "made"


def test_a_table_has_means_over_clips_and_leaves_out_regions_that_are_empty(tool, folders, capsys):
    tool.main([*map(str, folders)])
    head, *lines = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["outputs", "region", "share", "L1", "SSIM"]
    assert [line[:2] for line in lines] == [["made", region] for region in ("whole", "body", "hidden")]
    # Clip b is equal in all frames, its body has 15 pixels, and nothing of it is hidden.
    assert [float(line[2]) for line in lines] == pytest.approx(
        [1, (22.5 + 15) / 2 / SIZE**2, 7.5 / 2 / SIZE**2], abs=5e-4
    )
    assert [float(line[3]) for line in lines[1:]] == pytest.approx([L1 / 3 / 2, L1], abs=5e-5)
    body = (SSIM + 2) / 3
    assert [float(line[4]) for line in lines[1:]] == pytest.approx([(body + 1) / 2, SSIM], abs=5e-5)


def test_without_outputs_the_tool_says_how_to_call_it(tool, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        tool.main([str(tmp_path)])
    assert "required: outputs" in capsys.readouterr().err
