"""The rendered part of a promotion, asked for until it is there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import person_of, requires
from apps.promotions.edit_page import rendered_context
from apps.promotions.models import Promotion


@requires(Role.VIEWER)
@require_safe
def promotion_rendered(request: HttpRequest, pk: int) -> HttpResponse:
    promotion = get_object_or_404(Promotion.objects.visible_to(person_of(request)), pk=pk)
    items = list(promotion.items.select_related("application__environment", "application__component"))
    return render(request, "promotions/_promotion_rendered.html", rendered_context(request, promotion, items))
