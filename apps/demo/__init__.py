"""The bundled demo: seed repositories, a stand-in API server and a story that moves."""

from __future__ import annotations
