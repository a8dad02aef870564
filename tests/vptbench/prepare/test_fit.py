"""The fit as a whole, on the shipped body's own keypoints: what went in comes out in the picture."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from vptbench.body.asset import load_body
from vptbench.body.model import (
    BodyModel,
    body_to_keypoints,
    body_to_vertices,
    project,
    rotation_vectors_to_matrices,
)
from vptbench.errors import PoseError, ShapeError, UsageError
from vptbench.prepare import bodies
from vptbench.prepare.crop import keypoints_to_box
from vptbench.prepare.fit import (
    BodyFit,
    FitSettings,
    fit_to_mesh,
    fit_to_vertices,
    keypoints_to_body,
    vertices_to_mask,
)
from vptbench.prepare.fit_terms import load_habits
from vptbench.skeleton import BODY_25, MIRROR, missing_keypoints

NAMES = load_body().joint_names
FACES = load_body().faces
FPS = 30.0
LEFT_ARM_AND_LEG = [
    BODY_25.index(f"L{part}") for part in ("Elbow", "Wrist", "Knee", "Ankle", "BigToe", "Heel")
]

HEADINGS = {
    "front": lambda t: 0 * t,
    "back": lambda t: 180 + 0 * t,
    "side": lambda t: 90 + 0 * t,
    "other side": lambda t: -90 + 0 * t,
    "one way": lambda t: 360 * t,
    "both ways": lambda t: 100 * np.sin(2 * np.pi * t),
}
"""Degrees over the clip's time, 0 to 1."""


class Walker:
    """A person of a shape of her own who walks on the spot and grows a little in the picture."""

    def __init__(self, heading="front", frames=48, cycle=30):
        time = np.arange(frames)
        swing = np.sin(2 * np.pi * time / cycle)
        pose = np.concatenate([np.zeros((frames, 1, 3)), load_habits().mean.repeat(frames, 1, 1).numpy()], 1)
        self.yaw = np.radians(HEADINGS[heading](time / frames))
        pose[:, 0, 2] = self.yaw
        for side, sign in (("L", 1), ("R", -1)):
            pose[:, NAMES.index(f"upperleg01.{side}"), 0] = -0.4 * sign * swing
            pose[:, NAMES.index(f"lowerleg01.{side}"), 0] = 0.3 * (
                1 + sign * np.sin(2 * np.pi * time / cycle + 0.8)
            )
            pose[:, NAMES.index(f"upperarm01.{side}"), 0] += 0.3 * sign * swing
        self.camera = np.stack([130 + 0.1 * time, 128 + 6 * swing, np.full(frames, 132.0)], 1).astype(
            np.float32
        )
        self.pose, self.shape = pose.astype(np.float32), np.zeros(12, np.float32)
        self.shape[:3] = 1.0, -0.8, 0.5
        self.keypoints = np.ones((frames, 25, 3), np.float32)
        self.keypoints[..., :2] = self._project(body_to_keypoints)[..., :2]
        self.vertices = self._project(body_to_vertices)

    def _project(self, to_points):
        rotations = rotation_vectors_to_matrices(torch.from_numpy(self.pose))
        points = to_points(BodyModel.load(), rotations, torch.from_numpy(self.shape))
        camera = torch.from_numpy(self.camera)
        return project(points, camera[:, 0], camera[:, 1:]).numpy()


def _hide(keypoints, rows, joints=slice(None)):
    hidden = keypoints.copy()
    for row in rows:
        hidden[row, joints] = (np.nan, np.nan, 0)
    return hidden


def _distance(fit, walker):
    """Mean distance in pixels of the fitted from the true vertices in each frame, (T,)."""
    return np.linalg.norm((fit_to_vertices(fit) - walker.vertices)[..., :2], axis=-1).mean(1)


def _heading_error(fit, walker):
    facing = -Rotation.from_rotvec(fit.pose[:, 0]).as_matrix()[:, :2, 1]
    yaw = np.arctan2(facing[:, 0], -facing[:, 1])
    return np.degrees(np.abs(np.angle(np.exp(1j * (yaw - walker.yaw)))))


@pytest.mark.parametrize("heading", HEADINGS)
def test_exact_keypoints_are_met(heading):
    walker = Walker(heading)
    fit = keypoints_to_body(walker.keypoints, fps=FPS)
    assert fit.residual.mean() < 0.5
    assert _heading_error(fit, walker).mean() < 5
    assert _distance(fit, walker).mean() < 1.5
    masks = [(vertices_to_mask(a, FACES, (256, 256)), vertices_to_mask(b, FACES, (256, 256)))
             for a, b in zip(fit_to_vertices(fit)[::8], walker.vertices[::8], strict=True)]  # fmt: skip
    assert min((a & b).sum() / (a | b).sum() for a, b in masks) > 0.9


@pytest.mark.parametrize("heading", ["side", "both ways"])
def test_noise_is_smoothed(heading):
    walker = Walker(heading, frames=60)
    rng = np.random.default_rng(0)
    noisy = walker.keypoints.copy()
    noisy[..., :2] += rng.normal(0, 2, noisy[..., :2].shape)
    fit = keypoints_to_body(noisy, fps=FPS)
    assert 1.5 < fit.residual.mean() < 2.6  # the noise itself is 2.5 long on average
    assert _distance(fit, walker).mean() < 2.2
    assert _heading_error(fit, walker).mean() < 12


def test_the_fit_says_what_it_is():
    walker = Walker(frames=5)
    fit = keypoints_to_body(walker.keypoints, fps=FPS)
    shapes = {"pose": (5, 18, 3), "shape": (12,), "camera": (5, 3), "residual": (5,), "confidence": (5,)}
    for name, shape in shapes.items():
        array = getattr(fit, name)
        assert (array.shape, array.dtype) == (shape, np.float32), name
    np.testing.assert_array_equal(fit.confidence, 1)
    assert fit.body == load_body().name
    assert fit.iterations > 0
    assert fit.loss > 0


def test_hidden_joints_cost_nothing_and_are_guessed():
    walker = Walker("one way")
    fit = keypoints_to_body(_hide(walker.keypoints, range(12, 30), LEFT_ARM_AND_LEG), fps=FPS)
    assert fit.residual.mean() < 0.5
    assert fit.confidence[20] == pytest.approx(19 / 25)
    assert _distance(fit, walker)[:10].mean() < 2
    assert _distance(fit, walker)[12:30].mean() < 8
    assert _heading_error(fit, walker).mean() < 8


@pytest.mark.parametrize(
    ("heading", "frames", "worst"), [("back", 48, 4), ("front", 90, 4), ("both ways", 60, 30)]
)
def test_frames_with_sides_mixed_up_do_not_turn_the_body_round(heading, frames, worst):
    walker = Walker(heading, frames=frames)
    mixed = np.array([0, 7, 20, 21, frames - 14])
    wrong = walker.keypoints.copy()
    wrong[mixed] = wrong[mixed][:, list(MIRROR)]
    fit = keypoints_to_body(wrong, fps=FPS)
    assert _heading_error(fit, walker).max() < 40
    assert _distance(fit, walker)[mixed].max() < worst  # in a side view it cannot be told from crossed legs
    assert np.median(_distance(fit, walker)) < 1.5
    assert fit.residual[mixed].min() > 2 * np.median(fit.residual)


def test_a_joint_of_low_confidence_hardly_counts():
    walker = Walker(frames=10)
    wrong = walker.keypoints.copy()
    wrong[:, BODY_25.index("RWrist")] += (40, 0, -0.9)
    doubted = keypoints_to_body(wrong, fps=FPS)
    wrong[:, BODY_25.index("RWrist"), 2] = 1
    believed = keypoints_to_body(wrong, fps=FPS)
    assert _distance(doubted, walker).mean() < _distance(believed, walker).mean()
    assert np.nanmean(doubted.residual) < np.nanmean(believed.residual)  # below 0.3 it is not counted at all


@pytest.mark.parametrize("empty", [range(20, 26), range(4), range(44, 48)])
def test_frames_without_a_person_are_bridged_and_marked(empty):
    walker = Walker("one way")
    fit = keypoints_to_body(_hide(walker.keypoints, empty), fps=FPS)
    rest = np.setdiff1d(np.arange(48), empty)
    np.testing.assert_array_equal(np.flatnonzero(fit.confidence == 0), empty)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(fit.residual)), empty)
    assert fit.residual[rest].mean() < 0.5
    assert _distance(fit, walker)[empty].max() < 25
    steps = np.linalg.norm(np.diff(fit_to_vertices(fit)[..., :2], axis=0), axis=-1).mean(1)
    true_steps = np.linalg.norm(np.diff(walker.vertices[..., :2], axis=0), axis=-1).mean(1)
    assert steps.max() < 2 * true_steps.max()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames_are_enough(frames):
    walker = Walker("other side", frames=frames)
    fit = keypoints_to_body(walker.keypoints, fps=FPS)
    assert fit.pose.shape == (frames, 18, 3)
    assert fit.residual.max() < 1
    assert _heading_error(fit, walker).max() < 15


def test_equal_keypoints_give_equal_bits():
    walker = Walker("one way", frames=20)
    threads = torch.get_num_threads()
    first, second = (keypoints_to_body(walker.keypoints.copy(), fps=FPS) for _ in range(2))
    for field in fields(BodyFit):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    assert torch.get_num_threads() == threads


def test_a_larger_picture_gives_the_same_body():
    walker = Walker("one way", frames=20)
    large = walker.keypoints * np.float32([3, 3, 1]) + np.float32([100, -50, 0])
    small, fit = keypoints_to_body(walker.keypoints, fps=FPS), keypoints_to_body(large, fps=FPS)
    np.testing.assert_allclose(fit.residual, 3 * small.residual, atol=0.2)
    np.testing.assert_allclose(
        fit_to_vertices(fit), fit_to_vertices(small) * np.float32(3) + np.float32([100, -50, 0]), atol=2.5
    )


def test_windows_give_what_the_whole_gives():
    walker = Walker("one way", frames=110)
    noisy = walker.keypoints.copy()
    noisy[..., :2] += np.random.default_rng(1).normal(0, 1, noisy[..., :2].shape)
    whole, cut = (
        keypoints_to_body(noisy, fps=FPS, settings=FitSettings(window=window)) for window in (110, 32)
    )
    np.testing.assert_array_equal(cut.shape, whole.shape)
    apart = np.linalg.norm((fit_to_vertices(cut) - fit_to_vertices(whole))[..., :2], axis=-1)
    assert apart.mean() < 0.4
    assert apart.mean(1).max() < 1.2
    assert cut.loss == pytest.approx(whole.loss, rel=0.1)


def test_vertices_are_made_by_rows():
    fit = keypoints_to_body(Walker(frames=6).keypoints, fps=FPS)
    whole, rows = fit_to_vertices(fit), fit_to_mesh(fit).vertices
    assert rows.shape == whole.shape == (6, len(load_body().rest), 3)
    assert rows.dtype == whole.dtype == np.float32
    np.testing.assert_allclose(rows[2:4], whole[2:4], atol=1e-3)
    np.testing.assert_allclose(rows[3], whole[3], atol=1e-3)
    np.testing.assert_allclose(rows[-1], whole[-1], atol=1e-3)
    mesh = fit_to_mesh(fit)
    assert mesh.faces is load_body().faces
    assert mesh.joint_weights is load_body().joint_weights
    np.testing.assert_allclose(mesh.vertices[0], whole[0], atol=1e-3)


def test_masks_cover_the_mesh():
    walker = Walker(frames=1)
    mask = vertices_to_mask(walker.vertices[0], FACES, (256, 200))
    assert mask.shape == (256, 200)
    rows, columns = np.nonzero(mask)
    np.testing.assert_allclose((columns.min(), rows.min()), walker.vertices[0, :, :2].min(0), atol=1.5)
    np.testing.assert_allclose((columns.max(), rows.max()), walker.vertices[0, :, :2].max(0), atol=1.5)
    with pytest.raises(ShapeError, match="vertices: expected float32"):
        vertices_to_mask(walker.vertices[0, :, :2], FACES, (256, 200))


def test_a_closed_body_has_the_same_mask_without_its_back():
    """The shipped body in several poses, squashed as a crop does; faces that turn away add no pixel."""
    walker = Walker(frames=6)
    squash = np.float32([0.6, 1, 1])
    counted = 0
    for vertices in walker.vertices[::2]:
        for scale in (np.float32(1), squash):
            moved = np.round(vertices * scale * 256).astype(np.float32) / np.float32(256)
            mask = vertices_to_mask(moved, FACES, (256, 256))
            np.testing.assert_array_equal(vertices_to_mask(moved, FACES, (256, 256), closed=True), mask)
            counted += mask.sum()
    assert counted > 5000
    edges = np.sort(np.concatenate([FACES[:, (0, 1)], FACES[:, (1, 2)], FACES[:, (2, 0)]]), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1].tolist()) == {2}


def test_a_sheet_that_turns_its_back_is_seen_unless_it_is_called_closed():
    sheet = np.float32([[1, 1, 0], [9, 1, 0], [1, 9, 0]])
    masks = [
        vertices_to_mask(sheet, np.int32([[0, 1, 2]]), (12, 12), closed=closed).sum()
        for closed in (False, True)
    ]
    assert masks == [45, 0]  # 9 + 8 + … + 1 pixels; its doubled area is positive, so it turns its back


def test_fitted_masks_are_drawn_as_closed(monkeypatch):
    fit = keypoints_to_body(Walker(frames=3).keypoints, fps=FPS)
    asked = []
    monkeypatch.setattr(
        "vptbench.prepare.bodies.vertices_to_mask",
        lambda *arguments, closed: asked.append(closed) or vertices_to_mask(*arguments, closed=closed),
    )
    crop = keypoints_to_box("full-v1", Walker(frames=3).keypoints, (256, 256), 64)
    assert sum(len(mask) for mask in bodies._fit_to_parts(fit, crop, 64).mask) == 3
    assert asked == [True] * 3


def test_no_keypoints_at_all_are_refused():
    with pytest.raises(PoseError, match=r"expected keypoints of both ends of a bone .* found none; estimate"):
        keypoints_to_body(missing_keypoints(5), fps=FPS)


def test_no_frames_are_refused():
    with pytest.raises(PoseError, match="one of 0 frames"):
        keypoints_to_body(missing_keypoints(0), fps=FPS)


def test_malformed_keypoints_are_refused():
    with pytest.raises(PoseError, match=r"expected shape \(T, 25, 3\), found \(5, 18, 3\); read the poses"):
        keypoints_to_body(np.zeros((5, 18, 3), np.float32), fps=FPS)


@pytest.mark.parametrize("fps", [0.0, -1.0, np.nan, np.inf])
def test_impossible_frame_rates_are_refused(fps):
    with pytest.raises(UsageError, match=r"fps: expected a positive number, got .*; give the video's"):
        keypoints_to_body(Walker(frames=1).keypoints, fps=fps)


@pytest.mark.parametrize("setting", [{"iterations": 0}, {"window": 1}, {"overlap": -1}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(UsageError, match=f"{next(iter(setting))}: expected at least .*; give another"):
        keypoints_to_body(Walker(frames=1).keypoints, fps=FPS, settings=FitSettings(**setting))
