import jinja2
import pytest

from vptbench.leaderboard.html import render


def test_a_template_whose_value_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("leaderboard/board.html")


def test_only_templates_of_the_package_are_found():
    with pytest.raises(jinja2.TemplateNotFound):
        render("../pyproject.toml")
