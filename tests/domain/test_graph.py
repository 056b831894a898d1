"""The graph answers as Git does, on histories of any shape."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from gitopsui.domain.graph import Graph, UnknownCommit, UnknownParent, decode
from tests.adapters.git_http import Seed

LINE = [("a" * 40, []), ("b" * 40, ["a" * 40]), ("c" * 40, ["b" * 40])]


def build_random_history(folder: Path, *, seed: int, commits: int = 60) -> tuple[Seed, list[str]]:
    """A repository of merges, forks, old branches and second roots; the ids, parents before children."""
    rng = random.Random(seed)
    repository = Seed.create(folder / f"{seed}.git")
    tree = repository.git("hash-object", "-t", "tree", "-w", "--stdin")
    made: list[str] = []
    for number in range(commits):
        count = 0 if not made or rng.random() < 0.05 else rng.choice((1, 1, 1, 1, 2, 2, 3))
        near = made[-12:] if rng.random() < 0.8 else made
        parents = rng.sample(near, min(count, len(near)))
        made.append(write(repository, tree, parents, number))
    for number, sha in enumerate(made):
        repository.point(f"refs/heads/b{number}", sha)
    return repository, made


def write(repository: Seed, tree: str, parents: Sequence[str], number: int) -> str:
    who = f"Dev <dev@example.org> {1_767_225_600 + 60 * number} +0000"
    lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents), f"author {who}", f"committer {who}"]
    return repository.raw("commit", ("\n".join(lines) + f"\n\ncommit {number}\n").encode())


def read_graph(repository: Seed) -> Graph:
    lines = repository.git("rev-list", "--reverse", "--topo-order", "--parents", "--branches").splitlines()
    return Graph().append((line.split()[0], line.split()[1:]) for line in lines)


def build_long_line(length: int) -> Graph:
    shas = [f"{number:040x}" for number in range(1, length + 1)]
    return Graph().append((sha, shas[max(n - 1, 0) : n]) for n, sha in enumerate(shas))


@pytest.mark.parametrize("seed", range(3))
class TestRandomHistories:
    def test_a_range_holds_what_rev_list_says(self, tmp_path: Path, seed: int) -> None:
        repository, shas = build_random_history(tmp_path, seed=seed)
        graph = read_graph(repository)
        rng = random.Random(seed)
        for _ in range(15):
            base, head = rng.choice(shas), rng.choice(shas)
            found = [graph.sha(n) for n in graph.between(graph.index(base), graph.index(head))]
            assert sorted(found) == sorted(repository.git("rev-list", f"{base}..{head}").split())
            for position, sha in enumerate(found):
                parents = {graph.sha(n) for n in graph.parents(graph.index(sha))}
                assert not parents & set(found[:position]), "a parent stands before its child"

    def test_ancestry_is_that_of_git(self, tmp_path: Path, seed: int) -> None:
        repository, shas = build_random_history(tmp_path, seed=seed)
        graph = read_graph(repository)
        rng = random.Random(seed)
        for _ in range(15):
            one, other = rng.choice(shas), rng.choice(shas)
            history = repository.git("rev-list", other).split()
            assert graph.is_ancestor(graph.index(one), graph.index(other)) == (one in history)

    def test_growing_in_steps_gives_the_same_answers(self, tmp_path: Path, seed: int) -> None:
        repository, shas = build_random_history(tmp_path, seed=seed)
        whole, grown = read_graph(repository), Graph()
        for tip in shas[9::10]:
            lines = repository.git("rev-list", "--reverse", "--topo-order", "--parents", tip).splitlines()
            grown = decode(grown.append((line.split()[0], line.split()[1:]) for line in lines).encode())
        for head in (shas[-1], shas[-7]):
            for base in shas[::9]:
                expected = {whole.sha(n) for n in whole.between(whole.index(base), whole.index(head))}
                known = base in grown and head in grown
                assert not known or expected == {
                    grown.sha(n) for n in grown.between(grown.index(base), grown.index(head))
                }


def test_dates_mean_nothing() -> None:
    """
    A graph has none. Git's own walk of a range goes by dates and lists too much where they run backwards,
    https://git-scm.com/docs/commit-graph explains why.
    """
    graph = Graph().append([*LINE, ("d" * 40, ["b" * 40]), ("e" * 40, ["d" * 40, "c" * 40])])
    assert [graph.sha(n)[0] for n in graph.between(graph.index("c" * 40), graph.index("e" * 40))] == [
        "e",
        "d",
    ]


class TestValue:
    def test_is_the_same_after_encoding(self) -> None:
        graph = Graph().append(LINE)
        again = decode(graph.encode())
        assert again.encode() == graph.encode()
        assert [again.sha(n) for n in range(len(again))] == [sha for sha, _ in LINE]
        assert again.parents(2) == (1,)

    def test_an_empty_one_is_the_same_after_encoding(self) -> None:
        assert len(decode(Graph().encode())) == 0

    def test_ids_of_sha256_are_kept_whole(self) -> None:
        graph = decode(Graph().append([("a" * 64, []), ("b" * 64, ["a" * 64])]).encode())
        assert graph.sha(1) == "b" * 64

    @pytest.mark.parametrize("data", [b"", b"GRAPH\x02" + b"0" * 20, Graph().append(LINE).encode()[:-1]])
    def test_other_bytes_are_refused(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="commit graph"):
            decode(data)

    def test_growing_leaves_the_old_one_as_it_was(self) -> None:
        before = Graph().append(LINE[:2])
        after = before.append(LINE)
        assert (len(before), len(after)) == (2, 3)
        assert LINE[2][0] not in before
        assert [after.index(sha) for sha, _ in LINE[:2]] == [before.index(sha) for sha, _ in LINE[:2]]

    def test_a_commit_without_its_parent_is_refused(self) -> None:
        with pytest.raises(UnknownParent, match="not complete"):
            Graph().append(LINE[1:])

    @pytest.mark.parametrize("sha", ["d" * 40, "", "main", "a" * 39])
    def test_what_it_does_not_hold_is_unknown(self, sha: str) -> None:
        graph = Graph().append(LINE)
        assert sha not in graph
        with pytest.raises(UnknownCommit):
            graph.index(sha)

    def test_only_the_history_of_what_is_kept_stays(self) -> None:
        graph = Graph().append([*LINE, ("d" * 40, ["a" * 40])])
        kept = graph.keep([graph.index("d" * 40)])
        assert sorted(kept.sha(n) for n in range(len(kept))) == ["a" * 40, "d" * 40]
        assert graph.keep(graph.heads()) is graph

    def test_without_a_base_it_is_all_there_is(self) -> None:
        assert Graph().append(LINE).between(None, 2) == [2, 1, 0]

    def test_a_range_walks_the_diverged_part_only(self) -> None:
        graph = build_long_line(10_000)
        met = list(graph._walk(9_999, 9_799))
        assert len(met) < 210


def test_one_walk_tells_of_every_commit_which_of_some_it_holds() -> None:
    ids = {name: f"{number:040x}" for number, name in enumerate("abcde")}
    parents = {"a": "", "b": "a", "c": "a", "d": "bc", "e": ""}
    graph = Graph().append((ids[name], [ids[one] for one in of]) for name, of in parents.items())
    marks = graph.marks_of([graph.index(ids[name]) for name in "bc"])
    assert [marks[graph.index(ids[name])] for name in "abcde"] == [0b00, 0b01, 0b10, 0b11, 0b00]
    assert graph.marks_of([]) == [0] * 5
