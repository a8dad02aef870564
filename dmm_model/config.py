"""What a network is made of, what it is trained for, and how: three frozen records and their presets."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from vptbench.config import config_to_json
from vptbench.errors import ConfigError
from vptbench.manifest import Json
from vptbench.registry import check_known

Motion = Literal["dmm", "deformable", "convolution"]


def _check_least(record: object, least: Mapping[str, int]) -> None:
    """See that fields hold numbers of at least so much.

    Raises:
        ConfigError: Some do not; all are named.
    """
    found = {name: getattr(record, name) for name in least}
    problems = [
        f"{name}: expected a number of at least {least[name]}, got {value}"
        for name, value in found.items()
        if not (math.isfinite(value) and value >= least[name])
    ]
    if problems:
        raise ConfigError("; ".join(problems) + f"; change these fields of {type(record).__name__}")


@dataclass(frozen=True)
class GeneratorConfig:
    """The generator's shape; the defaults are the published network.

    Attributes:
        size: Height and width of the frames it is meant for, pixels; it takes others too (`Generator`).
        channels: Channels after the first encoder stage; each further stage doubles them up to `widest`.
        widest: The most channels of an encoder stage.
        style_stages: Halvings of the style encoder, whose last map is averaged to the style vector.
        keypoints: Heatmaps of a pose.
        frames_per_chunk: Frames that are generated together; backward states restart with each chunk.
        bidirectional: Whether motion is carried backward through a chunk as well, or forward only.
        motion: How motion states are modulated: by deformable motion modulation ("dmm"), by a deformable
            convolution with fixed weights ("deformable"), or by a plain one ("convolution").
        style_modulation: Whether the style scales the decoder's weights; without, all samples share them.
    """

    size: int = 256
    channels: int = 64
    widest: int = 512
    style_stages: int = 6
    keypoints: int = 25
    frames_per_chunk: int = 6
    bidirectional: bool = True
    motion: Motion = "dmm"
    style_modulation: bool = True

    def __post_init__(self) -> None:
        _check_least(
            self,
            {"size": 8, "channels": 1, "widest": 1, "style_stages": 3, "keypoints": 1, "frames_per_chunk": 1},
        )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the six terms of the generator's loss; 0 leaves a term out.

    Attributes:
        l1: Of the mean absolute difference.
        content: Of the differences of VGG features.
        style: Of the differences of their Gram matrices.
        contextual: Of the contextual loss.
        spatial: Of the frame discriminator.
        temporal: Of the clip discriminator.

    Source:
        The published training options of BDMM (arXiv 2307.07754).
    """

    l1: float = 5.0
    content: float = 0.5
    style: float = 500.0
    contextual: float = 0.1
    spatial: float = 2.0
    temporal: float = 2.0

    def __post_init__(self) -> None:
        _check_least(self, dict.fromkeys((field.name for field in dataclasses.fields(self)), 0))

    @property
    def needs_vgg(self) -> bool:
        """Whether any term looks at VGG features."""
        return any((self.content, self.style, self.contextual))


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained; an iteration is one batch of windows, with an update for each chunk.

    Attributes:
        iterations: How many.
        window: Frames of a training window, reduced to whole chunks where a clip is shorter.
        source_frames: The source frame is drawn from as many first frames of the clip.
        batch: Windows an iteration and process.
        accumulate: In how many parts a batch is worked on, one after another, where memory is short. The
            discriminators learn before the last part judges, so the others are judged as before that.
        learning_rate: Of the generator.
        discriminator_rate: Of both discriminators.
        beta1: Of Adam, first moment.
        beta2: Of Adam, second moment.
        decay_from: Iteration from which the learning rates fall linearly to 0 at `iterations`; as many or
            more keep them.
        ema: Decay of the running average of the weights that is kept and generated with; 0 keeps none.
        precision: Of the networks' arithmetic: "no" (float32), "bf16" or "fp16".
        recompute: Whether activations of a chunk are computed again in the backward pass, to save memory.
        parity: Whether to follow the published code where it differs from what it seems to intend: VGG
            without normalisation, relu3_3 under the name relu3_2, initial weights, and a schedule that never
            falls (`docs/decisions.md`).
        log_every: Iterations between lines of ``log.csv``; there is one before each checkpoint too.
        sample_every: Iterations between sample strips, which show the weights themselves, not their average.
        save_every: Iterations between checkpoints.
        keep: Checkpoints that are kept, the newest ones.
    """

    iterations: int = 50_000
    window: int = 30
    source_frames: int = 20
    batch: int = 1
    accumulate: int = 1
    learning_rate: float = 1e-4
    discriminator_rate: float = 1e-5
    beta1: float = 0.0
    beta2: float = 0.999
    decay_from: int = 50_000
    ema: float = 0.0
    precision: Literal["no", "bf16", "fp16"] = "no"
    recompute: bool = False
    parity: bool = False
    log_every: int = 10
    sample_every: int = 500
    save_every: int = 1000
    keep: int = 3

    def __post_init__(self) -> None:
        counts = ("iterations", "window", "source_frames", "batch", "accumulate", "log_every", "sample_every",
                  "save_every", "keep")  # fmt: skip
        rates = ("learning_rate", "discriminator_rate", "beta1", "beta2", "decay_from", "ema")
        _check_least(self, dict.fromkeys(counts, 1) | dict.fromkeys(rates, 0))
        problems = [
            f"{name}: expected a number below 1, got {getattr(self, name)}"
            for name in ("beta1", "beta2", "ema")
            if getattr(self, name) >= 1
        ]
        if problems:
            raise ConfigError("; ".join(problems) + "; change these fields of TrainConfig")


@dataclass(frozen=True)
class Preset:
    """A network with its training."""

    generator: GeneratorConfig
    losses: LossConfig
    training: TrainConfig


PRESETS: Mapping[str, Preset] = {
    "published": Preset(GeneratorConfig(), LossConfig(), TrainConfig()),
    "published-100k": Preset(
        GeneratorConfig(),
        LossConfig(),
        TrainConfig(iterations=100_000, decay_from=50_000),
    ),
    "small": Preset(
        GeneratorConfig(size=128, channels=32, widest=256),
        LossConfig(),
        TrainConfig(),
    ),
    "tiny": Preset(
        GeneratorConfig(size=64, channels=16, widest=128, style_stages=5),
        LossConfig(content=0, style=0, contextual=0),
        TrainConfig(
            iterations=2000,
            decay_from=2000,
            window=12,
            learning_rate=5e-4,
            discriminator_rate=5e-5,
            save_every=100,
            sample_every=100,
        ),
    ),
}
"""Networks by name: as in the paper (50,000 iterations), as in its repository (100,000), and two smaller."""


def resolve_preset(name: str, changes: Sequence[str] = (), iterations: int | None = None) -> Preset:
    """A preset by name, with fields of its records changed.

    Args:
        name: Of `PRESETS`.
        changes: Each ``RECORD.FIELD=VALUE``, such as "training.batch=2" or "generator.motion=convolution".
        iterations: Instead of the preset's own.

    Raises:
        RegistryError: There is no such preset.
        ConfigError: A change names no field, or its value is none that the field can take.
    """
    preset = PRESETS[check_known(name, PRESETS, "configuration")]
    if iterations is not None:
        changes = (f"training.iterations={iterations}", *changes)
    for change in changes:
        preset = _changed(preset, change)
    return preset


def preset_to_json(preset: Preset) -> dict[str, dict[str, Json]]:
    """The three records by name, as run.json and checkpoints keep them."""
    return {part: config_to_json(getattr(preset, part)) for part in PARTS}


def _changed(preset: Preset, change: str) -> Preset:
    """`preset` with one field changed.

    Raises:
        ConfigError: See `resolve_preset`.
    """
    key, _, text = change.partition("=")
    part, _, name = key.strip().partition(".")
    kinds = get_type_hints(PARTS[part]) if part in PARTS else {}
    if name not in kinds:
        known = [f"{part}.{name}" for part, kind in PARTS.items() for name in get_type_hints(kind)]
        near = difflib.get_close_matches(key.strip(), known, n=3, cutoff=0.4)
        raise ConfigError(
            f"expected a change such as training.batch=2, got {change!r}; did you mean {' or '.join(near)}?"
            if near
            else f"expected a change such as training.batch=2, got {change!r}; known: {', '.join(known)}"
        )
    value = _text_to_value(text.strip(), kinds[name], change)
    record = dataclasses.replace(getattr(preset, part), **{name: value})
    return dataclasses.replace(preset, **{part: record})


def _text_to_value(text: str, kind: type, change: str) -> object:
    """What a field of type `kind` is given on the command line.

    Raises:
        ConfigError: It cannot be.
    """
    if kind is bool:
        choices: dict[str, object] = {"true": True, "false": False}
    elif kind in {int, float}:
        try:
            return kind(text)
        except ValueError as error:
            wanted = "a whole number" if kind is int else "a number"
            raise ConfigError(f"{change!r}: expected {wanted}, got {text!r}") from error
    else:
        choices = {str(choice): choice for choice in get_args(kind)}
    if text not in choices:
        raise ConfigError(f"{change!r}: expected one of {', '.join(choices)}, got {text!r}")
    return choices[text]


PARTS = {"generator": GeneratorConfig, "losses": LossConfig, "training": TrainConfig}
"""Fields of `Preset` and what they are."""
