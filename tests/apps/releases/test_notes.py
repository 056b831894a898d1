"""Notes are written once, newest first, and nothing in them is believed."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.releases import rendering
from apps.releases.models import Release
from apps.releases.services import notes
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from tests.accounts import make_person
from tests.apps.releases.conftest import Shop


class Broken:
    """A mirror that answers every question about history with one error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def exists(self) -> bool:
        return True

    def resolve(self, revision: str) -> str:
        raise GitError("Broken.", code=self.code)

    def log(self, tip: str, *, exclude: str | None = None, limit: int | None = None) -> list[Commit]:
        raise GitError("Broken at https://ada:secret@git.example.org/cart.", code=self.code)

    def count(self, tip: str, *, exclude: str | None = None, no_merges: bool = True) -> int:
        raise GitError("Broken.", code=self.code)


def test_notes_hold_what_came_since_the_base(shop: Shop) -> None:
    shop.release("1.0.0", "feat: baskets", "fix!: rounding\n\nBREAKING CHANGE: prices are whole cents")
    shop.release("1.1.0", "feat: vouchers (#7)", "chore: tidy")
    shop.poll()
    shop.update()
    release = shop.get("v1.1.0")
    assert (release.commit_count, release.change_count, release.breaking_count) == (2, 2, 0)
    assert release.summary == "vouchers, tidy"
    assert "baskets" not in release.notes_html
    assert shop.get("v1.0.0").breaking_count == 1


def test_a_merge_is_read_and_not_listed(shop: Shop) -> None:
    base = shop.release("1.0.0")
    side = shop.seed.commit(message="feat: vouchers", branch="side", parents=(base,))
    merge = shop.seed.commit(message="Merge pull request #12 from side", parents=(base, side))
    shop.seed.tag("v1.1.0", merge)
    shop.poll()
    shop.update()
    entry = (shop.get("v1.1.0").notes or {})["sections"][0]["entries"][0]
    assert (entry["text"], entry["pull_requests"]) == ("vouchers", [12])
    assert shop.get("v1.1.0").change_count == 1


def test_many_releases_are_written_newest_first_in_several_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST_RELEASES", 2)
    for minor in range(5):
        shop.release(f"1.{minor}.0")
    shop.poll()
    assert shop.update() is True
    written = Release.objects.exclude(notes_sha="").order_by("position")
    assert [release.tag for release in written] == ["v1.4.0", "v1.3.0"]
    assert shop.update() is True
    assert shop.update() is False
    assert Release.objects.filter(notes_sha="").count() == 0


def test_a_release_with_very_many_commits_is_counted_whole(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST_COMMITS", 3)
    shop.release("1.0.0", *(f"feat: part {n}" for n in range(5)))
    shop.poll()
    shop.update()
    release = shop.get("v1.0.0")
    assert (release.commit_count, release.change_count) == (5, 3)
    assert (release.notes or {})["left_out_count"] == 2


def test_what_a_commit_says_cannot_become_markup(shop: Shop) -> None:
    shop.release("1.0.0", "feat: <img src=x onerror=alert(1)> <script>alert(2)</script> \u202e")
    shop.poll()
    shop.update()
    html = shop.get("v1.0.0").notes_html
    assert "<img" not in html
    assert "<script" not in html
    assert "\u202e" not in html


def test_a_commit_that_names_very_many_issues_is_shortened(shop: Shop) -> None:
    shop.release("1.0.0", "feat: all\n\nRefs: " + ", ".join(f"#{n}" for n in range(1, 900)))
    shop.poll()
    shop.update()
    entry = (shop.get("v1.0.0").notes or {})["sections"][0]["entries"][0]
    assert len(entry["issues"]) <= notes.MOST_NUMBERS


def test_what_git_no_longer_holds_is_said_without_a_secret(shop: Shop) -> None:
    shop.release("1.0.0")
    shop.poll()
    shop.update()
    Release.objects.update(notes_sha="")
    assert (
        notes.write_notes(shop.component, git=Broken("GIT_REF_MISSING"), sanitise=rendering.sanitise) is False
    )
    error = shop.get("v1.0.0").notes_error
    assert error.startswith("Broken at")
    assert "secret" not in error


def test_a_mirror_that_cannot_be_read_is_the_jobs_to_try_again(shop: Shop) -> None:
    shop.release("1.0.0")
    shop.poll()
    shop.update()
    Release.objects.update(notes_sha="")
    with pytest.raises(GitError):
        notes.write_notes(shop.component, git=Broken("GIT_TIMEOUT"), sanitise=rendering.sanitise)
    assert shop.get("v1.0.0").notes_error == ""


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<p onclick="x()" class="y">a</p>', "<p>a</p>"),
        ('<a href="javascript:alert(1)">a</a>', "a"),
        ("<p>a<script>alert(1)</script></p>", "<p>a</p>"),
        ('<svg><style><img src=x onerror="alert(1)"></style></svg>', ""),
        ('<p title="x" lang="de">a</p>', "<p>a</p>"),
        ("<ul><li><strong>b</strong></li></ul>", "<ul><li><strong>b</strong></li></ul>"),
    ],
)
def test_only_a_few_elements_without_attributes_pass(html: str, expected: str) -> None:
    assert rendering.sanitise(html) == expected
    assert rendering.as_safe_html(html) == expected


def test_the_page_of_a_release_remarks_what_is_not_quite_conventional(shop: Shop, client: Client) -> None:
    shop.release("1.0.0", "feat: baskets")
    shop.release("1.1.0", "feat:vouchers", "fix: rounding")
    shop.poll()
    shop.update()
    client.force_login(make_person("ada", Role.VIEWER))
    address = f"/releases/{shop.get('v1.1.0').pk}/"

    page = client.get(address).content.decode()

    assert "1 message not quite conventional" in page
    assert "no space behind the colon of the first line" in page
    assert "not quite conventional" not in client.get(f"{address}?audience=public").content.decode()
