"""Secrets at rest."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, models
from django.test.utils import isolate_apps

from apps.core.crypto import EncryptedTextField, UndecryptableError, decrypt, encrypt, fingerprint

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def make_model() -> Any:
    class Door(models.Model):
        code = EncryptedTextField(blank=True)
        other = EncryptedTextField(blank=True)

        class Meta:
            app_label = "core"

    return Door


@pytest.fixture
def door(transactional_db: None) -> Any:
    with isolate_apps("apps.core"):
        model = make_model()
        with connection.schema_editor() as editor:
            editor.create_model(model)
        yield model
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def stored(model: Any, column: str = "code") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table}")
        return str(cursor.fetchone()[0])


def test_the_text_comes_back_and_is_not_in_the_token() -> None:
    token = encrypt("hunter2", purpose="a")

    assert decrypt(token, purpose="a") == "hunter2"
    assert "hunter2" not in token
    assert encrypt("hunter2", purpose="a") != token


def test_a_token_does_not_open_for_another_purpose() -> None:
    with pytest.raises(UndecryptableError):
        decrypt(encrypt("hunter2", purpose="a"), purpose="b")


@pytest.mark.parametrize("token", ["", "no token", "é", "gAAAAA"])
def test_nonsense_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(UndecryptableError) as caught:
        decrypt(token, purpose="credential")

    assert "cannot be decrypted" in str(caught.value)


def test_after_a_key_was_put_in_front_old_tokens_still_open(settings: Any) -> None:
    settings.GITOPSUI_ENCRYPTION_KEYS = (OLD,)
    token = encrypt("hunter2", purpose="a")

    settings.GITOPSUI_ENCRYPTION_KEYS = (NEW, OLD)
    assert decrypt(token, purpose="a") == "hunter2"

    settings.GITOPSUI_ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(UndecryptableError):
        decrypt(token, purpose="a")


def test_fingerprints_tell_apart_without_telling() -> None:
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
    assert len(fingerprint("a")) == 8


def test_the_database_only_sees_the_token(door: Any) -> None:
    row = door.objects.create(code="hunter2")

    assert "hunter2" not in stored(door)
    assert door.objects.get(pk=row.pk).code == "hunter2"
    assert stored(door, "other") == ""


def test_a_value_moved_to_another_column_is_refused(door: Any) -> None:
    door.objects.create(code="hunter2")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {door._meta.db_table} SET other = code")

    with pytest.raises(UndecryptableError):
        door.objects.get()


def test_searching_for_a_secret_is_refused_instead_of_finding_nothing(door: Any) -> None:
    with pytest.raises(TypeError, match="cannot be searched"):
        door.objects.filter(code="hunter2")
