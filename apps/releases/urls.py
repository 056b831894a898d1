"""Addresses of releases and components."""

from __future__ import annotations

from django.urls import path

from apps.releases import compare_views, find_views, views

urlpatterns = [
    path("projects/<slug:slug>/releases/", views.release_list, name="release-list"),
    path("releases/<int:pk>/", views.release_detail, name="release-detail"),
    path("projects/<slug:slug>/find/", find_views.find, name="find"),
    path("projects/<slug:slug>/compare/", compare_views.compare_train, name="compare-train"),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/compare/",
        compare_views.compare,
        name="compare",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/",
        views.component_detail,
        name="component-detail",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/edit/",
        views.component_edit,
        name="component-edit",
    ),
]
