from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_keypoints, project, rotation_vectors_to_matrices
from vptbench.mesh.flow import face_table_to_flow, flow_to_pixels
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.skeleton import BODY_25, keypoints_to_problems
from vptbench.synth.figure import SPORTSWEAR, WARDROBE, seed_to_person
from vptbench.synth.motion import MOTIONS, Motion
from vptbench.synth.render import HIDDEN, SEEN, VERTEX_STEP, Shot, actor_to_film, person_to_actor
from vptbench.synth.scene import location, studio

SIZE = (128, 96)
FRAMES = 12
ARMS_AWAY = {"arm_out_l": np.full(2, 25.0), "arm_out_r": np.full(2, 25.0)}


def _film(motion, *, wardrobe=SPORTSWEAR, index=0, backdrop=studio, travels=True, frames=FRAMES):
    actor = person_to_actor(seed_to_person(1, index, wardrobe=wardrobe, shapes=12))
    moves = MOTIONS[motion](frames, np.random.default_rng(1)) if isinstance(motion, str) else motion
    shot = Shot(SIZE, 9.0, 0.9, travels=travels, backdrop=backdrop)
    return actor_to_film(actor, moves, shot, np.random.default_rng(2))


@pytest.fixture(scope="module")
def walk():
    film = _film("catwalk")
    return film, np.stack(list(film.frames()))


def test_truth_has_the_shapes_that_are_promised(walk):
    film, frames = walk
    truth, vertices = film.truth, len(load_body().rest)
    assert frames.shape == (FRAMES, *SIZE, 3)
    assert frames.dtype == np.uint8
    assert truth.vertices.shape == (FRAMES, vertices, 3)
    assert truth.mask.shape == (FRAMES, *SIZE)
    assert truth.pose.shape == (FRAMES, 18, 3)
    assert truth.shape.shape == (12,)
    assert truth.camera.shape == (FRAMES, 3)
    assert keypoints_to_problems(truth.keypoints) == []
    for array in (truth.vertices, truth.keypoints, truth.pose, truth.shape, truth.camera):
        assert array.dtype == np.float32
    np.testing.assert_array_equal(truth.vertices, np.round(truth.vertices / VERTEX_STEP) * VERTEX_STEP)


def test_the_mask_is_the_rasterised_mesh_and_what_is_drawn(walk):
    film, frames = walk
    for vertices, mask, frame in zip(film.truth.vertices, film.truth.mask, frames, strict=True):
        table = vertices_to_face_table(vertices, load_body().faces, SIZE)
        np.testing.assert_array_equal(table.face >= 0, mask)
        drawn = np.abs(frame.astype(float) - film.backdrop).max(-1)
        edge = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) != cv2.erode(
            mask.astype(np.uint8), np.ones((3, 3), np.uint8)
        )
        person = mask & ~edge
        assert (drawn[person] > 8).mean() > 0.9  # clothes may be as white as the backdrop
        upper = np.zeros(SIZE, bool)
        upper[: SIZE[0] // 2] = True  # no shadow falls there
        assert drawn[upper & ~mask & ~edge].max() <= 1


def test_truth_and_picture_are_not_shifted(monkeypatch):
    # A person of evenly lit white before black: the light in a pixel is the share of it that is covered.
    monkeypatch.setattr("vptbench.synth.render.points_to_light", lambda points, *_: np.ones_like(points))
    film = _film("catwalk", backdrop=lambda floor, _: np.zeros((*floor.size, 3), np.float32))
    white = replace(film.actor.texture, colours=np.full_like(film.actor.texture.colours, 255))
    frames = replace(film, actor=replace(film.actor, texture=white)).frames()
    shifts = []
    for mask, frame in zip(film.truth.mask, frames, strict=True):
        covered = frame.max(-1) > 127
        assert (covered & mask).sum() / (covered | mask).sum() > 0.97
        light = frame[..., 0].astype(float)
        centre = [(light * place).sum() / light.sum() for place in np.indices(SIZE)]
        shifts.append(np.array(centre) - np.argwhere(mask).mean(0))
    np.testing.assert_allclose(np.mean(shifts, axis=0), 0, atol=0.05)


def test_keypoints_are_the_bodys_joints_projected(walk):
    truth = walk[0].truth
    rotations = rotation_vectors_to_matrices(torch.from_numpy(truth.pose))
    joints = body_to_keypoints(BodyModel.load(), rotations, torch.from_numpy(truth.shape))
    camera = torch.from_numpy(truth.camera)
    expected = project(joints, camera[:, 0], camera[:, 1:]).numpy()[..., :2]
    np.testing.assert_allclose(truth.keypoints[..., :2], expected, atol=2e-3)


def test_keypoints_lie_in_or_at_the_person(walk):
    truth = walk[0].truth
    for mask, joints in zip(truth.mask, truth.keypoints, strict=True):
        distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
        places = joints[:, :2].round().astype(int)
        assert distance[places[:, 1], places[:, 0]].max() < 3


def test_confidence_tells_front_from_back():
    still = Motion(
        {"yaw": np.array([0.0, 180.0]), "arm_out_l": np.full(2, 20.0), "arm_out_r": np.full(2, 20.0)}, 2
    )
    confidence = _film(still).truth.keypoints[..., 2]
    nose = BODY_25.index("Nose")
    assert confidence[0, nose] == np.float32(SEEN)
    assert confidence[1, nose] == np.float32(HIDDEN)
    hips = [BODY_25.index(name) for name in ("RHip", "LHip", "MidHip")]
    assert (confidence[:, hips] == np.float32(SEEN)).all()  # inside the body is not hidden


@pytest.mark.parametrize(("motion", "travels"), [(name, name == "catwalk") for name in MOTIONS])
@pytest.mark.parametrize("index", [0, 3])
def test_people_never_leave_the_frame_and_stand_on_the_floor(motion, travels, index):
    wardrobe = WARDROBE if travels else SPORTSWEAR
    truth = _film(motion, wardrobe=wardrobe, index=index, travels=travels, frames=90).truth
    assert truth.vertices[..., 0].min() >= 0
    assert truth.vertices[..., 0].max() <= SIZE[1] - 1
    assert truth.vertices[..., 1].min() >= 0
    assert truth.vertices[..., 1].max() <= SIZE[0] - 1
    assert np.isfinite(truth.keypoints).all()
    lowest = truth.vertices[..., 1].max(1)
    assert np.ptp(lowest) < 0.12 * SIZE[0]
    step = np.linalg.norm(np.diff(truth.vertices, axis=0), axis=-1)
    assert step.max() < 0.16 * SIZE[0]  # fast hands, but no jumps


def test_the_texture_sticks_to_the_surface():
    # A slow turn: a point that both frames see in the open has nearly the same colour in both.
    motion = Motion(
        {"yaw": np.array([0.0, 12.0]), "arm_out_l": np.full(2, 25.0), "arm_out_r": np.full(2, 25.0)}, 2
    )
    film = _film(motion, backdrop=location, travels=False)
    first, second = (frame.astype(np.float32) for frame in film.frames())
    faces = load_body().faces
    tables = [vertices_to_face_table(vertices, faces, SIZE) for vertices in film.truth.vertices]
    flow = flow_to_pixels(face_table_to_flow(tables[1], film.truth.vertices[0], faces, hidden_by=tables[0]))
    seen = np.isfinite(flow).all(-1)
    inner = cv2.erode(film.truth.mask[0].astype(np.uint8), np.ones((3, 3), np.uint8))
    carried = cv2.remap(first, flow[..., 0], flow[..., 1], cv2.INTER_LINEAR)
    from_inner = cv2.remap(inner, flow[..., 0], flow[..., 1], cv2.INTER_NEAREST) > 0
    seen &= from_inner & (cv2.erode(film.truth.mask[1].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    error = np.abs(carried - second)[seen]
    moved = np.abs(first - second)[seen]
    assert seen.sum() > 0.5 * film.truth.mask[1].sum()
    assert np.median(error) < 6
    assert error.mean() < 0.6 * moved.mean()
