"""Flicker: how much of a video changes that ought to move along unchanged."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import ShapeError
from vptbench.mesh.flow import NO_FLOW
from vptbench.metrics.protocol import FLOW, Definition, FlowRows, FrameValues, check_pair
from vptbench.weights import Networks

STEPS = 32
"""Parts of a pixel to which places are rounded. Used by `FLICKER`.

Flow is float32: unrounded, whole pixels would come out a little off. So rounded, all bilinear weights are
multiples of 1/1024, and sums are exact on every machine. Source: ours.
"""


@dataclass(frozen=True, kw_only=True)
class Flicker(Definition):
    """Mean |previous frame moved along the true flow − frame| of generated frames, where there is flow.

    Source:
        Ours. Compare the warping error of Lai et al. 2018, "Learning Blind Video Temporal Consistency",
        which takes squares, an estimator's optical flow, and another rule of what is hidden.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-12
    needs: tuple[str, ...] = (FLOW,)
    floored: bool = True

    def load(self, networks: Networks) -> "Flicker":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames, flow: FlowRows) -> FrameValues:
        """Change of each frame against its predecessor, in [0, 1].

        Args:
            generated: The frames to judge, uint8 (T, H, W, 3).
            target: The true frames; only their shape counts, since the flow is already theirs.
            flow: T rows; row t says where in frame t − 1 each pixel of frame t comes from, float32
                (H, W, 2), −2 where there is no body or its point is hidden there. Row 0 is not asked for.

        Returns:
            float64 (T,); inf for frame 0, and where no pixel has flow.

        Raises:
            ShapeError: The arrays differ in shape or are no frames, or the flow is not as stated.
        """
        generated, target = check_pair(generated, target)
        if len(flow) != len(target):
            raise ShapeError(
                f"flow: expected {len(target)} rows as the target has frames, got {len(flow)}; give the flow "
                "of the frames that are scored"
            )
        values = np.full(len(target), np.inf)
        for row in range(1, len(target)):
            values[row] = _change(generated[row - 1], generated[row], _check_flow(flow[row], row, target))
        return values


def _change(previous: Frames, frame: Frames, flow: NDArray[np.float32]) -> float:
    """Mean |warped − frame| / 255 over pixels with flow and channels; inf where there are none."""
    known = (flow[..., 0] != NO_FLOW) | (flow[..., 1] != NO_FLOW)
    if not known.any():
        return np.inf
    height, width = known.shape
    places = ((flow.astype(np.float64) + 1) * (width, height) - 1) / 2
    x, y = np.moveaxis((np.rint(places * STEPS) / STEPS).astype(np.float32), -1, 0)
    warped = cv2.remap(previous.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(warped - frame)[known].mean(dtype=np.float64)) / 255


def _check_flow(flow: NDArray[np.float32], row: int, target: Frames) -> NDArray[np.float32]:
    expected = (*target.shape[1:3], 2)
    if flow.dtype != np.float32 or flow.shape != expected:
        raise ShapeError(
            f"flow, row {row}: expected float32 {expected}, got {flow.dtype} {tuple(flow.shape)}; give it as "
            "`Clip.mesh_flow` does"
        )
    return flow


FLICKER = Flicker(id="flicker-v1", label="Flicker")
"""`flicker-v1`: mean |frame t − 1 moved along the true mesh flow − frame t| / 255 over pixels with flow.

Beside this project's benchmarks (`score --metrics`). Light, folds and hair change in true videos too, so a
figure is read against the true frames' own. Repeating one frame is no way to 0: the flow moves, the picture
does not.

Places are read bilinearly, rounded to 1/32 pixel; beyond its border a frame's edge repeats. Frame 0, and
frames without such a pixel, have no value.

Source: ours; compare the warping error of Lai et al. 2018, "Learning Blind Video Temporal Consistency".
"""
