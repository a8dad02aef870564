import cv2
import numpy as np
import pytest

from vptbench.errors import ShapeError, VideoError
from vptbench.image import frames_to_sheet, read_image, resize_frame, write_image


def colours(height=6, width=8):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_png_is_lossless_and_rgb(tmp_path):
    frame = colours()
    write_image(tmp_path / "a.png", frame)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), frame)


def test_jpeg_keeps_the_order_of_channels(tmp_path):
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[..., 0] = 200
    write_image(tmp_path / "a.jpg", frame)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg"), frame, atol=3)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    with pytest.raises(VideoError, match=r"a\.png: expected a PNG, JPEG or WebP picture"):
        read_image(tmp_path / "a.png")
    with pytest.raises(VideoError, match="found 0 bytes"):
        read_image(tmp_path / "empty.png")
    with pytest.raises(VideoError, match="found none that can be read"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ShapeError, match=r"expected a picture uint8 \(H, W, 3\), got float64"):
        write_image(tmp_path / "b.png", np.zeros((2, 2, 3)))
    with pytest.raises(VideoError, match=r"got '\.bmp'"):
        write_image(tmp_path / "b.bmp", colours())


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((4, 4), np.uint8), "a grey one, 8 bits"),
        (np.zeros((4, 4, 4), np.uint8), "RGB with alpha, 8 bits"),
        (np.zeros((4, 4, 3), np.uint16), "RGB, 16 bits"),
    ],
)
def test_what_is_not_rgb_of_8_bits_is_refused(tmp_path, pixels, found):
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    with pytest.raises(VideoError, match=rf"a\.png: expected an RGB picture of 8 bits, found {found}; write"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_cut_short_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, colours(64, 64))
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:length])
        with pytest.raises(VideoError, match=f"expected a PNG, JPEG or WebP picture, found {length} bytes"):
            read_image(path)


def test_a_picture_cut_short_is_told_in_our_words_alone(tmp_path, capfd):
    write_image(tmp_path / "a.png", colours(64, 64))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    with pytest.raises(VideoError, match=r"a\.png: expected a PNG"):
        read_image(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def test_resizing_keeps_pixel_centres():
    ramp = np.repeat(np.arange(0, 64, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    half = resize_frame(ramp, (32, 32))  # x' = (x + 0.5)/2 − 0.5, so pixel j is the mean of 2j and 2j + 1
    np.testing.assert_allclose(half[0, :, 0], 2 * np.arange(32) + 0.5, atol=0.5)


def test_sheet_places_pictures_in_rows():
    black, grey = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 9, np.uint8)
    sheet = frames_to_sheet([[black, grey], [grey]], gap=1)
    assert sheet.shape == (5, 7, 3)
    np.testing.assert_array_equal(
        sheet[:, :, 0], [[0] * 3 + [255] + [9] * 3] * 2 + [[255] * 7] + [[9] * 3 + [255] * 4] * 2
    )
    with pytest.raises(ShapeError, match="pictures of one size"):
        frames_to_sheet([[black, black[:1]]])
