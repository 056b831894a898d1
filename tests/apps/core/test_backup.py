"""A backup comes back, a damaged or forged one does not."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import tarfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core import backup
from gitopsui.adapters.process import Result, run
from gitopsui.instance import only_instance

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "secrets").mkdir(parents=True)
    for name in backup.SECRETS:
        (folder / "secrets" / name).write_text(f"{name} of then")
    with closing(sqlite3.connect(folder / backup.DATABASE)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE word (text)")
        database.execute("INSERT INTO word VALUES ('then')")
        database.commit()
    return folder


def words(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / backup.DATABASE)) as database:
        return [row[0] for row in database.execute("SELECT text FROM word")]


def test_database_and_secrets_come_back_and_what_was_there_is_kept(data: Path, tmp_path: Path) -> None:
    file, database = tmp_path / "backup.tar.gz", data / backup.DATABASE
    backup.write(file, data=data, database=database)
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE word SET text = 'now'")
        connection.commit()
    (data / "secrets" / "mask-key").write_text("now")

    names = backup.read(file, data=data, database=database)

    assert names == [backup.DATABASE, *sorted(f"secrets/{name}" for name in backup.SECRETS)]
    assert words(data) == ["then"]
    assert (data / "secrets" / "mask-key").read_text() == "mask-key of then"
    assert (data / "secrets" / "mask-key").stat().st_mode & 0o777 == 0o600
    assert (data / "secrets" / "mask-key.before-restore").read_text() == "now"
    assert (data / f"{backup.DATABASE}.before-restore").exists()


def test_a_backup_never_overwrites_a_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    file.write_text("precious")

    with pytest.raises(backup.BackupError, match="exists already"):
        backup.write(file, data=data, database=None)

    assert file.read_text() == "precious"


def forge(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, value in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(value)
            archive.addfile(member, io.BytesIO(value))
    return path


@pytest.mark.parametrize(
    "content",
    [
        {},
        {backup.DATABASE: b"no database at all"},
        {backup.DATABASE: b"SQLite format 3\0" + b"\xff" * 4096},
        {"secrets/mask-key": b"x"},
    ],
)
def test_a_damaged_backup_changes_nothing(data: Path, tmp_path: Path, content: dict[str, bytes]) -> None:
    file = forge(tmp_path / "forged.tar.gz", content)

    with pytest.raises(backup.BackupError):
        backup.read(file, data=data, database=data / backup.DATABASE)

    assert words(data) == ["then"]
    assert (data / "secrets" / "mask-key").read_text() == "mask-key of then"


def test_a_file_that_is_no_archive_is_refused(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"text")

    with pytest.raises(backup.BackupError, match="no backup"):
        backup.read(file, data=data, database=None)


def test_only_names_we_know_are_taken(data: Path, tmp_path: Path) -> None:
    file = forge(
        tmp_path / "f.tar.gz", {"../escaped": b"x", "secrets/other": b"x", "secrets/mask-key": b"new"}
    )

    assert backup.read(file, data=data, database=None) == ["secrets/mask-key"]
    assert not (tmp_path / "escaped").exists()
    assert not (data / "secrets" / "other").exists()


def manage(data: Path, *arguments: str) -> Result:
    env = {"PATH": os.environ["PATH"], "GITOPSUI_DATA": str(data)}
    argv = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return run(argv, env=env, timeout=timedelta(minutes=4), max_output=1 << 20)


def test_f72_the_commands_bring_an_installation_back_and_the_trail_shows_the_gap(tmp_path: Path) -> None:
    data, file = tmp_path / "data", str(tmp_path / "backup.tar.gz")
    assert manage(data, "migrate", "--verbosity", "0").returncode == 0
    note = "from apps.core import audit; audit.record(None, 'connected repository', label='shop')"
    assert manage(data, "shell", "--no-imports", "-c", note).returncode == 0
    assert manage(data, "backup", file).returncode == 0
    secret = (data / "secrets" / "encryption-keys").read_text()
    moved = data.rename(tmp_path / "lost")

    restored = manage(data, "restore", file)

    assert restored.returncode == 0, restored.stderr.decode()
    assert (data / "secrets" / "encryption-keys").read_text() == secret
    with closing(sqlite3.connect(data / backup.DATABASE)) as database:
        query = "SELECT verb, at, after FROM core_auditevent ORDER BY id"
        (before, last_known, _), (verb, _, after) = database.execute(query)
    assert (before, verb) == ("connected repository", "restored a backup")
    gap = json.loads(after)
    assert gap["nothing is known from"][:19] == last_known[:19].replace(" ", "T")
    assert gap["nothing is known from"] <= gap["until"]
    assert moved.exists()

    with only_instance(data, note="test"):
        refused = manage(data, "restore", file)
    assert refused.returncode != 0
    assert b"End it first" in refused.stderr
