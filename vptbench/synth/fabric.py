"""Woven, knitted and printed cloth, and the garments made of it: colours of points that lie in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vptbench.synth.figure import Cloth, Outfit, Person
from vptbench.synth.garments import LONG_TOP, WAIST, Chart, Float, Numbers, smoothstep
from vptbench.synth.points import BLEND, Points, bell, over, tint

LINE = 0.0016
"""Half the width of a seam, metres."""

LEATHER_SOLE = 200
"""Soles whose red is below this belong to leather shoes, others to trainers."""


def trousers_to_colours(points: Points, person: Person) -> Float:
    """Colours (N, 3) of trousers or a skirt."""
    outfit, chart = person.outfit, points.chart
    down, length = chart.down_leg()
    hangs = outfit.flare >= 0 and outfit.top_hem < LONG_TOP
    around = _around(points, 0.15, legs=not hangs)
    colours = _weave(outfit.bottom, around, points.worn[:, 2], points)
    colours = colours * (1 + 0.035 * points.noise)[:, None]
    if hangs:
        folds = np.cos(11 * around / 0.15 + 0.6 * points.noise) * smoothstep(down / 0.3)
        colours = colours * (1 + 0.05 * folds)[:, None]
    else:
        knee, groin = bell(down / length - 0.52, 0.05), bell(down - 0.04, 0.05)
        creases = np.sin(95 * points.worn[:, 2] + 3.5 * points.noise + 20 * around)
        colours = (
            colours
            * (1 + 0.035 * creases * (knee + groin + smoothstep((down / length - 0.84) / 0.1)))[:, None]
        )
        colours[_trouser_seams(chart)] *= 0.74
    colours[np.abs(outfit.leg * length - 0.022 - down) < LINE] *= 0.8
    belt = tint(outfit.belt, 1 + 0.02 * points.fine)
    return over(colours, belt, 0.017 - np.abs(down + WAIST - 0.02))


def _trouser_seams(chart: Chart) -> NDArray[np.bool_]:
    """Side seams, fly and pockets."""
    axis, wide, high = chart.leg_axis(), np.abs(chart.place[:, 0]), chart.above("MidHip")
    front = chart.place[:, 1] < axis[:, 1]
    seam = (np.abs(chart.place[:, 1] - axis[:, 1]) < LINE) & (wide > axis[:, 0])
    fly = front & (wide < LINE) & (high > -0.05)
    pocket = front & (wide > 0.075) & (np.abs(high - 0.035 - 1.1 * (wide - 0.11)) < 1.6 * LINE)
    return np.asarray(seam | fly | pocket)


def shoes_to_colours(points: Points, person: Person) -> Float:
    """Colours (N, 3) of shoes or boots with their soles."""
    outfit, chart = person.outfit, points.chart
    colours = tint(outfit.shoe, 1 + 0.03 * points.fine)
    forward = chart.mark("LAnkle")[1] - chart.place[:, 1]
    height = chart.place[:, 2] - chart.floor
    trainers = outfit.shaft == 0 and outfit.sole[0] > LEATHER_SOLE
    if trainers:
        middle = np.abs(np.abs(chart.place[:, 0]) - np.abs(chart.mark("LBigToe")[0]) - 0.014) < 0.018
        laces = (
            (np.sin(forward * 420) > 0.1) & middle & (forward > 0.04) & (forward < 0.12) & (height > 0.045)
        )
        colours[laces] = np.array(outfit.sole, np.float32)
    colours[forward > 0.155] *= 0.86
    return over(colours, tint(outfit.sole, np.full(len(height), 0.95, np.float32)), 0.017 - height)


def top_to_colours(points: Points, person: Person) -> Float:
    """Colours (N, 3) of a shirt, jumper, jacket, coat or bodice."""
    outfit, chart = person.outfit, points.chart
    sleeve, along, length = chart.part("arm") > 0.5, chart.arm, chart.arm_length
    x, y, z = points.worn.T
    ridge = np.interp(np.abs(x), [0.17, 0.5], chart.mark("LShoulder")[2] - np.array([0.01, 0.36]))
    turn = np.arctan2(y - chart.mark("LShoulder")[1], z - ridge) * 0.05
    across = np.where(sleeve, turn, _around(points, 0.16, legs=False))
    colours = _weave(outfit.top, across, np.where(sleeve, -along, z), points)
    waist, elbow = (
        bell(chart.above("MidHip") - 0.1, 0.07) * ~sleeve,
        bell(along - 0.48 * length, 0.05) * sleeve,
    )
    creases = np.sin(np.where(sleeve, along, z + 0.25 * np.abs(x)) * 110 + 3 * points.noise)
    colours = colours * (1 + 0.035 * points.noise + 0.03 * creases * (waist + elbow))[:, None]
    colours[np.abs(points.garments.top - 0.011) < LINE] *= 0.84
    if outfit.sleeve > 0 and outfit.neckline < 0.08:
        colours[(points.garments.top < 0.016) & (chart.above("Neck") > -0.12) & ~sleeve] *= 0.86
    front = (y < chart.mark("Neck")[1] - 0.02) & ~sleeve
    if outfit.open_front > 0:
        return _opened(colours, points, outfit, np.where(front, np.abs(x), 1))
    if outfit.top.pattern in {"pinstripes", "checks"}:
        return _buttoned(colours, np.where(front, np.abs(x), 1), z)
    return colours


def _opened(colours: Float, points: Points, outfit: Outfit, aside: Float) -> Float:
    """A jacket whose gap shows a shirt, and below it the trousers; `aside` is 1 away from the front."""
    high = points.chart.above("MidHip")
    gap = outfit.open_front + 0.25 * np.clip(high - 0.25, 0, 1) - aside
    colours[np.abs(gap + 0.012) < LINE] *= 0.75
    shade = 0.93 + 0.03 * points.noise
    shirt, trousers = tint(outfit.inner, shade), tint(outfit.bottom.colour, shade)
    inner = np.where((high > 0.04)[:, None], shirt, trousers)
    return over(colours, inner * np.where(gap < 0.008, 0.75, 1)[:, None], gap)


def _buttoned(colours: Float, aside: Float, z: Float) -> Float:
    """A shirt's placket with buttons."""
    colours[np.abs(aside - 0.015) < 0.5 * LINE] *= 0.8
    buttons = np.hypot(aside, np.mod(z, 0.08) - 0.04) < 0.0055
    colours[buttons] = 0.25 * colours[buttons] + 0.75 * 245
    return colours


def _around(points: Points, radius: float, *, legs: bool) -> Float:
    """Metres (N,) around the trunk, or around a leg where a point lies on one, 0 in front."""
    x, y, _ = points.worn.T
    chart, axis = points.chart, points.chart.leg_axis()
    on_leg = legs & (chart.part("leg") > 0.5) & (chart.above("MidHip") < -0.05)
    centre = np.where(on_leg, np.sign(x) * axis[:, 0], 0)
    middle = np.where(on_leg, axis[:, 1], chart.mark("MidHip")[1])
    return np.asarray(np.arctan2(x - centre, middle - y) * np.where(on_leg, 0.55, 1) * radius, np.float32)


@dataclass(frozen=True)
class Spread:
    """Points laid out flat on a cloth.

    Attributes:
        across: (N,) metres.
        up: (N,) metres.
        pitch: Distance from one stripe, check or dot to the next, metres.
        points: Where they are on the person.
    """

    across: Numbers
    up: Numbers
    pitch: float
    points: Points


def _weave(cloth: Cloth, across: Numbers, up: Numbers, points: Points) -> Float:
    """Colours (N, 3) of a fabric at `across` and `up` metres (N,) on it."""
    share, fine = WEAVES[cloth.pattern](Spread(across, up, cloth.pitch, points))
    ground, second = np.array(cloth.colour, np.float32), np.array(cloth.second, np.float32)
    return np.asarray((ground + share[:, None] * (second - ground)) * fine[:, None], np.float32)


Weave = Callable[[Spread], tuple[Numbers, Numbers]]
"""Gives for each point the share of the second colour and a factor, (N,) each."""


def _plain(cloth: Spread) -> tuple[Numbers, Numbers]:
    return np.zeros_like(cloth.up), 1 + 0.018 * cloth.points.fine


def _bars(place: Numbers, pitch: float, half: float) -> Numbers:
    """1 in bars of a share of 2 · `half` of the pitch, with soft borders."""
    return smoothstep((half - np.abs(np.mod(place / pitch, 1) - 0.5)) * pitch / BLEND + 0.5)


def _stripes(cloth: Spread) -> tuple[Numbers, Numbers]:
    return _bars(cloth.up, cloth.pitch, 0.25), 1 + 0.018 * cloth.points.fine


def _pinstripes(cloth: Spread) -> tuple[Numbers, Numbers]:
    return 0.75 * _bars(cloth.across, cloth.pitch, 0.08), 1 + 0.018 * cloth.points.fine


def _checks(cloth: Spread) -> tuple[Numbers, Numbers]:
    pitch = 1.3 * cloth.pitch
    crossed = _bars(cloth.across, pitch, 0.24) + _bars(cloth.up, pitch, 0.24)
    return 0.42 * crossed, 1 + 0.018 * cloth.points.fine


def _dots(cloth: Spread) -> tuple[Numbers, Numbers]:
    radius, _ = _lattice(cloth, cloth.pitch)
    return smoothstep((0.27 - radius) * cloth.pitch / BLEND + 0.5), 1 + 0.018 * cloth.points.fine


def _flowers(cloth: Spread) -> tuple[Numbers, Numbers]:
    radius, turn = _lattice(cloth, 1.5 * cloth.pitch)
    petals = smoothstep((0.26 + 0.1 * np.cos(5 * turn) - radius) * 1.5 * cloth.pitch / BLEND + 0.5)
    return np.where(radius < 0.09, 0.35, petals), 1 + 0.018 * cloth.points.fine


def _blocks(cloth: Spread) -> tuple[Numbers, Numbers]:
    level = cloth.points.worn[:, 2] - cloth.points.chart.mark("MidHip")[2]
    band = 0.012 - np.abs(level - 0.30)
    return smoothstep(np.maximum(level - 0.34, band) / BLEND + 0.5), 1 + 0.018 * cloth.points.fine


def _denim(cloth: Spread) -> tuple[Numbers, Numbers]:
    twill = 0.05 * np.sin((cloth.across + cloth.up) * 900)
    return np.zeros_like(cloth.up), 1 + twill + 0.05 * cloth.points.fine + 0.06 * cloth.points.noise


def _knit(cloth: Spread) -> tuple[Numbers, Numbers]:
    loops = 0.07 * np.sin(cloth.across * 520) * np.sin(cloth.up * 420)
    return np.zeros_like(cloth.up), 0.96 + loops + 0.02 * cloth.points.fine


def _lattice(cloth: Spread, pitch: float) -> tuple[Numbers, Numbers]:
    """Distance in pitches (N,) to the nearest place of a staggered lattice, and the direction from it."""
    row = np.round(cloth.up / pitch)
    across = np.mod(cloth.across / pitch + 0.5 * np.mod(row, 2), 1) - 0.5
    up = cloth.up / pitch - row
    return np.hypot(across, up), np.arctan2(up, across) + row


WEAVES: Mapping[str, Weave] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "dots": _dots,
    "flowers": _flowers,
    "blocks": _blocks,
    "denim": _denim,
    "knit": _knit,
}
"""Patterns of cloth."""
