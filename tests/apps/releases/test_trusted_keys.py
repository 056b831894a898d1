"""Keys are trusted on a page, tags are checked with them by the worker, and the release page says it."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from apps.accounts.models import Project
from apps.core.models import AuditEvent
from apps.releases.models import TrustedKey
from apps.releases.selectors.trusted_keys import describe_release, verdict_of
from apps.releases.services.inputs import find_moved
from apps.releases.services.signatures import update_signatures
from gitopsui.domain.public_key import read_public_key
from gitopsui.domain.signature import Verdict
from tests.accounts import make_people
from tests.adapters.signing import Signer, tamper
from tests.apps.releases.conftest import NOW, Shop

ADDRESS = "/projects/shop/keys/"


@pytest.fixture
def admin(shop: Shop, client: Client) -> Client:
    client.force_login(make_people(shop.project)["admin"])
    return client


@pytest.fixture
def signed(shop: Shop, robot: Signer, dev: Signer) -> Shop:
    """1.0.0 signed by the robot, 1.1.0 by a developer, 1.2.0 tampered with, 1.3.0 on a signed commit."""
    robot.tag(shop.seed, "v1.0.0", shop.seed.commit())
    dev.tag(shop.seed, "v1.1.0", shop.seed.commit())
    robot.tag(shop.seed, "v1.2.0", shop.seed.commit())
    tamper(shop.seed, "v1.2.0")
    shop.seed.tag("v1.3.0", dev.commit(shop.seed))
    shop.poll()
    return shop


def verdicts(shop: Shop) -> list[str]:
    releases = shop.component.releases.order_by("-position")
    return [str(verdict_of(release)[1].verdict) for release in releases]


def trust(client: Client, signer: Signer, principals: str = "dev@example.org") -> None:
    answer = client.post(ADDRESS, {"text": signer.public, "principals": principals})
    assert answer.status_code == 302, answer.content.decode()


def test_without_keys_nothing_is_good_and_nothing_is_hidden(signed: Shop) -> None:
    signed.update()
    # ssh-keygen can tell that a signature does not fit without knowing the key; GnuPG cannot.
    assert verdicts(signed) == ["unknown", "unknown", "unknown", "unknown"]


def test_with_the_keys_good_and_bad_are_told_apart(
    signed: Shop, admin: Client, robot: Signer, dev: Signer
) -> None:
    trust(admin, robot)
    trust(admin, dev)
    signed.update()
    assert verdicts(signed) == ["good", "good", "bad", "good"]
    first = signed.get("v1.0.0")
    assert "signed by Release Robot <robot@example.org>, key " in describe_release(first)
    assert verdict_of(signed.get("v1.3.0"))[0] == "commit"
    page = admin.get(f"/releases/{first.pk}/").content.decode()
    assert "signed by Release Robot &lt;robot@example.org&gt;" in page
    assert (
        "The signature of the tag is bad"
        in admin.get(f"/releases/{signed.get('v1.2.0').pk}/").content.decode()
    )
    assert "bad signature" in admin.get("/projects/shop/releases/").content.decode()


def test_another_list_of_keys_makes_the_tags_due_and_is_judged_anew(
    signed: Shop, admin: Client, robot: Signer
) -> None:
    signed.update()
    assert find_moved() == []
    trust(admin, robot)
    assert [component.name for component in find_moved()] == ["cart"]
    signed.update()
    assert verdicts(signed)[0] == "good"
    assert find_moved() == []
    row = TrustedKey.objects.get()
    assert admin.post(f"/trusted-keys/{row.pk}/remove/").status_code == 302
    assert find_moved() != []
    signed.update()
    assert verdicts(signed)[0] == "unknown"


def test_a_key_that_runs_out_makes_the_tags_due(signed: Shop, admin: Client, robot: Signer) -> None:
    trust(admin, robot)
    signed.update()
    assert find_moved() == []
    TrustedKey.objects.update(expires_at=NOW.replace(year=2020))
    assert find_moved() != []


def test_a_verdict_is_passed_once(signed: Shop) -> None:
    signed.update()

    class Refusing:
        def check_signatures(self, *_: object, **__: object) -> dict[tuple[str, str], object]:
            raise AssertionError("everything was judged already")

    assert update_signatures(signed.component, git=Refusing()) is False  # type: ignore[arg-type]


def test_a_signed_tag_put_under_the_name_of_another_version_is_bad(
    shop: Shop, admin: Client, robot: Signer
) -> None:
    trust(admin, robot)
    sha = robot.tag(shop.seed, "v1.0.0", shop.seed.commit())
    shop.seed.point("refs/tags/v2.0.0", sha)
    shop.poll()
    shop.update()
    assert verdict_of(shop.get("v2.0.0"))[1].verdict is Verdict.BAD
    assert verdict_of(shop.get("v1.0.0"))[1].verdict is Verdict.GOOD


def test_the_page_lists_who_is_trusted_since_when(
    admin: Client, shop: Shop, robot: Signer, dev: Signer
) -> None:
    trust(admin, robot)
    trust(admin, dev, "dev@example.org, ci")
    page = admin.get(ADDRESS).content.decode()
    key = read_public_key(robot.public, "", now=NOW)
    assert "2 keys are trusted" in page
    assert f"{key.fingerprint[:4]} {key.fingerprint[4:8]}" in page
    assert "Release Robot &lt;robot@example.org&gt;" in page
    assert "dev@example.org, ci" in page
    assert "by admin" in page
    events = AuditEvent.objects.filter(verb="added trusted key", project_id=shop.project.pk)
    assert events.count() == 2
    assert key.fingerprint in json.dumps([event.after for event in events])


def test_a_key_that_is_added_again_is_brought_up_to_date(admin: Client, shop: Shop, robot: Signer) -> None:
    trust(admin, robot)
    trust(admin, robot)
    assert TrustedKey.objects.count() == 1
    assert AuditEvent.objects.filter(verb="renewed trusted key").count() == 1


@pytest.mark.parametrize("kind", ["gpg", "ssh"])
def test_a_private_key_is_refused_and_goes_nowhere(
    admin: Client, shop: Shop, robot: Signer, dev: Signer, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    signer = robot if kind == "gpg" else dev
    line = signer.private.splitlines()[4]
    with caplog.at_level(logging.DEBUG):
        answer = admin.post(ADDRESS, {"text": signer.private, "principals": "dev"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This is a private key. It was not stored." in page
    assert line not in page
    assert line not in caplog.text
    assert not TrustedKey.objects.exists()
    assert line not in json.dumps(list(AuditEvent.objects.values("object_label", "before", "after")))


@pytest.mark.parametrize(
    ("text", "principals", "sentence"),
    [
        ("hello", "", "This is no public key"),
        ("ssh-ed25519 AAAA", "dev", "was not copied whole"),
        ("", "", "This field is required"),
    ],
)
def test_what_is_no_key_is_refused_at_its_field(
    admin: Client, shop: Shop, text: str, principals: str, sentence: str
) -> None:
    answer = admin.post(ADDRESS, {"text": text, "principals": principals})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not TrustedKey.objects.exists()


def test_an_ssh_key_without_a_name_is_refused_at_the_name(admin: Client, shop: Shop, dev: Signer) -> None:
    page = admin.post(ADDRESS, {"text": " ".join(dev.public.split()[:2]), "principals": ""}).content.decode()
    assert "Say whose key it is" in page


def test_only_administrators_of_the_project_change_the_list(shop: Shop, client: Client, dev: Signer) -> None:
    people = make_people(shop.project)
    row = TrustedKey.objects.create(
        project=shop.project,
        format="ssh",
        text="x",
        fingerprint="SHA256:x",
        owner="a",
        added_by="x",
        added_at=NOW,
    )
    for name in ("viewer", "proposer", "approver"):
        client.force_login(people[name])
        assert "SHA256:x" in client.get(ADDRESS).content.decode()
        assert "Trust a key" not in client.get(ADDRESS).content.decode()
        assert client.post(ADDRESS, {"text": dev.public, "principals": "dev"}).status_code == 403
        assert client.post(f"/trusted-keys/{row.pk}/remove/").status_code == 403
    assert TrustedKey.objects.count() == 1


def test_what_nobody_sees_in_an_owner_is_shown_when_the_key_goes(shop: Shop, admin: Client) -> None:
    row = TrustedKey.objects.create(
        project=shop.project, format="ssh", text="x", fingerprint="SHA256:x", owner="dev\u202eved",
        added_by="x", added_at=NOW,
    )  # fmt: skip
    page = admin.post(f"/trusted-keys/{row.pk}/remove/", follow=True).content.decode()
    assert r"The key of dev\u{202E}ved is not trusted any more." in page


def test_the_keys_of_one_project_say_nothing_about_another(
    signed: Shop, admin: Client, robot: Signer
) -> None:
    other = Project.objects.create(name="third", slug="third")
    key = read_public_key(robot.public, "", now=NOW)
    TrustedKey.objects.create(
        project=other, format="openpgp", text=key.text, fingerprint=key.fingerprint, owner=key.owner,
        added_by="x", added_at=NOW,
    )  # fmt: skip
    signed.update()
    assert verdicts(signed)[0] == "unknown"


def test_what_a_removed_key_signed_is_good_no_more_at_once(
    signed: Shop, admin: Client, robot: Signer
) -> None:
    trust(admin, robot)
    signed.update()
    assert verdicts(signed)[0] == "good"
    admin.post(f"/trusted-keys/{TrustedKey.objects.get().pk}/remove/")
    assert verdicts(signed)[0] == "unchecked"


def test_a_verdict_on_another_commit_is_none(signed: Shop, admin: Client, robot: Signer) -> None:
    trust(admin, robot)
    signed.update()
    signed.component.releases.update(commit_sha="e" * 40)
    assert set(verdicts(signed)) == {"unchecked"}


def test_a_tag_that_was_signed_later_was_not_moved(shop: Shop, admin: Client, robot: Signer) -> None:
    sha = shop.release("1.0.0")
    shop.poll()
    shop.update()
    trust(admin, robot)
    robot.tag(shop.seed, "v1.0.0", sha)
    shop.poll()
    shop.update()
    assert [flag["code"] for flag in shop.get("v1.0.0").flags] == ["remade", "signed"]
    page = admin.get(f"/releases/{shop.get('v1.0.0').pk}/").content.decode()
    assert "made anew at the same commit" in page
    assert "tag moved" not in admin.get("/projects/shop/releases/").content.decode()
