"""Addresses of the health signs."""

from __future__ import annotations

from django.urls import path

from apps.core import views

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
]
