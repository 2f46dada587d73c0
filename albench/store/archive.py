"""An archive: a store as one zip file, which may come from anybody.

Only the files of a store are in it (see `source.FILE`), each with its own checksum. An archive that holds anything
else, claims sizes that it has not, or would grow beyond measure is refused as a whole, in a sentence.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from albench.errors import DamageError, StoreError, reason, shown
from albench.store.files import replacing
from albench.store.source import FILE, STUDY, Source

MOST_FILES = 2_000_000
MOST_BYTES = 2**28  # of a file of text, which is read as a whole; the longest rounds are a few megabytes
GROWTH = 200  # how many times its own size an archive may unpack to; rounds are text, and reach 20
ALWAYS_FINE = 64 * 2**20  # bytes that any archive may unpack to
_DATE = (1980, 1, 1, 0, 0, 0)  # the same archive of the same results


class Archive(Source):
    """A store's archive."""

    mend = "get the archive anew, or export it again"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                if not zipfile.is_zipfile(file):
                    raise StoreError(
                        f"{path} is no store: it is a file, and no whole zip archive; give a folder that 'albench run' "
                        "wrote, or what 'albench export' writes"
                    )
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise StoreError(f"{path} cannot be read ({reason(error)}); get the archive anew") from None
        self._files = self._checked(self._zip.infolist(), size)

    def names(self) -> Iterable[str]:
        """Return the names of its files."""
        return list(self._files)

    def where(self, name: str) -> str:
        """Return what a message calls a file."""
        return f"{name} in {self.path}"

    def _read(self, name: str) -> bytes | None:
        info = self._files.get(name)
        if info is None:
            return None
        try:
            with self._zip.open(info) as file:
                data = file.read(info.file_size + 1)
        except Exception as error:  # noqa: BLE001 - a damaged archive raises whatever its readers like
            raise DamageError(f"it cannot be unpacked ({type(error).__name__})") from None
        if len(data) != info.file_size:
            raise DamageError("it has not the size that the archive claims")
        return data

    def _checked(self, infos: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
        """Return the files by name; StoreError for what no archive of a store holds."""
        files: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename
            if not FILE.fullmatch(name) or name in files:
                self._refuse(f"it holds {shown(name)}{' twice' if name in files else ''}, which is no file of a store")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                self._refuse(f"{shown(name)} is encrypted, or packed in another way than 'albench export' packs")
            if info.file_size > MOST_BYTES and not name.endswith(".safetensors"):
                self._refuse(f"{shown(name)} would unpack to more than {MOST_BYTES // 2**20} MB")
            files[name] = info
        if len(files) > MOST_FILES or sum(info.compress_size for info in infos) > size:
            self._refuse("it claims more than it holds")
        if sum(info.file_size for info in infos) > max(ALWAYS_FINE, GROWTH * size):
            self._refuse(f"it would unpack to more than {GROWTH} times its size")
        if STUDY not in files:
            self._refuse(f"there is no {STUDY} in it")
        return files

    def _refuse(self, what: str) -> None:
        raise StoreError(f"{self.path} is no archive of a store: {what}; get one that 'albench export' wrote")


def write_archive(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive of files, in the order of their names given; the same files give the same bytes. WriteError."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in _named(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".safetensors") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)


def _named(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for name, data in files:
        assert FILE.fullmatch(name), name
        yield name, data
