"""Addresses of releases and components."""

from __future__ import annotations

from django.urls import path

from apps.releases import (
    compare_views,
    config_views,
    cut_views,
    find_views,
    key_views,
    override_views,
    published_views,
    release_views,
    train_views,
    views,
)

urlpatterns = [
    path("projects/<slug:slug>/releases/", views.release_list, name="release-list"),
    path("releases/<int:pk>/", release_views.release_detail, name="release-detail"),
    *(
        path(
            f"releases/<int:pk>/notes.{form}",
            published_views.release_notes,
            {"form": form},
            name=f"release-notes-{form}",
        )
        for form in ("md", "html", "json")
    ),
    path("releases/<int:pk>/overrides/", override_views.release_overrides, name="release-overrides"),
    path("releases/<int:pk>/introduction/", override_views.release_introduction, name="release-introduction"),
    path("releases/<int:pk>/bad/", override_views.release_bad, name="release-bad"),
    path("applications/<int:pk>/commits/", config_views.application_commits, name="application-commits"),
    path("projects/<slug:slug>/find/", find_views.find, name="find"),
    path("projects/<slug:slug>/compare/", train_views.compare_train, name="compare-train"),
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
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/deployments.csv",
        views.component_deployments,
        name="component-deployments",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/next/",
        cut_views.component_draft,
        name="component-draft",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/next/cut/",
        cut_views.release_cut,
        name="release-cut",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/overrides/",
        override_views.override_list,
        name="note-overrides",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/overrides/edit/",
        override_views.override_edit,
        name="note-override",
    ),
    path(
        "projects/<slug:slug>/components/<slug:component_slug>/changelog/",
        override_views.changelog,
        name="changelog",
    ),
    path("projects/<slug:slug>/feeds/", published_views.feeds, name="feeds"),
    path("projects/<slug:slug>/keys/", key_views.trusted_key_list, name="trusted-key-list"),
    path("trusted-keys/<int:pk>/remove/", key_views.trusted_key_remove, name="trusted-key-remove"),
    path("public/<slug:slug>/<slug:component_slug>/", published_views.public_notes, name="public-notes"),
    path(
        "public/<slug:slug>/<slug:component_slug>/feed.atom",
        published_views.public_feed,
        name="public-feed",
    ),
    path(
        "feeds/<str:key>/<slug:slug>/components/<slug:component_slug>.atom",
        published_views.feed_component,
        name="feed-component",
    ),
    path(
        "feeds/<str:key>/<slug:slug>/environments/<path:environment>.atom",
        published_views.feed_environment,
        name="feed-environment",
    ),
    path(
        "badges/<str:key>/<slug:slug>/<slug:component_slug>/<path:environment>.svg",
        published_views.feed_badge,
        name="feed-badge",
    ),
]
