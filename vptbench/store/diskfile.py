"""A file that HDF5 can always write to: the disk's refusal is kept and told afterwards.

HDF5 does not survive a failed write: on closing it tries again, prints tracebacks and crashes the process.
So what the disk refuses is held in memory until HDF5 has closed its file, and the error is raised then.
"""

import os
from pathlib import Path


class DiskFile:
    """The file object under `h5py.File`; binary, readable and writable, made anew.

    Attributes:
        error: The first refusal of the disk, or None.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._position = 0
        self._refused: list[tuple[int, bytes]] = []

    def close(self) -> None:
        """Close the file; what the disk refused is lost."""
        os.close(self._descriptor)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any binary file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end()}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """As of any binary file."""
        return self._position

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`; never fails."""
        block = bytes(data)
        try:
            if self.error is not None:
                raise self.error
            done = 0
            while done < len(block):
                done += os.pwrite(self._descriptor, block[done:], self._position + done)
        except OSError as error:
            self.error = self.error or error
            self._refused.append((self._position, block))
        self._position += len(block)
        return len(block)

    def read(self, size: int) -> bytes:
        """As `readinto`, into new bytes."""
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill `buffer` from the file and from what the disk refused; zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        found = os.pread(self._descriptor, len(view), self._position)
        view[:] = found + bytes(len(view) - len(found))
        for offset, block in self._refused:
            start, stop = max(offset, self._position), min(offset + len(block), self._position + len(view))
            if start < stop:
                view[start - self._position : stop - self._position] = block[start - offset : stop - offset]
        self._position += len(view)
        return len(view)

    def truncate(self, size: int) -> int:
        """Set the file's length, if the disk lets us."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            self.error = self.error or error
        return size

    def flush(self) -> None:
        """Nothing is held back."""

    def _end(self) -> int:
        ends = [offset + len(block) for offset, block in self._refused]
        return max([os.fstat(self._descriptor).st_size, *ends])
