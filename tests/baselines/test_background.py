"""A place without its person: what is known stays, lines go on."""

import numpy as np

from baselines.background import frame_to_background, grown


def test_a_hole_in_level_lines_is_filled_with_the_lines():
    frame = np.repeat(np.random.default_rng(0).integers(0, 256, (20, 1, 3), np.uint8), 30, axis=1)
    hole = np.zeros((20, 30), bool)
    hole[:, 10:14] = True  # nothing above or below: only left and right count
    spoilt = frame.copy()
    spoilt[hole] = 0
    np.testing.assert_array_equal(frame_to_background(spoilt, hole), frame)


def test_the_nearer_side_counts_more_by_the_square():
    frame = np.zeros((1, 4, 3), np.uint8)
    frame[0, 3] = 250
    hole = np.bool_([[False, True, True, False]])
    # At 1: 0 at distance 1, 250 at distance 2: 250 · ¼ / (1 + ¼) = 50; at 2 the other way round: 200.
    np.testing.assert_array_equal(frame_to_background(frame, hole)[0, :, 0], [0, 50, 200, 250])


def test_outside_the_hole_nothing_changes():
    rng = np.random.default_rng(1)
    frame, hole = rng.integers(0, 256, (16, 16, 3), np.uint8), rng.random((16, 16)) < 0.5
    np.testing.assert_array_equal(frame_to_background(frame, hole)[~hole], frame[~hole])
    np.testing.assert_array_equal(frame_to_background(frame, np.ones((16, 16), bool)), np.zeros_like(frame))


def test_the_ring_of_mixed_pixels_grows_with_the_frame():
    for height, ring in ((64, 1), (500, 4)):
        person = np.zeros((height, height), bool)
        person[20, 20] = True
        assert np.flatnonzero(grown(person)[20]).tolist() == list(range(20 - ring, 21 + ring))
