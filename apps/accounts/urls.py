"""Addresses of people and sessions."""

from __future__ import annotations

from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("welcome/", views.welcome, name="welcome"),
    path("theme/", views.theme_set, name="theme-set"),
    path("people/", views.people_list, name="people-list"),
    path("people/add/", views.person_edit, name="person-add"),
    path("people/<int:pk>/", views.person_edit, name="person-edit"),
]
