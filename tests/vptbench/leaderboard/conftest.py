import pytest

from vptbench.scorefile import write_scores


@pytest.fixture
def folder(tmp_path, make_scores):
    """A function that writes hand-made scores to a folder of its own."""

    def write(model, **fields):
        place = tmp_path / f"scores{len(list(tmp_path.iterdir()))}"
        write_scores(place, make_scores(model, **fields))
        return place

    return write
