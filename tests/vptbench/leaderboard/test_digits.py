from vptbench.leaderboard.digits import interval_to_text, value_to_text, values_to_decimals


def test_decimals_fit_the_largest_figure():
    assert [values_to_decimals([value]) for value in (0.0123, 0.99, 1, 28.1, 99.9, 168.3, -250)] == [
        4,
        4,
        3,
        2,
        2,
        1,
        1,
    ]
    assert values_to_decimals([None, 0.5, 30]) == 2
    assert values_to_decimals([]) == 4
    assert [value_to_text(value, 2) for value in (1, -1e-9, 2.005, None)] == ["1.00", "0.00", "2.00", "–"]
    assert interval_to_text(0.1, 0.25, 2) == "0.10 to 0.25"
    assert interval_to_text(None, None, 2) == ""
