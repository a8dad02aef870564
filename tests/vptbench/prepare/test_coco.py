"""COCO-like JSON in its three forms, strictly."""

import json

import numpy as np
import pytest

from vptbench.errors import PoseError
from vptbench.prepare.coco import read_coco
from vptbench.skeleton import BODY_25

T = 5


def points(K=17, shift=0.0, score=0.9):
    """Point k lies at (10 + 2k + shift, 20 + 3k)."""
    k = np.arange(K)
    return np.stack([10 + 2 * k + shift, 20 + 3 * k, np.full(K, score)], axis=1)


def flat(array):
    return [float(value) for value in array.ravel()]


def results(K=17, first=0, name="{}"):
    return [
        {
            "image_id": name.format(t + first),
            "category_id": 1,
            "keypoints": flat(points(K, shift=t)),
            "score": 1,
        }
        for t in range(T)
    ]


@pytest.fixture
def write(tmp_path):
    def _write(document):
        path = tmp_path / "a.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return _write


def joint(found, name):
    return found[..., BODY_25.index(name), :]


def check(found):
    """Everything of `points` where it belongs: 0 is the nose, 5 the left shoulder, 16 the right ankle."""
    t = np.arange(T)
    for name, k in (("Nose", 0), ("LShoulder", 5), ("RAnkle", 16), ("LEar", 3)):
        np.testing.assert_allclose(
            joint(found, name),
            np.stack([10 + 2 * k + t, np.full(T, 20 + 3 * k), np.full(T, 0.9)], 1),
            atol=1e-5,
        )
    np.testing.assert_allclose(joint(found, "Neck")[:, 0], 10 + 2 * 5.5 + t, atol=1e-5)
    np.testing.assert_allclose(joint(found, "MidHip")[:, 1], 20 + 3 * 11.5, atol=1e-5)


@pytest.mark.parametrize("name", ["{}.jpg", "{:05d}.png", "clip7_{:03d}.jpg", "folder/{}.jpg"])
@pytest.mark.parametrize("first", [0, 1])
def test_results_with_names_counted_from_0_or_1(write, name, first):
    check(
        read_coco(write([row | {"image_id": name.format(t + first)} for t, row in enumerate(results())]), T)
    )


def test_numbers_for_names(write):
    check(read_coco(write([row | {"image_id": t} for t, row in enumerate(results())]), T))


def test_cocos_own_form_goes_by_file_names_and_flags(write):
    rows = [row | {"image_id": 900 + t} for t, row in enumerate(results())]
    for row in rows:
        row["keypoints"] = flat(points(shift=row["image_id"] - 900, score=2))
        row["keypoints"][2] = 1
        row["keypoints"][5] = 0
    document = {
        "annotations": rows,
        "images": [{"id": 900 + t, "file_name": f"{t:012d}.jpg"} for t in range(T)],
    }
    found = read_coco(write(document), T)
    np.testing.assert_array_equal(joint(found, "Nose")[:, 2], 0.5)
    assert np.isnan(joint(found, "LEye")[:, 0]).all()
    np.testing.assert_array_equal(joint(found, "LKnee")[:, 2], 1)


def test_mmposes_frames(write):
    def person(t):
        array = points(133, shift=t)
        return {"keypoints": array[:, :2].tolist(), "keypoint_scores": array[:, 2].tolist()}

    frames = [{"frame_id": t + 1, "instances": [person(t)]} for t in range(T)]
    found = read_coco(write({"meta_info": {}, "instance_info": frames}), T)
    check(found)
    for name, k in (("LBigToe", 17), ("LSmallToe", 18), ("LHeel", 19), ("RBigToe", 20), ("RHeel", 22)):
        np.testing.assert_allclose(joint(found, name)[0], (10 + 2 * k, 20 + 3 * k, 0.9), atol=1e-5)
    frames[0]["instances"] = []
    assert np.isnan(read_coco(write(frames), T)[0, :, 0]).all()


def test_coco_lacks_feet_and_halpe_has_a_neck(write):
    found = read_coco(write(results(17)), T)
    assert (found[:, 19:, 2] == 0).all()
    assert (found[:, :19, 2] > 0).all()
    halpe = read_coco(write(results(26)), T)
    np.testing.assert_allclose(joint(halpe, "Neck")[0], (10 + 2 * 18, 20 + 3 * 18, 0.9), atol=1e-5)
    np.testing.assert_allclose(joint(halpe, "RSmallToe")[0], (10 + 2 * 23, 20 + 3 * 23, 0.9), atol=1e-5)


def test_frames_without_an_annotation_are_marked_and_one_person_is_followed(write):
    rows = [row for t, row in enumerate(results()) if t != 3]
    rows += [row | {"keypoints": flat(points(shift=200) * (1, 0.4, 1))} for row in rows]
    found = read_coco(write(rows[::-1]), T)
    assert np.isnan(found[3, :, 0]).all()
    np.testing.assert_allclose(joint(found, "Nose")[[0, 1, 2, 4], 0], (10, 11, 12, 14), atol=1e-5)


def test_scores_above_one_and_below_zero(write):
    rows = results()
    for row in rows:
        row["keypoints"][2], row["keypoints"][5] = 1.2, -0.1
    found = read_coco(write(rows), T)
    assert (joint(found, "Nose")[:, 2] == 1).all()
    assert (joint(found, "LEye")[:, 2] == 0).all()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "expected JSON, found something else"),
        ("[" * 100_000, "expected JSON, found something else"),
        ({"people": []}, "expected COCO's annotations or MMPose's frames, found neither"),
        ([[1, 2]], "expected COCO's annotations or MMPose's frames, found neither"),
        (results(18), "expected 17, 26, 133 keypoints a person, found 18"),
        (results(25), "found 25; write COCO or COCO-WholeBody, or OpenPose's BODY_25 in its own format"),
        ([{"image_id": 0, "keypoints": "no"}], "expected x, y and a confidence of each keypoint"),
        ([{"image_id": 0}], "expected x, y and a confidence of each keypoint"),
        ([{"image_id": 0, "keypoints": [1.0] * 50}], "expected x, y and a confidence of each keypoint"),
        ([{"image_id": 0, "keypoints": [float("nan")] * 51}], "expected finite keypoints, found others"),
        (
            [{"image_id": "a.jpg", "keypoints": [1.0] * 51}],
            "expected a frame number in each image_id, found 'a.jpg'",
        ),
        ([{"image_id": 0.5, "keypoints": [1.0] * 51}], "expected a frame number in each image_id, found 0.5"),
        ([{"frame_id": 0, "instances": 7}], "expected a list of instances in each frame"),
        (results(first=2), "expected pictures 0 to 4 or 1 to 5, .* found 2 to 6; mend the image_ids"),
        (results()[1:4], "with an entry for 0 or 5 at least, found 1 to 3"),
        (results() + results(first=1), "found 0 to 5"),
    ],
)
def test_what_cannot_be_read_is_refused(write, document, message):
    path = write(document)
    with pytest.raises(PoseError, match=message) as error:
        read_coco(path, T)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
