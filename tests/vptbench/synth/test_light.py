import numpy as np

from vptbench.body.asset import load_body
from vptbench.synth.dress import vertices_to_normals
from vptbench.synth.light import LAMP, points_to_light, points_to_openness

OUTSIDE = np.ones(len(load_body().faces), np.float32)


def test_what_faces_the_lamp_is_brighter_and_nothing_is_black():
    rest = load_body().rest
    light = points_to_light(rest, points_to_openness(rest, OUTSIDE), OUTSIDE)
    assert light.shape == (len(rest), 3)
    assert light.min() > 0
    assert light.max() < 1.3
    lit, facing = light.mean(1), vertices_to_normals(rest) @ LAMP
    assert lit[facing > 0.8].mean() > 1.6 * lit[facing < -0.3].mean()


def test_the_top_of_the_head_is_open_and_an_armpit_is_not():
    rest = load_body().rest
    openness = points_to_openness(rest, OUTSIDE)
    assert openness[rest[:, 2].argmax()] > 0.9
    shoulder = load_body().joint_heads[load_body().joint_names.index("upperarm01.L")]
    armpit = np.linalg.norm(rest - shoulder - np.array([-0.02, 0.0, -0.11]), axis=1).argsort()[:12]
    assert openness[armpit].min() < 0.7
