"""Addresses of applications, clusters and the set-up."""

from __future__ import annotations

from django.urls import path

from apps.environments import (
    deep_check_views,
    drift_views,
    reconciler_views,
    setup_views,
    silence_views,
    views,
)

urlpatterns = [
    path("applications/<int:pk>/", views.application_detail, name="application-detail"),
    path("applications/<int:pk>/facts/", views.application_facts, name="application-facts"),
    path("applications/<int:pk>/drift-table/", drift_views.drift_table, name="drift-table"),
    path("applications/<int:pk>/drift-history/", drift_views.drift_history, name="drift-history"),
    path("applications/<int:pk>/resource-tree/", views.resource_tree, name="resource-tree"),
    path("applications/<int:pk>/check/", views.application_check, name="application-check"),
    path("applications/<int:pk>/deep-check/", deep_check_views.deep_check, name="deep-check"),
    path("applications/<int:pk>/deep-check/run/", deep_check_views.deep_check_run, name="deep-check-run"),
    path("applications/<int:pk>/reconcilers/", reconciler_views.reconcilers, name="reconcilers"),
    path("reconcilers/<int:pk>/refresh/", reconciler_views.reconciler_refresh, name="reconciler-refresh"),
    path("projects/<slug:slug>/silences/", silence_views.silence_list, name="silence-list"),
    path("silences/new/", silence_views.silence_new, name="silence-new"),
    path("silences/preview/", silence_views.silence_preview, name="silence-preview"),
    path("silences/<int:pk>/end/", silence_views.silence_end, name="silence-end"),
    path("silences/<int:pk>/extend/", silence_views.silence_extend, name="silence-extend"),
    path("clusters/", views.cluster_list, name="cluster-list"),
    path("clusters/<int:pk>/", views.cluster_detail, name="cluster-detail"),
    path("clusters/<int:pk>/edit/", views.cluster_edit, name="cluster-edit"),
    path("clusters/<int:pk>/remove/", views.cluster_remove, name="cluster-remove"),
    path("clusters/<int:pk>/check/", views.cluster_check, name="cluster-check"),
    path("clusters/<int:pk>/pause/", views.cluster_pause, name="cluster-pause"),
    path("clusters/<int:pk>/resume/", views.cluster_resume, name="cluster-resume"),
    path("set-up/", setup_views.set_up, name="set-up"),
    path("set-up/cluster/", setup_views.set_up_cluster, name="set-up-cluster"),
    path("set-up/done/", setup_views.set_up_done, name="set-up-done"),
    path("set-up/<int:pk>/", setup_views.set_up_repository, name="set-up-repository"),
]
