"""Which layout is taken, what is asked, and the traps of other programs' folders."""

import foreign_layouts as foreign
import h5py
import numpy as np
import pytest

from vptbench.errors import OutputError
from vptbench.outputs import Reading
from vptbench.outputs.names import Wanted, WantedClip
from vptbench.outputs.recognise import open_folder, reopen_folder


def frames(count=4, seed=0, size=(16, 16)):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8)


def wanted(clips, *, ordered=False, first=0):
    """What is looked for: each clip, driven by itself."""
    rows = tuple(WantedClip(clip, clip, clip, first, len(made)) for clip, made in clips.items())
    return Wanted(rows, ordered=ordered)


CLIPS = {"91-a+b": frames(seed=1), "91M3UFSKn8S": frames(seed=2)}


def check(reader, clips):
    assert set(reader.ids) == set(clips)
    for clip, expected in clips.items():
        assert reader.numbers(clip) == tuple(range(len(expected)))
        np.testing.assert_array_equal(reader.frames(clip, range(len(expected))), expected)


def test_it_says_what_was_taken_and_why(tmp_path):
    foreign.bdmm_strips(tmp_path, CLIPS)
    reader = open_folder(tmp_path, wanted=wanted(CLIPS))
    assert reader.layout == "bdmm-strips"
    assert reader.why == "8 files are called {clip}.mp4/frames/frame_{frame:05d}.png, panel 5/5:square"
    check(reader, CLIPS)


def test_without_clips_to_look_for_names_are_ids(tmp_path):
    foreign.bdmm_strips(tmp_path, CLIPS)
    check(open_folder(tmp_path), CLIPS)


@pytest.mark.parametrize(
    ("write", "below", "layout"),
    [
        (foreign.fomm_reconstruction, "reconstruction/png", "fomm-reconstruction"),
        (foreign.fomm_reconstruction, "reconstruction", "fomm-reconstruction"),
        (foreign.fomm_animation, "animation/png", "fomm-animation"),
        (foreign.disco, "pred_gs3.0_scale-cond1.0-ref1.0", "disco"),
        (foreign.magicanimate, "samples/animation-2024/videos", "magicanimate"),
        (foreign.moore, "20240131", "moore"),
    ],
)
def test_any_folder_on_the_way_may_be_given(write, below, layout, tmp_path):
    write(tmp_path, CLIPS)
    reader = open_folder(tmp_path / below, wanted=wanted(CLIPS))
    assert reader.layout == layout
    assert reader.frames("91-a+b", [3]).shape == (1, 16, 16, 3)


def test_a_folder_of_filmstrips_under_another_name(tmp_path):
    foreign.fomm_reconstruction(tmp_path, CLIPS)
    (tmp_path / "reconstruction" / "png").rename(tmp_path / "mine")
    reader = open_folder(tmp_path / "mine", wanted=wanted(CLIPS))
    assert reader.layout == "fomm-reconstruction"
    check(reader, CLIPS)


def test_one_clip_in_a_folder_of_its_own(tmp_path):
    clip = {"001/9/1": frames()}
    foreign.stableanimator(tmp_path, clip)
    reader = open_folder(tmp_path / "001_9_1", wanted=wanted(clip))
    check(reader, clip)


def test_two_that_fit_are_asked_for(tmp_path):
    foreign.his_self(tmp_path, CLIPS)
    foreign.his_cross(tmp_path, CLIPS)
    both = wanted(CLIPS, ordered=True)
    text = (
        r"expected one layout to fit, found his-self \(8 files .*\) and his-cross \(.*\); say --layout his-"
    )
    with pytest.raises(OutputError, match=text) as info:
        open_folder(tmp_path, wanted=both)
    assert "\n" not in str(info.value)
    for name in ("self", "cross"):
        reader = open_folder(tmp_path, layout=f"his-{name}", wanted=both)
        assert all(name in str(file) for file in reader.clips["91-a+b"].files)
    (tmp_path / "cross_imitation" / "pred_00000007.jpg").unlink()
    assert open_folder(tmp_path, wanted=both).layout == "his-self"  # the other has another number of files


def test_swapped_counters_leave_fewer_files(tmp_path):
    """The README's example: the frame's counter names the file, so the second video overwrites the first."""
    for made in CLIPS.values():
        for k, frame in enumerate(made):
            foreign.picture(tmp_path / "self_imitation" / f"pred_{k:08d}.jpg", frame)
    text = (
        r"read as his-self: expected 8 pictures, as many as the 2 videos of the protocol have frames, found 4"
    )
    for folder in (tmp_path, tmp_path / "self_imitation"):
        with pytest.raises(OutputError, match=text + r"; .*later videos overwrite earlier files"):
            open_folder(folder, wanted=wanted(CLIPS, ordered=True))
    with pytest.raises(OutputError, match=r"a benchmark that spells out its videos in order, .* got none"):
        open_folder(tmp_path, wanted=wanted(CLIPS))


def test_one_counter_follows_the_order_of_the_protocol(tmp_path):
    clips = {"b": frames(2, seed=1), "a": frames(3, seed=2)}
    for k, frame in enumerate([*clips["b"], *clips["a"]]):
        foreign.picture(tmp_path / "cross_imitation" / f"pred_{k:08d}.jpg", frame)
    found = open_folder(tmp_path, wanted=wanted(clips, ordered=True, first=7)).clips
    assert {clip: [path.name[-5] for path in media.files] for clip, media in found.items()} == {
        "a": ["2", "3", "4"], "b": ["0", "1"],
    }  # fmt: skip
    assert found["a"].numbers() == (7, 8, 9)


@pytest.mark.parametrize(
    "names",
    [
        ["pred_#0.png", "pred_#2.png", "pred_#10.png", "pred_#1.png"],
        ["frame_0.png", "frame_2.png", "frame_10.png", "frame_1.png"],
        ["000.png", "0002.png", "00010.png", "01.png"],
    ],
    ids=["hash", "unpadded", "digit widths"],
)
def test_numbers_are_integers(names, tmp_path):
    made = frames()
    for name, frame in zip(names, made, strict=True):
        foreign.picture(tmp_path / "91-a+b" / name, frame)
    reader = open_folder(tmp_path, wanted=Wanted((WantedClip("91-a+b", "91-a+b", "91-a+b", 0, 11),)))
    assert reader.numbers("91-a+b") == (0, 1, 2, 10)
    np.testing.assert_array_equal(reader.frames("91-a+b", [0, 1, 2, 10]), made[[0, 3, 1, 2]])
    foreign.picture(tmp_path / "91-a+b" / names[1].replace("2", "02"), made[0])
    with pytest.raises(OutputError, match="expected one picture for frame 2, found"):
        open_folder(tmp_path)


def test_what_is_nobodys_data_is_left_alone(tmp_path):
    foreign.clip_folders(tmp_path, CLIPS)
    foreign.picture(tmp_path / "__MACOSX" / "91-a+b" / "._0.png", frames(1)[0])
    foreign.picture(tmp_path / ".cache" / "0.png", frames(1)[0])
    foreign.picture(tmp_path / "91-a+b" / "._0.png", frames(1)[0])
    (tmp_path / "91-a+b" / "animation.gif").write_bytes(b"GIF89a")
    (tmp_path / "log.txt").write_text("done")
    reader = open_folder(tmp_path, wanted=wanted(CLIPS))
    check(reader, CLIPS)
    assert reader.to_json()["container"] == "PNG"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            "a/animation_video.gif",
            "found stableanimator-gif: a GIF has 256 colours; score animated_images beside it",
        ),
        ("a.gif", "found gifs: a GIF has 256 colours; score PNG"),
        ("reconstruction/a.mp4", "found fomm-visualisation: .* score reconstruction/png instead"),
        ("a/grid_wguidance.mp4", "found champ-grid: .* score animation.mp4 of the same folder instead"),
    ],
)
def test_what_is_not_fit_for_scoring_says_what_is(place, text, tmp_path):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    if place.endswith(".gif"):
        (tmp_path / place).write_bytes(b"GIF89a")
    else:
        foreign.video(tmp_path / place, frames())
    with pytest.raises(OutputError, match=f"expected frames that are fit for scoring, {text}"):
        open_folder(tmp_path)


def test_strays_are_named(tmp_path):
    foreign.dreampose(tmp_path, CLIPS)
    foreign.picture(tmp_path / "preview.png", frames(1)[0])
    with pytest.raises(
        OutputError, match=r"expected files called .* \(dreampose\), found .*, such as preview\.png"
    ):
        open_folder(tmp_path, layout="dreampose")
    with pytest.raises(OutputError, match=r"found 9 pictures in 3 folders .*, some within others"):
        open_folder(tmp_path)


@pytest.mark.parametrize("looked_for", [True, False])
@pytest.mark.parametrize("renamed", [True, False])
def test_strips_given_from_inside_are_asked_for(looked_for, renamed, tmp_path):
    clip = {"91-a+b": frames(seed=1)}
    foreign.bdmm_strips(tmp_path, clip)
    folder = tmp_path / "91-a+b.mp4" / "frames"
    folder = folder.rename(tmp_path / "mine") if renamed else folder
    known = wanted(clip) if looked_for else None
    text = (
        r"expected one layout to fit, found flat-folder \(.*\) and bdmm-strips \(4 files are called "
        r"frame_\{frame:05d\}\.png, panel 5/5:square\); say --layout flat-folder or --layout bdmm-strips"
    )
    with pytest.raises(OutputError, match=text):
        open_folder(folder, wanted=known)
    strips = open_folder(folder, layout="bdmm-strips", wanted=known)
    np.testing.assert_array_equal(strips.frames(strips.ids[0], range(4)), clip["91-a+b"])
    assert open_folder(folder, layout="flat-folder", wanted=known).frames(strips.ids[0], [0]).shape[2] == 80
    assert open_folder(folder, reading=Reading(panel="5/5"), wanted=known).layout == "flat-folder"


def test_frames_of_one_panel_are_not_asked_for(tmp_path):
    clip = {"91-a+b": frames()}
    foreign.bdmm_frames(tmp_path, clip)
    for known in (wanted(clip), None):
        assert open_folder(tmp_path / "91-a+b.mp4", wanted=known).layout == "flat-folder"
    foreign.picture(tmp_path / "wide" / "0.png", np.zeros((16, 32, 3), np.uint8))
    assert open_folder(tmp_path / "wide").layout == "flat-folder"  # a filmstrip only if names say so


def test_strips_of_another_width_are_no_bdmm_strips(tmp_path):
    for k in range(2):
        foreign.picture(tmp_path / "a.mp4" / "frames" / f"frame_{k:05d}.png", np.zeros((16, 81, 3), np.uint8))
    clip = wanted({"a": frames(2)})
    with pytest.raises(
        OutputError, match=r"read as bdmm-strips: frame_00000\.png: expected 5 square panels, .*16×81"
    ):
        open_folder(tmp_path, wanted=clip)


def test_a_name_that_says_another_size(tmp_path):
    foreign.video(tmp_path / "a_a_512x16_3_1507.mp4", [foreign.grid(frame, 3) for frame in frames()])
    with pytest.raises(
        OutputError, match=r"read as moore: .*expected panels of 512×16 as the name says, found a"
    ):
        open_folder(tmp_path, wanted=wanted({"a": frames()}))


def test_two_runs_of_one_clip_are_refused(tmp_path):
    foreign.moore(tmp_path, CLIPS)
    foreign.moore(tmp_path / "again", CLIPS)
    with pytest.raises(
        OutputError, match=r"expected one file for clip 91-a\+b_91-a\+b, found 20240131/.* and again/"
    ):
        open_folder(tmp_path, wanted=wanted(CLIPS))


def test_long_names_are_cut_and_odd_ones_shown_harmlessly(tmp_path):
    long = "x" * 250
    foreign.picture(tmp_path / long / "0.png", frames(1)[0])
    foreign.picture(tmp_path / "a\x1b[2J\nb" / "0.png", frames(1)[0])
    with pytest.raises(OutputError, match=r"no clip is called a�\[2J�b, x{40}…x{40};") as info:
        open_folder(tmp_path, wanted=wanted(CLIPS))
    assert len(str(info.value)) < 600
    assert str(info.value).isprintable()


def test_patterns_stay_in_the_folder(tmp_path):
    foreign.clip_folders(tmp_path / "made", CLIPS)
    for pattern in ("../{clip}/{frame}.png", "/{clip}/{frame}.png", "{clip}/../{frame}.png"):
        with pytest.raises(OutputError, match="stays in the folder"):
            open_folder(tmp_path / "made", reading=Reading(pattern=pattern))


def test_a_pattern_of_ones_own(tmp_path):
    for clip, made in CLIPS.items():
        for k, frame in enumerate(made):
            foreign.picture(tmp_path / f"run_{clip}_{2 * k + 10:03d}.png", foreign.beside(frame, 3, 1))
    how = Reading(pattern="run_{clip}_{frame:03d}.png", panel="2/3", first=10)
    reader = open_folder(tmp_path, reading=how, wanted=wanted(CLIPS))
    assert (reader.layout, reader.numbers("91-a+b")) == ("pattern", (0, 2, 4, 6))
    np.testing.assert_array_equal(reader.frames("91-a+b", [6, 0]), CLIPS["91-a+b"][[3, 0]])
    late = open_folder(tmp_path, reading=Reading(pattern=how.pattern, first=11))
    with pytest.raises(OutputError, match=r"expected numbers from 11 \(--first\), found 10"):
        late.numbers("91-a+b")
    with pytest.raises(OutputError, match="expected a layout or a pattern, got both"):
        open_folder(tmp_path, layout="gfla", reading=how)
    with pytest.raises(OutputError, match=r"2 panels|7 panels of equal width"):
        open_folder(tmp_path, reading=Reading(pattern=how.pattern, panel="1/7"))


def test_a_panel_counts_whatever_is_recognised(tmp_path):
    foreign.bdmm_strips(tmp_path / "a", CLIPS)
    reader = open_folder(tmp_path / "a", reading=Reading(panel="1/5"), wanted=wanted(CLIPS))
    made = reader.frames("91-a+b", [0])
    np.testing.assert_array_equal(made[0], foreign.noise(CLIPS["91-a+b"][0], 0))
    foreign.clip_folders(tmp_path / "b", {"a": np.concatenate([frames(seed=1), frames(seed=2)], axis=2)})
    reader = open_folder(tmp_path / "b", reading=Reading(panel="2/2"))
    np.testing.assert_array_equal(reader.frames("a", range(4)), frames(seed=2))
    foreign.clip_arrays(tmp_path / "c", CLIPS)
    with pytest.raises(OutputError, match=r"expected pictures or videos for panel 2/2, found .*\.npy"):
        open_folder(tmp_path / "c", reading=Reading(panel="2/2"))
    with pytest.raises(OutputError, match=r"expected numbers in names for --first, found 91-a\+b\.npy"):
        open_folder(tmp_path / "c", reading=Reading(first=1)).numbers("91-a+b")


def test_output_k_stands_for_a_driving_frame(tmp_path):
    np.save(tmp_path / "a.npy", frames(3))
    reader = open_folder(tmp_path, reading=Reading(stride=3, offset=2))
    assert reader.numbers("a") == (2, 5, 8)
    np.testing.assert_array_equal(reader.frames("a", [8, 2]), frames(3)[[2, 0]])
    how = Reading(stride=3, offset=2)
    assert [n for n in range(12) if how.covers(n)] == [2, 5, 8, 11]
    assert [how.length(n) for n in (0, 2, 3, 5, 6, 12)] == [0, 0, 1, 1, 2, 4]
    assert [n for n in range(12) if Reading(stride=2, count=3).covers(n)] == [0, 2, 4]
    assert Reading(stride=2, count=3).length(12) == 3
    with pytest.raises(OutputError, match=r"--stride from 1, got 0, 0, 0 and 0"):
        Reading(stride=0)


@pytest.mark.parametrize("write", [foreign.bdmm_strips, foreign.his_self, foreign.moore, foreign.one_hdf5])
def test_a_folder_is_opened_again_as_it_was_read(write, tmp_path):
    write(tmp_path, CLIPS)
    reader = open_folder(tmp_path, wanted=wanted(CLIPS, ordered=True))
    again = reopen_folder(tmp_path, reader.to_json())
    assert again.clips == reader.clips
    assert (again.layout, again.wanted) == (reader.layout, reader.wanted)


def test_a_pattern_is_opened_again_and_damaged_records_are_refused(tmp_path):
    foreign.clip_folders(tmp_path, CLIPS)
    reader = open_folder(
        tmp_path, reading=Reading(pattern="{clip}/{frame}.png", stride=2), wanted=wanted(CLIPS)
    )
    record = reader.to_json()
    again = reopen_folder(tmp_path, record)
    assert (again.clips, again.reading) == (reader.clips, reader.reading)
    assert again.numbers("91-a+b") == (0, 2, 4, 6)
    known = record["wanted"]
    (first, _) = known["clips"]
    damaged = [
        {"wanted": {**known, "clips": ["ab"]}}, {"wanted": {**known, "clips": "ab"}},
        {"wanted": {**known, "clips": [{"id": 5}]}}, {"wanted": {**known, "clips": [{**first, "id": 5}]}},
        {"wanted": {**known, "clips": [{**first, "first": "0"}]}}, {"wanted": {**known, "others": [5]}},
        {"wanted": {**known, "clips": [{**first, "count": True}]}}, {"wanted": {**known, "others": "ab"}},
        {"wanted": {**known, "ordered": None}}, {"wanted": []}, {"pattern": 5}, {"layout": 5},
        {"panel": None},
    ]  # fmt: skip
    for change in ({"stride": "2"}, {"wanted": {}}, {"wanted": 3}, {"first": None}, *damaged):
        with pytest.raises(
            OutputError, match="expected the record of how this folder was read, found another"
        ):
            reopen_folder(tmp_path, {**record, **change})
    with pytest.raises(OutputError, match=r"found another \('first'\)|found another"):
        reopen_folder(tmp_path, {"layout": "clip-folders"})


def test_outputs_that_know_their_numbers_take_no_others(tmp_path):
    (tmp_path / "outputs.json").write_text("{}")
    with pytest.raises(OutputError, match="for outputs that state their frames' own numbers"):
        open_folder(tmp_path, reading=Reading(stride=2))


def test_arrays_in_one_file(tmp_path):
    foreign.one_hdf5(tmp_path, CLIPS)
    check(open_folder(tmp_path / "all.h5", wanted=wanted(CLIPS)), CLIPS)
    np.savez(tmp_path / "all.npz", **CLIPS)
    check(open_folder(tmp_path / "all.npz"), CLIPS)
    with pytest.raises(OutputError, match=r"expected one file for clip all, found all\.h5 and all\.npz"):
        open_folder(tmp_path)
    (tmp_path / "all.npz").rename(tmp_path / "b.npz")
    with pytest.raises(
        OutputError, match=r"expected one array in each file, .*found all\.h5 \(2\), b\.npz \(2\)"
    ):
        open_folder(tmp_path)


def test_a_single_array_named_after_its_clip(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["001/9/1"] = frames()
    check(open_folder(tmp_path, wanted=wanted({"001/9/1": frames()})), {"001/9/1": frames()})
    check(open_folder(tmp_path), {"x": frames()})


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_damaged_arrays_are_named(suffix, tmp_path):
    (tmp_path / f"a{suffix}").write_bytes(b"PK no archive")
    with pytest.raises(OutputError, match=rf"a\{suffix}: expected .*, found damage \(.*\); write it again"):
        open_folder(tmp_path)


def test_arrays_of_another_kind_in_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.full((2, 4, 4, 3), np.nan)
    with pytest.raises(
        OutputError, match=r"a\.h5 \(x\): expected frames uint8 .*, found float64 .* with NaN"
    ):
        open_folder(tmp_path).numbers("a")
