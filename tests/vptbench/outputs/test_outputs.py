"""Writer, reader and check of vptbench's own outputs, against each other."""

import errno
import json

import numpy as np
import pytest

from vptbench.errors import ManifestError, OutputError, RegistryError, ShapeError, VideoError
from vptbench.image import write_image
from vptbench.outputs import schema, writer
from vptbench.outputs.check import outputs_to_problems
from vptbench.outputs.reader import open_outputs
from vptbench.outputs.writer import frames_to_output, output_path, write_outputs_manifest

SIZE = (12, 10)


def make_frames(count=4, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SIZE, 3), np.uint8)


def manifest():
    entries = {
        clip: {
            "kind": "png-folder", "path": f"frames/{clip}", "first": first, "count": 4, "size": list(SIZE),
            "source": {"clip": clip, "frame": 0},
        }
        for clip, first in (("001/9/1", 0), ("b", 3))
    }  # fmt: skip
    facts = dict.fromkeys(schema.IDENTITY, "x") | {"clips": ["001/9/1", "b"], "complete": True}
    return facts | {"store": {}, "entries": entries, "failures": {}, "cost": {}}


@pytest.fixture
def outputs(tmp_path):
    folder = tmp_path / "outputs"
    frames_to_output(make_frames(), output_path(folder, "001/9/1"))
    frames_to_output(make_frames(seed=1), output_path(folder, "b"), first=3)
    write_outputs_manifest(folder, manifest())
    return folder


def rewrite(folder, change):
    path = folder / schema.MANIFEST
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_what_was_written_is_read(outputs):
    opened = open_outputs(outputs)
    assert opened.ids == ("001/9/1", "b")
    assert opened.numbers("b") == (3, 4, 5, 6)
    np.testing.assert_array_equal(opened.frames("001/9/1", range(4)), make_frames())
    np.testing.assert_array_equal(opened.frames("b", [6, 3]), make_frames(seed=1)[[3, 0]])
    assert (outputs / "frames" / "b" / "00003.png").is_file()
    assert outputs_to_problems(outputs) == []


def test_writing_again_replaces_and_leaves_no_parts(outputs):
    frames_to_output(make_frames(2, seed=5), output_path(outputs, "b"))
    assert sorted(file.name for file in (outputs / "frames" / "b").iterdir()) == ["00000.png", "00001.png"]
    assert not list(outputs.rglob("*.part"))


def test_a_failed_write_leaves_what_was_there(outputs):
    with pytest.raises(ShapeError, match=r"expected a picture uint8 \(H, W, 3\)"):
        frames_to_output([make_frames()[0], np.zeros(SIZE)], output_path(outputs, "b"), first=3)
    assert outputs_to_problems(outputs) == []


def test_a_full_disk_names_the_folder(outputs, monkeypatch):
    def refuse(_path, _frame):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "write_image", refuse)
    with pytest.raises(OSError, match=r"No space left on device: '.*frames/b'"):
        frames_to_output(make_frames(), output_path(outputs, "b"), first=3)
    assert outputs_to_problems(outputs) == []


def test_ids_that_climb_out_are_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a clip id that is a plain relative name"):
        output_path(tmp_path, "../b")


def test_a_path_that_climbs_out_is_refused(outputs):
    rewrite(outputs, lambda document: document["entries"]["b"].update(path="../../elsewhere"))
    with pytest.raises(ManifestError, match=r"expected a path of an entry that is a plain relative name"):
        open_outputs(outputs).frames("b", [3])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: d.update(version=2), ManifestError, "expected version 1 of vptbench-outputs, found 2"),
        (lambda d: d.update(format="vptbench-store"), ManifestError, "expected format 'vptbench-outputs'"),
        (lambda d: d.pop("cost"), OutputError, "expected cost, found none; generate again"),
        (lambda d: d.update(entries=[]), OutputError, "expected entries, found none"),
        (lambda d: d["entries"]["b"].update(kind="gif"), OutputError, "of kind 'png-folder' .* for b, found"),
        (lambda d: d["entries"]["b"].pop("count"), OutputError, "for b, found another"),
        (lambda d: d["entries"]["b"].update(count=-1), OutputError, "for b, found another"),
        (lambda d: d["entries"]["b"].update(size=12), OutputError, "for b, found another"),
        (lambda d: d["entries"]["b"].update(path=None), OutputError, "for b, found another"),
        (lambda d: d.update(failures=[], cost=1), OutputError, "expected cost, failures, found none"),
        (lambda d: d.update(clips=[["b"]]), OutputError, "expected clips, found none"),
    ],
)
def test_a_manifest_that_says_otherwise_is_refused(outputs, change, error, message):
    rewrite(outputs, change)
    with pytest.raises(error, match=message):
        open_outputs(outputs)


def test_what_is_no_outputs_is_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a folder with outputs.json .* found none"):
        open_outputs(tmp_path)


def test_asking_for_what_is_not_there_is_refused(outputs):
    opened = open_outputs(outputs)
    with pytest.raises(RegistryError, match=r"expected a known clip of .*outputs, got 'c'"):
        opened.frames("c", [0])
    with pytest.raises(OutputError, match=r"clip b: expected frames 0, 7, found 4 others"):
        opened.frames("b", [0, 3, 7])
    with pytest.raises(OutputError, match=r"expected frames 10, 11, 12, 13, 14, 15, 16, 17 and 2 more"):
        opened.frames("b", range(10, 20))
    with pytest.raises(OutputError, match=r"expected at least one frame to be asked for"):
        opened.frames("b", [])


def test_a_damaged_picture_is_refused_and_named(outputs):
    (outputs / "frames" / "b" / "00004.png").write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"00004.png: expected a PNG, JPEG or WebP picture"):
        open_outputs(outputs).frames("b", [3, 4])


def test_another_size_is_refused_and_named(outputs):
    write_image(outputs / "frames" / "b" / "00004.png", np.zeros((12, 11, 3), np.uint8))
    with pytest.raises(OutputError, match=r"00004.png: expected 12×10 as in 00003.png, found 12×11"):
        open_outputs(outputs).frames("b", [3, 4])


def damage_picture(folder):
    (folder / "frames" / "b" / "00004.png").write_bytes(b"")


def delete_picture(folder):
    (folder / "frames" / "b" / "00004.png").unlink()


def resize_picture(folder):
    write_image(folder / "frames" / "b" / "00004.png", np.zeros((12, 11, 3), np.uint8))


def add_picture(folder):
    write_image(folder / "frames" / "b" / "00007.png", np.zeros((12, 10, 3), np.uint8))


def forget_clip(folder):
    def change(document):
        del document["entries"]["b"]
        document["failures"]["b"] = "no mesh"

    rewrite(folder, change)


@pytest.mark.parametrize(
    ("damage", "problems"),
    [
        (damage_picture, ["b: .*00004.png: expected a PNG.*found 0 bytes.*generate again"]),
        (delete_picture, [r"b: expected 4 pictures, found 3 \(00004.png is missing\); delete .*frames/b"]),
        (resize_picture, ["b: 00004.png: expected 12×10, found 12×11"]),
        (add_picture, ["frames/b: holds files that no entry of outputs.json names; delete them"]),
        (
            forget_clip,
            [r"b: expected frames, found none \(no mesh\); generate again", "frames/b: holds files"],
        ),
    ],
)
def test_check_names_what_is_wrong(outputs, damage, problems):
    damage(outputs)
    found = outputs_to_problems(outputs)
    assert len(found) == len(problems)
    for text, pattern in zip(found, problems, strict=True):
        with pytest.raises(AssertionError, match=pattern):
            raise AssertionError(text)
