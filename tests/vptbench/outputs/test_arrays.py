"""Arrays and pictures whose files are damaged, or claim more than they hold."""

import io
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

from vptbench.errors import OutputError
from vptbench.outputs.arrays import MOST_FRAMES, Array, array_keys
from vptbench.outputs.media import Filmstrip

HUGE = 1 << 40


def header(shape):
    """A NumPy file's head without its values."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_an_array_named_as_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 4, 3), np.uint8))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    for read in (lambda: array_keys(tmp_path / "a.npz"), Array(tmp_path / "a.npz", "x").numbers):
        with pytest.raises(OutputError, match=r"a\.npz: expected a NumPy array, found damage"):
            read()


@pytest.mark.parametrize("shape", [(100_000_000, 1000, 1000, 3), (2, 2000, 2000, 3)])
def test_an_archive_that_claims_more_than_it_holds(shape, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header(shape))
    assert array_keys(tmp_path / "a.npz") == ("x",)
    tracemalloc.start()
    with pytest.raises(OutputError, match=r"found damage \([0-9]+ values of uint8 are claimed, [0-9]+ bytes"):
        Array(tmp_path / "a.npz", "x").numbers()
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_what_deflate_shrinks_most_is_still_read(tmp_path):
    black = np.zeros((40, 256, 256, 3), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x=black)
    assert black.size > 900 * (tmp_path / "a.npz").stat().st_size
    assert len(Array(tmp_path / "a.npz", "x").numbers()) == 40
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=black, compression="gzip", compression_opts=9, chunks=(20, 256, 256, 3))
    assert Array(tmp_path / "a.h5", "x").frames([39]).shape == (1, 256, 256, 3)


@pytest.mark.parametrize("shape", [(HUGE, 4, 4, 3), (HUGE, 0, 4, 3), (10, 4, 4, 3)])
def test_hdf5_that_holds_nothing_of_what_it_claims(shape, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", shape, np.uint8, chunks=(1, 4, 4, 3) if all(shape) else None)
    with pytest.raises(
        OutputError, match=r"values of uint8 are claimed, 0 bytes are there|expected frames uint8"
    ):
        Array(tmp_path / "a.h5", "x").numbers()


def test_more_frames_than_any_clip_has(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((MOST_FRAMES + 1, 1, 1, 3), np.uint8))
    with pytest.raises(OutputError, match=r"found uint8 .*; write 8-bit RGB, at most 1000000 frames"):
        Array(tmp_path / "a.npy").numbers()
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + bytes((0, 0, 0, 13)) + b"IHDR" + bytes((127, 0, 0, 0, 0, 0, 0, 1))
    )
    with pytest.raises(OutputError, match=r"expected at most 1000000 frames, found 1×2130706432"):
        Filmstrip(tmp_path / "a.png").numbers()


def test_damage_anywhere_in_a_file_is_told(tmp_path):
    """Single bytes changed: frames, or the package's own error."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["b/x"] = frames
    np.savez_compressed(tmp_path / "a.npz", x=frames)
    for name in ("a.h5", "a.npz"):
        whole = (tmp_path / name).read_bytes()
        path = tmp_path / f"bad{name[1:]}"
        refused = 0
        for at in range(0, len(whole), 1 + len(whole) // 300):
            path.write_bytes(whole[:at] + bytes((whole[at] ^ 255,)) + whole[at + 1 :])
            try:
                for key in array_keys(path):
                    Array(path, key).frames([0])
            except OutputError as error:
                refused += "found damage" in str(error)
        assert refused > 10


def test_keys_that_cannot_be_visited(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((1, 4, 4, 3), np.uint8)

    def fail(error):
        def raise_it(*_):
            raise error

        return raise_it

    for error in (RuntimeError("Object visitation failed"), KeyError("x"), TypeError("y"), MemoryError()):
        monkeypatch.setattr(h5py.File, "visititems", fail(error))
        with pytest.raises(OutputError, match=r"a\.h5: expected an HDF5 file, found damage \(.+\); write"):
            array_keys(tmp_path / "a.h5")
        monkeypatch.setattr(Array, "_take", fail(error))
        with pytest.raises(OutputError, match=r"a\.h5: expected an HDF5 file, found damage \(.+\); write"):
            Array(tmp_path / "a.h5", "x").numbers()


def test_an_array_of_another_kind_is_not_loaded_to_say_so(tmp_path):
    values = np.zeros((50, 100, 100, 3), np.float32)
    values[0, 3, 3, 0] = np.nan
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = values
    tracemalloc.start()
    with pytest.raises(OutputError, match=r"found float32 \(50, 100, 100, 3\) with NaN"):
        Array(tmp_path / "a.h5", "x").numbers()
    assert tracemalloc.get_traced_memory()[1] < 2_000_000  # of 6 MB
    tracemalloc.stop()
    np.save(tmp_path / "b.npy", np.float32(3))
    with pytest.raises(OutputError, match=r"found float32 \(\);"):
        Array(tmp_path / "b.npy").numbers()
