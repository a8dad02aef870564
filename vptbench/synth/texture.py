"""The colours of a person's surface, fixed to the rest body.

They are computed once a person, on a fine grid in every face, from places on the body alone, and therefore
stick to the surface whatever it does.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vptbench.body.asset import load_body
from vptbench.synth.dress import Dressed
from vptbench.synth.fabric import shoes_to_colours, top_to_colours, trousers_to_colours
from vptbench.synth.figure import Person
from vptbench.synth.garments import Float, chart_to_garments
from vptbench.synth.points import BLEND, Points, over
from vptbench.synth.portrait import hair_to_colours, skin_to_colours

CELL = 0.004
"""Width of a cell of colour, metres."""

FINE_CELL = 0.0018
"""Width of a cell in the face."""

MAX_CELLS = 24
"""Most cells along an edge of a face."""


@dataclass(frozen=True)
class Texture:
    """Colours on a grid in every face.

    Attributes:
        colours: uint8 (C, 3) RGB of all cells.
        first: int32 (F,) the first cell of each face.
        cells: int32 (F,) n, the number of cells along an edge: the cell of barycentric weights (a, b, c) in
            face f is first[f] + ⌊a·n⌋·n + ⌊b·n⌋; cells of which no part lies in the face are not filled.
    """

    colours: NDArray[np.uint8]
    first: NDArray[np.int32]
    cells: NDArray[np.int32]

    def at(self, faces: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Colours (N, 3) at places in faces (N,) with barycentric weights (N, 3)."""
        cells = self.cells[faces]
        row = np.minimum((weights[:, 0] * cells).astype(np.int32), cells - 1)
        column = np.minimum((weights[:, 1] * cells).astype(np.int32), cells - 1 - row)
        return np.asarray(self.colours[self.first[faces] + row * cells + column])


def dressed_to_texture(dressed: Dressed, person: Person) -> Texture:
    """Paints a dressed person."""
    faces = load_body().faces
    corners = dressed.rest[faces]
    edges = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)
    in_face = (dressed.chart.part("head")[faces] > 0.5).all(1) & (dressed.chart.place[faces, 1].max(1) < 0)
    wanted = np.ceil(edges / np.where(in_face, FINE_CELL, CELL))
    cells = wanted.clip(2, MAX_CELLS).astype(np.int32)
    first = np.concatenate([[0], np.cumsum(cells**2)]).astype(np.int32)
    face = np.repeat(np.arange(len(faces), dtype=np.int32), cells**2)
    row, column = np.divmod(np.arange(first[-1], dtype=np.int32) - first[face], cells[face])
    used = row + column < cells[face]
    face, row, column = face[used], row[used], column[used]
    third = np.float32(0.5) - np.float32(1 / 6) * (row + column < cells[face] - 1)
    a, b = ((place + third) / cells[face] for place in (row, column))
    weights = np.stack([a, b, np.maximum(1 - a - b, 0)], 1).astype(np.float32)
    points = _points_in_faces(dressed, person, faces[face], weights)
    colours = np.zeros((int(first[-1]), 3), np.uint8)
    colours[np.flatnonzero(used)] = _paint(points, person).clip(0, 255).round()
    return Texture(colours, first[:-1], cells)


def _points_in_faces(dressed: Dressed, person: Person, corners: NDArray[np.int32], weights: Float) -> Points:
    def between(table: Float) -> Float:
        first, second, third = (weights[:, [k]] * table[corners[:, k]] for k in range(3))
        return np.asarray(first + second + third, np.float32)

    known = dressed.chart
    rng = np.random.default_rng(np.random.SeedSequence([person.seed, 7]))
    noise = _waves(known.place, rng, 0.09)
    columns = np.cumsum([3, 3, known.parts.shape[1], 1])
    table = np.concatenate([known.place, dressed.rest, known.parts, known.arm[:, None], noise[:, None]], 1)
    place, worn, parts, arm, noise = np.split(between(table), columns, 1)
    chart = replace(known, place=place, parts=parts, arm=arm[:, 0])
    return Points(
        chart=chart,
        worn=worn,
        garments=chart_to_garments(chart, person),
        noise=noise[:, 0],
        fine=_waves(chart.place, rng, 0.012),
    )


def _waves(place: Float, rng: np.random.Generator, length: float) -> Float:
    """Smooth noise (N,) of about unit size: a sum of plane waves near one wavelength (metres)."""
    waves = rng.normal(size=(6, 3))
    waves *= (2 * np.pi / length * rng.uniform(0.6, 1.6, 6) / np.linalg.norm(waves, axis=1))[:, None]
    phases = place @ waves.T.astype(np.float32) + rng.uniform(0, 2 * np.pi, 6).astype(np.float32)
    return np.asarray(np.sin(phases).sum(1) / 2.4, np.float32)


def _paint(points: Points, person: Person) -> Float:
    """Colours (N, 3) of all points: skin, and over it one garment after another."""
    colours, garments = np.zeros((len(points.worn), 3), np.float32), points.garments
    covered = np.maximum.reduce([garments.top, garments.bottom, garments.shoe, garments.hair]) > BLEND
    colours[~covered] = skin_to_colours(points.take(~covered), person)
    layers: tuple[tuple[Float, Callable[[Points, Person], Float]], ...] = (
        (garments.bottom, trousers_to_colours),
        (garments.shoe, shoes_to_colours),
        (garments.top, top_to_colours),
        (garments.hair, hair_to_colours),
    )
    for distance, paint in layers:
        chosen = distance > -BLEND
        colours[chosen] = over(colours[chosen], paint(points.take(chosen), person), distance[chosen])
    return colours
