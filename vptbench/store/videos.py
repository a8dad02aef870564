"""How many of a dataset's videos are meant, in words."""


def videos_to_text(count: int, listed: int | None, split: str) -> str:
    """As "97 of 100 videos of the test split", or "97 videos of the test split" where `listed` is None.

    Args:
        count: The videos that are there, or that are missing.
        listed: How many the dataset lists for the split; None where that is not known, or is `count`.
        split: The split's name.
    """
    counted = str(count) if listed is None else f"{count} of {listed}"
    return f"{counted} videos of the {split} split"
