"""Promotions that copy the folder of another environment, from the rule to the merge, on real Git."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.core.models import AuditEvent
from apps.environments.models import Application
from apps.promotions.edit_rule_forms import EditRuleForm
from apps.promotions.models import EditRule, EditTarget, Promotion
from apps.promotions.selectors.edit_rules import rule_of
from apps.promotions.services.copies import MOST_LISTED
from apps.promotions.services.decide import ask_merge
from apps.promotions.services.edit_rules import save_rule
from apps.promotions.services.planning import Plan, Wish, plan_promotion
from apps.promotions.services.rollback import start_rollback, wishes_back
from gitopsui.domain.edit_file import FileChange
from gitopsui.domain.errors import PromotionDenied
from tests.adapters.git_http import File, link
from tests.apps.promotions.conftest import DEPLOYMENT, World

STAGING, PRODUCTION = "apps/cart/staging", "apps/cart/production"
PNG = b"\x89PNG\0\xff"
FILES: dict[str, str | File | None] = {
    f"{STAGING}/config/app.yaml": "kind: ConfigMap\nmetadata: {name: app}\n",
    f"{STAGING}/logo.png": File(PNG),
    f"{STAGING}/run.sh": File(b"#!/bin/sh\n", "100755"),
    f"{STAGING}/replicas.yaml": "replicas: 1\n",
    f"{PRODUCTION}/run.sh": "#!/bin/sh\n",
    f"{PRODUCTION}/replicas.yaml": "replicas: 9\n",
    f"{PRODUCTION}/old.yaml": "kind: ConfigMap\nmetadata: {name: old}\n",
}


def copies(world: World, **values: Any) -> Application:
    """cart in production is promoted by copying now."""
    application = world.applications["cart", "production"]
    rule = {
        "way": "folder", "path": PRODUCTION, "field_path": "", "source_path": STAGING, "only": [],
        "source": world.applications["cart", "staging"], "keep": ["replicas.yaml"],
    }  # fmt: skip
    save_rule(application, rule | values, by=world.people["admin"])
    world.prepare()
    return application


def reasons(plan: Plan) -> list[str]:
    return [skip.reason for skip in plan.skips]


@pytest.fixture
def folders(world: World) -> World:
    world.seed.commit(FILES, "Add more files")
    copies(world)
    return world


def test_the_plan_adds_changes_and_removes_and_leaves_what_is_kept(folders: World) -> None:
    plan = folders.plan("cart")
    assert {one.path.removeprefix(f"{PRODUCTION}/"): one.change for one in plan.files} == {
        "config/app.yaml": FileChange.ADDED,
        "deployment.yaml": FileChange.CHANGED,
        "logo.png": FileChange.ADDED,
        "old.yaml": FileChange.REMOVED,
        "run.sh": FileChange.CHANGED,
    }
    (logo,) = [one for one in plan.files if one.path.endswith("logo.png")]
    assert (logo.is_binary, logo.new_size) == (True, len(PNG))
    assert [(move.from_version, move.to_version) for move in plan.moves] == [("1.0.0", "2.0.0")]


def test_from_the_rule_to_the_cluster(folders: World) -> None:
    folders.allow()
    promotion = folders.advance(folders.propose("cart"))
    assert promotion.phase == "open"
    assert "5 files copied from apps/cart/staging" in promotion.message
    first = promotion.head_sha
    Promotion.objects.filter(pk=promotion.pk).update(phase="planned", head_sha="")
    assert folders.advance(promotion).head_sha == first, "the same plan makes the same commit"

    ask_merge(promotion.pk, by=folders.people["proposer"])
    assert folders.advance(promotion).phase == "merged"
    ours, theirs = tree(folders, STAGING), tree(folders, PRODUCTION)
    assert ours.pop("replicas.yaml") != theirs.pop("replicas.yaml")
    assert ours == theirs
    assert theirs["run.sh"].startswith("100755 ")
    folders.arrive()
    assert folders.advance(promotion).phase == "deployed"
    folders.prepare()
    assert reasons(folders.plan("cart")) == [
        "apps/cart/production holds what apps/cart/staging holds already."
    ]


def tree(world: World, folder: str, ref: str = "main") -> dict[str, str]:
    """Path below the folder → mode and id."""
    lines = world.seed.git("ls-tree", "-r", f"{ref}:{folder}").splitlines()
    return {path: facts for facts, path in (line.split("\t") for line in lines)}


def test_no_secret_of_a_folder_is_stored_or_shown_and_git_gets_it_all_the_same(folders: World) -> None:
    secret = "kind: Secret\nmetadata: {name: shop}\nstringData: {password: hunter2}\n"
    folders.seed.commit({f"{STAGING}/secret.yaml": secret}, "Add a secret")
    folders.prepare()
    promotion = folders.advance(folders.propose("cart"))
    assert "hunter2" not in json.dumps(promotion.preview)
    assert "hunter2" not in json.dumps(list(EditTarget.objects.values_list("files", "text")))
    assert "hunter2" in folders.seed.git("show", f"{promotion.head_sha}:{PRODUCTION}/secret.yaml")


def test_configuration_alone_is_promoted_too(folders: World, client: Client) -> None:
    same = DEPLOYMENT.format(name="cart", version="2.0.0")
    folders.seed.commit({f"{PRODUCTION}/deployment.yaml": same}, "Level")
    Application.objects.filter(pk=folders.applications["cart", "production"].pk).update(
        desired_version="2.0.0", live_version="2.0.0"
    )
    folders.applications["cart", "production"].refresh_from_db()
    folders.prepare()
    client.force_login(folders.people["proposer"])
    address = "/projects/shop/promotions/new/?from=staging&into=production&component=cart"
    page = client.get(address).content.decode()
    assert "Promote cart: configuration at 2.0.0 in production?" in page
    assert ">added</span>" in page
    promotion = folders.advance(folders.propose("cart"))
    assert promotion.title == "cart: configuration at 2.0.0 in production"
    assert (
        "cart 2.0.0 may not go into production yet"
        in client.get(f"/promotions/{promotion.pk}/").content.decode()
    )


def test_only_some_parts_are_copied_when_the_rule_says_so(folders: World) -> None:
    copies(folders, only=["deployment.yaml", "config"])
    assert [one.path.removeprefix(f"{PRODUCTION}/") for one in folders.plan("cart").files] == [
        "config/app.yaml",
        "deployment.yaml",
    ]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({f"{STAGING}/here": link("/etc/passwd")}, f"{STAGING}/here is a symbolic link, which is not"),
        ({f"{PRODUCTION}/here": link("x")}, f"{PRODUCTION}/here is a symbolic link, which is not copied."),
        ({f"{STAGING}/sub": File(b"a" * 40, "160000")}, f"{STAGING}/sub is a submodule, which is not"),
        ({f"{STAGING}/big": "x" * 400_001}, f"{PRODUCTION}/big has 400,001 bytes; a file may have 400,000"),
        ({f"{STAGING}/{n}": "" for n in range(400)}, "405 files differ; a promotion changes 400 at most."),
        (
            {"apps/cart/staging": link("production")},
            "apps/cart/staging is a symbolic link and no folder.",
        ),
        ({"apps/cart/staging": None}, "The folder apps/cart/staging is empty or not there"),
    ],
    ids=["link", "link in the target", "submodule", "size", "count", "link to a folder", "gone"],
)  # fmt: skip
def test_what_cannot_be_copied_is_a_reason_and_no_promotion(
    folders: World, files: dict[str, str | File | None], reason: str
) -> None:
    folders.seed.commit(files, "Make it odd")
    folders.prepare()
    (found,) = reasons(folders.plan("cart"))
    assert found.startswith(reason)
    with pytest.raises(PromotionDenied, match="nothing to promote"):
        folders.propose("cart")


def test_another_version_than_the_folder_asks_for_is_not_promised(folders: World) -> None:
    staging = folders.applications["cart", "staging"]
    staging.desired_version = "2.1.0"
    staging.save()
    assert reasons(folders.plan("cart")) == [
        "It is promoted by copying apps/cart/staging, where staging asks for 2.1.0 and not for 2.0.0."
    ]
    staging.desired_sha = "0" * 40
    staging.save()
    assert "in a moment they are read again" in reasons(folders.plan("cart"))[0]


def test_a_rule_that_was_just_changed_is_followed_only_when_its_files_were_read(folders: World) -> None:
    save_rule(
        folders.applications["cart", "production"],
        {"way": "field", "path": "a", "field_path": "b"},
        by=folders.people["admin"],
    )
    assert "read just now" in reasons(folders.plan("cart"))[0]


def test_going_back_edits_the_version_alone(folders: World) -> None:
    application = folders.applications["cart", "production"]
    plan = plan_promotion(folders.environments["production"], [Wish(application, "0.9.0", is_back=True)])
    assert [(one.path, "cart:0.9.0" in one.new) for one in plan.files] == [
        (f"{PRODUCTION}/deployment.yaml", True)
    ]


def merged(world: World) -> Promotion:
    """The copy is on main, and the files were read again."""
    world.allow(merge="auto")
    promotion = world.advance(world.propose("cart"))
    assert promotion.phase == "merged"
    world.arrive()
    world.applications["cart", "production"].refresh_from_db()
    world.prepare()
    return promotion


def test_taking_a_copy_back_leaves_every_file_as_it_was(folders: World) -> None:
    before = tree(folders, PRODUCTION)
    promotion = merged(folders)
    assert tree(folders, PRODUCTION) != before
    back = start_rollback(
        folders.environments["production"], wishes_back(promotion), by=folders.people["proposer"],
        reason="it burns", reverts=promotion,
    )  # fmt: skip
    assert back.title == "Roll back cart: 2.0.0 to 1.0.0 in production"
    assert folders.advance(back).phase == "merged"
    assert tree(folders, PRODUCTION) == before


def test_what_was_changed_since_is_not_taken_back(folders: World) -> None:
    promotion = merged(folders)
    folders.seed.commit({f"{PRODUCTION}/deployment.yaml": "x: 1\n"}, "Hotfix")
    folders.prepare()
    plan = plan_promotion(folders.environments["production"], wishes_back(promotion))
    assert reasons(plan) == [
        f"{PRODUCTION}/deployment.yaml was changed since, so it is not taken back; revert it there."
    ]


def test_what_is_back_already_has_nothing_to_go_back_to(folders: World) -> None:
    promotion = merged(folders)
    folders.seed.point("refs/heads/main", promotion.base_sha)
    folders.prepare()
    plan = plan_promotion(folders.environments["production"], wishes_back(promotion))
    assert reasons(plan) == ["apps/cart/production holds what it held before already."]


def test_what_lies_in_another_folder_than_is_read_now_is_not_taken_for_gone(world: World) -> None:
    world.seed.commit(FILES, "Add more files")
    copies(world, only=["config"])
    promotion = merged(world)
    copies(world, path="apps/cart/elsewhere", only=["config"])
    plan = plan_promotion(world.environments["production"], wishes_back(promotion))
    (reason,) = reasons(plan)
    assert f"{PRODUCTION}/config/app.yaml is not in apps/cart/elsewhere" in reason


def test_what_a_long_listing_leaves_out_is_not_taken_for_gone(world: World) -> None:
    world.seed.commit(FILES, "Add more files")
    copies(world, only=["config"])
    promotion = merged(world)
    lines = "".join(f"100644 {'0' * 40} {PRODUCTION}/a{number}\n" for number in range(MOST_LISTED))
    EditTarget.objects.filter(path=PRODUCTION).update(text=lines)
    plan = plan_promotion(world.environments["production"], wishes_back(promotion))
    (reason,) = reasons(plan)
    assert "more files than are listed" in reason


def test_two_that_change_one_file_are_two_promotions(folders: World) -> None:
    web = folders.applications["web", "production"]
    EditTarget.objects.filter(application=web).update(path=f"{PRODUCTION}/deployment.yaml")
    plan = folders.plan()
    assert [move.application.component.name for move in plan.moves] == ["cart"]
    assert reasons(plan) == [
        f"Something else in this promotion changes {PRODUCTION}/deployment.yaml too; promote it apart."
    ]


def test_a_change_of_the_target_folder_makes_an_open_one_stale(folders: World) -> None:
    promotion = folders.advance(folders.propose("cart"))
    folders.seed.commit({f"{PRODUCTION}/old.yaml": "x"}, "Touch it")
    assert folders.advance(promotion).phase == "stale"


def test_a_named_value_is_edited_wherever_it_stands(world: World) -> None:
    chart = "dependencies:\n  - name: cart\n    version: 1.0.0 # pinned\n"
    world.seed.commit({"charts/production/Chart.yaml": chart}, "Add a chart")
    rule = {"way": "field", "path": "charts/production/Chart.yaml", "field_path": "dependencies.0.version"}
    save_rule(world.applications["cart", "production"], rule, by=world.people["admin"])
    world.prepare()
    (edit,) = world.plan("cart").files
    assert edit.new == chart.replace("1.0.0", "2.0.0")
    world.seed.commit({"charts/production/Chart.yaml": "name: x\n"}, "Drop it")
    world.prepare()
    (reason,) = reasons(world.plan("cart"))
    assert "charts/production/Chart.yaml has no dependencies.0.version at" in reason


# --- the form ---------------------------------------------------------------------------------------------


def form(world: World, **data: str) -> EditRuleForm:
    rule = rule_of(world.applications["cart", "production"])
    asked = {"way": "folder", "source": str(world.applications["cart", "staging"].pk)}
    return EditRuleForm(asked | data, rule=rule)


def test_the_form_fills_in_the_folders_of_both_applications(world: World) -> None:
    filled = form(world, keep="replicas.yaml\nsecrets/**\n")
    assert filled.is_valid(), filled.errors
    assert filled.values == {
        "way": "folder", "path": PRODUCTION, "field_path": "", "source_path": STAGING, "only": [],
        "source": world.applications["cart", "staging"], "keep": ["replicas.yaml", "secrets/**"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"way": "copy"}, "way", "Select a valid choice"),
        ({"source": ""}, "source", "Choose where it is copied from."),
        ({"source": "999"}, "source", "Select a valid choice"),
        ({"source_path": "../etc"}, "source_path", "is no path like"),
        ({"path": "apps/cart/staging/in"}, "source_path", "One folder lies in the other"),
        ({"path": "apps/web"}, "path", "web in staging is rendered from apps/web/staging"),
        ({"path": "apps/web/staging/in"}, "path", "web in staging is rendered from apps/web/staging"),
        ({"only": "/a"}, "only", "is no path like"),
        ({"keep": "a//b"}, "keep", "is no pattern like"),
        ({"way": "field"}, "file", "Name the file."),
        ({"way": "field", "file": "a.yaml"}, "field_path", "Name the value in it."),
        ({"way": "field", "file": "/a", "field_path": "b"}, "file", "is no path like"),
        ({"way": "field", "file": "a", "field_path": "b..c"}, "field_path", "empty key part"),
        (
            {"way": "field", "file": f"{STAGING}/a.yaml", "field_path": "b"},
            "file",
            "cart in staging is rendered",
        ),
    ],
)
def test_what_could_not_work_is_said_beside_its_field(
    world: World, data: dict[str, str], field: str, words: str
) -> None:
    filled = form(world, **data)
    assert not filled.is_valid()
    assert words in " ".join(filled.errors[field])


def test_a_folder_around_both_may_be_edited_by_either(world: World) -> None:
    Application.objects.filter(pk=world.applications["cart", "staging"].pk).update(path="apps/cart")
    filled = form(world, way="field", file=f"{PRODUCTION}/a.yaml", field_path="b")
    assert filled.is_valid(), filled.errors


def test_what_was_typed_for_another_way_is_not_asked_about(world: World) -> None:
    filled = form(world, way="image", keep="a//b\u202e", source="999")
    assert filled.is_valid(), filled.errors


def test_an_administrator_sets_it_up_and_everybody_reads_it(world: World, client: Client) -> None:
    application = world.applications["cart", "production"]
    client.force_login(world.people["admin"])
    data = {"way": "folder", "source": str(world.applications["cart", "staging"].pk), "keep": "replicas.yaml"}
    page = client.post(f"/applications/{application.pk}/edits/", data, follow=True).content.decode()
    said = (
        "The folder apps/cart/staging of staging is copied to apps/cart/production, but never replicas.yaml."
    )
    assert said in page
    event = AuditEvent.objects.get(verb="changed how it is promoted")
    assert event.after is not None
    assert event.after["source"] == "cart in staging"
    client.force_login(world.people["viewer"])
    assert client.get(f"/applications/{application.pk}/edits/").status_code == 403
    rules = client.get(f"/environments/{world.environments['production'].pk}/rules/").content.decode()
    assert said in rules
    assert "Change</a>" not in rules


def test_the_page_says_why_the_folder_cannot_be_copied_now(folders: World, client: Client) -> None:
    folders.seed.commit({f"{STAGING}/here": link("x")}, "Make it odd")
    folders.prepare()
    client.force_login(folders.people["admin"])
    application = folders.applications["cart", "production"]
    page = client.get(f"/applications/{application.pk}/edits/").content.decode()
    assert f"{STAGING}/here is a symbolic link, which is not copied." in page


def test_back_to_the_image_is_the_image_again(folders: World) -> None:
    save_rule(folders.applications["cart", "production"], {"way": "image"}, by=folders.people["admin"])
    folders.prepare()
    assert [one.path for one in folders.plan("cart").files] == [f"{PRODUCTION}/deployment.yaml"]
    assert EditRule.objects.get().keep == []


def test_only_an_administrator_may_change_it(world: World) -> None:
    with pytest.raises(PromotionDenied, match="Only an administrator"):
        save_rule(world.applications["cart", "production"], {"way": "image"}, by=world.people["proposer"])
