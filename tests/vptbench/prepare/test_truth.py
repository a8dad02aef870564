"""Ground truth is read lazily and checked whole."""

import numpy as np
import pytest

from vptbench.errors import DatasetError
from vptbench.prepare.truth import SHAPES, opened_truth


@pytest.fixture
def truth(fashion):
    arrays = fashion.add("a")
    return fashion.path / "truth" / "a.npz", arrays


def test_what_was_written_is_read(truth):
    path, arrays = truth
    with opened_truth(path, 10, (96, 72)) as read:
        for name in SHAPES:
            found = getattr(read, name)
            np.testing.assert_array_equal(found if isinstance(found, np.ndarray) else found[:], arrays[name])
        assert read.body == "a-body-v1"
        np.testing.assert_array_equal(read.vertices[7], arrays["vertices"][7])
        np.testing.assert_array_equal(read.vertices[2:5], arrays["vertices"][2:5])  # backwards too


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vertices": np.zeros((10, 8, 2), np.float32)}, r"vertices: expected float32 \(10, 8, 3\), found"),
        (
            {"mask": np.zeros((9, 96, 72), bool)},
            r"mask: expected bool \(10, 96, 72\), found bool \(9, 96, 72\)",
        ),
        ({"faces": np.zeros((12, 3))}, r"faces: expected int32 \(12, 3\), found float64"),
        ({"joint_weights": np.zeros((7, 25), np.float32)}, r"joint_weights: expected float32 \(8, 25\)"),
        ({"keypoints": np.full((10, 25, 3), 2, np.float32)}, r"expected confidence in \[0, 1\]"),
        ({"camera": None}, r"damaged or foreign file \(.*camera"),
        ({"pose": np.array([object()])}, r"damaged or foreign file \(Object arrays cannot be loaded"),
        (
            {"vertices": np.zeros((3, 8, 10), np.float32).T},
            r"damaged or foreign file \(vertices in Fortran order",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(truth, change, message):
    path, arrays = truth
    np.savez(path, **{name: array for name, array in (arrays | change).items() if array is not None})
    with pytest.raises(DatasetError, match=message), opened_truth(path, 10, (96, 72)):
        pass


CUBE = np.array([[x, y, z] for x in (0, 9) for y in (0, 9) for z in (0, 9)], np.float32)
OUTWARD = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ], np.int32,
)  # fmt: skip


def test_a_mesh_turned_inside_out_is_refused(truth):
    path, arrays = truth
    vertices = np.tile(CUBE, (10, 1, 1))
    np.savez(path, **arrays | {"vertices": vertices, "faces": OUTWARD})
    with opened_truth(path, 10, (96, 72)) as read:
        np.testing.assert_array_equal(read.faces, OUTWARD)
    for faces, message in (
        (
            OUTWARD[:, ::-1],
            "counter-clockwise seen from outside, found a surface turned inside out; exchange two",
        ),
        (OUTWARD + 1, r"faces: expected vertex numbers in 0\.\.7, found 1\.\.8"),
    ):
        np.savez(path, **arrays | {"vertices": vertices, "faces": faces})
        with pytest.raises(DatasetError, match=message), opened_truth(path, 10, (96, 72)):
            pass


def test_damaged_files_are_refused(truth):
    path, _ = truth
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="expected a clip's ground truth, found a damaged"):
        opened_truth(path, 10, (96, 72)).__enter__()
    start = whole.index(b"mask.npy") + 200
    path.write_bytes(whole[:start] + b"\0" * 50 + whole[start + 50 :])
    with pytest.raises(DatasetError, match="found a damaged"), opened_truth(path, 10, (96, 72)) as read:
        read.mask[0:10]
