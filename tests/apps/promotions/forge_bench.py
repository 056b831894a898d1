"""The world with its repository on the stand-in of a forge, and how that forge can fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.core.models import AuditEvent
from apps.promotions.models import ForgeConnection, ForgeLogin, Promotion
from apps.promotions.selectors.forges import forge_host
from gitopsui.adapters.forge.pause import end_pauses
from gitopsui.domain.errors import ForgeError
from tests.forges.gitea_standin import GiteaStandIn
from tests.forges.github_standin import GitHubStandIn
from tests.forges.gitlab_standin import GitLabStandIn
from tests.forges.ground import Account, Project
from tests.forges.server import saying

if TYPE_CHECKING:
    from tests.apps.promotions.conftest import World

KINDS: dict[str, Any] = {"github": GitHubStandIn, "gitlab": GitLabStandIn, "gitea": GiteaStandIn}
PATH = "team/config"
BOT = Account("bot", "token-of-the-bot")
PERSON = Account("approver", "token-of-the-approver")
# Where each is opened and merged.
CREATE = r"/(pulls|merge_requests)$"
MERGE = r"/merge$"
# How often it is listed to see that there is none.
LOOKS = {"github": 1, "gitlab": 1, "gitea": 2}
MERGE_METHOD = {"github": "PUT", "gitlab": "PUT", "gitea": "POST"}
ONE = r"/(pulls|merge_requests)/1$"
EXPIRED = saying(401, b'{"message": "Token has expired"}', Content_Type="application/json")
BUSY = saying(429, b"Retry later", Retry_After="120")
PAGE = saying(502, b"<html><b>Bad Gateway</b></html>", Content_Type="text/html")


@dataclass
class Bench:
    """The world with its repository on a forge; nothing has to be approved, and gates merge it."""

    world: World
    kind: str
    forge: Any
    project: Project

    def propose(self) -> Promotion:
        self.world.allow(merge="auto")
        return self.world.propose("cart")

    def opened(self) -> Promotion:
        self.world.allow(merge="here")
        promotion = self.world.advance(self.world.propose("cart"))
        assert (promotion.phase, promotion.number) == ("open", "1")
        self.world.allow(merge="auto")
        return promotion

    def turn(self, promotion: Promotion) -> str:
        """One turn; answers the code of the error that it ended with, or ""."""
        try:
            self.world.advance(promotion)
        except ForgeError as error:
            return error.code
        finally:
            promotion.refresh_from_db()
        return ""

    def know(self, login: str, name: str) -> ForgeLogin:
        """The login on the forge is that person's."""
        host = forge_host(ForgeConnection.objects.get().api_url)
        return ForgeLogin.objects.create(
            person=self.world.people[name], host=host, login=login, set_by="admin"
        )

    def until_merged(self, promotion: Promotion, turns: int = 5) -> list[str]:
        codes: list[str] = []
        while promotion.phase != "merged" and len(codes) < turns:
            codes.append(self.turn(promotion))
        return codes

    def check_once(self, promotion: Promotion) -> None:
        """One branch, one pull request, one merge, one audit row for each step, and a phase that is true."""
        assert promotion.phase == "merged"
        assert [pull.state for pull in self.project.pulls] == ["merged"]
        assert self.project.merges == 1
        assert promotion.merge_sha == self.project.tip("main")
        assert sum("promote" in ref for ref in self.world.remote_heads()) == 1
        told = AuditEvent.objects.filter(object_type="promotions.Promotion", object_id=str(promotion.pk))
        verbs = [verb for verb in told.values_list("verb", flat=True) if verb.startswith("promotion ")]
        # A rule of the forge may send it back from merging to open; every other step is taken once.
        once = [verb for verb in verbs if verb not in ("promotion open", "promotion merging")]
        assert len(once) == len(set(once))
        assert "promotion merged" in once


@contextmanager
def on_forge(kind: str, world: World, folder: Path, settings: Any) -> Iterator[Bench]:
    end_pauses()
    with KINDS[kind](folder / "forge", [BOT, PERSON]) as forge:
        settings.GITOPSUI_TRUSTED_ENDPOINTS |= {forge.host_port}
        project = forge.ground.create(PATH, world.seed)
        ForgeConnection.objects.create(
            repository=world.repository, kind=kind, api_url=forge.api_url, path=PATH, token=BOT.token
        )
        yield Bench(world, kind, forge, project)
    end_pauses()
