"""Each forge as a stand-in, and as a real one where the environment names it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.gitea import Gitea
from gitopsui.adapters.forge.github import GitHub
from gitopsui.adapters.forge.gitlab import GitLab
from gitopsui.adapters.http_policy import HttpPolicy
from tests.contracts.forge.drivers import Driver, GiteaDriver, GitHubDriver, GitLabDriver, Place, access_of
from tests.forges.gitea_standin import GiteaStandIn
from tests.forges.github_standin import GitHubStandIn
from tests.forges.gitlab_standin import GitLabStandIn
from tests.forges.ground import Account

BOT = Account("bot", "token-of-the-bot", "admin")
REVIEWER = Account("reviewer", "token-of-the-reviewer", "write")
READER = Account("reader", "token-of-the-reader", "read")
STRANGER = Account("stranger", "token-of-the-stranger", "none")
KINDS: dict[str, tuple[Any, Any, Any]] = {
    "github": (GitHub, GitHubDriver, GitHubStandIn),
    "gitlab": (GitLab, GitLabDriver, GitLabStandIn),
    "gitea": (Gitea, GiteaDriver, GiteaStandIn),
}


@dataclass
class Bench:
    """A repository on a forge: our client, somebody else's, and the stand-in if it is one."""

    kind: str
    adapter: Any
    driver: Driver
    standin: Any
    policy: HttpPolicy

    def adapter_for(self, token: str, path: str = "") -> Any:
        access = ForgeAccess(self.driver.place.api_url, path or self.driver.path, token)
        return KINDS[self.kind][0](access, self.policy)


@contextmanager
def place_of(kind: str, where: str, folder: Path) -> Iterator[tuple[Place, Any]]:
    if where == "standin":
        with KINDS[kind][2](folder, [BOT, REVIEWER, READER, STRANGER]) as standin:
            yield Place(standin.api_url, BOT.token, REVIEWER.token), standin
        return
    names = [f"GITOPSUI_TEST_{kind.upper()}_{name}" for name in ("URL", "TOKEN", "OTHER_TOKEN")]
    url, token, other = (os.environ.get(name, "") for name in names)
    if not (url and token):
        pytest.skip(f"{names[0]} and {names[1]} name no real one")
    yield Place(url.rstrip("/"), token, other), None


@pytest.fixture(params=[f"{kind}-{where}" for kind in KINDS for where in ("standin", "real")])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    kind, _, where = request.param.partition("-")
    with place_of(kind, where, tmp_path) as (place, standin):
        driver = KINDS[kind][1](place)
        parts = urlsplit(place.api_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        policy = HttpPolicy(private_hosts=frozenset({f"{parts.hostname}:{port}"}))
        try:
            yield Bench(kind, KINDS[kind][0](access_of(driver), policy), driver, standin, policy)
        finally:
            driver.remove()
