"""What several tests of adapters share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsui.adapters import git_access
from tests.adapters.signing import dev as dev
from tests.adapters.signing import robot as robot


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this test alone where secrets are lent: other tests that run now lend theirs elsewhere."""
    # A short path: the sockets of gpg are below it.
    folder = Path(tempfile.mkdtemp(prefix="memory-"))
    monkeypatch.setattr(git_access, "MEMORY", folder)
    yield folder
    shutil.rmtree(folder)
