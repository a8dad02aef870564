import dataclasses
from typing import get_args, get_type_hints

import pytest

from dmm_model.config import (
    PARTS,
    PRESETS,
    GeneratorConfig,
    LossConfig,
    TrainConfig,
    preset_to_json,
    resolve_preset,
)
from vptbench.config import json_to_config
from vptbench.errors import ConfigError, RegistryError

FIELDS = [(part, field) for part, kind in PARTS.items() for field in get_type_hints(kind)]


def other_value(kind, value):
    """As text and as it should be found: a value of `kind` that differs from `value`."""
    if kind is bool:
        return str(not value).lower(), not value
    if kind is int:
        return str(value + 8), value + 8
    if kind is float:
        return repr(value / 2 + 0.25), value / 2 + 0.25
    choice = next(choice for choice in get_args(kind) if choice != value)
    return choice, choice


# What the published options are: weights of losses as in its code, schedule and rates as its README runs it.


def test_the_published_preset_is_the_published_training():
    preset = resolve_preset("published")
    assert preset.generator == GeneratorConfig(
        size=256, channels=64, widest=512, style_stages=6, keypoints=25, frames_per_chunk=6,
        bidirectional=True, motion="dmm", style_modulation=True,
    )  # fmt: skip
    assert dataclasses.asdict(preset.losses) == {
        "l1": 5.0, "content": 0.5, "style": 500.0, "contextual": 0.1, "spatial": 2.0, "temporal": 2.0
    }  # fmt: skip
    training = preset.training
    assert (training.learning_rate, training.discriminator_rate) == (1e-4, 1e-5)
    assert (training.beta1, training.beta2) == (0.0, 0.999)
    assert (training.batch, training.window, training.source_frames) == (1, 30, 20)
    assert (training.iterations, training.ema, training.parity) == (50_000, 0.0, False)


def test_the_repository_trains_twice_as_long_as_the_paper():
    published, longer = (resolve_preset(name) for name in ("published", "published-100k"))
    assert longer.training == dataclasses.replace(published.training, iterations=100_000, decay_from=50_000)
    assert (longer.generator, longer.losses) == (published.generator, published.losses)


@pytest.mark.parametrize("name", PRESETS)
def test_windows_of_every_preset_hold_whole_chunks_and_two_at_least(name):
    preset = PRESETS[name]
    assert preset.training.window % preset.generator.frames_per_chunk == 0
    assert preset.training.window >= 2 * preset.generator.frames_per_chunk


def test_only_tiny_needs_no_vgg():
    assert [name for name, preset in PRESETS.items() if not preset.losses.needs_vgg] == ["tiny"]


@pytest.mark.parametrize("term", ["content", "style", "contextual"])
def test_each_term_of_features_needs_vgg(term):
    without = {"content": 0, "style": 0, "contextual": 0}
    assert not LossConfig(**without).needs_vgg
    assert LossConfig(**without | {term: 0.1}).needs_vgg


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_to_json_and_back(name):
    document = preset_to_json(PRESETS[name])
    assert list(document) == ["generator", "losses", "training"]
    for part, kind in PARTS.items():
        assert json_to_config(document[part], kind) == getattr(PRESETS[name], part)


@pytest.mark.parametrize(("part", "field"), FIELDS, ids=map(".".join, FIELDS))
def test_every_field_can_be_changed_and_nothing_else_changes(part, field):
    preset = resolve_preset("small")
    before = getattr(getattr(preset, part), field)
    text, expected = other_value(get_type_hints(PARTS[part])[field], before)
    found = preset_to_json(resolve_preset("small", [f"{part}.{field}={text}"]))
    document = preset_to_json(preset)
    document[part][field] = expected
    assert found == document
    assert type(found[part][field]) is type(expected)


def test_the_parts_are_the_fields_of_a_preset():
    assert get_type_hints(type(PRESETS["tiny"])) == PARTS
    assert len(FIELDS) == sum(len(dataclasses.fields(kind)) for kind in PARTS.values())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("training.batch=2", ("training", "batch", 2)),
        (" training.batch = 2 ", ("training", "batch", 2)),
        ("training.learning_rate=3e-5", ("training", "learning_rate", 3e-5)),
        ("losses.style=7", ("losses", "style", 7.0)),
        ("training.recompute=true", ("training", "recompute", True)),
        ("generator.bidirectional=false", ("generator", "bidirectional", False)),
        ("generator.motion=convolution", ("generator", "motion", "convolution")),
        ("training.precision=no", ("training", "precision", "no")),
    ],
)
def test_values_are_read_by_the_type_of_the_field(change, found):
    part, field, value = found
    read = getattr(getattr(resolve_preset("tiny", [change]), part), field)
    assert read == value
    assert type(read) is type(value)


def test_later_changes_win_over_earlier_ones_and_over_iterations():
    changes = ["training.batch=2", "training.batch=3"]
    assert resolve_preset("tiny", changes).training.batch == 3
    assert resolve_preset("tiny", iterations=7).training.iterations == 7
    assert resolve_preset("tiny", ["training.iterations=9"], iterations=7).training.iterations == 9
    assert resolve_preset("tiny").training.iterations == 2000


def test_presets_stay_as_they_are():
    resolve_preset("tiny", ["training.batch=2", "losses.l1=0"], iterations=3)
    assert PRESETS["tiny"].training == TrainConfig(
        iterations=2000,
        decay_from=2000,
        window=12,
        learning_rate=5e-4,
        discriminator_rate=5e-5,
        save_every=100,
        sample_every=100,
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["tiny"].training.batch = 2


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(RegistryError, match=r"expected a known configuration, got 'publishd'; did you mean"):
        resolve_preset("publishd")
    with pytest.raises(RegistryError, match=r"got 'xyz'; known: published, published-100k, small, tiny"):
        resolve_preset("xyz")


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ("training.bacth=2", "training.batch"),
        ("generator.motoin=dmm", "generator.motion"),
        ("traning.batch=2", "training.batch"),
        ("loss.style=1", "losses.style"),
        ("batch=2", "training.batch"),
        ("training.=2", "training."),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(change, near):
    with pytest.raises(ConfigError, match=r"expected a change such as training\.batch=2, got ") as info:
        resolve_preset("tiny", [change])
    before, hint = str(info.value).split("; ")
    assert repr(change) in before
    assert hint.startswith("did you mean ")
    assert near in hint


@pytest.mark.parametrize("change", ["", "=", "Q=1", "."])
def test_a_field_like_no_other_is_refused_with_all_there_are(change):
    with pytest.raises(ConfigError) as info:
        resolve_preset("tiny", [change])
    assert str(info.value) == (
        f"expected a change such as training.batch=2, got {change!r}; known: "
        f"{', '.join(map('.'.join, FIELDS))}"
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("training.batch=two", "expected a whole number, got 'two'"),
        ("training.batch=2.5", "expected a whole number, got '2.5'"),
        ("training.batch", "expected a whole number, got ''"),
        ("losses.l1=much", "expected a number, got 'much'"),
        ("training.parity=1", "expected one of true, false, got '1'"),
        ("training.parity=", "expected one of true, false, got ''"),
        ("generator.motion=dnn", "expected one of dmm, deformable, convolution, got 'dnn'"),
        ("training.precision=fp8", "expected one of no, bf16, fp16, got 'fp8'"),
    ],
)
def test_a_value_that_the_field_cannot_take_is_refused(change, wanted):
    with pytest.raises(ConfigError) as info:
        resolve_preset("tiny", [change])
    assert str(info.value) == f"{change!r}: {wanted}"
