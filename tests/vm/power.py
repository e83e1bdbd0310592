"""A disk that loses its power: what the guest had written and not flushed is gone.

The machine keeps a log of each write and each flush (its driver `blklogwrites`; the format is that of the
kernel's dm-log-writes). After a cut the disk is made anew from the writes up to the last flush: what a disk
with a cache of its own promises, and no more.
"""

import os
import shutil
import struct
import subprocess

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, DISCARD = 1, 4


class Disk:
    def __init__(self, original, directory):
        # What is certain to be on it, and what the guest believes of it.
        self.certain = os.path.join(directory, "certain")
        self.believed = os.path.join(directory, "believed")
        self.log = os.path.join(directory, "writes")
        self._copy(original, self.certain)
        self._begin()

    def _copy(self, source, target):
        subprocess.run(["cp", "--sparse=always", source, target], check=True)

    def _begin(self):
        self._copy(self.certain, self.believed)
        with open(self.log, "wb") as log:
            log.truncate(4 << 30)

    def arguments(self):
        return [
            *("-blockdev", f"driver=file,filename={self.believed},node-name=believed"),
            *("-blockdev", f"driver=file,filename={self.log},node-name=writes"),
            *("-blockdev", "driver=blklogwrites,node-name=disk,file=believed,log=writes"),
        ]

    def lose_power(self):
        """Makes the disk what it is after a power cut; how many writes were lost with it."""
        with open(self.log, "rb") as log, open(self.certain, "r+b") as disk:
            writes, flushed = list(self._writes(log)), 0
            for number, (flags, _, _, _) in enumerate(writes):
                flushed = number if flags & FLUSH else flushed
            for flags, sector, place, count in writes[:flushed]:
                if flags & DISCARD or not count:
                    continue
                log.seek(place)
                disk.seek(sector * SECTOR)
                shutil.copyfileobj(_Part(log, count * SECTOR), disk)
        self._begin()
        return sum(bool(count) for _, _, _, count in writes[flushed:])

    def _writes(self, log):
        magic, version, count, size = struct.unpack("<QQQI", log.read(28))
        assert (magic, version, size) == (MAGIC, 1, SECTOR), (magic, version, size)
        place = SECTOR
        for _ in range(count):
            log.seek(place)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", log.read(32))
            place += SECTOR
            yield flags, sector, place, sectors
            if not flags & DISCARD:
                place += sectors * SECTOR

    def close(self):
        for path in (self.certain, self.believed, self.log):
            os.remove(path)


class _Part:
    """So many bytes of a file."""

    def __init__(self, file, count):
        self.file = file
        self.left = count

    def read(self, size):
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data
