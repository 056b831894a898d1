"""Where the numbers in release notes lead: the pages of the Git host, and of a team's own tracker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.errors import InputError
from gitopsui.domain.tracker import Tracker, parse_tracker
from gitopsui.domain.web_address import commit_address, issue_address, pull_request_address


class Link(NamedTuple):
    """What is shown, and where it leads; `url` is "" where that is not known."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Links:
    """`remote` is the address of the source repository, "" without one."""

    remote: str = ""
    tracker: Tracker | None = None

    def commit(self, sha: str) -> str:
        return commit_address(self.remote, sha)

    def pull_request(self, number: int | None) -> str:
        return pull_request_address(self.remote, number) if number else ""

    def issues_in(self, messages: Iterable[str]) -> list[Link]:
        """The issues that commit messages name, those of the tracker too, each once."""
        texts = list(messages)
        named = [issue for text in texts for issue in parse_message(text).issues]
        if self.tracker:
            named += [issue for text in texts for issue in self.tracker.find(text)]
        return [Link(issue, self._issue(issue)) for issue in dict.fromkeys(named)]

    def _issue(self, issue: str) -> str:
        tracker = self.tracker
        if tracker is not None and tracker.pattern.fullmatch(issue) is not None:
            return tracker.address(issue)
        return issue_address(self.remote, issue)

    def add_to(self, notes: dict[str, Any], commits: Iterable[Commit] = ()) -> dict[str, Any]:
        """
        The notes, as `to_dict` made them, with `links` (text and url) and `commit_url` in each entry.
        `commits` are looked through for ids of the tracker. Who is new, and what is remarked, gets a `url`.
        """
        messages = {commit.sha: commit.message for commit in commits} if self.tracker else {}
        for section in notes["sections"]:
            for entry in section["entries"]:
                entry["links"] = [
                    {"text": text, "url": url} for text, url in self._links(entry, messages) if url
                ]
                entry["commit_url"] = commit_address(self.remote, entry["shas"][0])
        for one in notes["remarks"]:
            one["url"] = self.commit(one["sha"])
        for one in notes["new_contributors"]:
            one["url"] = self.pull_request(one["pull_request"]) or self.commit(one["sha"])
        return notes

    def _links(self, entry: Mapping[str, Any], messages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for number in entry["pull_requests"]:
            yield f"#{number}", pull_request_address(self.remote, number)
        tracker = self.tracker
        named = (
            list(tracker.find(" ".join(messages.get(sha, "") for sha in entry["shas"]))) if tracker else []
        )
        for issue in dict.fromkeys((*entry["issues"], *named)):
            yield issue, self._issue(issue)


def host_links(component: Component) -> Links:
    """What is known of the host alone: no query."""
    return Links(component.source.url if component.source else "")


def links_of(component: Component) -> Links:
    """What is known of the host and the tracker of `component`; a tracker that is none is passed over."""
    remote = host_links(component).remote
    rows = ReleasePolicy.objects.filter(component=component).values_list("tracker_pattern", "tracker_url")
    pattern, url = rows.first() or ("", "")
    try:
        return Links(remote, parse_tracker(pattern, url))
    except InputError:
        return Links(remote)
