import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import OutputError
from vptbench.outputs.pattern import parse_pattern, pattern_to_variants


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{clip}/frame_{frame:05d}.png", "001/9/1/frame_00012.png", {"clip": "001/9/1", "frame": 12}),
        ("{clip}/frame_{frame:05d}.png", "a/frame_123456.PNG", {"clip": "a", "frame": 123456}),
        ("{clip}/frame_{frame:05d}.png", "a/frame_0012.png", None),  # too narrow
        ("{clip}/frame_{frame:05d}.png", "a/frame_000012.png", None),  # six digits would not begin with 0
        ("{clip}/frame_{frame:05d}.png", "a/frame_00012xpng", None),  # the dot is a dot
        ("{clip}/{frame}.png", "a/7.png", {"clip": "a", "frame": 7}),
        ("{clip}/{frame}.png", "a/0007.png", {"clip": "a", "frame": 7}),
        ("{clip}/{any}{frame}.png", "a/x12.png", {"clip": "a", "frame": 12}),  # never 2 alone
        ("{clip}/pred_#{frame}.png", "91-a+b/pred_#12.png", {"clip": "91-a+b", "frame": 12}),
        ("{clip}.mp4/{frame}.png", "91M3UFSKn8S.mp4/3.png", {"clip": "91M3UFSKn8S", "frame": 3}),
        (
            "{clip}_{height:d}x{width:d}.mp4", "a_1x2_768x512.mp4",
            {"clip": "a_1x2", "height": 768, "width": 512},
        ),
        ("{clip}_{time:014d}.mp4", "a_20240131150700.mp4", {"clip": "a", "time": 20240131150700}),
        ("{clip}_{time:014d}.mp4", "a_2024.mp4", None),
        ("**/png/{clip}.png", "log/x/png/a.png", {"clip": "a"}),
        ("**/png/{clip}.png", "png/a.png", {"clip": "a"}),
        ("**/png/{clip}.png", "xpng/a.png", None),
        ("pred_gs{any}/{clip}_{frame}.{suffix}", "pred_gs1/a_2.webp",
         {"clip": "a", "frame": 2, "suffix": "webp"}),
        ("pred_gs{any}/{clip}.mp4", "pred_gs1/b/a.mp4", {"clip": "b/a"}),
        ("{clip}/{frame}.png", "a\nb/1.png", {"clip": "a\nb", "frame": 1}),
        ("{clip}/{frame}.png", "a/\uff11.png", None),  # digits of other scripts are letters
    ],
)  # fmt: skip
def test_matching(text, path, expected):
    assert parse_pattern(text).match(path) == expected


NAMES = st.from_regex(r"[a-zA-Z0-9+#@ -]{1,12}(/[a-z0-9]{1,4}){0,2}", fullmatch=True)


@given(clip=NAMES, frame=st.integers(0, 10**7), seed=st.integers(0, 999))
def test_what_is_filled_in_is_found_again(clip, frame, seed):
    pattern = parse_pattern("s{seed:d}/{clip}/frame_{frame:05d}.png")
    values = {"clip": clip, "frame": frame, "seed": seed}
    assert pattern.match(pattern.format(values)) == values


def test_filling_refuses_what_could_not_be_found_again():
    pattern = parse_pattern("{clip}_{tag}.png")
    assert pattern.format({"clip": "a", "tag": "b"}) == "a_b.png"
    with pytest.raises(OutputError, match=r"expected values that .* can tell apart, got"):
        pattern.format({"clip": "a_x", "tag": "b"})
    with pytest.raises(OutputError, match="expected values for tag of"):
        pattern.format({"clip": "a"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "relative path"),
        ("/{clip}.mp4", "relative path"),
        ("../{clip}.mp4", "stays in the folder"),
        ("a/../../{clip}.mp4", "stays in the folder"),
        ("a\\{clip}.mp4", "forward slashes"),
        ("{clip}/{frame:5d}.png", "has a brace that belongs to no field"),
        ("{clip}/{frame!r}.png", "has a brace"),
        ("{clip.__class__}.png", "has a brace"),
        ("{clip:03d}.png", "is a name, not a number"),
        ("{clip}/{clip}.png", "a field stands twice"),
    ],
)
def test_what_is_no_pattern(text, problem):
    with pytest.raises(OutputError, match=rf"expected a pattern such as .*{problem}"):
        parse_pattern(text)


def test_variants_leave_out_the_first_folders():
    def texts(text):
        return [
            ([head.text for head in heads], rest.text)
            for heads, rest in pattern_to_variants(parse_pattern(text))
        ]

    assert texts("**/log/png/{clip}.png") == [
        ([], "**/log/png/{clip}.png"),
        (["log"], "png/{clip}.png"),
        (["log", "png"], "{clip}.png"),
    ]
    assert texts("{clip}/{frame}.png") == [([], "{clip}/{frame}.png"), (["{clip}"], "{frame}.png")]
    assert texts("{clip}.mp4/frames/{frame}.png") == [
        ([], "{clip}.mp4/frames/{frame}.png"),
        (["{clip}.mp4"], "frames/{frame}.png"),
        (["{clip}.mp4", "frames"], "{frame}.png"),
    ]
    assert texts("a/{clip}_{seed}/{frame}.png") == [
        ([], "a/{clip}_{seed}/{frame}.png"),
        (["a"], "{clip}_{seed}/{frame}.png"),
    ]
    assert texts("{frame}/{clip}.png") == [([], "{frame}/{clip}.png")]
