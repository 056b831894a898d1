"""The settings of the tests: a throw-away folder, a plain store of static files, a fast password hash."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="gitopsui-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
for _name in [
    name for name in os.environ if name.startswith("GITOPSUI_") and not name.startswith("GITOPSUI_TEST_")
]:
    del os.environ[_name]
os.environ |= {"GITOPSUI_DATA": _folder, "GITOPSUI_MIN_FREE_MIB": "0"}
os.environ.pop("DATABASE_URL", None)
if os.environ.get("GITOPSUI_TEST_POSTGRES") == "1":
    from tests.postgres import start_server

    os.environ["DATABASE_URL"] = start_server()

from gitopsui.settings import *  # noqa: E402, F403
from gitopsui.settings import DATABASES, GITOPSUI_DATA  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file and not memory: threads share it as they do in earnest.
    DATABASES["default"]["TEST"] = {"NAME": str(GITOPSUI_DATA / "test.sqlite3")}
