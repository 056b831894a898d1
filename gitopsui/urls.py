"""All addresses: each app brings its own."""

from __future__ import annotations

from django.urls import include, path

handler500 = "apps.core.views.failed"
urlpatterns = [
    path("", include("apps.core.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.repositories.urls")),
    path("", include("apps.environments.urls")),
    path("", include("apps.releases.urls")),
    path("", include("apps.promotions.urls")),
    path("", include("apps.dashboard.urls")),
]
