"""
What goes on in the demo while somebody looks at it: one small event after the other, for ever.

The order is fixed, and everything an event needs to know it reads from the repositories and clusters, so
that a restart goes on where it stopped. Events that commit stop after some hours; what is done to a
cluster is always put back. So neither grows without end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from apps.demo.cluster_client import Cluster
from apps.demo.config_repository import ConfigRepository
from apps.demo.outages import Outages
from apps.demo.reconciler import APPLICATIONS, PROD, UK, Application, Reconciler
from apps.demo.releases import COMPONENTS, Release
from apps.demo.repositories import NewTag, extend_repository
from apps.demo.source_repository import build_more_commits, tag_name
from gitopsui.domain.resource import Manifest

# Long enough to be called stale, which the demo does after two minutes.
OUTAGE = timedelta(minutes=5)
# After so many rounds no event commits any more: about ten hours of commits.
ROUNDS_WITH_COMMITS = 40
EDITOR = "kubectl-edit"
KUSTOMIZED = ("checkout", "cart")
FORGOTTEN = "gift-cards.yaml"
# A version to try in staging only, and one of the seed: their images crash as they start.
_BROKEN = re.compile(r"/pricing:1\.1\.0-rc\.2$|:[\w.]+-trial\.\d+$")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-(?:rc|trial)\.(\d+))?(?:[_+]\d+)?")


def is_broken_image(image: str) -> bool:
    """Whether the containers of this image crash. The demo has no real ones, so somebody has to say."""
    return _BROKEN.search(image) is not None


def version_after(version: str) -> str:
    """`3.4.0` → `3.5.0-rc.1` → `3.5.0-rc.2` → `3.5.0`: what is released next."""
    major, minor, patch, candidate = _parts(version)
    if not candidate:
        return f"{major}.{minor + 1}.0-rc.1"
    return f"{major}.{minor}.{patch}" + (f"-rc.{candidate + 1}" if candidate % 2 else "")


def trial_after(version: str, number: int) -> str:
    """The version that is tried in staging before `version` has a follower."""
    major, minor, patch, _ = _parts(version)
    return f"{major}.{minor}.{patch + 1}-trial.{number}"


def _parts(version: str) -> tuple[int, int, int, int]:
    match = _VERSION.fullmatch(version)
    assert match is not None, "the demo makes all its versions itself"
    major, minor, patch, candidate = (int(part or 0) for part in match.groups())
    return major, minor, patch, candidate


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays. `sources` is the folder of the repositories."""

    config: ConfigRepository
    sources: Path
    clusters: Mapping[str, Cluster]
    reconciler: Reconciler
    clock: Callable[[], datetime]
    outages: Outages


@dataclass(frozen=True, slots=True)
class Drift:
    """A change made by hand: the object and the fields, as a patch."""

    component: str
    api_version: str
    kind: str
    name: str
    patch: Manifest


def container_patch(name: str, **fields: object) -> Manifest:
    """A patch of the one container of a Deployment."""
    return {"spec": {"template": {"spec": {"containers": [{"name": name, **fields}]}}}}


_DEBUG = [{"name": "LOG_LEVEL", "value": "debug"}]
DRIFTS = (
    Drift("cart", "apps/v1", "Deployment", "cart", container_patch("cart", env=_DEBUG)),
    Drift("pricing", "apps/v1", "Deployment", "pricing", {"spec": {"replicas": 5}}),
    Drift("catalog", "apps/v1", "Deployment", "catalog", {"spec": {"replicas": 6}}),
    Drift("checkout", "v1", "ConfigMap", "checkout-flags", {"data": {"parcel_stations": "false"}}),
)


class Story:
    """
    Plays one event for each call of `advance`. How far it came is kept in the file `memory`.

    Raises SourceError from any event; that event is then left out.
    """

    def __init__(self, stage: Stage, memory: Path) -> None:
        self._stage = stage
        self._memory = memory
        self.position = int(json.loads(memory.read_text())["position"]) if memory.exists() else 0

    def advance(self) -> str:
        """Play the next event and tell it in a sentence, "" when there was nothing to do."""
        number, step = divmod(self.position, len(_EVENTS))
        event, commits = _EVENTS[step]
        self.position += 1
        part = self._memory.with_name(f"{self._memory.name}.part")
        part.write_text(json.dumps({"position": self.position}))
        part.replace(self._memory)
        if commits and number >= ROUNDS_WITH_COMMITS:
            return ""
        return event(self, number)

    def release(self, number: int) -> str:
        """New commits and a tag in one source repository; dev follows."""
        component, stage = COMPONENTS[number % len(COMPONENTS)], self._stage
        current = stage.config.version(component, "dev")
        version, at = version_after(current), stage.clock()
        path = stage.sources / f"{component}.git"
        steps = build_more_commits(
            component,
            Release(version, 0),
            Release(current.replace("_", "+"), 0),
            at=at,
            count=3 + number % 3,
            ordinal=number // len(COMPONENTS),
        )
        extend_repository(path, steps)
        stage.config.deploy(component, "dev", version, at=at)
        return f"{component} {version} was released and goes to dev."

    def edit_production(self, number: int) -> str:
        """Somebody changes production by hand."""
        drift = DRIFTS[number % len(DRIFTS)]
        self._stage.clusters[PROD].edit(
            drift.api_version, drift.kind, "shop", drift.name, drift.patch, manager=EDITOR
        )
        return f"Somebody edited {drift.kind} {drift.name} in production."

    def put_back(self, number: int) -> str:
        """Production is synced by hand, which undoes what was edited."""
        application = _application(DRIFTS[number % len(DRIFTS)].component, "production")
        self._stage.reconciler.sync(application)
        return f"{application.name} was synced."

    def break_staging(self, number: int) -> str:
        """A version that crashes is committed for staging."""
        component, stage = COMPONENTS[(number + 3) % len(COMPONENTS)], self._stage
        current = stage.config.version(component, "staging")
        if is_broken_image(f"registry/{component}:{current}"):
            return ""
        version, at = trial_after(current, number + 1), stage.clock()
        extend_repository(stage.sources / f"{component}.git", [NewTag(at, tag_name(version))])
        message = f"chore({component}): try {version} in staging"
        stage.config.deploy(component, "staging", version, at=at, message=message)
        return f"{component} {version} goes to staging and will crash."

    def mend_staging(self, number: int) -> str:
        """The commit that broke staging is reverted."""
        component, stage = COMPONENTS[(number + 3) % len(COMPONENTS)], self._stage
        if not is_broken_image(f"registry/{component}:{stage.config.version(component, 'staging')}"):
            return ""
        version = stage.config.revert(component, "staging", at=stage.clock())
        return f"{component} in staging is back at {version}."

    def promote_staging(self, number: int) -> str:
        """What dev runs goes to staging."""
        return self._promote(COMPONENTS[(number + 2) % len(COMPONENTS)], "dev", "staging")

    def promote_production(self, number: int) -> str:
        """What staging runs goes to production."""
        return self._promote(COMPONENTS[(number + 1) % len(COMPONENTS)], "staging", "production")

    def lose_cluster(self, _: int) -> str:
        """A cluster does not answer for some minutes, and then does again."""
        self._stage.outages.begin(UK, until=self._stage.clock() + OUTAGE)
        return f"{UK} does not answer for {OUTAGE.seconds // 60} minutes."

    def break_rendering(self, number: int) -> str:
        """A commit lists a file that it forgot, so that dev cannot be rendered."""
        component = KUSTOMIZED[number % len(KUSTOMIZED)]
        if not self._stage.config.list_resource(component, "dev", FORGOTTEN, at=self._stage.clock()):
            return ""
        return f"{component} in dev lists {FORGOTTEN}, which is not there."

    def mend_rendering(self, number: int) -> str:
        """What cannot be rendered in dev is put right."""
        component = KUSTOMIZED[number % len(KUSTOMIZED)]
        if not self._stage.config.unlist_resource(component, "dev", FORGOTTEN, at=self._stage.clock()):
            return ""
        return f"{component} in dev can be rendered again."

    def _promote(self, component: str, source: str, target: str) -> str:
        config = self._stage.config
        version = config.version(component, source)
        if version == config.version(component, target) or is_broken_image(f"registry/{component}:{version}"):
            return ""
        config.deploy(component, target, version, at=self._stage.clock())
        return f"{component} {version} was promoted to {target}."


def _application(component: str, environment: str) -> Application:
    return next(
        application
        for application in APPLICATIONS
        if (application.component, application.environment) == (component, environment)
    )


# One round, and whether the event commits something.
_EVENTS: tuple[tuple[Callable[[Story, int], str], bool], ...] = (
    (Story.release, True),
    (Story.lose_cluster, False),
    (Story.break_rendering, True),
    (Story.edit_production, False),
    (Story.mend_rendering, True),
    (Story.break_staging, True),
    (Story.promote_production, True),
    (Story.put_back, False),
    (Story.mend_staging, True),
    (Story.promote_staging, True),
)
EVENT_COUNT = len(_EVENTS)
