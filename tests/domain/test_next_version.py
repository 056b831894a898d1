"""The next version follows from the commits, by the policy of the team."""

from __future__ import annotations

from typing import Any

import pytest
from semver import Version

from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.next_version import Level, PrereleaseMode, VersionPolicy, next_version
from gitopsui.domain.version import parse_tag

from .samples import CONFORMANCE, load_sample, needs_samples

COUNT_FROM_ZERO = VersionPolicy(first=None)
RELEASE_CANDIDATES = VersionPolicy(prerelease="rc.1")
FINAL = VersionPolicy(prerelease_mode=PrereleaseMode.FINAL)


def following(current: str | None, *messages: str, policy: VersionPolicy | None = None) -> str | None:
    version = next_version(
        Version.parse(current) if current else None, messages, policy=policy or VersionPolicy()
    )
    return str(version) if version else None


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (("fix: x",), "1.2.4"),
        (("perf: x",), "1.2.4"),
        (("revert: feat: x",), "1.2.4"),
        (('Revert "feat: x"',), "1.2.4"),
        (("fix: x", "feat: y", "docs: z"), "1.3.0"),
        (("feat!: x",), "2.0.0"),
        (("chore!: x", "feat: y"), "2.0.0"),
        (("docs: x\n\nBREAKING CHANGE: y",), "2.0.0"),
        (("docs: x", "chore: y", "whatever"), None),
        ((), None),
    ],
)
def test_the_highest_level_of_all_commits_decides(messages: tuple[str, ...], expected: str | None) -> None:
    assert following("1.2.3", *messages) == expected


def test_commits_and_parsed_messages_are_taken_alike() -> None:
    commit = Commit("1" * 40, (), "A", "a@b", None, None, "feat: x")

    assert next_version(Version(1), [commit]) == next_version(Version(1), [parse_message("feat: x")])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (VersionPolicy(), ("0.3.0", "0.3.0", "0.2.4")),
        (VersionPolicy(breaking_bumps_minor_below_one=False), ("1.0.0", "0.3.0", "0.2.4")),
        (VersionPolicy(feature_bumps_patch_below_one=True), ("0.3.0", "0.2.4", "0.2.4")),
        (VersionPolicy(allows_zero=False), ("1.0.0", "1.0.0", "1.0.0")),
    ],
)
def test_below_one_the_policy_decides(policy: VersionPolicy, expected: tuple[str, ...]) -> None:
    found = tuple(following("0.2.3", f"{header}: x", policy=policy) for header in ("feat!", "feat", "fix"))

    assert found == expected


def test_two_exclamation_marks_make_the_first_stable_version() -> None:
    assert following("0.2.3", "feat!!: ready") == "1.0.0"
    assert following("0.2.3", "feat!!: ready", policy=VersionPolicy(allows_graduation=False)) == "0.3.0"
    assert following("1.2.3", "feat!!: x") == "2.0.0"


def test_every_release_can_be_given_a_version() -> None:
    assert following("1.2.3", "docs: x", policy=VersionPolicy(least=Level.PATCH)) == "1.2.4"
    assert following("1.2.3", policy=VersionPolicy(least=Level.PATCH)) == "1.2.4"


def test_the_first_version_is_the_policy_s_or_counted_from_zero() -> None:
    assert following(None, "fix: x") == "0.1.0"
    assert following(None, "fix: x", policy=COUNT_FROM_ZERO) == "0.0.1"
    assert following(None, "feat: x", policy=COUNT_FROM_ZERO) == "0.1.0"
    assert following(None, "docs: x", policy=COUNT_FROM_ZERO) is None
    assert following(None, "docs: x", policy=VersionPolicy(allows_zero=False)) == "1.0.0"


@pytest.mark.parametrize(
    ("current", "message", "expected"),
    [
        ("1.1.0-rc.1", "fix: x", "1.1.0-rc.2"),
        ("1.1.0-rc.9", "feat: x", "1.1.0-rc.10"),
        ("1.0.1-rc.3", "feat: x", "1.1.0-rc.1"),
        ("1.1.0-rc.3", "feat!: x", "2.0.0-rc.1"),
        ("2.0.0-rc.3", "feat!: x", "2.0.0-rc.4"),
        ("1.1.0-rc.1", "docs: x", None),
        ("1.1.0-beta09", "fix: x", "1.1.0-beta10"),
        ("1.1.0-alpha", "fix: x", "1.1.0-alpha.1"),
        ("1.1.0-rc.1+build", "fix: x", "1.1.0-rc.2"),
    ],
)
def test_a_pre_release_counts_up_while_its_core_covers_the_level(
    current: str, message: str, expected: str | None
) -> None:
    assert following(current, message) == expected


def test_a_pre_release_begins_where_the_policy_wants_one() -> None:
    assert following("1.0.0", "feat: x", policy=RELEASE_CANDIDATES) == "1.1.0-rc.1"
    assert following("1.0.0", "docs: x", policy=RELEASE_CANDIDATES) is None


def test_a_pre_release_is_finished_by_stripping_it() -> None:
    assert following("1.1.0-rc.2", "fix: x", policy=FINAL) == "1.1.0"
    assert following("1.1.0-rc.2", policy=FINAL) == "1.1.0"
    assert following("1.1.0-rc.2", "feat!: x", policy=FINAL) == "2.0.0"


def test_a_running_label_is_kept_unless_the_policy_switches_it() -> None:
    switching = VersionPolicy(prerelease="beta.1", switches_label=True)

    assert following("1.1.0-alpha.3", "fix: x", policy=VersionPolicy(prerelease="beta.1")) == "1.1.0-alpha.4"
    assert following("1.1.0-alpha.3", "fix: x", policy=switching) == "1.1.0-beta.1"
    assert following("1.1.0-beta.3", "fix: x", policy=switching) == "1.1.0-beta.4"
    assert following("1.0.1-alpha.3", "feat: x", policy=switching) == "1.1.0-beta.1"


def test_the_newest_release_as_footer_decides_alone() -> None:
    forced = ("feat!: x", "fix: y\n\nRelease-As: v3.1.2", "fix: z\n\nRelease-As: 2.0.0")

    assert following("1.2.3", *forced) == "3.1.2"
    assert following("1.2.3", "fix: y\n\nRelease-As: soon") == "1.2.4"


# ---- sample cases ----

GIT_CLIFF = load_sample("bump/git-cliff-bump.json")
RELEASE_PLEASE = load_sample("bump/release-please-strategies.json")
FLOWS = sorted((CONFORMANCE / "flows").glob("*.json")) if CONFORMANCE.is_dir() else []


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", GIT_CLIFF.get("cases", ()), ids=lambda case: f"{case['previous']}")
def test_the_next_version_is_git_cliff_s_under_its_policy(case: dict[str, Any]) -> None:
    config = case["config"]
    breaking_is_major = config.get("breaking_always_bump_major", True)
    policy = VersionPolicy(
        breaking_bumps_minor_below_one=not breaking_is_major,
        breaking_bumps_patch_below_zero_one=not breaking_is_major,
        feature_bumps_patch_below_one=not config.get("features_always_bump_minor", True),
        prerelease_mode=PrereleaseMode.COUNT,
        least=Level.PATCH,
    )
    previous = parse_tag(case["previous"])
    assert previous is not None

    version = next_version(previous.version, case["commits"], policy=policy)

    assert f"{previous.prefix}{version}" == case["next"]


ALWAYS = {
    "AlwaysBumpMajor": Level.MAJOR,
    "AlwaysBumpMinor": Level.MINOR,
    "AlwaysBumpPatch": Level.PATCH,
}


def _release_please_policy(call: dict[str, Any]) -> VersionPolicy:
    options = call["options"]
    is_prerelease = call["strategy"].startswith("Prerelease") and options.get("prerelease")
    return VersionPolicy(
        breaking_bumps_minor_below_one=options["bumpMinorPreMajor"],
        feature_bumps_patch_below_one=options["bumpPatchForMinorPreMajor"],
        always=ALWAYS.get(call["strategy"]),
        least=Level.PATCH,
        prerelease_mode=PrereleaseMode.LEVELS if is_prerelease else PrereleaseMode.FINAL,
        prerelease=options.get("prereleaseType", "") if is_prerelease else "",
    )


def _message(commit: dict[str, Any]) -> str:
    """The message with the notes of the case as the footers they come from."""
    footers = [
        f"{'Release-As' if note['title'] == 'RELEASE AS' else note['title']}: {note['text']}"
        for note in commit["notes"]
    ]
    return "\n\n".join([commit["message"], *footers])


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(call, id=case["name"])
        for case in RELEASE_PLEASE.get("cases", ())
        for call in case["calls"]
    ],
)
def test_the_next_version_is_release_please_s_under_its_policy(call: dict[str, Any]) -> None:
    messages = [_message(commit) for commit in call["commits"]]

    assert following(call["old"], *messages, policy=_release_please_policy(call)) == call["next"]


class Flow:
    """Walks a recorded history: which commits there are, and which versions each branch has seen."""

    def __init__(self, actions: list[dict[str, Any]]) -> None:
        self.messages: dict[str, str] = {}
        self.policies: dict[str | None, VersionPolicy] = {}
        self.branch = "main"
        self.released: dict[str, dict[str, list[Version]]] = {"main": {}}
        self.expected: list[str] = []
        self.found: list[str] = []
        self.walk(actions)

    def walk(self, actions: list[dict[str, Any]]) -> None:
        for action in actions:
            getattr(self, f"do_{action['action'].lower()}", self.skip)(action["details"])

    def skip(self, details: dict[str, Any]) -> None:
        """Nothing of this action bears on versions."""

    def do_create_monorepo(self, details: dict[str, Any]) -> None:
        self.walk(details["post_actions"])

    def do_configure_monorepo(self, details: dict[str, Any]) -> None:
        self.do_configure(details)

    def do_configure(self, details: dict[str, Any]) -> None:
        allows_zero = details["extra_configs"].get("tool.semantic_release.allow_zero_version", True)
        self.policies[details["tag_format_str"]] = VersionPolicy(allows_zero=allows_zero, first=None)

    def do_make_commits(self, details: dict[str, Any]) -> None:
        self.messages |= {commit["cid"]: commit["msg"] for commit in details["commits"]}

    def do_git_checkout(self, details: dict[str, Any]) -> None:
        if "create_branch" in details:
            created = details["create_branch"]
            self.released[created["name"]] = {
                name: list(versions) for name, versions in self.released[created["start_branch"]].items()
            }
            self.branch = created["name"]
        else:
            self.branch = details["branch"]

    def do_git_squash(self, details: dict[str, Any]) -> None:
        self.messages[details["commit_def"]["cid"]] = details["commit_def"]["msg"]

    def do_git_merge(self, details: dict[str, Any]) -> None:
        self.messages[details["commit_def"]["cid"]] = details["commit_def"]["msg"]
        for name, versions in self.released[details["branch_name"]].items():
            self.released[self.branch].setdefault(name, []).extend(versions)

    def do_release(self, details: dict[str, Any]) -> None:
        name = details["tag_format"]
        versions = self.released[self.branch].setdefault(name, [])
        [changelog] = [a["details"] for a in details["pre_actions"] if a["action"] == "WRITE_CHANGELOGS"]
        # The parts of a squash are numbered behind its name.
        messages = [
            self.messages[cid if cid in self.messages else cid.rpartition("-")[0]]
            for cid in changelog["commit_ids"]
        ]
        version = next_version(max(versions, default=None), messages, policy=self.policies[name])
        self.found.append(str(version))
        self.expected.append(details["version"])
        versions.append(Version.parse(details["version"]))


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("path", FLOWS, ids=lambda path: str(path.stem))
def test_a_whole_history_is_released_as_expected(path: Any) -> None:
    flow = Flow(load_sample(f"flows/{path.name}")["actions"])

    assert flow.found == flow.expected
    assert flow.messages
