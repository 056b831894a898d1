"""What a promotion really changes: rendered by the real tools at its base and at its commit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.models import Job
from apps.environments.connect import masker
from apps.environments.models import Application
from apps.environments.services.desired import state_at
from apps.promotions import tasks
from apps.promotions.models import Promotion, Rendering
from apps.promotions.selectors.rendered import RENDER
from apps.promotions.services.edit_rules import save_rule
from apps.promotions.services.renderings import render_promotion
from apps.repositories.connect import mirror
from gitopsui.adapters.render import Renderer
from gitopsui.adapters.render_tools import Tools
from gitopsui.domain.errors import RenderError
from gitopsui.schedules import PROMOTIONS, SCHEDULES
from tests.adapters.git_http import LONG_AGO, File
from tests.adapters.render_binaries import require_tools
from tests.apps.promotions.conftest import DEPLOYMENT, World

STAGING, PRODUCTION = "apps/cart/staging", "apps/cart/production"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: shop}}\nstringData: {{password: {}, same: x}}\n"
CHART: dict[str, str | File | None] = {
    "charts/cart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 0.1.0\n",
    "charts/cart/values.yaml": "image:\n  repository: registry.example.org/shop/cart\n  tag: ''\n",
    "charts/cart/templates/app.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\n"
        "  labels: {version: {{ .Values.image.tag | quote }}}\n"
        "  annotations: {salt: {{ randAlphaNum 8 | quote }}}\n"
        "spec: {template: {spec: {containers: [{name: cart, "
        "image: '{{ .Values.image.repository }}:{{ .Values.image.tag }}'}]}}}\n"
    ),
    "charts/cart/values-production.yaml": "image:\n  tag: 1.0.0\n",
}


def renderer(tmp_path: Path, tools: Tools | None = None) -> Renderer:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return Renderer(tools or Tools(), scratch)


def rendered(world: World, promotion: Promotion, door: Renderer) -> Rendering:
    git = mirror(world.repository)
    render_promotion(promotion, git=git, renderer=door, mask=masker(), now=timezone.now())
    return Rendering.objects.get(item__promotion=promotion)


def told(row: Rendering) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["name"], one["change"]) for one in row.resources]


def text_of(client: Client, promotion: Promotion) -> str:
    return client.get(f"/promotions/{promotion.pk}/rendered/").content.decode()


def test_a_copied_folder_shows_what_comes_changes_and_goes_with_secrets_masked(
    world: World, tmp_path: Path, client: Client
) -> None:
    files: dict[str, str | File | None] = {
        f"{STAGING}/secret.yaml": SECRET.format("hunter2"),
        f"{STAGING}/new.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n",
        f"{PRODUCTION}/secret.yaml": SECRET.format("swordfish"),
        f"{PRODUCTION}/old.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n",
    }
    application = world.become(files)
    rule = {
        "way": "folder", "path": PRODUCTION, "field_path": "", "source_path": STAGING, "only": [],
        "source": world.applications["cart", "staging"], "keep": [],
    }  # fmt: skip
    save_rule(application, rule, by=world.people["admin"])
    world.prepare()
    promotion = world.advance(world.propose("cart"))
    row = rendered(world, promotion, renderer(tmp_path))
    assert told(row) == [
        ("ConfigMap", "new", "added"),
        ("ConfigMap", "old", "removed"),
        ("Secret", "shop", "changed"),
        ("Deployment", "cart", "changed"),
    ]
    assert (row.base_sha, row.head_sha) == (promotion.base_sha, promotion.head_sha)
    assert "hunter2" not in str(row.resources)
    client.force_login(world.people["viewer"])
    page = client.get(f"/promotions/{promotion.pk}/").content.decode()
    assert "4 resources change, rendered at" in page
    assert "(another value)" in page
    assert "hunter2" not in page
    assert "swordfish" not in page
    assert "/rendered/" not in page, "what is rendered is not asked for again"


def test_a_chart_is_rendered_with_all_that_the_version_does_there(world: World, tmp_path: Path) -> None:
    tools = require_tools("helm")
    world.become(
        CHART, renderer="helm", path="charts/cart",
        values_files=["charts/cart/values-production.yaml"],
    )  # fmt: skip
    promotion = world.advance(world.propose("cart"))
    row = rendered(world, promotion, renderer(tmp_path, tools))
    (resource,) = row.resources
    assert resource["new"]["metadata"]["labels"]["version"] == "2.0.0"
    assert "salt" not in resource["new"]["metadata"]["annotations"]
    assert row.notes == ["What the chart makes up anew with each render is not compared."]


def test_an_overlay_is_rendered_by_kustomize(world: World, tmp_path: Path) -> None:
    tools = require_tools("kustomize")
    files: dict[str, str | File | None] = {
        "base/kustomization.yaml": "resources: [deployment.yaml]\n",
        "base/deployment.yaml": DEPLOYMENT.format(name="cart", version="1.0.0"),
        "overlays/production/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\n",
    }
    world.become(files, renderer="kustomize", path="overlays/production")
    promotion = world.advance(world.propose("cart"))
    assert told(rendered(world, promotion, renderer(tmp_path, tools))) == [
        ("Deployment", "prod-cart", "changed")
    ]


def test_an_edit_that_breaks_the_rendering_says_so_with_its_cause(
    world: World, tmp_path: Path, client: Client
) -> None:
    tools = require_tools("helm")
    check = '{{ if eq .Values.image.tag "2.0.0" }}{{ fail "no 2" }}{{ end }}\n'
    broken = CHART | {"charts/cart/templates/check.yaml": check}
    world.become(
        broken, renderer="helm", path="charts/cart",
        values_files=["charts/cart/values-production.yaml"],
    )  # fmt: skip
    promotion = world.advance(world.propose("cart"))
    row = rendered(world, promotion, renderer(tmp_path, tools))
    assert row.error.startswith(f"With this edit, at {promotion.head_sha[:8]}, it cannot be rendered: ")
    assert "no 2" in row.error
    client.force_login(world.people["viewer"])
    page = text_of(client, promotion)
    assert "cart in production cannot be rendered." in page
    assert "no 2" in page


def test_what_can_never_be_rendered_here_and_what_is_gone_say_so(world: World, tmp_path: Path) -> None:
    promotion = world.advance(world.propose("cart"))
    Application.objects.filter(pk=world.applications["cart", "production"].pk).update(refusal="Jsonnet.")
    assert rendered(world, promotion, renderer(tmp_path)).error == "Jsonnet."
    Application.objects.update(refusal="")
    Rendering.objects.all().delete()
    Promotion.objects.filter(pk=promotion.pk).update(base_sha="0" * 40)
    promotion.refresh_from_db()
    error = rendered(world, promotion, renderer(tmp_path)).error
    assert error.startswith("Before this edit, at 00000000, it cannot be rendered: ")


class Silent(Renderer):
    """A renderer that takes too long."""

    def inputs_digest(self, *arguments: Any, **options: Any) -> str:
        raise RenderError("helm took too long.", code="RENDER_TIMEOUT")


def test_what_may_pass_is_tried_again(world: World, tmp_path: Path) -> None:
    promotion = world.advance(world.propose("cart"))
    with pytest.raises(RenderError):
        rendered(world, promotion, Silent(Tools(), tmp_path))
    assert not Rendering.objects.exists()


def test_what_was_rendered_is_what_the_next_check_finds(world: World, tmp_path: Path) -> None:
    """The head of a promotion is the state that is asked for after its merge: nothing is done twice."""
    promotion = world.advance(world.propose("cart"))
    rendered(world, promotion, renderer(tmp_path))
    application = world.applications["cart", "production"]
    git = mirror(world.repository)

    class Never(Renderer):
        def render(self, *arguments: Any, **options: Any) -> Any:
            raise AssertionError("It was rendered again.")

    state_at(
        application,
        promotion.head_sha,
        git=git,
        renderer=Never(Tools(), tmp_path),
        mask=masker(),
        now=timezone.now(),
    )


# --- the page and the queue -------------------------------------------------------------------------------


def test_the_page_asks_until_it_is_rendered_and_says_what_is_foretold(world: World, client: Client) -> None:
    promotion = world.propose("cart")
    client.force_login(world.people["viewer"])
    assert "Being rendered" in text_of(client, promotion)
    world.advance(promotion)
    page = client.get(f"/promotions/{promotion.pk}/?view=side").content.decode()
    assert f'hx-get="/promotions/{promotion.pk}/rendered/?view=side"' in page
    assert "Being rendered" in page
    tasks.render_due_promotions()
    job = Job.objects.get(kind=RENDER)
    Job.objects.filter(pk=job.pk).update(due_at=LONG_AGO)
    tasks.render_promotion(promotion.pk)
    part = text_of(client, promotion)
    assert "1 resource changes, rendered at" in part
    assert "hx-get" not in part
    assert not Job.objects.filter(kind=RENDER).exists(), "it is done once"
    tasks.render_due_promotions()
    assert not Job.objects.filter(kind=RENDER).exists()


def test_why_it_is_not_rendered_yet_is_said(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    tasks.render_due_promotions()
    Job.objects.filter(kind=RENDER).update(failures=1, last_error="helm took too long.")
    client.force_login(world.people["viewer"])
    page = text_of(client, promotion)
    assert "It could not be rendered yet and is tried again." in page
    assert "helm took too long." in page


def test_a_page_stops_asking_for_what_is_not_rendered_any_more(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    tasks.render_due_promotions()
    client.force_login(world.people["viewer"])
    assert "hx-get" in text_of(client, promotion)
    Job.objects.filter(kind=RENDER).update(
        state="quarantined", attempts=3, last_error="It began three times without an end."
    )
    page = text_of(client, promotion)
    assert "hx-get" not in page
    assert "It could not be rendered, and is not tried again by itself." in page
    assert "It began three times without an end." in page


def test_it_never_waits_before_a_promotion(world: World) -> None:
    assert tasks.render_promotion.queue == ""
    assert SCHEDULES["renderings of promotions"].queue != PROMOTIONS


def test_only_what_has_a_commit_and_is_under_way_is_rendered(world: World) -> None:
    planned, ended = world.propose("cart"), world.advance(world.propose("web"))
    Promotion.objects.filter(pk=ended.pk).update(phase="closed")
    tasks.render_due_promotions()
    assert not Job.objects.filter(kind=RENDER).exists()
    world.advance(planned)
    tasks.render_due_promotions()
    tasks.render_due_promotions()
    assert Job.objects.get(kind=RENDER).subject_id == planned.pk


def test_one_that_ended_before_it_was_rendered_is_not_waited_for(world: World, client: Client) -> None:
    promotion = world.advance(world.propose("cart"))
    Promotion.objects.filter(pk=promotion.pk).update(phase="closed")
    client.force_login(world.people["viewer"])
    part = text_of(client, promotion)
    assert "hx-get" not in part
    assert "Being rendered" not in part


def test_a_preview_of_an_edit_that_changes_no_image_says_when_it_is_rendered(
    world: World, tmp_path: Path, client: Client
) -> None:
    chart = "dependencies:\n  - name: cart\n    version: 1.0.0\n"
    application = world.become({f"{PRODUCTION}/Chart.yaml": chart})
    rule = {"way": "field", "path": f"{PRODUCTION}/Chart.yaml", "field_path": "dependencies.0.version"}
    save_rule(application, rule, by=world.people["admin"])
    world.prepare()
    address = "/projects/shop/promotions/new/?from=staging&into=production&component=cart"
    client.force_login(world.people["proposer"])
    assert "What it renders to is not known yet" in client.get(address).content.decode()
    state = state_at(
        application,
        application.desired_sha,
        git=mirror(world.repository),
        renderer=renderer(tmp_path),
        mask=masker(),
        now=timezone.now() - timedelta(minutes=1),
    )
    application.component.image = "registry.example.org/shop/other"
    application.component.save()
    application.desired_digest = state.digest
    application.save()
    page = client.get(address).content.decode()
    assert "This edit changes no image; it is rendered once the pull request is open." in page
