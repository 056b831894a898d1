"""Addresses of promotions."""

from __future__ import annotations

from django.urls import path

from apps.promotions import (
    edit_rule_views,
    forge_views,
    lock_views,
    login_views,
    policy_views,
    rendered_views,
    rollback_views,
    subscription_views,
    views,
    webhook_views,
)

urlpatterns = [
    path("projects/<slug:slug>/promotions/", views.promotion_list, name="promotion-list"),
    path("projects/<slug:slug>/promotions/new/", views.promotion_new, name="promotion-new"),
    path("promotions/<int:pk>/", views.promotion_detail, name="promotion-detail"),
    path("promotions/<int:pk>/card/", views.promotion_card, name="promotion-card"),
    path("promotions/<int:pk>/rendered/", rendered_views.promotion_rendered, name="promotion-rendered"),
    path("promotions/<int:pk>/approve/", views.promotion_approve, name="promotion-approve"),
    path("promotions/<int:pk>/reject/", views.promotion_reject, name="promotion-reject"),
    path("promotions/<int:pk>/merge/", views.promotion_merge, name="promotion-merge"),
    path("promotions/<int:pk>/close/", views.promotion_close, name="promotion-close"),
    path("promotions/<int:pk>/override/", views.promotion_override, name="promotion-override"),
    path("projects/<slug:slug>/rollbacks/new/", rollback_views.rollback_new, name="rollback-new"),
    path("projects/<slug:slug>/freezes/", policy_views.freeze_list, name="freeze-list"),
    path("projects/<slug:slug>/freezes/new/", policy_views.freeze_new, name="freeze-new"),
    path("freezes/<int:pk>/end/", policy_views.freeze_end, name="freeze-end"),
    path("projects/<slug:slug>/locks/", lock_views.lock_list, name="lock-list"),
    path("projects/<slug:slug>/locks/new/", lock_views.lock_new, name="lock-new"),
    path("locks/<int:pk>/end/", lock_views.lock_end, name="lock-end"),
    path("environments/<int:pk>/rules/", policy_views.environment_policy, name="environment-policy"),
    path(
        "environments/<int:pk>/rules/edit/",
        policy_views.environment_policy_edit,
        name="environment-policy-edit",
    ),
    path("applications/<int:pk>/edits/", edit_rule_views.application_edits, name="application-edits"),
    path("environments/<int:pk>/hold/", policy_views.environment_hold, name="environment-hold"),
    path("environments/<int:pk>/release/", policy_views.environment_release, name="environment-release"),
    path("repositories/<int:pk>/forge/", forge_views.repository_forge, name="repository-forge"),
    path(
        "repositories/<int:pk>/forge/check/",
        forge_views.repository_forge_check,
        name="repository-forge-check",
    ),
    path(
        "repositories/<int:pk>/forge/detect/",
        forge_views.repository_forge_detect,
        name="repository-forge-detect",
    ),
    path(
        "repositories/<int:pk>/forge/secret/",
        forge_views.repository_forge_secret,
        name="repository-forge-secret",
    ),
    path(
        "repositories/<int:pk>/forge/remove/",
        forge_views.repository_forge_remove,
        name="repository-forge-remove",
    ),
    path("people/<int:pk>/logins/", login_views.person_logins, name="person-logins"),
    path(
        "people/<int:pk>/logins/<int:login>/remove/",
        login_views.person_login_remove,
        name="person-login-remove",
    ),
    path("account/logins/", login_views.account_logins, name="account-logins"),
    path("account/notifications/", subscription_views.subscription_list, name="subscription-list"),
    path(
        "account/notifications/<int:pk>/events/",
        subscription_views.subscription_events,
        name="subscription-events",
    ),
    path(
        "account/notifications/<int:pk>/pause/",
        subscription_views.subscription_pause,
        name="subscription-pause",
    ),
    path(
        "account/notifications/<int:pk>/test/",
        subscription_views.subscription_test,
        name="subscription-test",
    ),
    path(
        "account/notifications/<int:pk>/remove/",
        subscription_views.subscription_remove,
        name="subscription-remove",
    ),
    path("hooks/<int:pk>/", webhook_views.hook_receive, name="webhook"),
    path("hooks/<int:pk>/<slug:kind>/", webhook_views.hook_receive, name="webhook"),
    path("webhooks/<slug:kind>/<int:pk>/", webhook_views.hook_receive, name="webhook"),
]
