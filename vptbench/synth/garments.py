"""Where clothes and hair lie on a body: signed distances on the naked rest body.

Every garment is a distance to its border in metres, positive where the garment lies. The same distances
decide how far vertices move (`dress`) and what colour a point has (`texture`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vptbench.skeleton import BODY_25
from vptbench.synth.figure import Hair, Outfit, Person

Float = NDArray[np.float32]

Numbers = NDArray[np.floating]
"""Real numbers of either precision."""

FAR = 1.0
"""Metres; a distance beyond any border."""

WAIST = 0.11
"""Height of the waist above the hip joints, metres."""

LONG_TOP = 0.1
"""A top that ends so far below the hips (metres) hangs round both legs, as a coat does."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "head": ("head",),
    "neck": ("neck",),
    "clavicle": ("clavicle",),
    "arm": ("upperarm", "lowerarm"),
    "forearm": ("lowerarm",),
    "leg": ("upperleg", "lowerleg"),
    "below knee": ("lowerleg", "foot"),
}
"""Parts of the body, by the beginnings of their joints' names."""


@dataclass(frozen=True)
class Chart:
    """Points of the naked rest body, and what is needed to say where on the body they lie.

    Attributes:
        place: (N, 3) metres, x left, y backward, z up.
        parts: (N, P) how much of each point belongs to each of `PARTS`, 0 to 1.
        marks: (25, 3) BODY_25 joints of the same body at rest.
        arm: (N,) metres from the shoulder along the nearer arm.
        arm_length: From the shoulder to the wrist, metres.
        floor: Height of the soles, metres.
    """

    place: Float
    parts: Float
    marks: Float
    arm: Float
    arm_length: float
    floor: float

    def take(self, chosen: NDArray[np.bool_]) -> "Chart":
        """Some of the points."""
        return replace(self, place=self.place[chosen], parts=self.parts[chosen], arm=self.arm[chosen])

    def mark(self, name: str) -> Float:
        """A BODY_25 joint at rest, (3,)."""
        return np.asarray(self.marks[BODY_25.index(name)])

    def part(self, name: str) -> Float:
        """How much of each point belongs to one of `PARTS`, (N,)."""
        return np.asarray(self.parts[:, list(PARTS).index(name)])

    def above(self, name: str) -> Float:
        """Height above a BODY_25 joint, metres (N,)."""
        return np.asarray(self.place[:, 2] - self.mark(name)[2])

    def down_leg(self) -> tuple[Float, float]:
        """Metres below the hip joints (N,), and the length of a leg to the ankle."""
        return -self.above("MidHip"), float(self.mark("MidHip")[2] - self.mark("LAnkle")[2])

    def leg_axis(self) -> Float:
        """The middle of the left leg at each point's height, (N, 3); mirror x for the right one."""
        hip, ankle = self.mark("LHip"), self.mark("LAnkle")
        down, length = self.down_leg()
        return np.asarray(hip + np.clip(down / length, 0, 1)[:, None] * (ankle - hip), np.float32)


def body_to_chart(rest: Float, skin: Float, joints: Sequence[str], marks: Float) -> Chart:
    """Charts the vertices of a body at rest.

    Args:
        rest: (V, 3) metres.
        skin: (V, J) weights on the joints.
        joints: Their names.
        marks: (25, 3) BODY_25 joints at rest.
    """
    columns = [[joint.startswith(names) for joint in joints] for names in PARTS.values()]
    parts = np.stack([skin[:, chosen].sum(1) for chosen in columns], 1)
    chart = Chart(rest, parts, marks, np.zeros(len(rest), np.float32), 0.0, float(rest[:, 2].min()))
    along, length = np.zeros(len(rest), np.float32), 0.0
    for side, chosen in (("L", rest[:, 0] >= 0), ("R", rest[:, 0] < 0)):
        shoulder, elbow, wrist = (chart.mark(side + joint) for joint in ("Shoulder", "Elbow", "Wrist"))
        upper, lower = np.linalg.norm(elbow - shoulder), np.linalg.norm(wrist - elbow)
        first = (rest[chosen] - shoulder) @ (elbow - shoulder) / upper
        second = (rest[chosen] - elbow) @ (wrist - elbow) / lower
        along[chosen] = np.minimum(first, upper) + np.maximum(second, 0)
        length = float(upper + lower)
    return replace(chart, arm=along, arm_length=length)


@dataclass(frozen=True)
class Garments:
    """Signed distances (N,) in metres, positive inside.

    Attributes:
        top: Shirt, jacket or bodice.
        bottom: Trousers or skirt.
        shoe: Both shoes.
        hair: Hair or hat.
    """

    top: Float
    bottom: Float
    shoe: Float
    hair: Float


def chart_to_garments(chart: Chart, person: Person) -> Garments:
    """Where on the body each garment lies."""
    outfit = person.outfit
    fields = (_top(chart, outfit), _bottom(chart, outfit), _shoe(chart, outfit), _hair(chart, person.hair))
    return Garments(*(np.asarray(field, np.float32) for field in fields))


def skirt_field(garments: Garments, outfit: Outfit) -> Float:
    """The garment that hangs round both legs, as a signed distance (N,): a long top, or else the bottom."""
    return garments.top if outfit.top_hem > LONG_TOP else garments.bottom


def smoothstep(value: Numbers) -> Float:
    """0 below 0, 1 above 1, smooth between."""
    place = np.clip(value, 0, 1)
    return np.asarray(place * place * (3 - 2 * place), np.float32)


def _top(chart: Chart, outfit: Outfit) -> Float:
    height, wide = chart.above("Neck"), np.abs(chart.place[:, 0])
    behind = chart.place[:, 1] - chart.mark("Neck")[1]
    front = smoothstep(-(behind + 0.02) / 0.03)
    v_depth = max(outfit.neckline - 0.03, 0.0)
    opening = 0.06 + 0.3 * v_depth
    cut = (0.5 * outfit.neckline + 1.5 * v_depth * np.clip(1 - wide / opening, 0, 1)) * smoothstep(
        (opening - wide) / 0.02 + 1
    )
    roll = 1.2 * max(-outfit.neckline, 0.0)
    field = 0.055 + 0.30 * behind - front * cut + roll - height
    field = np.minimum(field, chart.above("MidHip") + outfit.top_hem)
    arm = chart.part("arm")
    if outfit.sleeve < 0:
        straps = 0.72 * chart.mark("LShoulder")[0] + 1.1 * np.clip(-0.04 - height, 0, 1) ** 0.9 - wide
        field = np.minimum(field, np.where(height > -0.2, straps, FAR))
        field = np.minimum(field, 0.1 * (0.4 - arm))
    else:
        field = np.minimum(field, np.where(arm > 0.45, outfit.sleeve * chart.arm_length - chart.arm, FAR))
    return np.where(chart.part("head") > 0.6, -FAR, field)


def _bottom(chart: Chart, outfit: Outfit) -> Float:
    down, length = chart.down_leg()
    field = np.minimum(down + WAIST, outfit.leg * length - down)
    return np.where(chart.part("arm") + chart.part("clavicle") > 0.3, -FAR, field)


def _shoe(chart: Chart, outfit: Outfit) -> Float:
    in_front = chart.mark("LAnkle")[1] - chart.place[:, 1]
    tongue = 0.5 * np.clip(in_front - 0.05, 0, 0.06)
    low = 0.0 if outfit.shaft > 0 else -0.012
    field = outfit.shaft + low + tongue - chart.above("LAnkle")
    return np.where(chart.part("below knee") > 0.5, field, -FAR)


def _hair(chart: Chart, hair: Hair) -> Float:
    x, y, _ = chart.place.T
    above, ear, eye = chart.above("REye"), chart.mark("REar")[1], chart.mark("REye")[1]
    places = np.array([eye + 0.005, eye + 0.045, ear - 0.008, ear + 0.025, ear + 0.08], np.float32)
    levels = [
        hair.front,
        0.75 * hair.front + 0.25 * hair.side,
        hair.side,
        0.5 * (hair.side + hair.nape),
        hair.nape,
    ]
    edge = np.interp(y, places, levels).astype(np.float32)
    if not hair.hat:
        edge = edge + (0.010 * np.sin(40 * x + 0.9) + 0.0008 * np.sin(420 * x)) * smoothstep((ear - y) / 0.05)
    cap = np.where(chart.part("head") + chart.part("neck") > 0.5, above - edge, -FAR)
    if hair.side > -0.03:
        ears = (np.abs(x) > chart.mark("LEar")[0] - 0.004) & (above < 0.012) & (above > -0.06)
        cap = np.where(ears & (np.abs(y - ear) < 0.035), -FAR, cap)
    if hair.length < 0:
        return cap
    behind = y - chart.mark("Neck")[1] - 0.024
    tips = hair.length + 0.012 * np.sin(55 * x + 1) + 0.006 * np.sin(190 * x) - 1.2 * np.abs(x) ** 2
    fall = np.minimum(np.minimum(chart.above("Neck") + tips, behind), 0.125 - np.abs(x))
    fall = np.where((above < 0) & (chart.part("arm") < 0.3), fall, -FAR)
    return np.maximum(cap, fall)
