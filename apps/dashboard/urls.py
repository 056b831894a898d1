"""Addresses of the board and of jobs."""

from __future__ import annotations

from django.urls import path

from apps.dashboard import activity_views, views

urlpatterns = [
    path("", views.board, name="board"),
    path("projects/<slug:slug>/", views.board, name="board"),
    path("projects/<slug:slug>/board-table/", views.board_table, name="board-table"),
    path("activity/", activity_views.activity, name="activity"),
    path("activity/export/", activity_views.activity_export, name="activity-export"),
    path("projects/<slug:slug>/activity/", activity_views.activity, name="activity"),
    path("projects/<slug:slug>/activity/export/", activity_views.activity_export, name="activity-export"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<int:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<int:pk>/retry/", views.job_retry, name="job-retry"),
]
