from vptbench.progress import track


def test_items_pass_and_nothing_is_drawn_on_a_pipe(capsys):
    assert list(track(iter("abc"), total=3, label="spell")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
