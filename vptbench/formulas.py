"""Strangers' texts in CSV, which spreadsheets would run as formulas."""

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters, after blanks, of what a spreadsheet takes for a formula; wide ones do in East Asia."""


def neutralise(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    blank = text[:1] in {"\t", "\r", "\n"}
    return f"'{text}" if blank or text.lstrip().startswith(FORMULA_STARTS) else text
