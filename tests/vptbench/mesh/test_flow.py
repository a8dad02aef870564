import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vptbench.body.asset import load_body
from vptbench.body.model import (
    BodyModel,
    body_to_vertices,
    pose_to_transforms,
    project,
    rotation_vectors_to_matrices,
)
from vptbench.errors import ShapeError
from vptbench.mesh.flow import (
    DEPTH_TOLERANCE,
    MARGIN,
    NO_FLOW,
    face_table_to_flow,
    flow_to_pixels,
    warp_frame,
)
from vptbench.mesh.rasterise import vertices_to_face_table

FULL_BODY = Path(__file__).parents[2] / "golden" / "full_body.npz"
FRAMES = 13


def _walking_and_turning():
    """Rotations (13, 18, 3, 3) of somebody who walks while turning from the front to the back."""
    phase = torch.arange(FRAMES) / FRAMES * 2 * math.pi
    vectors = torch.zeros(FRAMES, 18, 3)
    for name, axis, angle in (
        ("root", 2, phase / 2),
        ("upperleg01.L", 0, -0.42 * phase.sin()),
        ("upperleg01.R", 0, 0.42 * phase.sin()),
        ("lowerleg01.L", 0, 0.35 * (1 + (phase + 0.8).sin())),
        ("upperarm01.L", 1, 0.55),
        ("upperarm01.R", 1, -0.55),
        ("lowerarm01.L", 0, -0.4 - 0.2 * phase.sin()),
        ("lowerarm01.R", 0, -0.4 + 0.2 * phase.sin()),
        ("head", 2, 0.2 * phase.sin()),
    ):
        vectors[:, load_body().joint_names.index(name), axis] = angle
    return rotation_vectors_to_matrices(vectors)


def _to_pixels(vertices, size):
    """As large as fits a square picture: a person of 1.7 m is 0.86 of it high."""
    scale = torch.full((FRAMES,), size / 1.98)
    return project(vertices, scale, torch.full((FRAMES, 2), size / 2 - 0.2)).numpy()


@pytest.fixture(scope="module")
def walk():
    """Vertices in pixels (13, V, 3) of a picture of 128 × 128, and their face tables."""
    vertices = body_to_vertices(BodyModel.load(), _walking_and_turning(), torch.zeros(12))
    vertices = _to_pixels(vertices, 128)
    return vertices, [vertices_to_face_table(frame, load_body().faces, (128, 128)) for frame in vertices]


def naive_flow(table, vertices, faces, hidden_by=None):
    """The definition, pixel by pixel."""
    H, W = table.face.shape
    flow = np.full((H, W, 2), -2, np.float32)
    for row, column in zip(*np.nonzero(table.face >= 0), strict=True):
        face = table.face[row, column]
        x, y, z = table.weights[row, column].astype(np.float64) @ vertices[faces[face]].astype(np.float64)
        if hidden_by is not None:
            rows = {math.floor(y + MARGIN), math.ceil(y - MARGIN)} & set(range(H))
            columns = {math.floor(x + MARGIN), math.ceil(x - MARGIN)} & set(range(W))
            inside = [(i, j) for i in rows for j in columns if hidden_by.face[i, j] >= 0]
            if not any(
                hidden_by.face[p] == face or z <= hidden_by.depth[p] + DEPTH_TOLERANCE for p in inside
            ):
                continue
        flow[row, column] = (2 * x + 1) / W - 1, (2 * y + 1) / H - 1
    return flow


def _quads(*corners):
    """Axis-aligned rectangles (x0, y0, x1, y1, depth), two faces each."""
    vertices, faces = [], []
    for x0, y0, x1, y1, depth in corners:
        k = len(vertices)
        vertices += [(x0, y0, depth), (x1, y0, depth), (x1, y1, depth), (x0, y1, depth)]
        faces += [(k, k + 1, k + 2), (k, k + 2, k + 3)]
    return np.array(vertices, np.float32), np.array(faces, np.int32)


@pytest.mark.parametrize("pair", [(0, 1), (0, 4), (3, 9), (0, 12)])
@pytest.mark.parametrize("test_sight", [False, True])
def test_equals_the_naive_reference(walk, pair, test_sight):
    vertices, tables = walk
    source, target = pair
    seen = tables[source] if test_sight else None
    flow = face_table_to_flow(tables[target], vertices[source], load_body().faces, hidden_by=seen)
    expected = naive_flow(tables[target], vertices[source], load_body().faces, seen)
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(flow == NO_FLOW, expected == NO_FLOW)
    np.testing.assert_allclose(flow, expected, atol=1e-6)


def test_a_frames_flow_to_itself_is_its_pixel_grid(walk):
    vertices, tables = walk
    for table, frame in zip(tables, vertices, strict=True):
        pixels = flow_to_pixels(face_table_to_flow(table, frame, load_body().faces, hidden_by=table))
        y, x = np.nonzero(table.face >= 0)
        np.testing.assert_allclose(pixels[y, x], np.stack([x, y], 1), atol=5e-3)
        assert np.isnan(pixels[table.face < 0]).all()


def test_a_shifted_mesh_by_hand():
    """The source lies 2.5 px right and 1 px up of the target: x 4 comes from 6.5, or 14/20 − 1 at W = 20."""
    target, faces = _quads((2, 3, 9, 8, 1))
    table = vertices_to_face_table(target, faces, (10, 20))
    flow = face_table_to_flow(table, target + np.float32([2.5, -1, 0]), faces)
    np.testing.assert_allclose(flow[5, 4], [14 / 20 - 1, 9 / 10 - 1], atol=1e-6)
    np.testing.assert_allclose(flow_to_pixels(flow)[5, 4], [6.5, 4], atol=1e-5)
    assert (flow[0, 0] == -2).all()
    assert np.isnan(flow_to_pixels(flow)[0, 0]).all()


def test_what_is_hidden_in_the_source_has_no_flow():
    """In the target two squares stand side by side; in the source the near one covers the far one."""
    target, faces = _quads((2, 2, 6, 6, 50), (10, 2, 14, 6, 10))
    source, _ = _quads((2, 2, 6, 6, 50), (2, 2, 6, 6, 10))
    table, shown = (vertices_to_face_table(vertices, faces, (9, 17)) for vertices in (target, source))
    anyway = face_table_to_flow(table, source, faces)
    seen = face_table_to_flow(table, source, faces, hidden_by=shown)
    np.testing.assert_allclose(flow_to_pixels(anyway)[4, 4], [4, 4], atol=1e-5)
    assert (seen[2:7, 2:7] == NO_FLOW).all()
    np.testing.assert_array_equal(seen[2:7, 10:15], anyway[2:7, 10:15])


@pytest.mark.parametrize(("behind", "visible"), [(0.75, True), (1.25, False)])
def test_sight_is_lost_behind_the_tolerance(behind, visible):
    target, faces = _quads((2, 2, 6, 6, 10 + behind), (10, 2, 14, 6, 10))
    source, _ = _quads((2, 2, 6, 6, 10 + behind), (2, 2, 6, 6, 10))
    table, shown = (vertices_to_face_table(vertices, faces, (9, 17)) for vertices in (target, source))
    flow = face_table_to_flow(table, source, faces, hidden_by=shown)
    assert (flow[4, 4] != NO_FLOW).all() == visible


def test_what_lies_outside_the_source_is_not_seen_there():
    target, faces = _quads((2, 2, 6, 6, 1))
    table = vertices_to_face_table(target, faces, (9, 9))
    for shift in ((-20, 0), (0, -20), (20, 0), (0, 20)):
        source = target + np.float32([*shift, 0])
        flow = face_table_to_flow(
            table, source, faces, hidden_by=vertices_to_face_table(source, faces, (9, 9))
        )
        assert (flow == NO_FLOW).all()
        assert (face_table_to_flow(table, source, faces)[4, 4] != NO_FLOW).all()


@pytest.mark.parametrize("far", [1e30, -1e30])
def test_places_too_far_away_for_an_integer_are_not_seen(far):
    vertices = np.float32([[1, 1, 1], [9, 1, 1], [1, 9, 1]])
    faces = np.int32([[0, 1, 2]])
    table = vertices_to_face_table(vertices, faces, (12, 12))
    flow = face_table_to_flow(table, vertices + np.float32(far), faces, hidden_by=table)
    assert (flow == NO_FLOW).all()


def test_vertices_that_are_not_finite_give_no_flow():
    target, faces = _quads((2, 2, 6, 6, 1), (10, 2, 14, 6, 1))
    source = target.copy()
    source[0] = np.nan
    table, shown = (vertices_to_face_table(vertices, faces, (9, 17)) for vertices in (target, source))
    for hidden_by in (None, shown):
        flow = face_table_to_flow(table, source, faces, hidden_by=hidden_by)
        assert (flow[2:7, 2:6] == NO_FLOW).all()
        assert (flow[2:7, 10:15] != NO_FLOW).all()


def test_thinning_moves_the_flow_by_little_against_the_full_body():
    """At 256², over steps of 1, 4 and 8 frames. Found 2026-11-23: 0.03, 0.11, 0.11 px; overlap 0.993."""
    rotations, thin = _walking_and_turning(), load_body()
    body = BodyModel.load()
    with np.load(FULL_BODY, allow_pickle=False) as full:
        skin, rest = (
            torch.tensor(full["skin_weights"] / 65535, dtype=torch.float32),
            torch.from_numpy(full["rest"]),
        )
        full_faces = full["faces"].astype(np.int32)
    turns, shifts = pose_to_transforms(body, rotations, torch.zeros(12))
    full_vertices = torch.einsum("vf,tfab,vb->tva", skin, turns, rest) + torch.einsum(
        "vf,tfa->tva", skin, shifts
    )
    meshes = [
        (_to_pixels(body_to_vertices(body, rotations, torch.zeros(12)), 256), thin.faces),
        (_to_pixels(full_vertices, 256), full_faces),
    ]
    errors, overlaps = [], []
    for source, step in ((0, 1), (4, 4), (2, 8)):
        thinned, whole = (
            flow_to_pixels(
                face_table_to_flow(vertices_to_face_table(v[source + step], f, (256, 256)), v[source], f)
            )
            for v, f in meshes
        )
        both = np.isfinite(thinned[..., 0]) & np.isfinite(whole[..., 0])
        errors.append(np.linalg.norm(thinned[both] - whole[both], axis=1).mean())
        overlaps.append(both.sum() / (np.isfinite(thinned[..., 0]) | np.isfinite(whole[..., 0])).sum())
    assert np.mean(errors) < 0.15
    assert max(errors) < 0.3
    assert min(overlaps) > 0.98


@settings(deadline=None)
@given(hnp.arrays(np.float32, (4, 6, 2), elements=st.floats(-1.5, 1.5, width=32)))
def test_pixels_are_the_inverse_of_normalising(flow):
    x, y = np.moveaxis(flow_to_pixels(flow).astype(np.float64), -1, 0)
    np.testing.assert_allclose(np.stack([(2 * x + 1) / 6 - 1, (2 * y + 1) / 4 - 1], -1), flow, atol=1e-6)


def test_warping_along_identity_gives_the_frame_back(walk):
    vertices, tables = walk
    frame = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    warped, known = warp_frame(frame, face_table_to_flow(tables[2], vertices[2], load_body().faces), fill=7)
    np.testing.assert_array_equal(known, tables[2].face >= 0)
    np.testing.assert_array_equal(warped[known], frame[known])
    assert (warped[~known] == 7).all()


def test_warping_samples_as_grid_sample_does(walk):
    """On a smooth picture both agree to a level; OpenCV rounds places to 1/32 px."""
    vertices, tables = walk
    flow = face_table_to_flow(tables[5], vertices[3], load_body().faces)
    y, x = np.mgrid[:128, :128]
    frame = (
        np.stack([x * 1.5 + 20, y * 1.5 + 20, 128 + 60 * np.sin(x / 9) * np.cos(y / 7)], -1)
        .round()
        .astype(np.uint8)
    )
    picture = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    sampled = torch.nn.functional.grid_sample(picture, torch.from_numpy(flow)[None], align_corners=False)
    warped, known = warp_frame(frame, flow)
    np.testing.assert_allclose(
        warped[known].astype(float), sampled[0].permute(1, 2, 0).numpy()[known], atol=1
    )


def test_ill_fitting_tables_are_refused(walk):
    vertices, tables = walk
    faces = load_body().faces
    small = vertices_to_face_table(vertices[0], faces, (64, 128))
    with pytest.raises(
        ShapeError, match=r"hidden_by: expected the target's size \(128, 128\), found \(64, 128\)"
    ):
        face_table_to_flow(tables[0], vertices[0], faces, hidden_by=small)
    with pytest.raises(ShapeError, match="table: expected faces below 10 of the same mesh, found"):
        face_table_to_flow(tables[0], vertices[0], faces[:10])
    with pytest.raises(ShapeError, match="vertices: expected float32"):
        face_table_to_flow(tables[0], vertices[0].astype(np.float64), faces)
    with pytest.raises(ShapeError, match="faces: expected vertex numbers"):
        face_table_to_flow(tables[0], vertices[0][:100], faces)
