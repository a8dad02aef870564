"""Protocol files of his_evaluators, made up here in their shape, as protocols of one's own."""

import copy
import json

import pytest
from click.testing import CliRunner

from vptbench.benchmarks.his import HisSettings, his_to_benchmark, name_to_position
from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.loader import load_benchmark
from vptbench.cli import main
from vptbench.errors import BenchmarkError, ManifestError


def video(target, source, own, driving, flag, other):
    """One video as such a file says it, with the placeholder and the fields that are not read."""
    return {
        "source": ["frame_00000279.png"] * 8, "view angle": [0] * 8,
        "s_n": {"1": [source], "2": [source, "0009.jpg"]}, "mask": [], "novel view": False,
        "self_imitation": {"target": target, "range": own},
        "cross_imitation": {"target": other, "range": driving}, "flag": flag,
    }  # fmt: skip


VIDEOS = {
    "001/9/1": video("001/9/1", "0253.jpg", [0, 300], [180, 255], [100, 175], "007/1/2"),
    "007/1/2": video("007/1/2", "000.jpg", [0, 499], [0, 9], [0, 9], "001/9/1"),
}
FASHION = {
    "91-x+y.mp4": video("91-x+y.mp4", "frame_00000012.png", [0, 20], [0, 5], [0, 5], "A1.mp4"),
    "A1.mp4": video("A1.mp4", "frame_00000003.png", [0, 30], [2, 4], [1, 3], "91-x+y.mp4"),
}


@pytest.fixture
def write_his(tmp_path):
    def write(videos=VIDEOS, **more):
        path = tmp_path / "protocol.json"
        path.write_text(json.dumps({"val": videos} | more))
        return path

    return write


def changed(name, **fields):
    videos = copy.deepcopy(VIDEOS)
    videos[name].update(fields)
    return videos


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("0253.jpg", 253), ("frame_00000012.png", 12), ("000.jpg", 0), ("00505.jpg", 505), ("v2/a7.png", 7),
        ("7a.png", None), ("frame.png", None), ("", None), ("²", None), ("0" * 5000 + "7.png", 7),
        ("f2147483647.png", 2**31 - 1), ("2147483648.png", None), ("1" + "0" * 5000 + ".png", None),
    ],
)  # fmt: skip
def test_names_stand_for_positions(name, position):
    assert name_to_position(name) == position


def test_self_driving_takes_a_videos_own_range(write_his, tmp_path):
    report = his_to_benchmark(write_his(), tmp_path / "mine.json", HisSettings("iper", "self"))
    assert (report.id, report.videos, report.frames) == ("iper-his-self-512-v1", 2, 301 + 500)
    benchmark = load_benchmark(tmp_path / "mine.json")
    assert (benchmark.dataset, benchmark.driving, benchmark.targets) == ("iper", "self", "all")
    assert (benchmark.size, benchmark.crop, benchmark.split) == ((512, 512), "full-v1", "test")
    assert (benchmark.pooling, benchmark.reference) == ("frame", "test")
    assert benchmark.metrics == ("ssim-his-v1", "psnr-his-v1", "lpips-his-v1", "fid-v1", "kid-v1", "fvd-v1")
    first, second = benchmark.items
    assert (first.id, first.source.frame, first.driving.first, first.driving.last) == ("001/9/1", 253, 0, 300)
    assert first.real == first.driving
    assert second.source.frame == 0


def test_cross_driving_takes_another_videos_range_and_its_own_flag(write_his, tmp_path):
    settings = HisSettings("fashionvideo", "cross", size=64, crop="clip-square-v1")
    report = his_to_benchmark(write_his(FASHION), tmp_path / "mine.json", settings)
    assert (report.id, report.videos, report.frames) == ("fashionvideo-his-cross-64-v1", 2, 6 + 3)
    benchmark = load_benchmark(tmp_path / "mine.json")
    assert (benchmark.size, benchmark.crop, benchmark.driving) == ((64, 64), "clip-square-v1", "cross")
    assert benchmark.metrics == ("fid-v1", "kid-v1", "fvd-v1")
    first, second = benchmark.items
    assert [item.id for item in benchmark.items] == ["91-x+y", "A1"]  # without .mp4
    assert (first.source.clip, first.source.frame, first.driving.clip) == ("91-x+y", 12, "A1")
    assert (second.driving.clip, second.driving.first, second.driving.last) == ("91-x+y", 2, 4)
    assert (second.real.clip, second.real.first, second.real.last) == ("A1", 1, 3)


def test_what_is_written_fits_a_store(write_his, tmp_path, make_clip, memory_store):
    his_to_benchmark(
        write_his(FASHION), tmp_path / "mine.json", HisSettings("fashionvideo", "cross", size=16)
    )
    clips = [make_clip(name, frames, size=(16, 16)) for name, frames in (("A1", 31), ("91-x+y", 21))]
    items = benchmark_items(
        load_benchmark(tmp_path / "mine.json"), memory_store(*clips, dataset="fashionvideo")
    )
    assert [item.id for item in items] == ["91-x+y", "A1"]
    assert items[1].driving_numbers == (2, 3, 4)
    assert not any(item.truth for item in items)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"s_n": {"2": ["0.jpg", "1.jpg"]}}, r's_n: expected \{"1": \[NAME\]\}, a name that ends in digits'),
        ({"s_n": {"1": ["cover.jpg"]}}, "s_n: expected .* found .*cover"),
        ({"s_n": {"1": [7]}}, "s_n: expected"),
        ({"s_n": {"1": ["0.jpg", "1.jpg"]}}, "s_n: expected"),
        ({"s_n": None}, "s_n: expected .* found None"),
        (
            {"self_imitation": {"target": "007/1/2", "range": [0, 1]}},
            "self_imitation: target: expected the video",
        ),
        (
            {"self_imitation": {"target": "001/9/1"}},
            r"self_imitation: range: expected \[first, last\] .*None",
        ),
        ({"self_imitation": []}, r'self_imitation: expected \{"target": VIDEO, "range": \[first, last\]\}'),
        (
            {"cross_imitation": {"target": "007/1/3", "range": [0, 1]}},
            "cross_imitation: target: expected a known video of the file, got '007/1/3'; did you mean",
        ),
        (
            {"cross_imitation": {"target": "007/1/2", "range": [9, 1]}},
            r"cross_imitation: range: expected \[first, last\] with 0 <= first <= last < .*, found \[9, 1\]",
        ),
        ({"cross_imitation": {"target": "007/1/2", "range": [0, 1.5]}}, "cross_imitation: range: expected"),
        ({"cross_imitation": {"target": "007/1/2", "range": [0, 1, 2]}}, "cross_imitation: range: expected"),
        ({"flag": [0, 76]}, "flag: expected as many frames as in cross_imitation, 76, found 77"),
        ({"flag": [0, 10**30]}, "flag: expected .*, found .0, 10{30}.;"),
        ({"s_n": {"1": [f"{2**31}.jpg"]}}, "s_n: expected"),
        ({"cross_imitation": {"target": "007/1/2", "range": [0, 2**31]}}, "cross_imitation: range: expected"),
        (
            {"flag": [-1, 74]},
            r"flag: expected \[first, last\] with 0 <= first <= last < 2\*\*31, found \[-1, 74\]",
        ),
        ({"flag": "all"}, "flag: expected"),
    ],
)
@pytest.mark.parametrize("driving", ["self", "cross"])
def test_malformed_videos_are_named_with_their_field(write_his, tmp_path, fields, message, driving):
    path = write_his(changed("001/9/1", **fields))
    with pytest.raises(BenchmarkError, match=f"protocol.json: 001/9/1: {message}"):
        his_to_benchmark(path, tmp_path / "mine.json", HisSettings("iper", driving))
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ({}, r'expected \{"val": \{video: …\}\} as in his_evaluators, found val'),
        ([1], "as in his_evaluators"),
        (VIDEOS | {"001/9/2": 3}, "001/9/2: expected an object, found 3"),
        (VIDEOS | {"../x": VIDEOS["001/9/1"]}, "../x: expected a video id that is a plain relative name"),
        (FASHION | {"A1": FASHION["A1.mp4"]}, "expected each video once, found 3 names of 2 videos"),
    ],
)
def test_malformed_files_are_refused(write_his, tmp_path, videos, message):
    with pytest.raises(BenchmarkError, match=message):
        his_to_benchmark(write_his(videos), tmp_path / "mine.json", HisSettings("iper", "self"))


def test_the_protocol_of_appearance_transfer_is_of_another_shape(tmp_path):
    (tmp_path / "iPER_AT_protocol.json").write_text('{"video_infos": {}, "vid_name_pairs": []}')
    with pytest.raises(BenchmarkError, match="as in his_evaluators, found vid_name_pairs, video_infos; give"):
        his_to_benchmark(
            tmp_path / "iPER_AT_protocol.json", tmp_path / "mine.json", HisSettings("iper", "self")
        )


def test_names_of_several_widths_beside_each_other_do_no_harm(write_his, tmp_path):
    names = ["0253.jpg", "000.jpg", "00505.jpg", "012.jpg"]
    path = write_his(changed("001/9/1", s_n={"1": ["00253.jpg"], "4": names}))
    his_to_benchmark(path, tmp_path / "mine.json", HisSettings("iper", "self"))
    assert load_benchmark(tmp_path / "mine.json").items[0].source.frame == 253


def test_every_malformed_video_is_named(write_his, tmp_path):
    videos = {name: fields | {"s_n": 0} for name, fields in VIDEOS.items()}
    with pytest.raises(
        BenchmarkError, match=r"001/9/1: s_n: .*; 007/1/2: s_n: .*; restore the published file"
    ):
        his_to_benchmark(write_his(videos), tmp_path / "mine.json", HisSettings("iper", "self"))


@pytest.mark.parametrize(
    ("settings", "out", "message"),
    [
        (
            HisSettings("tiktok", "self"),
            "mine.json",
            "expected dataset iper or fashionvideo, .* got 'tiktok'",
        ),
        (HisSettings("iper", "both"), "mine.json", "driving self or cross"),
        (HisSettings("iper", "self"), "mine.txt", "an output that ends in .json, got"),
        (
            HisSettings("iper", "self"),
            "protocol.json",
            "expected no file, or this very benchmark, found another",
        ),
        (
            HisSettings("iper", "self", crop="full"),
            "mine.json",
            "crop: expected a versioned id .* got 'full'",
        ),
        (HisSettings("iper", "self", crop="\udcff-v1"), "mine.json", r"crop: expected .* got '\\udcff-v1'"),
        (HisSettings("iper", "self", size=0), "mine.json", r"size: expected \[height, width\] or null"),
    ],
)
def test_settings_that_cannot_be_are_refused(write_his, tmp_path, settings, out, message):
    path = write_his()
    before = path.read_bytes()
    with pytest.raises(BenchmarkError, match=message):
        his_to_benchmark(path, tmp_path / out, settings)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["protocol.json"]


def test_another_benchmark_is_not_replaced(write_his, tmp_path):
    path, out = write_his(), tmp_path / "mine.json"
    his_to_benchmark(path, out, HisSettings("iper", "self"))
    before = out.read_bytes()
    his_to_benchmark(path, out, HisSettings("iper", "self"))  # the same again is no harm
    assert out.read_bytes() == before
    for other in (HisSettings("iper", "cross"), HisSettings("iper", "self", size=256)):
        with pytest.raises(
            BenchmarkError, match=r"mine\.json: expected no file, or this very benchmark, found another; give"
        ):
            his_to_benchmark(path, out, other)
        assert out.read_bytes() == before


@pytest.mark.parametrize("driving", ["self", "cross"])
@pytest.mark.parametrize("end", [2**31, 2**63, 10**30])
def test_ranges_that_cannot_be_leave_no_file(write_his, tmp_path, driving, end):
    endless = {"target": "001/9/1", "range": [0, end]}
    videos = {"001/9/1": video("001/9/1", "0.jpg", [0, end], [0, end], [0, end], "001/9/1")}
    assert videos["001/9/1"]["cross_imitation"] == endless
    with pytest.raises(BenchmarkError, match="001/9/1: self_imitation: range: expected"):
        his_to_benchmark(write_his(videos), tmp_path / "mine.json", HisSettings("iper", driving))
    assert not (tmp_path / "mine.json").exists()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a JSON file at .*absent\.json, found none"):
        his_to_benchmark(tmp_path / "absent.json", tmp_path / "mine.json", HisSettings("iper", "self"))


def test_the_command_counts_and_refuses_in_one_line(write_his, tmp_path):
    out = tmp_path / "mine.json"
    words = ["benchmarks", "import", str(write_his()), "--dataset", "iper", "--out", str(out), "--driving"]
    result = CliRunner().invoke(main, [*words, "cross"])
    assert (result.exit_code, result.output) == (0, f"{out}: iper-his-cross-512-v1, 2 videos, 86 frames\n")
    shown = CliRunner().invoke(main, ["benchmarks", "show", str(out)])
    assert json.loads(shown.stdout)["items"][0]["driving"] == {"clip": "007/1/2", "first": 180, "last": 255}
    write_his(changed("001/9/1", flag=0))
    result = CliRunner().invoke(main, [*words, "self"])
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert "001/9/1: flag: expected" in result.output
