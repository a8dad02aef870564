"""A projected mesh that follows its keypoints where these are moved."""

import numpy as np
from numpy.typing import NDArray


def move_vertices(
    vertices: NDArray[np.float32], joint_weights: NDArray[np.float32], shifts: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Move each vertex as far as the joints that it follows, weighted.

    Args:
        vertices: float32 (V, 3): x, y and depth, pixels.
        joint_weights: float32 (V, 25), rows sum to 1.
        shifts: (25, 2), how far each joint was moved, pixels; finite.

    Returns:
        float32 (V, 3), the depth as it was.
    """
    moved = vertices.copy()
    moved[:, :2] += (joint_weights.astype(np.float64) @ shifts).astype(np.float32)
    return moved
