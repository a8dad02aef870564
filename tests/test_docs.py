"""The README's commands work when they are pasted, in their order, into an empty folder."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vptbench.testing import check_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", README, re.DOTALL)


def run(command, folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_readme_commands_work_when_pasted(tmp_path):
    for language, text in BLOCKS:
        if language == "python":
            run([sys.executable, "-W", "error", "-c", text], tmp_path)
        else:
            run(["bash", "-e", "-c", text], tmp_path)
    for made in (
        "clip.png", "report.html", "boards/synthetic-v1.csv", "scores/two-folders/scores.json", "noisy.png",
        "robustness/mesh_warp/curves.svg", "strata/strata.csv",
    ):  # fmt: skip
        assert (tmp_path / made).stat().st_size > 0


def test_the_readmes_model_keeps_the_contract():
    assert "`vptbench.testing.check_model(Repeat)`" in README
    (block,) = (text for _, text in BLOCKS if "class Repeat" in text)
    names = {}
    exec(block, names)  # noqa: S102 - our own README
    check_model(names["Repeat"])


@pytest.mark.parametrize("name", ["metrics", "layouts"])
def test_pages_are_what_the_tables_say(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    page = importlib.import_module(f"make_{name}_page").page()
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_the_tasks_have_commands():
    assert re.findall(r"^### (\d)\. ", README, re.MULTILINE) == list("123456")
    assert len(BLOCKS) >= 6


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_the_two_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test"} == set(re.findall(r"^make (\w+)$", README, re.MULTILINE)) <= set(targets)
