"""How people name environments and components: the words, their order, what is left without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set to look them up in."""
    return frozenset(text.split())


# Word → how far from the developer it lies, and the spelling that stands for all of its meaning.
_WORDS: dict[str, tuple[int, str]] = {
    "local": (0, "local"), "sandbox": (5, "sandbox"), "sbx": (5, "sandbox"),
    "dev": (10, "dev"), "develop": (10, "dev"), "development": (10, "dev"), "devel": (10, "dev"),
    "ci": (15, "ci"), "preview": (16, "preview"), "alpha": (17, "alpha"), "beta": (29, "beta"),
    "int": (20, "int"), "integ": (20, "int"), "integration": (20, "int"),
    "test": (22, "test"), "testing": (22, "test"), "tst": (22, "test"),
    "sit": (24, "sit"), "qa": (26, "qa"), "qas": (26, "qa"), "quality": (26, "qa"),
    "perf": (28, "perf"), "performance": (28, "perf"), "load": (28, "load"), "demo": (29, "demo"),
    "nonprod": (30, "nonprod"), "nonproduction": (30, "nonprod"), "nprd": (30, "nonprod"),
    "stage": (32, "staging"), "stg": (32, "staging"), "staging": (32, "staging"), "stag": (32, "staging"),
    "acc": (34, "acc"), "acceptance": (34, "acc"), "acpt": (34, "acc"), "uat": (36, "uat"),
    "preprod": (38, "preprod"), "preproduction": (38, "preprod"), "pprd": (38, "preprod"),
    "prod": (40, "prod"), "prd": (40, "prod"), "production": (40, "prod"), "live": (41, "live"),
}  # fmt: skip
_UNRANKED = 50
# These name other things as well; alone they count only beside a word that leaves no doubt.
_WEAK = words(
    """
    local sandbox ci preview alpha beta int integ integration test testing quality perf performance load
    demo stage stag acc live
    """
)
# Where it runs, beside the environment: prod-eu, staging2, us-east-1.
_PLACE_WORD = re.compile(
    r"(?:us|eu|uk|de|fr|asia|apac|emea|na|sa|ap|au|in|jp|cn|global|(?:north|south)?(?:east|west|central)"
    r"|north|south|(?:(?:north|west|east|south|central)(?:europe|us|asia))|blue|green|primary|secondary"
    r"|cluster|k8s|eks|aks|gke|\d{1,3})\d{0,3}"
)
_TOKEN = re.compile(r"[^-_.\s]+")
_NUMBERED = re.compile(r"([a-z]+?)\d{0,3}")
_JOINED = {"pre": "preprod", "non": "nonprod"}

ENVIRONMENT_FOLDERS = words(
    """
    overlays overlay envs env environments environment stages stage clusters cluster targets target
    """
)
BASE_FOLDERS = words("base bases _base common shared components component lib library")
_BASES = {"base", "bases", "_base"}  # what lies in them is of no environment
# Folders that say how a repository is laid out, not what lies in it.
_STRUCTURE = (
    ENVIRONMENT_FOLDERS
    | BASE_FOLDERS
    | words(
        """
    apps app applications application workloads charts chart helm helm-charts helm-chart _charts
    kustomize kustomization k8s kubernetes kube manifests manifest kubernetes-manifests k8s-manifests
    deploy deployment deployments gitops src yaml yamls releases release argocd-apps argo-apps variants
    regions region services service helmrelease helmreleases templates
    """
    )
)
_COMPONENT_FOLDERS = words("apps applications services components workloads")
_RENDERING = words("kustomize helm chart charts k8s kubernetes manifests manifest deploy templates app yaml")
# They name something only where nothing better does.
_VAGUE = words(
    """
    infrastructure infra platform addons add-ons tenants teams projects project config configs
    configuration argocd argo-cd argo flux fluxcd core resources values main server system root
    bootstrap setup aws azure gcp dev-ops devops install operator instance aggregate default generated
    app-config
    """
)


# They lie beside the environments of a component and belong to all of them.
_OF_A_COMPONENT = words(
    """
    patches patch files scripts docs doc examples example samples tests e2e hack rbac crds crd policies
    monitoring dashboards alerts secrets values charts schemas images
    """
)


@dataclass(frozen=True, slots=True)
class Split:
    """
    A name taken apart: `rest` without the environment, `environment` as written, "" where none.

    `is_strong`: the word leaves no doubt. `is_whole`: nothing but the environment was there.
    `is_suffix`: the environment came last.
    """

    rest: str
    environment: str
    is_strong: bool
    is_whole: bool
    is_suffix: bool


@dataclass(frozen=True, slots=True)
class Place:
    """
    A folder taken apart: the environment it names ("" where none), whether a known word says so, and
    the segments that are left. `root` is the folder with "*" for the environment, `index` the number
    of the segment that names it, -1 where none does.
    """

    environment: str
    is_word: bool
    rest: tuple[str, ...]
    root: str
    index: int = -1


@lru_cache(maxsize=10_000)
def split_environment(name: str) -> Split:
    """`cart-prod-eu` → `cart` and `prod-eu`; a name may also begin with its environment."""
    tokens = [(match.start(), match.end(), match[0].lower()) for match in _TOKEN.finditer(name)][:40]
    words = [_environment_word(tokens, i) for i in range(len(tokens))]
    found = [i for i, word in enumerate(words) if word]
    if not found:
        return Split(name, "", False, False, False)
    strong = [i for i in found if words[i] not in _WEAK]
    first = last = (strong or found)[-1]
    while first > 0 and _belongs(tokens[first - 1][2], words[first - 1]):
        first -= 1
    while last + 1 < len(tokens) and _belongs(tokens[last + 1][2], words[last + 1], is_after=True):
        last += 1
    return _split_at(name, tokens, first, last, bool(strong))


def _split_at(
    name: str, tokens: Sequence[tuple[int, int, str]], first: int, last: int, is_strong: bool
) -> Split:
    before, after = name[: tokens[first][0]].rstrip("-_. "), name[tokens[last][1] :].lstrip("-_. ")
    rest = "-".join(part for part in (before, after) if part)
    environment = name[tokens[first][0] : tokens[last][1]]
    return Split(rest, environment, is_strong, not rest, bool(before) and not after)


def _environment_word(tokens: Sequence[tuple[int, int, str]], index: int) -> str:
    """The word of `_WORDS` that a token is; "" where it is none."""
    numbered = _NUMBERED.fullmatch(tokens[index][2])
    word = numbered[1] if numbered else ""
    if word not in _WORDS:
        return ""
    joined = _JOINED.get(tokens[index - 1][2], "") if index else ""
    return joined if joined and _WORDS[word][1] == "prod" else word


def _belongs(token: str, word: str, *, is_after: bool = False) -> bool:
    if word or token in _JOINED or (is_after and len(token) == 1):
        return True
    return _PLACE_WORD.fullmatch(token) is not None


def is_environment(name: str, *, strong: bool = False) -> bool:
    """Whether the whole name is an environment (`prod-eu`), by a word that leaves no doubt if `strong`."""
    split = split_environment(name)
    return bool(split.environment) and split.is_whole and (split.is_strong or not strong)


def rank_of(environment: str) -> tuple[int, str]:
    """The sort key of environments: development first, production last, unknown ones after it."""
    words = [word for word in _words_of(environment) if word]
    return (max((_WORDS[word][0] for word in words), default=_UNRANKED), environment.lower())


def canonical(environment: str) -> str:
    """One spelling for `prod`, `prd` and `production`: equal results mean the same environment."""
    tokens = [match[0].lower() for match in _TOKEN.finditer(environment)]
    words = _words_of(environment)
    spelled = [
        _WORDS[word][1] + token.lstrip("abcdefghijklmnopqrstuvwxyz") if word else token
        for token, word in zip(tokens, words, strict=True)
    ]
    return "-".join(
        spelling
        for spelling, token, later in zip(spelled, tokens, [*spelled, ""][1:], strict=True)
        if not (token in _JOINED and later.startswith(_JOINED[token]))
    )


def _words_of(name: str) -> list[str]:
    tokens = [(match.start(), match.end(), match[0].lower()) for match in _TOKEN.finditer(name)]
    return [_environment_word(tokens, i) for i in range(len(tokens))]


def locate(segments: Sequence[str], siblings: Callable[[int], Iterable[str]]) -> Place:
    """
    The environment that the folder of these segments names; `siblings(i)` are the names beside segment i.

    A word that leaves no doubt wins, then one in a folder for environments, then any folder in such a
    folder, then a doubtful word or a part of a name (`cart-dev`) where the names beside it agree.
    """
    for index, is_word in _whole_segments(segments, siblings):
        return _place(segments, index, segments[index], "", is_word)
    for index in reversed(range(len(segments))):
        split = split_environment(segments[index])
        if split.environment and split.rest and confirms(split, siblings(index)):
            return _place(segments, index, split.environment, split.rest, True)
    return Place("", False, tuple(segments), "/".join(segments))


def _whole_segments(
    segments: Sequence[str], siblings: Callable[[int], Iterable[str]]
) -> list[tuple[int, bool]]:
    """The segments that are an environment, the best first, and whether a known word says so."""
    inside = [
        i
        for i in range(1, len(segments))
        if segments[i - 1].lower() in ENVIRONMENT_FOLDERS
        and segments[i].lower() not in ENVIRONMENT_FOLDERS | BASE_FOLDERS
    ]
    based = next((i for i, name in enumerate(segments) if name.lower() in _BASES), len(segments))
    inside = [i for i in inside if i < based]
    strong = [i for i, name in enumerate(segments[:based]) if is_environment(name, strong=True)]
    named = [i for i in inside if split_environment(segments[i]).environment]
    doubtful = [
        i
        for i, name in enumerate(segments[:based])
        if is_environment(name) and any(is_environment(other, strong=True) for other in siblings(i))
    ]
    best = [i for i in strong if i in inside] or strong or named or doubtful
    if not best and not inside:
        best = [i for i in range(1, based) if _is_one_of_a_row(segments[i - 1], segments[i], siblings(i))]
    return [(best[-1], True)] if best else [(i, False) for i in inside[-1:]]


def _is_one_of_a_row(parent: str, name: str, siblings: Iterable[str]) -> bool:
    """
    Whether a folder with a name of its own (`edge`) is an environment, since all others of its component are:
    two at least that leave no doubt, and none of which it is not known.
    """
    if parent.lower() in _STRUCTURE | _VAGUE or not _may_be_environment(name):
        return False
    others = [other for other in siblings if other != name and _may_be_environment(other)]
    known = {canonical(other) for other in others if is_environment(other, strong=True)}
    return len(known) > 1 and all(map(is_environment, others))


def _may_be_environment(name: str) -> bool:
    return "." not in name and name.lower() not in _STRUCTURE | _VAGUE | _OF_A_COMPONENT


def share_word(one: str, other: str) -> bool:
    """Whether two names have a word in common."""
    words = {match[0].lower() for match in _TOKEN.finditer(one)}
    return any(match[0].lower() in words for match in _TOKEN.finditer(other))


def confirms(split: Split, others: Iterable[str]) -> bool:
    """Whether the environment found in part of a name is one: a sure last word, or others say the same."""
    if split.is_strong and split.is_suffix:
        return True
    for other in others:
        there = split_environment(other)
        if there.rest == split.rest and there.is_strong and there.environment != split.environment:
            return True
    return False


def _place(segments: Sequence[str], index: int, environment: str, rest: str, is_word: bool) -> Place:
    before, after = list(segments[:index]), list(segments[index + 1 :])
    while before and before[-1].lower() in ENVIRONMENT_FOLDERS and not rest:
        before.pop()
    left = (*before, *([rest] if rest else ()), *after)
    starred = [*segments[:index], f"{rest}-*" if rest else "*", *segments[index + 1 :]]
    return Place(environment, is_word, left, "/".join(starred), index)


def names_of(segments: Sequence[str], fallback: str = "") -> tuple[str, ...]:
    """
    What a folder of these segments (without its environment) may be called, the shortest first.

    Each next name has one more segment in front; the last ones have words of layout too.
    """
    tidy = [name.strip("_") or name for name in segments]
    plain = [name for name in tidy if name.lower() not in _STRUCTURE]
    clear = [name for name in plain if name.lower() not in _VAGUE]
    kept = _contained(tidy) or clear or plain
    if not kept:
        shown = _joined([name for name in tidy if name.lower() not in ENVIRONMENT_FOLDERS])
        longer = [f"{fallback}-{name}" if fallback else name for name in shown]
        return tuple(dict.fromkeys(name for name in (fallback, *longer) if name))
    longer = [name for names in (plain, tidy) for name in _joined(names) if share_word(name, kept[-1])]
    return tuple(dict.fromkeys([*_joined(kept), *longer]))


def _contained(names: Sequence[str]) -> list[str]:
    """The one name after a folder for components where it would pass for layout: `apps/service`."""
    last = names[-1] if len(names) > 1 else ""
    is_layout = last.lower() in _STRUCTURE - ENVIRONMENT_FOLDERS - BASE_FOLDERS - _RENDERING
    return [last] if is_layout and names[-2].lower() in _COMPONENT_FOLDERS else []


def _joined(names: Sequence[str]) -> list[str]:
    """`(a, b, c)` → `c`, `b-c`, `a-b-c`; a name that repeats the one after it is left out."""
    different = [name for i, name in enumerate(names) if i + 1 == len(names) or names[i + 1] != name]
    return ["-".join(different[i:]) for i in reversed(range(len(different)))][:8]


def component_of(name: str, peers: Collection[str], own_words: Iterable[str]) -> str:
    """
    The component that an application's own name means: the name without its environment and cluster.

    `own_words` are those two; `peers` are the names of the other applications: `dev-cart` is a cart
    only beside `prod-cart`.
    """
    shorter = name
    # Twice, for the first word may be found only once the second is gone.
    for word in 2 * sorted(set(own_words), key=lambda word: (-len(word), word)):
        shorter = _without(shorter, word)
    if shorter != name:
        return shorter
    split = split_environment(name)
    return split.rest if split.rest and confirms(split, peers) else name


def _without(name: str, word: str) -> str:
    if word and len(word) < len(name):
        for joint in "-_.":
            if name.endswith(joint + word):
                return name[: -len(word) - 1]
            if name.startswith(word + joint):
                return name[len(word) + 1 :]
    return name
