from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.demo.config_files import current_files
from apps.demo.config_repository import EDITS, HEAD, ConfigRepository, build_config_history
from apps.demo.releases import COMPONENTS, ENVIRONMENTS, environments_of
from apps.demo.repositories import NewCommit, create_repository
from gitopsui.adapters.yaml_reader import read_files
from gitopsui.domain.layout import interesting_paths, recognise

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> ConfigRepository:
    path = tmp_path / "shop-config.git"
    create_repository(path, build_config_history(until=NOW))
    return ConfigRepository(path)


def test_a_year_of_configuration_is_some_hundred_commits_in_order() -> None:
    steps = build_config_history(until=NOW)
    assert 110 <= len(steps) <= 160
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps == build_config_history(until=NOW)


def test_every_edit_is_a_commit_of_its_own() -> None:
    messages = [step.message for step in build_config_history(until=NOW)]
    assert [edit.message for edit in EDITS if edit.message not in messages] == []


def test_each_edit_changes_every_file_it_names() -> None:
    steps = {step.message: step for step in build_config_history(until=NOW) if isinstance(step, NewCommit)}
    for edit in EDITS:
        assert set(steps[edit.message].files) == {*(path for path, _, _ in edit.changes), *edit.adds}


def test_authors_are_roles() -> None:
    words = {step.author.split()[-1] for step in build_config_history(until=NOW)}
    assert words == {"bot", "engineer", "maintainer", "manager"}


def test_the_history_ends_with_the_files_of_today(config: ConfigRepository) -> None:
    versions = {(c, e): config.version(c, e) for c in COMPONENTS for e in environments_of(c)}
    assert sorted(entry.path for entry in config.tree.tree(config.head())) == sorted(current_files(versions))
    assert versions["cart", "dev"] == "3.4.0-rc.1"
    assert versions["catalog", "production"] == "5.0.5"
    assert versions["pricing", "production"] == "1.0.1_3"


def test_the_layout_is_four_components_two_of_them_in_a_second_production(config: ConfigRepository) -> None:
    tree = {entry.path: entry.sha for entry in config.tree.tree(config.head())}
    paths = interesting_paths(tree)
    blobs = config.tree.blobs([tree[path] for path in paths], max_bytes=1 << 20)
    parsed = read_files({path: blobs[tree[path]] for path in paths})
    documents = {path: file.documents for path, file in parsed.items() if not file.error}
    layout = recognise(documents, tree, repository_url="http://127.0.0.1:8418/shop-config.git")
    found = {(proposal.component, proposal.environment): proposal for proposal in layout.proposals}
    assert sorted(found) == sorted((c, e) for c in COMPONENTS for e in environments_of(c))
    assert layout.environments == ENVIRONMENTS
    assert {proposal.reason for proposal in layout.proposals} == {""}
    renderers = [found[name, "dev"].renderer for name in ("cart", "catalog", "checkout", "pricing")]
    assert renderers == ["kustomize", "plain", "kustomize", "helm"]


@pytest.mark.parametrize(
    ("component", "version"), [("cart", "3.4.0"), ("catalog", "5.2.0-rc.1"), ("pricing", "2.0.0")]
)
def test_a_deployment_is_one_commit_that_changes_the_version(
    config: ConfigRepository, component: str, version: str
) -> None:
    before = config.tree.count(HEAD)
    config.deploy(component, "staging", version, at=NOW)
    assert config.version(component, "staging") == version
    assert config.tree.count(HEAD) == before + 1
    config.deploy(component, "staging", version, at=NOW)
    assert config.tree.count(HEAD) == before + 1


def test_a_revert_brings_the_version_before_back_and_names_the_commit(config: ConfigRepository) -> None:
    before = config.version("cart", "staging")
    config.deploy("cart", "staging", "9.9.9", at=NOW)
    broken = config.head()
    assert config.revert("cart", "staging", at=NOW) == before
    message = config.tree.log(HEAD, limit=1)[0].message
    assert f"This reverts commit {broken}." in message


def test_a_forgotten_file_is_listed_once_and_taken_back_once(config: ConfigRepository) -> None:
    before = config.tree.tree(config.head())
    listed = [config.list_resource("cart", "dev", "gift-cards.yaml", at=NOW) for _ in range(2)]
    paths = {entry.path for entry in config.tree.tree(config.head())}
    assert (listed, {path for path in paths if "gift-cards" in path}) == ([True, False], set())
    taken = [config.unlist_resource("cart", "dev", "gift-cards.yaml", at=NOW) for _ in range(2)]
    assert (taken, config.tree.tree(config.head())) == ([True, False], before)


def test_a_version_that_came_meanwhile_stays_when_the_file_is_taken_back(config: ConfigRepository) -> None:
    config.list_resource("cart", "dev", "gift-cards.yaml", at=NOW)
    config.deploy("cart", "dev", "9.9.9", at=NOW)
    config.unlist_resource("cart", "dev", "gift-cards.yaml", at=NOW)
    assert config.version("cart", "dev") == "9.9.9"
