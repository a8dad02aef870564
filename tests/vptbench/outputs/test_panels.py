import numpy as np
import pytest

from vptbench.errors import OutputError
from vptbench.outputs.panels import Panel, parse_panel


@pytest.mark.parametrize(
    ("text", "size", "named", "rows", "columns"),
    [
        ("", (8, 9), {}, (0, 8), (0, 9)),
        ("5/5", (256, 1280), {}, (0, 256), (1024, 1280)),
        ("5/5:square", (256, 1280), {}, (0, 256), (1024, 1280)),
        ("3/5", (256, 1280), {}, (0, 256), (512, 768)),
        ("2/4", (64, 192), {}, (0, 64), (48, 96)),
        # torchvision: W=512, H=784 in a row of three, 2 px around each: (3·512 + 8) × (784 + 4)
        ("3/3+2", (788, 1544), {}, (2, 786), (2 + 2 * 514, 2 + 2 * 514 + 512)),
        ("1/3+2", (788, 1544), {"height": 784, "width": 512}, (2, 786), (2, 514)),
        ("right", (768, 2048), {"height": 768, "width": 512}, (0, 768), (1536, 2048)),
        ("right:500", (768, 1300), {}, (0, 768), (800, 1300)),
    ],
)
def test_where_the_panel_lies(text, size, named, rows, columns):
    found = parse_panel(text).columns(size, named)
    assert [(part.start, part.stop) for part in found] == [rows, columns]


@pytest.mark.parametrize(
    ("text", "size", "named", "problem"),
    [
        ("5/5:square", (256, 1281), {}, "expected 5 square panels, .* found a picture of 256×1281"),
        ("5/5:square", (256, 1285), {}, "5 square panels"),
        ("5/5", (256, 1281), {}, "5 panels of equal width"),
        ("3/3+2", (788, 1545), {}, "3 panels of equal width with 2 pixels around each"),
        ("3/3+2", (4, 1544), {}, "3 panels of equal width"),
        ("3/3+2", (788, 1544), {"height": 512, "width": 784}, "panels of 512×784 as the name says"),
        ("right", (768, 500), {"width": 512}, "a right end of 512 columns"),
        ("right", (768, 500), {}, "a right end of unknown columns"),
        ("right", (760, 1024), {"width": 512, "height": 768}, "panels of 768×512 as the name says"),
    ],
)
def test_pictures_without_the_panel_are_refused(text, size, named, problem):
    with pytest.raises(OutputError, match=problem):
        parse_panel(text).columns(size, named)


def test_rules_that_are_none():
    assert parse_panel("") == Panel()
    assert parse_panel("1/1").is_whole
    for text in ("6/5", "0/5", "5", "5/5+", "5/5:round", "left", "right:0", "5/5+2:square"):
        with pytest.raises(OutputError, match=r"expected a panel such as 5/5"):
            parse_panel(text)


def test_every_panel_of_a_picture_is_another_part():
    picture = np.arange(4 * 20).reshape(4, 20)
    parts = [picture[parse_panel(f"{k}/5").columns((4, 20), {})] for k in range(1, 6)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), picture)
