"""The program as a WSGI application, for gunicorn and the like."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitopsui.settings")

application = get_wsgi_application()
