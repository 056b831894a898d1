"""Which files of an application a promotion edits, and which never."""

from __future__ import annotations

import pytest

from apps.environments.models import Application
from apps.promotions.models import EditTarget
from apps.promotions.services.planning import Wish, plan_promotion
from tests.apps.promotions.conftest import World

CHART = {
    "charts/cart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 0.1.0\n",
    "charts/cart/values.yaml": "image:\n  repository: registry.example.org/shop/cart\n  tag: ''\n",
    "charts/cart/values-staging.yaml": "image:\n  tag: 2.0.0\n",
    "charts/cart/values-production.yaml": "# production\nimage:\n  tag: 1.0.0 # pinned\nreplicas: 3\n",
}
OVERLAY = {
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": "image: registry.example.org/shop/cart:1.0.0\n",
    "overlays/production/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\n",
}


def edited(world: World, application: Application, version: str = "2.0.0") -> dict[str, str]:
    plan = plan_promotion(world.environments["production"], [Wish(application, version)])
    assert not plan.skips, plan.skips
    return {one.path: one.new for one in plan.files}


def test_a_chart_is_left_alone_and_the_values_of_the_environment_get_the_tag(world: World) -> None:
    application = world.become(
        CHART, renderer="helm", path="charts/cart", values_files=["charts/cart/values-production.yaml"]
    )
    assert edited(world, application) == {
        "charts/cart/values-production.yaml": "# production\nimage:\n  tag: 2.0.0 # pinned\nreplicas: 3\n"
    }


def test_a_values_file_that_another_environment_reads_too_is_left_alone(world: World) -> None:
    shared = ["charts/cart/values-production.yaml"]
    staging = world.applications["cart", "staging"]
    staging.values_files = shared
    staging.save()
    application = world.become(CHART, renderer="helm", path="charts/cart", values_files=shared)
    plan = plan_promotion(world.environments["production"], [Wish(application, "2.0.0")])
    assert [skip.reason for skip in plan.skips] == [
        "No file of its own says which version it runs, so there is nothing to edit."
    ]


def test_files_that_were_not_looked_through_yet_are_no_files_that_do_not_fit(world: World) -> None:
    EditTarget.objects.all().delete()
    application = world.applications["cart", "production"]
    plan = plan_promotion(world.environments["production"], [Wish(application, "2.0.0")])
    assert [skip.reason for skip in plan.skips] == [
        "Which of its files says the version is being looked for; look again in a moment."
    ]


def test_an_overlay_that_changes_no_image_yet_gets_an_entry_of_its_own(world: World) -> None:
    application = world.become(OVERLAY, renderer="kustomize", path="overlays/production")
    (text,) = edited(world, application).values()
    assert text == (
        "resources: [../../base]\nnamePrefix: prod-\n"
        "images:\n    - name: registry.example.org/shop/cart\n      newTag: 2.0.0\n"
    )


def test_a_path_that_somebody_named_is_edited_and_kept(world: World) -> None:
    application = world.applications["cart", "production"]
    world.seed.commit({"apps/cart/production/release.yaml": "release: {cart: 1.0.0}\n"}, "Add a file")
    world.prepare()
    EditTarget.objects.filter(application=application).update(
        path="apps/cart/production/deployment.yaml", field_path="metadata.name"
    )
    world.prepare()
    row = EditTarget.objects.get(application=application)
    assert row.field_path == "metadata.name"
    assert "name: 2.0.0" in edited(world, application)[row.path]


@pytest.mark.parametrize("content", ["a: [", "\udcff", "x" * 500_000])
def test_a_file_that_cannot_be_read_is_no_target(world: World, content: str) -> None:
    data = {"apps/cart/production/odd.yaml": content}
    world.seed.commit(data, "Add something odd") if content != "\udcff" else None
    world.prepare()
    application = world.applications["cart", "production"]
    assert list(edited(world, application)) == ["apps/cart/production/deployment.yaml"]
