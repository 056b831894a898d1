"""Who people are on forges."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class ForgeLogin(models.Model):
    """
    A person's login on a forge: what is said there under it, that person said. Two people never share one,
    and forges do not tell `Ada` from `ada`.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="forge_logins"
    )
    host = models.CharField(max_length=300, help_text="as `forge_host` spells it: github.com")
    login = models.CharField(max_length=100)
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["host", "login"]
        constraints = [
            models.UniqueConstraint("host", Lower("login"), name="a_login_on_a_forge_is_of_one_person"),
            models.CheckConstraint(condition=~Q(host="") & ~Q(login=""), name="a_login_names_its_forge"),
        ]

    def __str__(self) -> str:
        return f"{self.login} on {self.host}"
