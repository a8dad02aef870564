"""Where everything must be there, nothing skips."""

import absent
import pytest


def test_a_test_skips_at_home_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv(absent.COMPLETE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        absent.skip("no browser")
    monkeypatch.setenv(absent.COMPLETE, "1")
    with pytest.raises(pytest.fail.Exception, match="must run here: no browser"):
        absent.skip("no browser")


def test_ci_asks_for_it():
    assert f"export {absent.COMPLETE}=1" in (absent.ROOT / ".ci" / "run").read_text()
