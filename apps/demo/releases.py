"""When each version of each component was tagged and where it went: the table the whole demo follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

ENVIRONMENTS = ("dev", "staging", "production", "production-uk")
# The pipeline needs that long from the tag to the commit that asks for it in dev.
BUILD_TIME = timedelta(minutes=9)


@dataclass(frozen=True, slots=True)
class Release:
    """
    One version. `dev`, `staging`, `production` and `production_uk` are days before the end of the history,
    None where it never went. `commit_count` is how many commits are new in it, 0 where the pace decides.
    One that mends the release before it on a branch of its own is called a hotfix, and was never in dev.
    """

    version: str
    dev: float | None
    staging: float | None = None
    production: float | None = None
    production_uk: float | None = None
    commit_count: int = 0

    @property
    def is_hotfix(self) -> bool:
        return self.dev is None

    def tagged_at(self, until: datetime) -> datetime:
        days = next(days for days in (self.dev, self.staging, self.production) if days is not None)
        return until - timedelta(days=days) - BUILD_TIME

    def reached_at(self, environment: str, until: datetime) -> datetime | None:
        """When the configuration of an environment asked for it."""
        days = self.days_at(environment)
        return None if days is None else until - timedelta(days=days)

    def days_at(self, environment: str) -> float | None:
        """How many days before the end the configuration of an environment asked for it; None for never."""
        days: float | None = getattr(self, environment.replace("-", "_"))
        return days

    def change_since(self, before: Release | None) -> str:
        """ "major", "minor" or "patch"; the candidates of a release are all as large as the release."""
        if before is None:
            return "minor"
        new, old = (_core(release.version) for release in (self, before))
        if new == old:
            return "patch"
        return "major" if new[0] != old[0] else "minor" if new[1] != old[1] else "patch"


def _core(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("+")[0].partition("-")[0].split("."))


def image_tag(version: str) -> str:
    """An image tag knows no `+`; Helm and others write `_` for it."""
    return version.replace("+", "_")


RELEASES: Mapping[str, tuple[Release, ...]] = {
    "cart": (
        Release("2.8.0", 362, 358, 355),
        Release("2.9.0", 318, 312, 307),
        Release("2.10.0", 276, 270),
        Release("3.0.0-rc.1", 252),
        Release("3.0.0", 238, 233, 228),
        Release("3.1.0", 190, 186, 182),
        Release("3.1.1", 171, 168, 167),
        Release("3.2.0", 128, 122, 118),
        Release("3.3.0", 71, 66, 61),
        Release("3.3.1", 44, 41),
        Release("3.3.2", 6, 4, 3.1),
        Release("3.4.0-rc.1", 0.083, commit_count=12),
    ),
    "catalog": (
        Release("4.6.0", 361, 357, 354),
        Release("4.6.1", 330, 328, 327),
        Release("4.7.0", 291, 286, 282),
        Release("4.8.0", 247, 242),
        Release("5.0.0-rc.1", 214, 210),
        Release("5.0.0", 199, 193, 188),
        Release("5.0.1", 162, 160, 159, 148),
        Release("5.0.2", 121, 118),
        Release("5.0.3", 83, 81, 79, 76),
        Release("5.0.4", 12, 10, 8.2, 7.1),
        Release("5.0.5", None, None, 1.15),
        Release("5.1.0", 1.4, 1.1, commit_count=17),
    ),
    "checkout": (
        Release("2.9.0", 363, 359, 356),
        Release("2.10.0", 326, 321, 318),
        Release("2.10.1", 304, 302, 301),
        Release("2.11.0", 262, 257, 252),
        Release("2.12.0", 219, 213),
        Release("2.12.1", 201, 199, 198),
        Release("2.13.0", 112, 107, 102),
        Release("2.13.1", 31, 29, 16),
        Release("2.13.2", 15.994, 15.984, 15.972),
        Release("2.14.0", 11, 9, 6.1),
        Release("2.15.0", 4, 1.08, commit_count=24),
        Release("2.16.0-rc.1", 0.13, commit_count=6),
    ),
    "pricing": (
        Release("0.8.0", 358, 352, 349),
        Release("0.9.0", 311, 305, 300),
        Release("0.9.1", 283, 281),
        Release("0.10.0", 236, 230, 226),
        Release("1.0.0-rc.1", 187, 183),
        Release("1.0.0+1", 166, 160, 155),
        Release("1.0.0+2", 141, 138, 136, 134),
        Release("1.0.1+1", 98, 94, 92, 90),
        Release("1.0.1+3", 20, 17, 14.2, 13.3),
        Release("1.1.0-rc.1", 3, 2.2, commit_count=19),
        Release("1.1.0-rc.2", 0.21, 0.035, commit_count=5),
        Release("1.1.0-rc.3", 0.018, commit_count=3),
    ),
}
COMPONENTS = tuple(RELEASES)


def environments_of(component: str) -> tuple[str, ...]:
    """Where a component ever went, in their order; not everything is in the United Kingdom yet."""
    releases = RELEASES[component]
    return tuple(
        name for name in ENVIRONMENTS if any(release.days_at(name) is not None for release in releases)
    )
