"""`vptbench corrupt`, and `check`, `show` and `prepare` on what it writes."""

import re

import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.cli import main


def vptbench(*words):
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture(scope="module")
def store(stores):
    return stores["fashionvideo"]


@pytest.fixture(scope="module")
def noisy(store, tmp_path_factory):
    place = tmp_path_factory.mktemp("noisy") / "jitter"
    result = vptbench("corrupt", store, place, "--kind", "jitter", "--severity", 2, "--seed", 1)
    assert result.exit_code == 0, result.output
    return place, result.output


def test_it_says_what_was_done(store, noisy):
    place, output = noisy
    poses, sizes, done = output.splitlines()
    assert re.fullmatch(
        r"joints \d\.\d\d px away on average, PCK@0\.05 \d+\.\d %, 0\.0 % missing; mesh \d\.\d\d px away",
        poses,
    )
    assert re.fullmatch(rf"links to frames of {re.escape(str(store))}; \d\.\d MB against \d\.\d MB", sizes)
    assert done == f"{place}: 3 clips corrupted (jitter-2, seed 1)"
    again = vptbench("corrupt", store, place, "--kind", "jitter", "--severity", 2, "--seed", 1)
    assert (
        again.output.splitlines()[-1]
        == f"{place}: 0 clips corrupted (jitter-2, seed 1), 3 were there already"
    )


def test_check_reads_through_the_links(noisy):
    result = vptbench("check", noisy[0])
    assert result.exit_code == 0, result.output
    links, state = result.output.splitlines()
    assert re.fullmatch(r"links to frames of \S+fashionvideo; \d\.\d MB against \d\.\d MB", links)
    assert state == f"{noisy[0]}: whole"


def test_check_mends_links_and_refuses_to_elsewhere(store, noisy, stores, tmp_path):
    result = vptbench("check", noisy[0], "--frames-from", store)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, f"{noisy[0]}: whole")
    result = vptbench("check", noisy[0], "--frames-from", stores["iper"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, f"{noisy[0]}: 3 problems")
    for place in (store, tmp_path / "outputs"):
        place.mkdir(exist_ok=True)
        if place != store:
            (place / "outputs.json").write_text("{}")
        result = vptbench("check", place, "--frames-from", store)
        assert result.exit_code == 2
        assert re.fullmatch(r"Error: .*expected a noisy store for --frames-from, found .*\n", result.output)


def test_show_draws_noisy_poses_over_clean_frames(noisy, tmp_path):
    clip = next(iter(open_store(noisy[0])))
    result = vptbench("show", noisy[0], clip, "--out", tmp_path / "a.png")
    assert (result.exit_code, result.output) == (0, f"{tmp_path / 'a.png'}\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--kind", "jiter", "--severity", 1),
            "expected a known corruption, got 'jiter'; did you mean 'jitter' or 'outlier'?",
        ),
        (("--kind", "jitter", "--severity", 6), "expected a severity from 0 to 5, got 6"),
        (("--kind", "jitter", "--severity", 1, "--seed", -1), "expected a seed from 0, got -1"),
        (
            ("--kind", "jitter", "--severity", 1, "--set", "x=1"),
            "expected a known parameter of jitter, got 'x'",
        ),
        (("--kind", "jitter", "--severity", 1, "--set", "x"), "expected a parameter such as NAME=0.5"),
    ],
)
def test_wrong_use_is_one_line(store, tmp_path, options, message):
    result = vptbench("corrupt", store, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert message in result.output
    assert not (tmp_path / "out").exists()


def test_prepare_does_not_write_into_a_noisy_store(raw_folders, noisy):
    result = vptbench("prepare", "fashionvideo", raw_folders["fashionvideo"], noisy[0], "--size", 64)
    assert result.exit_code == 2
    assert "corruption kind None (found jitter)" in result.output
