"""Addresses of repositories."""

from __future__ import annotations

from django.urls import path

from apps.repositories import views

urlpatterns = [
    path("repositories/", views.repository_list, name="repository-list"),
    path("repositories/<int:pk>/", views.repository_detail, name="repository-detail"),
    path("repositories/<int:pk>/edit/", views.repository_edit, name="repository-edit"),
    path("repositories/<int:pk>/remove/", views.repository_remove, name="repository-remove"),
    path("repositories/<int:pk>/poll/", views.repository_poll, name="repository-poll"),
    path("repositories/<int:pk>/pause/", views.repository_pause, name="repository-pause"),
    path("repositories/<int:pk>/resume/", views.repository_resume, name="repository-resume"),
]
