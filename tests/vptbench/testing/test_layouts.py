"""`check_layout` accepts every layout of the table, and finds what is broken."""

import foreign_layouts as foreign
import numpy as np
import pytest

from vptbench.errors import OutputError, RegistryError
from vptbench.outputs.layouts import Layout
from vptbench.outputs.media import Pictures
from vptbench.testing import check_layout

WRITERS = {**foreign.LOSSLESS, **foreign.LOSSY}


@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_keeps_the_contract(name):
    check_layout(name.split()[0], WRITERS[name], tolerance=6 if name in foreign.LOSSY else 0)


def write(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames, 1):
            foreign.picture(folder / foreign.flat(clip) / f"out{k}.png", foreign.beside(frame, 2, 0))


OURS = Layout("Ours", "{clip}/out{frame}.png", "1/2", source="our own scripts")


def test_a_row_of_ones_own():
    def from_zero(folder, clips):
        write(folder, {clip: frames[1:] for clip, frames in clips.items()})
        for clip, frames in clips.items():
            path = folder / foreign.flat(clip) / "out0.png"
            foreign.picture(path, foreign.beside(frames[0], 2, 0))

    check_layout(OURS, from_zero)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (OURS, r"example/0: expected frames 0 to 4, found \(1, 2, 3, 4, 5\)"),
        (Layout("Ours", "{clip}/out{frame}.png", "2/2", source="x"), "expected frames 0 to 4"),
        (Layout("Ours", "{clip}/in{frame}.png", source="x"), "expected files called {clip}/in{frame}.png"),
        (Layout("Ours", "{clip}/out{frame}.png", "3/2", source="x"), "expected a panel such as"),
        (Layout("Ours", "{clip}/out{frame}.png", names="odd", source="x"), "names: expected one of"),
        (Layout("Ours", "{clip}/out{frame}.png"), "source: expected where this was read"),
        (Layout("Ours", source="x"), "expected a pattern or code"),
        (Layout("Ours", code="vptbench.outputs.plain:gone", source="x"), "gone"),
        (Layout("Ours", "{clip}.gif", refusal="lossy", source="x"), "it is refused: lossy"),
    ],
)
def test_rows_that_break_it(row, problem):
    with pytest.raises(OutputError, match=f"example: .*{problem}"):
        check_layout(row, write)


def test_a_wrong_panel_is_seen():
    def other(folder, clips):
        for clip, frames in clips.items():
            for k, frame in enumerate(frames):
                foreign.picture(folder / clip / f"out{k}.png", foreign.beside(frame, 2, 1))

    with pytest.raises(
        OutputError, match=r"example/0: frame 0: expected the frame that was written, found one"
    ):
        check_layout(OURS, other)
    with pytest.raises(RegistryError, match="did you mean 'dreampose'"):
        check_layout("dreampos", other)


def test_frames_that_move_up_when_one_is_lost_are_seen(monkeypatch):
    """What pairs by position: the second frame takes the place of the first."""

    def positions(self):
        return tuple(range(len(self.pictures)))

    def frames(self, numbers):
        files = list(self.pictures.values())
        return np.stack([foreign.cv2.imread(str(files[k]))[..., ::-1] for k in numbers])

    monkeypatch.setattr(Pictures, "numbers", positions)
    monkeypatch.setattr(Pictures, "frames", frames)
    with pytest.raises(OutputError, match=r"without 0\.png: example/0: frame 0: expected the frame that was"):
        check_layout("clip-folders", foreign.clip_folders)
