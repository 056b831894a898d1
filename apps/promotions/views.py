"""The pages of promotions. They show only what is stored."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import person_of, requires
from apps.promotions.models import Promotion


@requires(Role.VIEWER)
@require_safe
def promotion_detail(request: HttpRequest, pk: int) -> HttpResponse:
    promotion = get_object_or_404(Promotion.objects.visible_to(person_of(request)), pk=pk)
    return render(request, "promotions/promotion_detail.html", {"promotion": promotion})
