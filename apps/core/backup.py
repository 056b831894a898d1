"""
One file that holds everything that cannot be read again from elsewhere: the SQLite database and the secrets.

Mirrors of repositories are left out, they are fetched again. The file opens every stored credential: it is
written for its owner only and belongs where passwords belong.
"""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

DATABASE = "gitopsui.sqlite3"
SECRETS = ("secret-key", "encryption-keys", "mask-key")


class BackupError(Exception):
    """A backup cannot be written or read; the text is a sentence for the operator."""


def write(target: Path, *, data: Path, database: Path | None) -> list[str]:
    """The names of what was written. `database` None: it is PostgreSQL and has tools of its own."""
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BackupError(f"{target} exists already. Choose another name.") from error
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        if database is not None:
            with tempfile.TemporaryDirectory(dir=data) as folder:
                copy = Path(folder) / DATABASE
                _copy_database(database, copy)
                archive.add(copy, arcname=DATABASE, filter=_for_owner)
        for path in _secrets(data):
            archive.add(path, arcname=f"secrets/{path.name}", filter=_for_owner)
        return archive.getnames()


def read(source: Path, *, data: Path, database: Path | None) -> list[str]:
    """
    Put back what the file holds, beside which what was there is kept as `*.before-restore`.

    Only names we know are taken from the file. Raises BackupError, then nothing was changed.
    """
    found = _open_all(source)
    if database is None:
        found.pop(DATABASE, None)
    elif DATABASE not in found:
        raise BackupError("The file holds no database, but this installation keeps its own.")
    targets = {name: data / name for name in found if name != DATABASE}
    if database is not None:
        targets[DATABASE] = database
        _check_database(found[DATABASE])
        # What a write-ahead log of the old database holds must not be played into the new one.
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
    for name, target in targets.items():
        _replace(target, found[name])
    return sorted(targets)


def _copy_database(database: Path, copy: Path) -> None:
    """A consistent copy while the program runs (https://www.sqlite.org/backup.html)."""
    uri = f"{database.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=1000, sleep=0.01)


def _check_database(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE
        path.write_bytes(content)
        try:
            with closing(sqlite3.connect(path)) as connection:
                answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BackupError("The database in the file is damaged.") from error
        if answer != "ok":
            raise BackupError("The database in the file is damaged.")


def _open_all(source: Path) -> dict[str, bytes]:
    known = {DATABASE, *(f"secrets/{name}" for name in SECRETS)}
    try:
        with tarfile.open(source, "r:gz") as archive:
            return {
                member.name: content.read()
                for member in archive
                if member.name in known
                and member.isreg()
                and (content := archive.extractfile(member) or io.BytesIO())
            }
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BackupError(f"{source} is no backup that can be read.") from error


def _replace(target: Path, content: bytes) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.restored")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    if target.exists():
        os.replace(target, target.with_name(f"{target.name}.before-restore"))
    os.replace(unfinished, target)


def _secrets(data: Path) -> Iterator[Path]:
    for name in SECRETS:
        path = data / "secrets" / name
        if path.is_file():
            yield path


def _for_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
    return member
