import numpy as np

from vptbench.synth.points import bell


def test_a_bell_is_one_in_the_middle_and_falls_by_its_width():
    np.testing.assert_allclose(bell(np.array([0.0, 2.0, -2.0]), 2.0), [1, np.exp(-0.5), np.exp(-0.5)])
