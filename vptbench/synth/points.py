"""Points of a dressed person that wait for their colours, and how colours are laid over one another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vptbench.synth.figure import Colour
from vptbench.synth.garments import Chart, Float, Garments, smoothstep

BLEND = 0.0015
"""Metres over which one colour turns into the next."""


@dataclass(frozen=True)
class Points:
    """Points of a dressed person's surface.

    Attributes:
        chart: The points on the naked rest body.
        worn: (N, 3) the same points on the clothed rest surface, metres.
        garments: Where they lie in the garments.
        noise: (N,) a smooth unevenness, about −1 to 1, some centimetres wide.
        fine: (N,) a finer one, some millimetres wide.
    """

    chart: Chart
    worn: Float
    garments: Garments
    noise: Float
    fine: Float

    def take(self, chosen: NDArray[np.bool_]) -> "Points":
        """Some of the points."""
        garments = self.garments
        return Points(
            chart=self.chart.take(chosen),
            worn=self.worn[chosen],
            garments=Garments(
                garments.top[chosen], garments.bottom[chosen], garments.shoe[chosen], garments.hair[chosen]
            ),
            noise=self.noise[chosen],
            fine=self.fine[chosen],
        )


def over(below: Float, above: Float, distance: Float) -> Float:
    """Colours `above` (N, 3) where the signed distance (N,) in metres is positive, with a soft border."""
    share = smoothstep(distance / BLEND + 0.5)[:, None]
    return np.asarray(below + share * (above - below), np.float32)


def tint(colour: Colour, factor: Float) -> Float:
    """One colour times a factor (N,), (N, 3)."""
    return np.multiply.outer(factor, np.array(colour, np.float32))


def bell(value: Float, width: float) -> Float:
    """A bell curve, 1 at 0, of standard deviation `width`."""
    return np.asarray(np.exp(-0.5 * (value / width) ** 2), np.float32)
