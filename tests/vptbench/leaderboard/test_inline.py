import base64
import hashlib
from importlib.resources import files

import pytest

from vptbench.leaderboard.inline import inline, policy


def test_what_is_set_in_has_the_hash_that_the_policy_names():
    style, script = inline("leaderboard/style.css", "report/page.css"), inline("report/page.js")
    digest = base64.b64encode(hashlib.sha256(str(style.text).encode()).digest()).decode()
    assert style.source == f"'sha256-{digest}'"
    assert policy(style, script).startswith(
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'sha"
    )
    assert style.text.startswith((files("vptbench") / "leaderboard/style.css").read_text())


@pytest.mark.parametrize("name", ["report/page.js", "report/page.css", "leaderboard/style.css"])
def test_nothing_in_it_ends_its_element(name):
    text = (files("vptbench") / name).read_text().lower()
    assert not [part for part in ("</script", "</style", "<!--", "<script") if part in text]
