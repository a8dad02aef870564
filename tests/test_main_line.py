"""What a prepared synthetic clip promises, against its ground truth: pixels, keypoints and mesh flow."""

import numpy as np
import pytest

from vptbench import open_store
from vptbench.generate.run import store_to_outputs
from vptbench.mesh.flow import flow_to_pixels
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.scorefile import read_scores
from vptbench.synth import build

LAYOUTS = tuple(build.LAYOUTS)


@pytest.fixture(scope="module")
def all_raw(raw_folders, synthetic, tmp_path_factory):
    """Raw data of all layouts: those that all tests share, and the others."""
    root = tmp_path_factory.mktemp("other-raw")
    others = [layout for layout in LAYOUTS if layout not in raw_folders]
    for layout in others:
        build.seed_to_raw(root / layout, layout=layout, **synthetic)
    return {**raw_folders, **{layout: root / layout for layout in others}}


@pytest.fixture(scope="module")
def all_stores(stores, all_raw, tmp_path_factory):
    """Clip stores of all layouts, 64 pixels."""
    root = tmp_path_factory.mktemp("other-stores")
    others = [layout for layout in LAYOUTS if layout not in stores]
    for layout in others:
        assert not source_to_store(layout, all_raw[layout], root / layout, PrepareSettings(size=64)).failed
    return {**stores, **{layout: root / layout for layout in others}}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layouts_clips_are_scored_by_the_same_protocol(layout, all_stores, tmp_path):
    settings = ScoreSettings(metrics=("l1-v1",))
    assert not store_to_outputs("copy_source", all_stores[layout], tmp_path / "made", "synthetic-v1").failed
    outputs_to_scorefile(
        tmp_path / "made", tmp_path / "scores", settings, store=all_stores[layout], benchmark="synthetic-v1"
    )
    tested = open_store(all_stores[layout]).ids("test")
    clips = [open_store(all_stores[layout])[name] for name in tested]
    by_hand = [
        np.abs(clip.frames[1 : len(clip)].astype(float) - clip.frames[0]).mean() / 255 for clip in clips
    ]
    assert read_scores(tmp_path / "scores").metrics["l1-v1"].value == pytest.approx(np.mean(by_hand))


def prepared_points(clip, points):
    """Raw pixels to prepared ones, by the rule that the clip's attributes state."""
    x0, y0, _, _ = clip.attributes["crop_box"]
    scale = clip.attributes["scale"]
    return (points[..., :2] - (x0, y0) + 0.5) * scale - 0.5


def truth_of(raw, clip):
    return np.load(raw / "truth" / f"{clip}.npz", allow_pickle=False)


def seen_points(vertices, faces, size):
    """For each pixel the nearest point of a mesh, by brute force: face (−1 none), weights, depth."""
    height, width = size
    face, depth = np.full(size, -1), np.full(size, np.inf)
    weights = np.zeros((*size, 3))
    for number, corners in enumerate(vertices[faces]):
        low = np.maximum(np.ceil(corners[:, :2].min(0)), 0).astype(int)
        high = np.minimum(np.floor(corners[:, :2].max(0)), (width - 1, height - 1)).astype(int)
        if (low > high).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        edges = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(edges)) < 1e-6:
            continue
        w = np.linalg.solve(edges, np.stack([x.ravel(), y.ravel(), np.ones(x.size)])).T
        z = w @ corners[:, 2]
        nearer = (w >= -1e-12).all(1) & (z < depth[y.ravel(), x.ravel()])
        at = y.ravel()[nearer], x.ravel()[nearer]
        face[at], depth[at], weights[at] = number, z[nearer], w[nearer]
    return face, weights, depth


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("source", "target"), [(0, 2), (5, 3), (0, 9)])
def test_mesh_flow_carries_surface_points_to_their_true_place(layout, source, target, all_raw, all_stores):
    """Within 0.1 px wherever a point is seen in both frames; the truth is the raw surface in float64."""
    store = open_store(all_stores[layout])
    name = store.ids("test")[0]
    clip, truth = store[name], truth_of(all_raw[layout], name)
    raw = truth["vertices"].astype(np.float64)
    surface = np.concatenate([prepared_points(clip, raw), raw[..., 2:] * clip.attributes["scale"][0]], -1)
    faces = truth["faces"]
    face, weights, _ = seen_points(surface[target], faces, clip.size)
    _, _, source_depth = seen_points(surface[source], faces, clip.size)
    body = face >= 0
    place = np.einsum("nk,nkc->nc", weights[body], surface[source][faces[face[body]]])
    column, row = place[:, :2].round().astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < clip.size[1]) & (row < clip.size[0])
    seen = np.zeros(len(place), bool)
    seen[inside] = place[inside, 2] <= source_depth[row[inside], column[inside]] + 0.5
    assert seen.sum() > 20
    found = flow_to_pixels(clip.mesh_flow(source, target))[body]
    error = np.linalg.norm(found - place[:, :2], axis=1)
    on_the_rim = np.isnan(
        error
    )  # vertices are stored to 1/256 px: a pixel on the outline may fall off the mesh
    assert (on_the_rim & seen).sum() <= 3
    assert error[seen & ~on_the_rim].max() < 0.1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_flow_of_a_frame_to_itself_is_the_pixel_grid(layout, all_stores):
    store = open_store(all_stores[layout])
    clip = store[store.ids("test")[0]]
    grid = np.stack(np.meshgrid(np.arange(clip.size[1]), np.arange(clip.size[0])), -1)
    for frame in range(0, len(clip), 5):
        pixels = flow_to_pixels(clip.mesh_flow(frame, frame))
        body = np.isfinite(pixels[..., 0])
        assert body.sum() > 200
        assert np.abs(pixels - grid)[body].max() < 5e-3


@pytest.fixture(scope="module")
def whole_stores(all_raw, synthetic, tmp_path_factory):
    """The whole frame at its own size: nothing is resampled."""
    root = tmp_path_factory.mktemp("whole")
    for layout, raw in all_raw.items():
        source_to_store(layout, raw, root / layout, PrepareSettings(size=synthetic["size"], crop="full-v1"))
    return {layout: open_store(root / layout) for layout in LAYOUTS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prepared_frames_are_the_rendered_ones(layout, whole_stores, synthetic):
    """More than 33 dB frame by frame; none missing, none in another's place."""
    how, frames = build.LAYOUTS[layout], synthetic["frames"]
    plans = how.plan(synthetic["clips"], synthetic["seed"])
    assert {plan.clip for plan in plans} == set(whole_stores[layout])
    for plan in plans:
        clip = whole_stores[layout][plan.clip]
        film = build._film(plan, how, how.shot(synthetic["size"]), frames, synthetic["seed"])
        rendered = np.stack(list(film.frames()))
        x0 = -int(clip.attributes["crop_box"][0])
        prepared = clip.frames[0 : len(clip)][:, :, x0 : x0 + rendered.shape[2]]
        assert len(prepared) == frames
        errors = ((prepared[:, None].astype(np.float32) - rendered[None]) ** 2).mean((2, 3, 4))
        np.testing.assert_array_equal(errors.argmin(1), np.arange(frames))
        assert np.diag(errors).max() < 255**2 / 10**3.3  # PNG keeps them as they are


@pytest.mark.parametrize("layout", LAYOUTS)
def test_keypoints_mask_and_mesh_follow_one_rule(layout, all_raw, all_stores):
    store = open_store(all_stores[layout])
    for name in store:
        clip, truth = store[name], truth_of(all_raw[layout], name)
        expected = prepared_points(clip, truth["keypoints"].astype(np.float64))
        np.testing.assert_allclose(clip.keypoints[..., :2], expected, atol=0.002)  # JSON holds three decimals
        np.testing.assert_allclose(
            clip.mesh.vertices[0 : len(clip)][..., :2],
            prepared_points(clip, truth["vertices"]),
            atol=1 / 512 + 1e-4,
        )
        for frame in range(0, len(clip), 6):
            covered = np.isfinite(flow_to_pixels(clip.mesh_flow(frame, frame))[..., 0])
            mask = clip.mask[frame]
            assert (covered & mask).sum() / (covered | mask).sum() > 0.9
