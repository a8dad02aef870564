"""What stands behind a synthetic person: a plain backdrop, or a room, a street or a park that stays still.

A camera at a certain height looks at a level floor; the floor's place on the picture is the same that persons
are put on (`Floor`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.synth.figure import Colour

Picture = NDArray[np.float32]
"""RGB, float32 (H, W, 3), 0 to 255."""

WALL_BEHIND = 1.1
"""Metres from where a person stands to the wall behind."""

OWN, PLAIN, TEXTURED, MIXED = "own", "plain", "textured", "mixed"

BACKGROUNDS = (OWN, PLAIN, TEXTURED, MIXED)
"""What may be asked to stand behind people: the layout's own, a studio, a room, a street or a park, or a
studio behind one half of the people and such a place behind the other."""

TURN = 8
"""People after whom those of mixed backgrounds alternate the other way round. Clothes, colours, skins and
hair are dealt from decks of 6 to 12 cards, all of even number, so that people who simply alternate would show
half of the cards before a studio alone. By this rule, in each of the spans 0–95 and 96–143, every card of the
decks of 6, 8 and 12 stands before both backgrounds equally often, and of 10 to within one."""


@dataclass(frozen=True)
class Floor:
    """A level floor under a camera.

    Attributes:
        size: (H, W) of the picture, pixels.
        horizon: Row at which the floor would end far away, pixels.
        middle: Column of the camera's axis, pixels.
        scale: Pixels a metre where a person stands.
        distance: From the camera to where a person stands, metres.
        camera_height: Of the camera above the floor, metres.
    """

    size: tuple[int, int]
    horizon: float
    middle: float
    scale: float
    distance: float
    camera_height: float

    def row(self, behind: float) -> float:
        """Row of the floor so many metres behind the person's place."""
        return self.horizon + self.scale * self.camera_height * self.distance / (self.distance + behind)

    def grid(self) -> tuple[Picture, Picture]:
        """Columns (1, W) and rows (H, 1) of the pixels."""
        height, width = self.size
        return np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]

    def places(self) -> tuple[Picture, Picture]:
        """Metres to the right and into the distance (H, W) of the floor seen at each pixel below the wall."""
        columns, rows = self.grid()
        depth = self.camera_height * self.scale * self.distance / np.maximum(rows - self.horizon, 1)
        across = (columns - self.middle) * depth / (self.scale * self.distance)
        return across, np.broadcast_to(depth, across.shape).astype(np.float32)


Backdrop = Callable[[Floor, np.random.Generator], Picture]
"""Draws what stands behind a person, from the floor and a generator."""


def background_to_backdrop(background: str, person: int, own: Backdrop) -> Backdrop:
    """What stands behind a person, in all of the person's clips.

    Args:
        background: One of `BACKGROUNDS`.
        person: Number of the person, from 0 on.
        own: The layout's own backdrop.

    Returns:
        For mixed backgrounds a studio where person + ⌊person / `TURN`⌋ is even, else a place: of people 2j
        and 2j + 1 always one each, whatever the seed and the number of people. As splits are spans of
        numbers, half of the people of each have a studio, to within one.
    """
    if background == MIXED:
        background = TEXTURED if (person + person // TURN) % 2 else PLAIN
    return {OWN: own, PLAIN: studio, TEXTURED: location}[background]


def studio(floor: Floor, rng: np.random.Generator) -> Picture:
    """A near-white backdrop that runs into the floor, a little darker towards the corners."""
    height, width = floor.size
    columns, rows = floor.grid()
    tint = np.array([244, 243, 241], np.float32) + rng.uniform(-1.5, 1.5, 3).astype(np.float32)
    cove = _soft((rows - floor.row(WALL_BEHIND)) / (0.10 * height))
    radius = np.hypot((columns / width - 0.5) * 0.9, rows / height - 0.45)
    light = 1 + 0.012 - 0.10 * radius**2 - 0.028 * cove + 0.02 * cove * (rows / height) ** 2
    return np.asarray(light[..., None] * tint, np.float32)


def location(floor: Floor, rng: np.random.Generator) -> Picture:
    """A room, a street or a park."""
    place: Callable[[Floor, np.random.Generator], Picture] = (_room, _street, _park)[int(rng.integers(3))]
    picture = place(floor, rng)
    height, width = floor.size
    columns, rows = floor.grid()
    radius = np.hypot(columns / width - 0.5, rows / height - 0.5)
    return np.asarray(picture * (1.03 - 0.32 * radius[..., None] ** 2), np.float32).clip(0, 255)


WALLS: tuple[Colour, ...] = (
    (198, 204, 196),
    (214, 202, 184),
    (178, 192, 206),
    (208, 188, 178),
    (190, 186, 200),
    (170, 186, 172),
)
WOODS: tuple[Colour, ...] = ((164, 122, 82), (134, 96, 66), (186, 152, 112), (112, 84, 66))
BRICKS: tuple[Colour, ...] = ((158, 92, 74), (146, 110, 92), (172, 124, 98), (132, 126, 124))
LEAVES: tuple[Colour, ...] = ((70, 108, 58), (92, 124, 62), (58, 96, 72))
POSTERS: tuple[Colour, ...] = ((196, 88, 66), (62, 98, 132), (226, 182, 92), (84, 132, 110), (120, 86, 130))


def _room(floor: Floor, rng: np.random.Generator) -> Picture:
    wall_row = floor.row(WALL_BEHIND)
    across, high = _wall_places(floor)
    picture = (
        _flat(floor, WALLS[int(rng.integers(len(WALLS)))]) * (1 + 0.015 * _noise(floor, rng, 0.03))[..., None]
    )
    if rng.random() < 0.5:
        picture *= np.where(np.mod(across / 0.22, 1) < 0.5, 1.0, 0.965)[..., None]
    picture *= (1.0 - 0.05 * high / 2.5)[..., None]
    _hang_things(picture, across, high, rng)
    _put(picture, high < 0.10, np.array([236, 233, 226]))
    _put(picture, np.abs(high - 0.10) < 0.008, np.array([176, 170, 162]))
    _lay(picture, floor, wall_row, _planks(floor, rng))
    return picture


def _hang_things(picture: Picture, across: Picture, high: Picture, rng: np.random.Generator) -> None:
    """A window or a door to one side and pictures on the other."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    centre = side * rng.uniform(0.75, 0.95)
    if rng.random() < 0.6:
        frame = np.maximum(np.abs(across - centre) - 0.42, np.abs(high - 1.45) - 0.55)
        _put(picture, frame < 0, np.array([240, 238, 232]))
        pane = (frame < -0.05) & (np.abs(across - centre) > 0.02) & (np.abs(high - 1.5) > 0.02)
        sky = np.array([170, 200, 226]) + 12 * (high[pane, None] - 1.2) * np.array([-3, -1, 1])
        picture[pane] = sky
    else:
        door = np.maximum(np.abs(across - centre) - 0.42, high - 2.05)
        _put(picture, door < 0.06, np.array([228, 222, 212]))
        _put(picture, door < 0, np.array(WOODS[int(rng.integers(len(WOODS)))]) * 0.95)
        _put(picture, np.abs(door + 0.12) < 0.012, np.array(WOODS[3]) * 0.9)
        _put(picture, np.hypot(across - centre + 0.34, high - 1.02) < 0.035, np.array([214, 196, 140]))
    for _ in range(int(rng.integers(1, 4))):
        x, y, wide, tall = (
            -side * rng.uniform(0.45, 1.15),
            rng.uniform(1.25, 1.75),
            *rng.uniform(0.12, 0.24, 2),
        )
        frame = np.maximum(np.abs(across - x) - wide, np.abs(high - y) - tall)
        _put(picture, frame < 0, np.array([52, 46, 42]))
        _put(picture, frame < -0.022, np.array([238, 234, 226]))
        _put(picture, frame < -0.055, np.array(POSTERS[int(rng.integers(len(POSTERS)))]))
        blob = np.hypot(across - x, high - y + 0.3 * tall) < 0.45 * wide
        _put(picture, blob & (frame < -0.055), np.array(POSTERS[int(rng.integers(len(POSTERS)))]))


def _street(floor: Floor, rng: np.random.Generator) -> Picture:
    across, high = _wall_places(floor)
    tone = np.array(BRICKS[int(rng.integers(len(BRICKS)))], np.float32)
    course = np.floor(high / 0.075)
    along = across / 0.23 + 0.5 * np.mod(course, 2)
    shade = _hash(np.floor(along), course)
    mortar = (np.mod(high / 0.075, 1) < 0.14) | (np.mod(along, 1) < 0.05)
    light = 0.86 + 0.28 * shade + 0.05 * _noise(floor, rng, 0.05)
    picture = np.where(mortar[..., None], np.array([188, 182, 172], np.float32), tone * light[..., None])
    centre = rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 1.0)
    shutter = np.maximum(np.abs(across - centre) - 0.45, np.abs(high - 1.0) - 1.0)
    colour = np.array(POSTERS[int(rng.integers(len(POSTERS)))]) * 0.85
    _put(picture, shutter < 0.05, np.array([206, 202, 194]))
    slats = colour * np.where(np.mod(high / 0.09, 1) < 0.18, 0.78, 1.0)[..., None]
    picture[shutter < 0] = slats[shutter < 0]
    _put(picture, high < 0.22, np.array([148, 146, 142]))
    stone = (
        _flat(floor, (164, 162, 158))
        * (1 + 0.05 * _noise(floor, rng, 0.012) + 0.03 * _noise(floor, rng, 0.1))[..., None]
    )
    x, depth = floor.places()
    joints = (np.mod(x / 0.6, 1) < 0.03) | (np.mod(depth / 0.6, 1) < 0.05)
    _lay(picture, floor, floor.row(WALL_BEHIND), np.where(joints[..., None], 0.82, 1.0) * stone)
    return np.asarray(picture, np.float32)


def _park(floor: Floor, rng: np.random.Generator) -> Picture:
    _, rows = floor.grid()
    edge = floor.row(4 * WALL_BEHIND)
    sky = np.array([168, 200, 230], np.float32) + (rows / edge).clip(0, 1)[..., None] * np.array(
        [54, 30, 10], np.float32
    )
    picture = np.broadcast_to(sky, (*floor.size, 3)).astype(np.float32)
    leaf = np.array(LEAVES[int(rng.integers(len(LEAVES)))], np.float32)
    for depth, top in enumerate((0.16, 0.42, 0.66)):
        outline = edge * (top + 0.10 * _noise(floor, rng, 0.12)[:1] + 0.04 * _noise(floor, rng, 0.03)[:1])
        texture = (
            0.5 * _noise(floor, rng, 0.05)
            + 0.5 * _noise(floor, rng, 0.018)
            + 0.35 * _noise(floor, rng, 0.008)
        )
        light = (0.88 + 0.12 * depth + 0.22 * texture) * (1 - 0.35 * ((rows - outline) / edge).clip(0, 1))
        haze = np.array([150, 176, 170], np.float32) * (0.36 - 0.16 * depth)
        bush = leaf * (0.70 + 0.16 * depth) * light[..., None] + haze
        _put(picture, rows > outline, bush)
    grass = (
        np.array([112, 146, 74], np.float32)
        * (1 + 0.10 * _noise(floor, rng, 0.012) + 0.06 * _noise(floor, rng, 0.08))[..., None]
    )
    path = np.array([186, 174, 152], np.float32) * (1 + 0.05 * _noise(floor, rng, 0.01))[..., None]
    _, depth_map = floor.places()
    on_path = np.abs(depth_map - floor.distance - 0.3 + 0.15 * _noise(floor, rng, 0.2)) < 1.3
    _lay(picture, floor, edge, np.where(on_path[..., None], path, grass))
    return picture


def _wall_places(floor: Floor) -> tuple[Picture, Picture]:
    """Metres to the right and above the floor (H, W) of the wall seen at each pixel."""
    columns, rows = floor.grid()
    scale = floor.scale * floor.distance / (floor.distance + WALL_BEHIND)
    shape = floor.size
    across = np.broadcast_to((columns - floor.middle) / scale, shape)
    high = np.broadcast_to((floor.row(WALL_BEHIND) - rows) / scale, shape)
    return across.astype(np.float32), high.astype(np.float32)


def _planks(floor: Floor, rng: np.random.Generator) -> Picture:
    """A wooden floor whose boards run away from the camera."""
    x, depth = floor.places()
    board = np.floor(x / 0.16)
    along = depth / 1.4 + _hash(board, 0 * board)
    shade = 0.84 + 0.28 * _hash(board, np.floor(along))
    grain = 0.035 * np.sin(x * 260 + 5 * np.sin(depth * 3 + 9 * _hash(board, board)))
    gaps = (np.mod(x / 0.16, 1) < 0.05) | (np.mod(along, 1) < 0.012)
    light = np.where(gaps, 0.62, shade + grain) * (1 + 0.02 * _noise(floor, rng, 0.05))
    return np.asarray(
        light[..., None] * np.array(WOODS[int(rng.integers(len(WOODS)))], np.float32), np.float32
    )


def _lay(picture: Picture, floor: Floor, row: float, ground: Picture) -> None:
    """Covers everything below `row` with `ground`, with a shadow line where they meet."""
    _, rows = floor.grid()
    below = np.broadcast_to((rows - row + 0.5).clip(0, 1)[..., None], picture.shape)
    shadow = 1 - 0.22 * np.exp(-np.abs(rows - row) / (0.02 * floor.size[0]))[..., None]
    picture[:] = (picture * (1 - below) + ground * below) * shadow


def _put(picture: Picture, where: NDArray[np.bool_], colours: NDArray[np.floating]) -> None:
    picture[:] = np.where(np.broadcast_to(where, picture.shape[:2])[..., None], colours, picture)


def _flat(floor: Floor, colour: Colour) -> Picture:
    return np.broadcast_to(np.array(colour, np.float32), (*floor.size, 3)).copy()


def _soft(place: Picture) -> Picture:
    clipped = np.clip(place, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)


def _noise(floor: Floor, rng: np.random.Generator, size: float) -> Picture:
    """Smooth noise (H, W), about −1 to 1, with blobs of `size` of the picture's height."""
    height, width = floor.size
    coarse = rng.uniform(-1, 1, (max(2, round(1 / size)), max(2, round(width / height / size)))).astype(
        np.float32
    )
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _hash(first: Picture, second: Picture) -> Picture:
    """A number from 0 to 1 for each pair of whole numbers."""
    mixed = np.sin(first * 12.9898 + second * 78.233) * 43758.547
    return np.asarray(mixed - np.floor(mixed), np.float32)
