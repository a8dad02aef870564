import cv2
import foreign_layouts as foreign
import numpy as np
import pytest

from vptbench.errors import VideoError
from vptbench.image import write_image
from vptbench.outputs.arrays import Array
from vptbench.outputs.container import Container, media_to_container, table_to_quality
from vptbench.outputs.media import Pictures, Video

# ITU-T T.81, table K.1: libjpeg takes it as it is at quality 50, and all ones at quality 100
LUMINANCE = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]  # fmt: skip


def test_quality_of_known_tables():
    assert table_to_quality(LUMINANCE) == 50
    assert table_to_quality([1] * 64) == 100
    assert table_to_quality([(2 * step * 10 + 50) // 100 for step in LUMINANCE]) == 90  # 200 − 2q = 20 %


@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_quality_of_files(tmp_path, quality):
    write_image(tmp_path / "0.jpg", np.zeros((16, 16, 3), np.uint8), quality=quality)
    found = media_to_container([Pictures({0: tmp_path / "0.jpg"})])
    assert found == Container(f"JPEG of quality {quality}", lossless=False)


def test_kinds_of_files(tmp_path):
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    write_image(tmp_path / "0.png", frame)
    assert cv2.imwrite(str(tmp_path / "1.webp"), frame)  # without a quality: lossless
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "1.webp")), frame)
    write_image(tmp_path / "2.webp", frame, quality=80)
    foreign.video(tmp_path / "a.mkv", [frame], codec="ffv1", pixels="bgr0")
    foreign.video(tmp_path / "b.mkv", [frame], codec="ffv1", pixels="yuv420p")
    foreign.video(tmp_path / "c.mp4", [frame])
    expected = {
        "0.png": ("PNG", True), "1.webp": ("WebP, lossless", True), "2.webp": ("WebP", False),
        "a.mkv": ("ffv1 bgr0", True), "b.mkv": ("ffv1 yuv420p", False), "c.mp4": ("h264 yuv420p", False),
    }  # fmt: skip
    for name, facts in expected.items():
        path = tmp_path / name
        media = Pictures({0: path}) if "mk" not in name and "mp" not in name else Video(path)
        assert media_to_container([media]) == Container(*facts)
    mixed = [Pictures({0: tmp_path / "0.png", 1: tmp_path / "2.webp"}), Array(tmp_path / "x.h5", "k")]
    assert media_to_container(mixed) == Container("HDF5, PNG, WebP", lossless=False)


def test_the_name_does_not_tell_the_kind(tmp_path):
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    foreign.picture(tmp_path / "0.jpg", frame, quality=30)
    (tmp_path / "0.jpg").rename(tmp_path / "0.png")
    foreign.picture(tmp_path / "1.webp", frame, quality=30)
    (tmp_path / "1.webp").rename(tmp_path / "1.png")
    foreign.picture(tmp_path / "2.bmp", frame)
    (tmp_path / "2.bmp").rename(tmp_path / "2.png")
    found = {
        "0.png": ("JPEG of quality 30", False), "1.png": ("WebP", False),
        "2.png": ("another kind of picture, called .png", False),
    }  # fmt: skip
    for name, facts in found.items():
        assert media_to_container([Pictures({0: tmp_path / name})]) == Container(*facts)


@pytest.mark.parametrize(
    ("pixels", "lossless"),
    [("yuv444p", False), ("gray", False), ("yuv410p", False), ("gbrp10le", False), ("bgr0", True)],
)
def test_only_rgb_of_eight_bits_is_lossless(pixels, lossless, tmp_path):
    foreign.video(
        tmp_path / "a.mkv", [np.zeros((16, 16, 3), np.uint8)], codec="ffv1", pixels=pixels, level="3"
    )
    assert media_to_container([Video(tmp_path / "a.mkv")]) == Container(f"ffv1 {pixels}", lossless)


def test_a_luminance_table_of_another_id(tmp_path):
    write_image(tmp_path / "0.jpg", np.zeros((16, 16, 3), np.uint8), quality=75)
    packed = bytearray((tmp_path / "0.jpg").read_bytes())
    table, header = packed.index(b"\xff\xdb"), packed.index(b"\xff\xc0")
    assert (packed[table + 4], packed[header + 12]) == (0, 0)
    packed[table + 4] = packed[header + 12] = 2
    (tmp_path / "0.jpg").write_bytes(packed)
    assert media_to_container([Pictures({0: tmp_path / "0.jpg"})]).container == "JPEG of quality 75"


def test_a_damaged_picture_is_named(tmp_path):
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"0\.jpg: expected a picture, found none that can be read"):
        media_to_container([Pictures({0: tmp_path / "0.jpg"})])
    (tmp_path / "0.jpg").rename(tmp_path / "0.png")
    with pytest.raises(VideoError, match=r"0\.png: expected a picture, found none that can be read"):
        media_to_container([Pictures({0: tmp_path / "0.png"})])
    with pytest.raises(VideoError, match=r"expected a picture at .*1\.png, found none that can be read"):
        media_to_container([Pictures({0: tmp_path / "1.png"})])
