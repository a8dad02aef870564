"""Seeded synthetic people: body shape, skin, face, hair and clothes, as plain numbers and colours.

What a person wears is described here; `dress` turns it into a displaced and coloured surface, and
`motion` makes it move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""

Choice = TypeVar("Choice")

MAX_DEVIATION = 1.7
"""Body shapes are drawn within so many standard deviations."""


@dataclass(frozen=True)
class Cloth:
    """A fabric.

    Attributes:
        pattern: One of `PATTERNS`.
        colour: Of the ground.
        second: Of the stripes, checks, dots or flowers.
        pitch: Distance from one stripe (check, dot) to the next, metres.
    """

    pattern: str
    colour: Colour
    second: Colour
    pitch: float


PATTERNS = ("plain", "stripes", "pinstripes", "checks", "dots", "flowers", "blocks", "denim", "knit")
"""What `dress` can weave."""


@dataclass(frozen=True)
class Outfit:
    """Clothes, by where they end on the body.

    Attributes:
        top: Fabric of the upper garment.
        sleeve: Share of the arm that is covered, from the shoulder to the wrist; negative without sleeves.
        neckline: How deep the neck is cut in front, metres; above 0.06 it is a V; negative is a roll neck.
        top_hem: Where the upper garment ends, metres below the hip joints.
        top_ease: How far it stands off the body, metres.
        bottom: Fabric of trousers or skirt.
        leg: Share of the leg that is covered, from the hip to the ankle.
        leg_ease: How far it stands off the body, metres.
        flare: Metres a skirt widens per metre downward; negative where nothing hangs round both legs.
        open_front: Half the width, in metres, of the gap of an open jacket; 0 if closed.
        inner: Colour of what is seen in that gap.
        shoe: Colour of the shoes.
        sole: Colour of their soles.
        shaft: How high the shoes reach above the ankle joint, metres.
        belt: Colour of a belt, or the bottom's own colour.
    """

    top: Cloth
    sleeve: float
    neckline: float
    top_hem: float
    top_ease: float
    bottom: Cloth
    leg: float
    leg_ease: float
    flare: float
    open_front: float
    inner: Colour
    shoe: Colour
    sole: Colour
    shaft: float
    belt: Colour


@dataclass(frozen=True)
class Hair:
    """Hair (or a knitted hat), by where it ends.

    Attributes:
        colour: Of the hair.
        front: Height of the hairline above the eyes, metres.
        side: Where it ends beside the ears, metres above the eyes.
        nape: Where it ends at the back of the head, metres above the eyes.
        volume: Thickness, metres.
        length: How far it falls below the neck joint, metres; negative where it does not.
        bun: Size of a bun at the back of the head, metres; 0 without.
        curls: Strength of the surface's unevenness, 0 to 1.
        hat: Whether it is a hat.
    """

    colour: Colour
    front: float
    side: float
    nape: float
    volume: float
    length: float
    bun: float
    curls: float
    hat: bool


@dataclass(frozen=True)
class Person:
    """Everything about a person that does not move.

    Attributes:
        shape: Coefficients of the body's shape directions, in standard deviations.
        skin: Colour of the skin.
        lips: Colour of the lips.
        iris: Colour of the eyes.
        beard: Strength of a beard, 0 to 1.
        hair: Hair or hat.
        outfit: Clothes.
        seed: Of the fabrics' unevenness.
    """

    shape: tuple[float, ...]
    skin: Colour
    lips: Colour
    iris: Colour
    beard: float
    hair: Hair
    outfit: Outfit
    seed: int


@dataclass(frozen=True)
class Palette:
    """Colours that go together."""

    top: Colour
    second: Colour
    bottom: Colour
    shoe: Colour


PALETTES = (
    Palette((246, 244, 238), (38, 62, 112), (52, 66, 96), (176, 52, 44)),
    Palette((200, 62, 58), (250, 238, 224), (44, 46, 54), (236, 234, 230)),
    Palette((60, 122, 116), (238, 226, 196), (196, 174, 136), (92, 62, 44)),
    Palette((240, 190, 74), (82, 58, 92), (66, 76, 104), (246, 246, 242)),
    Palette((44, 52, 74), (214, 182, 120), (126, 110, 94), (40, 36, 36)),
    Palette((224, 138, 150), (252, 244, 240), (78, 84, 112), (240, 232, 228)),
    Palette((92, 132, 186), (246, 246, 246), (208, 192, 164), (134, 86, 52)),
    Palette((116, 146, 96), (246, 238, 208), (58, 62, 58), (222, 196, 150)),
    Palette((122, 78, 132), (232, 206, 226), (58, 54, 70), (44, 40, 52)),
    Palette((222, 118, 66), (66, 56, 66), (76, 92, 120), (250, 250, 246)),
    Palette((36, 38, 42), (228, 228, 228), (112, 120, 128), (196, 58, 62)),
    Palette((160, 204, 206), (44, 82, 96), (242, 234, 220), (200, 152, 108)),
)

SKINS: tuple[Colour, ...] = (
    (246, 210, 184), (232, 186, 152), (222, 172, 136), (204, 150, 112), (176, 122, 84), (146, 98, 66),
    (112, 74, 52), (88, 60, 46),
)  # fmt: skip

HAIRS: tuple[Colour, ...] = (
    (34, 27, 25), (58, 40, 30), (88, 58, 38), (124, 82, 48), (178, 132, 76), (214, 178, 112), (134, 58, 34),
    (150, 146, 144),
)  # fmt: skip

IRISES: tuple[Colour, ...] = ((72, 46, 30), (96, 66, 40), (70, 104, 130), (84, 112, 78))

HAIR_STYLES: Mapping[str, Hair] = {
    "short": Hair((0, 0, 0), 0.056, 0.0, -0.075, 0.012, -1.0, 0.0, 0.2, hat=False),
    "long": Hair((0, 0, 0), 0.060, -0.05, -0.30, 0.017, 0.17, 0.0, 0.1, hat=False),
    "bun": Hair((0, 0, 0), 0.058, 0.015, -0.06, 0.008, -1.0, 0.042, 0.05, hat=False),
    "curly": Hair((0, 0, 0), 0.054, -0.01, -0.085, 0.036, -1.0, 0.0, 1.0, hat=False),
    "bob": Hair((0, 0, 0), 0.046, -0.06, -0.13, 0.022, 0.0, 0.0, 0.1, hat=False),
    "buzz": Hair((0, 0, 0), 0.060, 0.02, -0.06, 0.003, -1.0, 0.0, 0.0, hat=False),
    "hat": Hair((0, 0, 0), 0.040, 0.022, -0.02, 0.016, -1.0, 0.0, 0.0, hat=True),
    "shoulder": Hair((0, 0, 0), 0.056, -0.055, -0.2, 0.018, 0.06, 0.0, 0.45, hat=False),
}
"""Hair styles; the colour is the person's."""

WARDROBE = (
    "tee and jeans", "summer dress", "shirt and chinos", "jumper and skirt", "tank and leggings", "jacket",
    "long dress", "tee and shorts", "roll neck", "coat",
)  # fmt: skip
"""Kinds of outfit."""

SPORTSWEAR = (
    "tee and jeans",
    "shirt and chinos",
    "tank and leggings",
    "tee and shorts",
    "jacket",
    "roll neck",
)
"""Kinds of outfit without skirts, for people who squat and kick."""


def seed_to_person(seed: int, index: int, *, wardrobe: Sequence[str], shapes: int) -> Person:
    """The `index`-th person of a seed; neighbours differ in clothes, palette, skin and hair.

    Args:
        seed: Of the whole set of people.
        index: Which of them, from 0.
        wardrobe: Kinds of outfit to choose from, of `WARDROBE`.
        shapes: How many shape directions the body has.
    """
    deck = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1, index]))
    kind, palette = _dealt(deck, wardrobe, index), _dealt(deck, PALETTES, index)
    skin, style = _dealt(deck, SKINS, index), _dealt(deck, tuple(HAIR_STYLES), index)
    hair = _pick(rng, HAIRS if sum(skin) > 400 else HAIRS[:3])
    bearded = style in {"short", "buzz", "hat"} and "dress" not in kind and "skirt" not in kind
    return Person(
        shape=tuple(rng.normal(0, 1, shapes).clip(-MAX_DEVIATION, MAX_DEVIATION).round(4).tolist()),
        skin=skin,
        lips=_mix(skin, (188, 62, 74), rng.uniform(0.3, 0.6)),
        iris=_pick(rng, IRISES if sum(skin) > 480 else IRISES[:2]),
        beard=float(rng.uniform(0.25, 0.8)) if bearded and rng.random() < 0.6 else 0.0,
        hair=replace(HAIR_STYLES[style], colour=palette.second if style == "hat" else hair),
        outfit=_outfit(kind, palette, rng),
        seed=int(rng.integers(2**31)),
    )


def _outfit(kind: str, palette: Palette, rng: np.random.Generator) -> Outfit:
    """An outfit of one of the kinds of `WARDROBE`."""
    pattern, pitch = _pick(rng, ("stripes", "dots", "checks", "plain", "blocks")), rng.uniform(0.035, 0.06)
    top = Cloth(pattern, palette.top, palette.second, float(pitch))
    plain = Cloth("plain", palette.bottom, palette.second, 0.05)
    base = Outfit(
        top=top,
        sleeve=0.36,
        neckline=0.03,
        top_hem=0.02,
        top_ease=0.016,
        bottom=plain,
        leg=0.97,
        leg_ease=0.009,
        flare=-1.0,
        open_front=0.0,
        inner=palette.second,
        shoe=palette.shoe,
        sole=(240, 238, 234),
        shaft=0.0,
        belt=palette.bottom,
    )
    flowers = Cloth(_pick(rng, ("flowers", "dots", "stripes")), palette.top, palette.second, float(pitch))
    knit = replace(top, pattern=_pick(rng, ("knit", "stripes", "blocks")))
    shirt = replace(top, pattern=_pick(rng, ("pinstripes", "checks", "plain")), pitch=0.03)
    shaft = _pick(rng, (0.0, 0.0, 0.10))
    changes: Mapping[str, Mapping[str, object]] = {
        "tee and jeans": {"bottom": replace(plain, pattern="denim")},
        "summer dress": {
            "top": flowers,
            "bottom": flowers,
            "sleeve": -0.02,
            "neckline": 0.08,
            "flare": 0.34,
            "leg": 0.42,
            "top_ease": 0.007,
            "leg_ease": 0.012,
            "belt": palette.second,
        },
        "shirt and chinos": {
            "top": shirt,
            "sleeve": 0.96,
            "neckline": 0.045,
            "belt": (70, 46, 32),
            "top_hem": -0.06,
            "sole": (70, 48, 36),
        },
        "jumper and skirt": {
            "top": knit,
            "sleeve": 0.98,
            "flare": 0.22,
            "leg": 0.48,
            "top_hem": -0.05,
            "shaft": shaft,
        },
        "tank and leggings": {
            "sleeve": -0.03,
            "neckline": 0.07,
            "leg_ease": 0.003,
            "top_ease": 0.008,
            "leg": 0.9,
        },
        "jacket": {
            "top": replace(top, pattern="denim", colour=palette.bottom),
            "bottom": replace(plain, colour=palette.top),
            "sleeve": 0.98,
            "open_front": 0.045,
            "top_ease": 0.022,
            "top_hem": -0.02,
            "shaft": shaft,
        },
        "long dress": {
            "top": replace(flowers, pattern=_pick(rng, ("plain", "flowers"))),
            "sleeve": _pick(rng, (0.3, 0.62, 0.95)),
            "neckline": 0.06,
            "flare": 0.28,
            "leg": 0.74,
            "top_ease": 0.008,
            "belt": palette.second,
        },
        "tee and shorts": {"leg": 0.4, "leg_ease": 0.024, "top_ease": 0.02, "shoe": palette.shoe},
        "roll neck": {
            "top": knit,
            "sleeve": 0.98,
            "neckline": -0.05,
            "top_ease": 0.012,
            "belt": palette.bottom,
        },
        "coat": {
            "top": replace(top, pattern=_pick(rng, ("plain", "checks", "knit"))),
            "sleeve": 0.98,
            "neckline": 0.09,
            "top_hem": 0.3,
            "top_ease": 0.024,
            "shaft": 0.12,
            "flare": 0.16,
            "open_front": 0.03,
        },
    }
    outfit = replace(base, **changes[kind])  # type: ignore[arg-type]
    return replace(outfit, bottom=outfit.top) if kind == "long dress" else outfit


def _dealt(deck: np.random.Generator, cards: Sequence[Choice], index: int) -> Choice:
    """The `index`-th card of a shuffled deck, which is dealt again and again."""
    return cards[int(deck.permutation(len(cards))[index % len(cards)])]


def _pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue
