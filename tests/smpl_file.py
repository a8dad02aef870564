"""A made-up file in SMPL's form, and SMPL's formulas as slow loops over 4 × 4 matrices.

The body is a closed surface of 198 vertices: an upright ellipsoid whose joints, weights and blend shapes are
drawn. Nothing of the licensed model is in it.
"""

import pickle
import sys
import types

import numpy as np
from scipy.sparse import csc_matrix

RINGS, AROUND = 14, 14
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)


def make_arrays(seed=0, shapes=10):
    """The arrays of an SMPL file, as published: float64, uint32, the root's parent the largest of 32 bits."""
    rng = np.random.default_rng(seed)
    rest, faces = make_ellipsoid()
    count = len(rest)
    regressor = np.zeros((24, count))
    weights = np.zeros((count, 24))
    for row in regressor:
        row[rng.choice(count, 6, replace=False)] = rng.dirichlet(np.ones(6))
    for row in weights:
        row[rng.choice(24, 4, replace=False)] = rng.dirichlet(np.ones(4))
    return {
        "v_template": rest,
        "shapedirs": rng.normal(0, 0.02, (count, 3, shapes)),
        "posedirs": rng.normal(0, 0.01, (count, 3, 207)),
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([PARENTS, range(24)]).astype(np.uint32),
        "f": faces.astype(np.uint32),
    }


def make_ellipsoid():
    """Vertices (198, 3) about 1.7 high, y up, and faces (392, 3) that close."""
    up = np.pi * np.arange(1, RINGS + 1) / (RINGS + 1)
    round_ = 2 * np.pi * np.arange(AROUND) / AROUND
    ring = np.stack(
        [
            0.35 * np.outer(np.sin(up), np.cos(round_)),
            np.repeat(0.85 * np.cos(up)[:, None], AROUND, 1),
            0.2 * np.outer(np.sin(up), np.sin(round_)),
        ],
        -1,
    )
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 0.85, 0], [0, -0.85, 0]]])
    top, bottom = len(vertices) - 2, len(vertices) - 1
    faces = []
    for i in range(AROUND):
        j = (i + 1) % AROUND
        faces += [(top, j, i), (bottom, bottom - 1 - AROUND + i, bottom - 1 - AROUND + j)]
        for ring_start in range(0, (RINGS - 1) * AROUND, AROUND):
            a, b = ring_start + i, ring_start + j
            faces += [(a, b, a + AROUND), (b, b + AROUND, a + AROUND)]
    return vertices, np.array(faces)


def write_npz(path, arrays):
    np.savez(path, **arrays)
    return path


def write_pickle(path, arrays, protocol=2):
    """As published: chumpy's arrays, a sparse regressor, things that nobody reads, old names of packages.

    Neither chumpy nor the stand-in for it that is written here is there when the file is read.
    """
    kind = type("Ch", (), {"__module__": "chumpy.ch", "__qualname__": "Ch"})

    def wrapped(array):
        made = kind()
        made.__dict__ |= {"x": array, "_dirty_vars": {"x"}, "_itr": None, "_depends_on_deps": {}}
        return made

    document = {
        **arrays,
        "shapedirs": wrapped(arrays["shapedirs"]),
        "v_template": wrapped(arrays["v_template"]),
        "J_regressor": csc_matrix(arrays["J_regressor"]),
        "bs_style": "lbs",
        "pose_training_info": {"gender": "none", "counts": [1, 2.5, None, True]},
        "a_number": np.float64(2),
    }
    modules = {name: types.ModuleType(name) for name in ("chumpy", "chumpy.ch")}
    modules["chumpy.ch"].Ch = kind
    sys.modules |= modules
    try:
        text = pickle.dumps(document, protocol=protocol)
    finally:
        for name in modules:
            del sys.modules[name]
    if protocol <= 2:  # names end with a line there, and may change their length
        text = text.replace(b"cnumpy._core.", b"cnumpy.core.").replace(
            b"scipy.sparse._csc", b"scipy.sparse.csc"
        )
    path.write_bytes(text)
    return path


def naive_vertices(arrays, pose, shape):
    """One frame's vertices (V, 3) and joints (24, 3), by SMPL (2015), equations 2 to 10.

    Args:
        arrays: Of the file.
        pose: (24, 3), rotation vectors.
        shape: (10,).
    """
    turns = [rodrigues(vector) for vector in pose]
    bent = np.concatenate([(turn - np.eye(3)).reshape(-1) for turn in turns[1:]])
    shaped = arrays["v_template"].copy()
    for s in range(10):
        shaped += shape[s] * arrays["shapedirs"][:, :, s]
    joints = arrays["J_regressor"] @ shaped
    posed = shaped.copy()
    for p in range(207):
        posed += bent[p] * arrays["posedirs"][:, :, p]
    chain = []
    for joint, parent in enumerate(PARENTS):
        own = np.eye(4)
        own[:3, :3] = turns[joint]
        own[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        chain.append(own if parent < 0 else chain[parent] @ own)
    from_rest = []
    for joint in range(24):
        away = np.eye(4)
        away[:3, 3] = -joints[joint]
        from_rest.append(chain[joint] @ away)
    vertices = np.empty_like(posed)
    for v, point in enumerate(posed):
        mixed = sum(weight * matrix for weight, matrix in zip(arrays["weights"][v], from_rest, strict=True))
        vertices[v] = (mixed @ [*point, 1])[:3]
    return vertices, np.array([matrix[:3, 3] for matrix in chain])


def rodrigues(vector):
    """Rotation vector to matrix, as a rotation of the three axes about an axis by an angle."""
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    axis = vector / angle
    columns = []
    for unit in np.eye(3):
        along = axis * (axis @ unit)
        columns.append(along + np.cos(angle) * (unit - along) + np.sin(angle) * np.cross(axis, unit))
    return np.array(columns).T
