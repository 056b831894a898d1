"""Addresses of promotions."""

from __future__ import annotations

from django.urls import path

from apps.promotions import views

urlpatterns = [
    path("promotions/<int:pk>/", views.promotion_detail, name="promotion-detail"),
]
