"""Skin, face and hair of a synthetic person, painted by the person's own eyes, nose and ears."""

from collections.abc import Sequence

import numpy as np

from vptbench.synth.figure import Person
from vptbench.synth.garments import Float, Numbers, smoothstep
from vptbench.synth.points import Points, bell, tint

EYE_DISTANCE = 0.062
"""Metres between the eyes of the person that the face is drawn for; others are scaled."""


def skin_to_colours(points: Points, person: Person) -> Float:
    """Colours (N, 3) of bare skin and of the face."""
    chart = points.chart
    colours = tint(person.skin, 1 + 0.02 * points.noise + 0.012 * points.fine)
    hand = (chart.part("forearm") > 0.5) * smoothstep((chart.arm - chart.arm_length) / 0.06)
    colours = colours * (1 - hand[:, None] * np.array([0.02, 0.07, 0.08], np.float32))
    face = (chart.part("head") > 0.5) & (chart.place[:, 1] < chart.mark("REar")[1] - 0.012)
    colours[face] = _face(points.take(face), person, colours[face])
    return colours


class _Canvas:
    """Colours of points that lie around the eyes and the nose, painted over one another."""

    def __init__(self, colours: Float) -> None:
        self.colours = colours

    def paint(
        self, colour: Sequence[float] | Numbers, distance: Float, strength: float = 1, soft: float = 0.0012
    ) -> None:
        """Lays a colour where the signed distance (N,) in metres is positive."""
        share = strength * smoothstep(distance / soft + 0.5)
        self.colours = self.colours + share[:, None] * (np.asarray(colour, np.float32) - self.colours)


def _ellipse(a: Numbers, b: Numbers, wide: float, high: float) -> Float:
    """About the signed distance from an ellipse around 0, positive inside."""
    return np.asarray((1 - np.hypot(a / wide, b / high)) * min(wide, high), np.float32)


def _face(points: Points, person: Person, colours: Float) -> Float:
    chart, canvas, skin = points.chart, _Canvas(colours), np.array(person.skin, np.float32)
    eye, nose = chart.mark("LEye"), chart.mark("Nose")
    unit = float(2 * eye[0] / EYE_DISTANCE)
    x = chart.place[:, 0] / unit
    side, up = np.abs(x) - EYE_DISTANCE / 2, (chart.place[:, 2] - eye[2]) / unit
    low = (chart.place[:, 2] - nose[2]) / unit
    canvas.paint(skin * (1.02, 0.85, 0.83), _ellipse(side - 0.010, up + 0.036, 0.020, 0.016), 0.5, 0.02)
    canvas.paint(skin * (0.9, 0.84, 0.84), _ellipse(side, up - 0.003, 0.020, 0.012), 0.6, 0.012)
    if person.beard > 0:
        _paint_beard(canvas, person, x, up, low)
    _paint_mouth(canvas, person, x, low + 0.0335)
    canvas.paint(skin * 0.5, _ellipse(np.abs(x) - 0.009, low + 0.0115, 0.0042, 0.0026), 0.8)
    _paint_eyes(canvas, person, side, up)
    return canvas.colours


def _dark(person: Person) -> Float:
    """Colour of brows and beard."""
    skin, hair = np.array(person.skin, np.float32), np.array(person.hair.colour, np.float32)
    return skin * 0.45 if person.hair.hat or sum(person.hair.colour) > 420 else 0.3 * skin + 0.6 * hair


def _paint_beard(canvas: _Canvas, person: Person, x: Float, up: Float, low: Float) -> None:
    moustache = _ellipse(x, low + 0.022, 0.027, 0.007)
    chin = np.minimum(-low - 0.047, 0.036 - np.abs(x))
    line = np.interp(
        np.abs(x), [0.032, 0.036, 0.05, 0.060, 0.068, 0.08], [0.3, 0.066, 0.056, 0.034, -0.004, -0.004]
    )
    beard = np.maximum.reduce([moustache, chin, -up - line.astype(np.float32)])
    canvas.paint(_dark(person), beard, person.beard, 0.008)


def _paint_mouth(canvas: _Canvas, person: Person, x: Float, mouth: Float) -> None:
    smile = mouth - 8.0 * x * x
    bow = 1 - 0.18 * np.cos(np.clip(x / 0.010, -1, 1) * np.pi) * (smile > 0)
    canvas.paint(person.lips, _ellipse(x, smile / bow, 0.0240, 0.0078), 0.85)
    canvas.paint(np.array(person.lips) * 1.12, _ellipse(x, smile + 0.004, 0.012, 0.002), 0.5, 0.003)
    canvas.paint(np.array(person.lips) * 0.5, _ellipse(x, smile - 0.0004, 0.0245, 0.0011))


def _paint_eyes(canvas: _Canvas, person: Person, side: Float, up: Float) -> None:
    """Both eyes and brows; `side` is measured outward from the middle of the eye."""
    skin = np.array(person.skin, np.float32)
    tilt = up - 0.07 * side + 0.0006
    white = _ellipse(side, tilt, 0.0150, 0.0056)
    canvas.paint((240, 236, 232), white)
    canvas.paint(person.iris, np.minimum(_ellipse(side, up, 0.0058, 0.0062), white))
    canvas.paint((18, 14, 14), np.minimum(_ellipse(side, up, 0.0028, 0.0030), white))
    canvas.paint((250, 250, 250), _ellipse(side - 0.002, up - 0.0018, 0.0014, 0.0014), 0.9)
    lid = np.where(tilt > 0.001, np.minimum(_ellipse(side, tilt - 0.0012, 0.0168, 0.0074), -white), -1)
    canvas.paint(skin * 0.25, np.asarray(lid, np.float32))
    crease = np.where(tilt > 0.003, 0.0008 - np.abs(_ellipse(side, tilt, 0.0180, 0.0115)), -1)
    canvas.paint(skin * 0.72, np.asarray(crease, np.float32), 0.7)
    arch = up - 0.0195 + 7.0 * (side - 0.004) ** 2 - 0.04 * side
    canvas.paint(_dark(person) * 0.85, _ellipse(side - 0.002, arch, 0.0200, 0.0030), 0.85, 0.002)


def hair_to_colours(points: Points, person: Person) -> Float:
    """Colours (N, 3) of hair, or of a knitted hat."""
    hair, chart, fine = person.hair, points.chart, points.fine
    x, y, _ = chart.place.T
    if hair.hat:
        ribs = 0.93 + 0.07 * np.sign(np.sin(np.arctan2(x, y) * 34))
        return tint(hair.colour, np.where(points.garments.hair < 0.028, 0.86, ribs) * (1 + 0.03 * fine))
    wander = 2.5 * points.noise
    strands = 0.07 * np.sin(x * 420 + wander) + 0.06 * np.sin(np.arctan2(x, y + 0.05) * 60 + wander)
    gloss = 0.22 * bell(chart.above("REye") - 0.078 + 0.006 * points.noise, 0.014)
    light = 0.95 + (strands + gloss) * (1 - hair.curls) + 0.16 * hair.curls * fine + 0.04 * points.noise
    colours = tint(hair.colour, light)
    if hair.curls < 0.15 and hair.volume > 0.01:
        parting = (np.abs(x - 0.025) < 0.002) & (y < 0.02) & (chart.above("REye") > 0.03)
        colours[parting] *= 0.6
    if hair.volume < 0.005:
        colours = 0.55 * colours + 0.45 * np.array(person.skin, np.float32)
    return np.asarray(colours, np.float32)
