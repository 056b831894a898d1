"""What a release consists of beside its notes: the image the registry has of it, and the issues it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.releases.models import ImageTag, Release
from apps.releases.selectors.links import Link, host_links
from gitopsui.domain.image import SHORT_DIGEST
from gitopsui.domain.web_address import issue_address

MOST_ISSUES = 100


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """
    The image of a release. `tag` and what follows are as the registry said last, "" and None where it did
    not; `revision` is the commit it says it was built from.
    """

    name: str
    tag: str = ""
    digest: str = ""
    revision: str = ""
    revision_url: str = ""
    built_at: datetime | None = None
    gone_at: datetime | None = None
    is_of_release: bool | None = None

    @property
    def reference(self) -> str:
        """What pulls exactly this image: `ghcr.io/shop/cart:1.2.0@sha256:…`."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def short_digest(self) -> str:
        return short_digest(self.digest)


def short_digest(digest: str) -> str:
    """`sha256:3f2a91b0c4d5`."""
    algorithm, colon, hexadecimal = digest.partition(":")
    return f"{algorithm}{colon}{hexadecimal[:SHORT_DIGEST]}"


def read_image(release: Release) -> ReleaseImage | None:
    """What the registry said of it, in one query; None for a component without an image."""
    name = release.component.image
    if not name:
        return None
    row = _find_tag(release)
    if row is None:
        return ReleaseImage(name)
    return ReleaseImage(
        name=name,
        tag=row.tag,
        digest=row.digest,
        revision=row.revision,
        revision_url=host_links(release.component).commit(row.revision) if row.revision else "",
        built_at=row.built_at,
        gone_at=row.gone_at,
        is_of_release=row.revision == release.commit_sha if row.revision and release.commit_sha else None,
    )


def _find_tag(release: Release) -> ImageTag | None:
    """The tag of that very name, else one of its version; what the registry still has comes first."""
    named = (release.tag, release.version, f"v{release.version}", release.version.replace("+", "_"))
    rows = release.component.image_tags.filter(Q(tag__in=named) | Q(version=release.version))
    order = {tag: number for number, tag in reversed(list(enumerate(named)))}
    found = sorted(rows, key=lambda row: (row.gone_at is not None, order.get(row.tag, len(named)), row.tag))
    return found[0] if found else None


def image_data(image: ReleaseImage | None) -> dict[str, Any] | None:
    """For JSON."""
    if image is None:
        return None
    return {
        "name": image.name,
        "tag": image.tag,
        "digest": image.digest,
        "revision": image.revision,
        "built_at": image.built_at.isoformat() if image.built_at else None,
    }


def issues_of(release: Release, notes: Mapping[str, Any]) -> list[Link]:
    """
    The issues that the shown entries close or mention, those of the tracker too, each once, in their order.
    `notes` are as they are shown: what is hidden there names no issue here.
    """
    remote = host_links(release.component).remote
    found: dict[str, str] = {}
    for text, url in _named(notes):
        found[text] = found.get(text) or url
    return [Link(text, url or issue_address(remote, text)) for text, url in found.items()]


def _named(notes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for section in notes.get("sections", ()):
        for entry in section["entries"]:
            links = {str(link["text"]): str(link["url"]) for link in entry.get("links", ())}
            numbers = {f"#{number}" for number in entry.get("pull_requests", ())}
            issues = [str(issue) for issue in entry.get("issues", ())]
            tracked = [text for text in links if text not in numbers and text not in issues]
            yield from ((text, links.get(text, "")) for text in (*issues, *tracked))
