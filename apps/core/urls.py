"""Addresses of the health signs, and of the icon that browsers ask for by themselves."""

from __future__ import annotations

from django.urls import path

from apps.core import views

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("favicon.ico", views.favicon, name="favicon"),
]
