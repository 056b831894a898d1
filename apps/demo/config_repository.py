"""The config repository of the demo: its year of history, and how the story goes on changing it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from apps.demo.config_files import current_files, version_file
from apps.demo.releases import COMPONENTS, ENVIRONMENTS, RELEASES, environments_of, image_tag
from apps.demo.repositories import NewCommit, Step, extend_repository
from gitopsui.adapters.git_repository import Repository

NAME = "shop-config"
HEAD = "refs/heads/main"
_VERSION = re.compile(r'(?:newTag: |tag: "|/shop/catalog:)([\w.-]+)')
_MAX_BYTES = 1 << 20
_Place = tuple[str, str]  # component and environment


@dataclass(frozen=True, slots=True)
class Edit:
    """
    A change of settings so many days before the end: in each of `paths`, `before` became `after`.

    A path in `adds` was new then.
    """

    days: float
    author: str
    message: str
    changes: tuple[tuple[str, str, str], ...]
    adds: tuple[str, ...] = ()


# What came to the United Kingdom came later than most edits.
_FIRST = ("dev", "staging", "production")


def _everywhere(path: str, before: str, after: str, *environments: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((path.format(name), before, after) for name in environments or _FIRST)


_CART, _CATALOG = "apps/cart/base", "apps/catalog/{}"
_CHECKOUT, _PRICING = "apps/checkout/base", "apps/pricing"
_SCALED = "apps/cart/overlays/production"
EDITS = (
    Edit(
        340,
        "checkout maintainer",
        "feat(checkout): a fourth replica in production for the sales weeks",
        (("apps/checkout/overlays/production/deployment.yaml", "replicas: 3", "replicas: 4"),),
    ),
    Edit(
        322,
        "catalog maintainer",
        "perf(catalog): keep pages for a minute in staging and production",
        _everywhere(f"{_CATALOG}/configmap.yaml", "TTL: 30s", "TTL: 60s", "staging", "production"),
    ),
    Edit(
        300,
        "platform engineer",
        "fix(cart): wait longer for the first answer",
        ((f"{_CART}/deployment.yaml", "failureThreshold: 10", "failureThreshold: 30"),),
    ),
    Edit(
        289,
        "cart maintainer",
        "feat(cart): ship for free from 49 euros",
        ((f"{_CART}/cart.properties", "free-from=39.00", "free-from=49.00"),),
    ),
    Edit(
        268,
        "platform engineer",
        "fix(catalog): give it more memory after the restarts of last night",
        _everywhere(f"{_CATALOG}/deployment.yaml", "memory: 512Mi", "memory: 768Mi"),
    ),
    Edit(
        240,
        "checkout maintainer",
        "feat(checkout): switch parcel stations on",
        ((f"{_CHECKOUT}/flags.yaml", 'parcel_stations: "false"', 'parcel_stations: "true"'),),
    ),
    Edit(
        210,
        "platform engineer",
        "feat(cart): let an autoscaler decide in production",
        (
            (f"{_SCALED}/kustomization.yaml", "", "\n  - autoscaler.yaml"),
            (f"{_SCALED}/deployment.yaml", "spec:\n  replicas: 3\n  template:", "spec:\n  template:"),
        ),
        (f"{_SCALED}/autoscaler.yaml",),
    ),
    Edit(
        195,
        "pricing maintainer",
        "feat(pricing): read the rules every quarter of an hour",
        _everywhere(f"{_PRICING}/values-{{}}.yaml", "Refresh: 1h", "Refresh: 15m", "staging", "production"),
    ),
    Edit(
        180,
        "catalog engineer",
        "feat(catalog): serve pictures for large screens",
        _everywhere(f"{_CATALOG}/configmap.yaml", "320,960\n", "320,960,1920\n"),
    ),
    Edit(
        150,
        "pricing maintainer",
        "feat(pricing): quote in Swiss francs",
        ((f"{_PRICING}/values.yaml", "[EUR]", "[EUR, CHF]"),),
    ),
    Edit(
        133,
        "cart maintainer",
        "feat(cart): keep the cart of a guest for thirty days",
        ((f"{_CART}/kustomization.yaml", "DAYS=14", "DAYS=30"),),
    ),
    Edit(
        110,
        "platform engineer",
        "fix(checkout): give up on a slow answer after thirty seconds",
        ((f"{_CHECKOUT}/ingress.yaml", 'timeout: "60"', 'timeout: "30"'),),
    ),
    Edit(
        88,
        "checkout maintainer",
        "fix(checkout): raise the memory limit in production",
        (("apps/checkout/overlays/production/deployment.yaml", "memory: 384Mi", "memory: 512Mi"),),
    ),
    Edit(
        75,
        "pricing engineer",
        "chore(pricing): run as many replicas in staging as in production",
        ((f"{_PRICING}/values-staging.yaml", "replicas: 2", "replicas: 3"),),
    ),
    Edit(
        60,
        "checkout maintainer",
        "feat(checkout): offer express pay in Switzerland",
        ((f"{_CHECKOUT}/flags.yaml", "DE,AT\n", "DE,AT,CH\n"),),
    ),
    Edit(
        47,
        "catalog engineer",
        "feat(catalog): forgive one wrong letter",
        _everywhere(f"{_CATALOG}/configmap.yaml", 'TYPOS: "0"', 'TYPOS: "1"', *ENVIRONMENTS),
    ),
    Edit(
        33,
        "cart maintainer",
        "feat(cart): allow twenty of an item",
        ((f"{_CART}/kustomization.yaml", "QUANTITY=10", "QUANTITY=20"),),
    ),
    Edit(
        17,
        "checkout maintainer",
        "feat(checkout): offer instalments from one hundred",
        ((f"{_CHECKOUT}/flags.yaml", 'from: "200"', 'from: "100"'),),
    ),
    Edit(
        9,
        "platform engineer",
        "chore(cart): log less in staging",
        (("apps/cart/overlays/staging/deployment.yaml", "value: debug", "value: info"),),
    ),
    Edit(
        0.9,
        "catalog engineer",
        "chore(catalog): pause the roll-out in dev while the load test runs",
        (("apps/catalog/dev/deployment.yaml", "", "\n  paused: true"),),
    ),
)


def build_config_history(*, until: datetime) -> list[Step]:
    """The commits of a year, oldest first: every deployment of the table of releases, and the edits."""
    steps: list[Step] = []
    deployed: dict[_Place, str] = {}
    waiting = list(EDITS)
    files: dict[str, str] = {}
    for at, author, message, change in _events(until):
        if isinstance(change, Edit):
            waiting.remove(change)
        elif change is not None:
            component, environment, version = change
            deployed[component, environment] = version
        after = _files(deployed, waiting)
        difference = _difference(files, after)
        if difference:
            steps.append(NewCommit(at, author, message, difference))
        files = after
    return steps


def deployment_message(component: str, environment: str, version: str) -> str:
    return f"chore({component}): run {version} in {environment}"


_Change = Edit | tuple[str, str, str] | None


def _events(until: datetime) -> list[tuple[datetime, str, str, _Change]]:
    start = until - timedelta(days=364.5)
    events: list[tuple[datetime, str, str, _Change]] = [
        (start, "platform engineer", "chore: begin the configuration of the shop", None)
    ]
    events += [(until - timedelta(days=edit.days), edit.author, edit.message, edit) for edit in EDITS]
    for component in COMPONENTS:
        for release in RELEASES[component]:
            for environment in ENVIRONMENTS:
                at = release.reached_at(environment, until)
                if at is not None:
                    message = deployment_message(component, environment, release.version)
                    author = deployer_of(component, environment)
                    events.append((at, author, message, (component, environment, release.version)))
    return sorted(events, key=lambda event: event[0])


def deployer_of(component: str, environment: str) -> str:
    """The role that deploys there: in dev it is a program."""
    roles = {"dev": "release bot", "staging": f"{component} maintainer"}
    return roles.get(environment, "release manager")


def _files(deployed: Mapping[_Place, str], waiting: Sequence[Edit]) -> dict[str, str]:
    """The files of today, but only of what is deployed, and with the edits undone that are yet to come."""
    versions = {
        (component, environment): image_tag(deployed.get((component, environment), "0"))
        for component in COMPONENTS
        for environment in environments_of(component)
    }
    files = {path: text for path, text in current_files(versions).items() if _is_deployed(path, deployed)}
    for edit in reversed(waiting):
        for path in edit.adds:
            files.pop(path, None)
        for path, before, after in edit.changes:
            if path in files:
                files[path] = files[path].replace(after, before, 1)
    return files


def _is_deployed(path: str, deployed: Mapping[_Place, str]) -> bool:
    component = next((name for name in COMPONENTS if path.startswith(f"apps/{name}/")), "")
    if not component:
        return True
    environments = [name for name in ENVIRONMENTS if f"/{name}/" in path or f"-{name}." in path]
    return any((component, name) in deployed for name in environments or ENVIRONMENTS)


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    changed: dict[str, str | None] = {path: text for path, text in after.items() if before.get(path) != text}
    return changed | dict.fromkeys(before.keys() - after.keys(), None)


def _listed(name: str) -> str:
    """The line of a kustomization that lists a file."""
    return f"  - {name}\n"


class ConfigRepository:
    """The config repository as it is now. Every method may raise GitError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = Repository(path)

    def head(self) -> str:
        """The full id of the last commit."""
        return self.tree.resolve(HEAD)

    def version(self, component: str, environment: str) -> str:
        """The image tag an environment asks for."""
        match = _VERSION.search(self._read(version_file(component, environment)))
        assert match is not None, "every version file names a version"
        return match[1]

    def deploy(
        self, component: str, environment: str, version: str, *, at: datetime, message: str = ""
    ) -> None:
        """Commit another version for one environment; nothing happens when it is there already."""
        path = version_file(component, environment)
        old, tag = self.version(component, environment), image_tag(version)
        if old == tag:
            return
        files = {path: self._read(path).replace(old, tag)}
        text = message or deployment_message(component, environment, version)
        extend_repository(self.path, [NewCommit(at, deployer_of(component, environment), text, files)])

    def revert(self, component: str, environment: str, *, at: datetime) -> str:
        """Undo the last commit on the version of an environment; the version that comes back."""
        path = version_file(component, environment)
        last, before = self.tree.log(HEAD, paths=(path,), limit=2)
        title = last.message.partition("\n")[0]
        files = {path: self._read(path, before.sha)}
        text = f'Revert "{title}"\n\nThis reverts commit {last.sha}.'
        author = deployer_of(component, environment)
        extend_repository(self.path, [NewCommit(at, author, text, files)])
        return self.version(component, environment)

    def list_resource(self, component: str, environment: str, name: str, *, at: datetime) -> bool:
        """Commit that a kustomization lists a file, but not the file; False where it lists it already."""
        path = version_file(component, environment)
        text, line = self._read(path), _listed(name)
        if line in text:
            return False
        files = {path: text.replace("  - ../../base\n", f"  - ../../base\n{line}", 1)}
        message = f"feat({component}): try gift cards in {environment}"
        extend_repository(self.path, [NewCommit(at, f"{component} engineer", message, files)])
        return True

    def unlist_resource(self, component: str, environment: str, name: str, *, at: datetime) -> bool:
        """Take back what `list_resource` did; False where it is not listed."""
        path = version_file(component, environment)
        text, line = self._read(path), _listed(name)
        if line not in text:
            return False
        message = f"fix({component}): leave out {name} until it is written"
        files = {path: text.replace(line, "", 1)}
        extend_repository(self.path, [NewCommit(at, f"{component} engineer", message, files)])
        return True

    def _read(self, path: str, commit: str = "") -> str:
        entry = self.tree.tree(commit or self.head(), path)[0]
        return self.tree.blobs([entry.sha], max_bytes=_MAX_BYTES)[entry.sha].decode()
