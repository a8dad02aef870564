import os

import pytest

from vptbench.store.diskfile import DiskFile


@pytest.fixture
def disk(tmp_path):
    opened = DiskFile(tmp_path / "a")
    yield opened
    opened.close()


def test_it_behaves_as_a_file(disk, tmp_path):
    assert disk.write(b"0123456789") == 10
    assert disk.seek(-3, os.SEEK_END) == 7
    assert disk.write(b"ab") == 2
    assert disk.seek(-4, os.SEEK_CUR) == 5
    assert disk.read(4) == b"56ab"
    assert disk.tell() == 9
    disk.truncate(8)
    assert (tmp_path / "a").read_bytes() == b"0123456a"
    disk.seek(6)
    assert disk.read(4) == b"6a\0\0"
    assert disk.error is None


def test_what_the_disk_refuses_can_still_be_read(disk, tmp_path, monkeypatch):
    disk.write(b"abcdef")
    refusal = OSError(28, "No space left on device")

    def refuse(*_):
        raise refusal

    monkeypatch.setattr(os, "pwrite", refuse)
    disk.seek(4)
    assert disk.write(b"XYZ") == 3
    disk.seek(0)
    assert disk.read(7) == b"abcdXYZ"
    assert disk.seek(0, os.SEEK_END) == 7
    monkeypatch.undo()
    disk.seek(0)
    disk.write(b"!")  # refused as well: the file is lost already, and HDF5 must read what it wrote
    assert disk.error is refusal
    assert (tmp_path / "a").read_bytes() == b"abcdef"
