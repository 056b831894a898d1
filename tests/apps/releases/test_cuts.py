"""A release is cut by a person and pushed once by a worker, whatever happens to the worker."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person
from apps.core.models import AuditEvent, Job
from apps.releases.models import ReleaseCut, ReleasePolicy
from apps.releases.selectors.next_versions import propose
from apps.releases.services.cuts import Wish, plan_cut, push_cut
from apps.repositories.models import POLL, Credential
from apps.repositories.services import watch_repository
from gitopsui.adapters.git import GitAccess, Mirror
from gitopsui.adapters.git_sign import SigningKey
from gitopsui.domain.errors import GitError, InputError
from gitopsui.domain.public_key import read_public_key
from gitopsui.domain.signature import Verdict
from tests.accounts import make_people
from tests.adapters.git_http import Hub, serving
from tests.apps.releases.conftest import Shop

SECRET = "CANARY-push-token"
TAG = "refs/tags/v1.1.0"


class Killed(BaseException):
    """The worker's process ends here."""


class Dying(Mirror):
    """A mirror whose process is killed before or after a tag is pushed."""

    dies = ""

    def push_tag(self, name: str, sha: str) -> None:
        if self.dies == "before":
            raise Killed
        if self.dies == "line":
            raise GitError("The remote does not answer.", code="GIT_UNREACHABLE")
        super().push_tag(name, sha)
        if self.dies == "after":
            raise Killed


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    with serving(tmp_path / "hub", users={"robot": SECRET}) as served:
        yield served


@pytest.fixture
def world(shop: Shop, hub: Hub) -> Shop:
    """1.0.0, a feature since, and a credential that may push."""
    shop.seed = hub.create()
    shop.release("1.0.0", "feat: baskets")
    shop.seed.commit(message="feat: vouchers")
    shop.source.default_branch = "main"
    shop.source.credential = Credential.objects.create(
        endpoint="https://git.example.org:443", set_at=timezone.now()
    )
    shop.poll()
    shop.update()
    shop.component.refresh_from_db()
    watch_repository(shop.source)
    return shop


@pytest.fixture
def people(shop: Shop) -> dict[str, Person]:
    return make_people(shop.project)


@pytest.fixture
def mirror(hub: Hub, world: Shop) -> Dying:
    made = hub.mirror(access=GitAccess("robot", SECRET))
    made.fetch()
    return Dying(made.path, made.url, access=GitAccess("robot", SECRET), policy=made.policy)


def no_key() -> SigningKey | None:
    return None


def cut_by(person: Person, world: Shop, version: str = "1.1.0") -> ReleaseCut:
    component = type(world.component).objects.select_related("source", "project").get()
    return plan_cut(component, propose(component), Wish(version, "What changed"), by=person, is_signed=False)


def at_remote(world: Shop) -> str:
    return world.seed.git("for-each-ref", "--format=%(objectname)", TAG)


def test_the_tag_arrives_with_who_asked_and_a_poll_is_due(
    world: Shop, people: dict[str, Person], mirror: Dying
) -> None:
    Job.objects.filter(kind=POLL).update(due_at=None, state="done")
    cut = cut_by(people["proposer"], world)
    push_cut(cut, git=mirror, find_key=no_key)
    cut.refresh_from_db()
    assert (cut.state, cut.tag_sha) == ("pushed", at_remote(world))
    assert world.seed.git("for-each-ref", "--format=%(taggername) %(contents:subject)", TAG) == (
        "proposer What changed"
    )
    assert Job.objects.get(kind=POLL).due_at is not None
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", "actor_name"))
    assert verbs[-2:] == [("cut release", "proposer"), ("pushed release", "system")]


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_worker_that_is_killed_is_followed_by_one_that_pushes_the_very_same_tag(
    world: Shop, people: dict[str, Person], mirror: Dying, hub: Hub, point: str
) -> None:
    cut = cut_by(people["proposer"], world)
    mirror.dies = point
    with pytest.raises(Killed):
        push_cut(ReleaseCut.objects.get(pk=cut.pk), git=mirror, find_key=no_key)
    before = ReleaseCut.objects.get(pk=cut.pk)
    assert before.state == "planned"
    assert before.tag_sha
    mirror.dies = ""
    push_cut(before, git=mirror, find_key=no_key)
    assert ReleaseCut.objects.get(pk=cut.pk).state == "pushed"
    assert at_remote(world) == before.tag_sha
    assert hub.server.requests.count("POST /shop.git/git-receive-pack") == 1


def test_a_tag_that_somebody_else_made_meanwhile_is_left_alone(
    world: Shop, people: dict[str, Person], mirror: Dying
) -> None:
    cut = cut_by(people["proposer"], world)
    world.seed.tag("v1.1.0", world.get_commit("v1.0.0"))
    push_cut(cut, git=mirror, find_key=no_key)
    cut.refresh_from_db()
    assert cut.state == "failed"
    assert cut.error.startswith("Somebody else has made this tag meanwhile: v1.1.0 stands at")
    assert at_remote(world) == world.get_commit("v1.0.0")


def test_what_the_server_says_against_it_is_shown_and_it_can_be_cut_again(
    world: Shop, people: dict[str, Person], mirror: Dying
) -> None:
    hook = world.seed.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'Tags of this team are signed.'\nexit 1\n")
    hook.chmod(0o755)
    cut = cut_by(people["proposer"], world)
    push_cut(cut, git=mirror, find_key=no_key)
    cut.refresh_from_db()
    assert cut.state == "failed"
    assert "Tags of this team are signed." in cut.error
    assert cut.error_hint
    assert cut_by(people["approver"], world).state == "planned"


def test_a_line_that_breaks_is_the_jobs_to_try_again_until_it_gives_up(
    world: Shop, people: dict[str, Person], mirror: Dying
) -> None:
    cut = cut_by(people["proposer"], world)
    mirror.dies = "line"
    with pytest.raises(GitError):
        push_cut(cut, git=mirror, find_key=no_key)
    cut.refresh_from_db()
    assert (cut.state, cut.error) == ("planned", "The remote does not answer.")
    Job.objects.filter(kind="releases.cut").update(failures=4)
    push_cut(cut, git=mirror, find_key=no_key)
    cut.refresh_from_db()
    assert (cut.state, cut.error) == ("failed", "The remote does not answer.")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.0.0", "does not come after 1.0.0"),
        ("banana", "is no version"),
        ("1.9.0", "outside the range <1.5"),
        ("v1.1.0", "is no version"),
    ],
)
def test_a_version_that_cannot_be_is_refused_with_a_sentence(
    world: Shop, people: dict[str, Person], version: str, words: str
) -> None:
    ReleasePolicy.objects.create(component=world.component, version_range="<1.5")
    with pytest.raises(InputError, match=words):
        cut_by(people["proposer"], world, version)


def test_one_tag_is_cut_once(world: Shop, people: dict[str, Person]) -> None:
    cut_by(people["proposer"], world)
    with pytest.raises(InputError, match="is being cut already"):
        cut_by(people["proposer"], world)


def test_without_a_credential_it_is_said_what_to_do(world: Shop, people: dict[str, Person]) -> None:
    world.source.credential = None
    world.source.save()
    with pytest.raises(InputError, match="enters one that may write"):
        cut_by(people["proposer"], world)


@pytest.mark.parametrize(("name", "status"), [("viewer", 403), ("proposer", 302), ("admin", 302)])
def test_only_who_may_promote_cuts(
    world: Shop, people: dict[str, Person], client: Client, name: str, status: int
) -> None:
    client.force_login(people[name])
    address = "/projects/shop/components/cart/next/"
    text = client.get(address).content.decode()
    assert "would become" in text
    assert "vouchers" in text
    assert ("Tag and push" in text) == (status == 302)
    answer = client.post(f"{address}cut/", {"version": "1.1.0", "message": "m"})
    assert answer.status_code == status
    assert ReleaseCut.objects.count() == (status == 302)


def test_the_form_comes_back_with_what_is_wrong(
    world: Shop, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["proposer"])
    data = {"version": "0.9.0", "message": "typed by hand"}
    answer = client.post("/projects/shop/components/cart/next/cut/", data)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "does not come after 1.0.0" in text
    assert "typed by hand" in text
    assert not ReleaseCut.objects.exists()


def test_a_release_is_signed_where_the_operator_gave_a_key(
    world: Shop, people: dict[str, Person], mirror: Dying, tmp_path: Path
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    key = SigningKey((tmp_path / "key").read_text())
    component = type(world.component).objects.select_related("source", "project").get()
    cut = plan_cut(component, propose(component), Wish("1.1.0", "m"), by=people["admin"], is_signed=True)
    push_cut(cut, git=mirror, find_key=lambda: key)
    public = read_public_key((tmp_path / "key.pub").read_text(), "releases", now=timezone.now())
    asked = (at_remote(world), "v1.1.0")
    found = world.seed.as_repository().check_signatures([asked], [], keys=[public])
    assert (found[asked].verdict, found[asked].name) == (Verdict.GOOD, "releases")
