"""An LMDB opened to read only, and refused before a page that is not there can kill the process."""

import threading
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary, finalize

import lmdb

from bench.errors import DataError

DATA_FILE: Final = "data.mdb"


class _Environment:
    """One open environment. LMDB allows a file to be opened once in a process, so all readers share it."""

    def __init__(self, folder: Path) -> None:
        path = folder / DATA_FILE
        try:
            # no lock file: archives lie on read-only disks; no read-ahead: pairs are read in any order
            self.raw = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
        except lmdb.Error as error:
            raise DataError(f"{path} cannot be opened: {_reason(error, folder)}") from error
        finalize(self, self.raw.close)
        # the pages are mapped into memory: touching one beyond the end of the file is a SIGBUS, not an exception
        wanted = (self.raw.info()["last_pgno"] + 1) * self.raw.stat()["psize"]
        present = path.stat().st_size
        if present < wanted:
            raise DataError(
                f"{path} is cut off: {present:,} of {wanted:,} bytes are there. Copy it again "
                "(from a sound original: mdb_copy -c)"
            )
        if not self.raw.stat()["entries"]:
            raise DataError(f"{path} is empty: it holds no patch")


def _reason(error: lmdb.Error, folder: Path) -> str:
    return str(error).removeprefix(f"{folder}: ")


_opened: Final[WeakValueDictionary[tuple[int, int], _Environment]] = WeakValueDictionary()
_opening: Final = threading.Lock()


class LmdbFile:
    """One reader's hold on an LMDB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / DATA_FILE
        self._environment: _Environment | None = None
        status = self.path.stat()
        with _opening:
            key = (status.st_dev, status.st_ino)
            self._environment = _opened.get(key) or _Environment(folder)
            _opened[key] = self._environment

    def get(self, key: str) -> bytes | None:
        """The value of a key; None if there is none.

        Raises: DataError: a damaged page.
        """
        try:
            with self._raw().begin() as transaction:
                value: bytes | None = transaction.get(key.encode())
        except lmdb.Error as error:
            raise DataError(f"{self.path} is damaged at {key!r}: {_reason(error, self.folder)}") from error
        return value

    def keys(self) -> list[str]:
        """All keys, in their order; values are not touched.

        Raises: DataError: a damaged page, or keys that are no text.
        """
        try:
            with self._raw().begin() as transaction, transaction.cursor() as cursor:
                return [key.decode() for key in cursor.iternext(values=False)]
        except (lmdb.Error, UnicodeDecodeError) as error:
            raise DataError(f"{self.path} is damaged: {error}") from error

    def first_value(self) -> bytes:
        """The value of the first key: tells what the LMDB holds.

        Raises: DataError: a damaged page.
        """
        try:
            with self._raw().begin() as transaction, transaction.cursor() as cursor:
                cursor.first()
                return bytes(cursor.value())
        except lmdb.Error as error:
            raise DataError(f"{self.path} is damaged: {_reason(error, self.folder)}") from error

    def beside(self, name: str) -> Path | None:
        """A file of this name in the LMDB's folder or the one around it; None if there is none."""
        places = (self.folder, self.folder.absolute().parent, self.folder.resolve().parent)
        return next((place / name for place in places if (place / name).is_file()), None)

    def close(self) -> None:
        """Let go of the file; calling it twice is fine."""
        self._environment = None

    def _raw(self) -> lmdb.Environment:
        if self._environment is None:
            raise DataError(f"{self.path} was closed")
        return self._environment.raw


def find_lmdb(folder: Path) -> LmdbFile | None:
    """The LMDB that a folder is or holds; None if there is none.

    Raises: DataError: there are several, or it cannot be read.
    """
    try:
        found = [folder] if (folder / DATA_FILE).is_file() else sorted(p.parent for p in folder.glob(f"*/{DATA_FILE}"))
        if len(found) > 1:
            raise DataError(f"{folder} holds {len(found)} LMDBs ({', '.join(p.name for p in found)}): name one of them")
        return LmdbFile(found[0]) if found else None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error
