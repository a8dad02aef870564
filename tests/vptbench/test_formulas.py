import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.formulas import neutralise


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx", "\nx", "  =1", " \t+1", "\u00a0=1", "\uff1d1",
     "\uff0b1", "\uff0d1", "\uff201"],
)  # fmt: skip
def test_formulas_are_neutralised(text):
    assert neutralise(text) == "'" + text
    assert neutralise("x" + text) == "x" + text


@given(st.text(max_size=30))
def test_neutralising_twice_is_neutralising_once(text):
    once = neutralise(text)
    assert neutralise(once) == once
    assert not once.lstrip().startswith(("=", "+", "-", "@"))
