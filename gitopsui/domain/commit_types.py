"""The types that people who follow Conventional Commits write, and what they say of a change."""

from __future__ import annotations

KNOWN_TYPES = frozenset((
    "build", "chore", "ci", "deps", "docs", "feat", "feature", "fix", "hotfix", "i18n", "perf", "refactor",
    "revert", "security", "style", "test",
))  # fmt: skip

# What is told of a change beside others; whatever is not here weighs nothing.
WEIGHTS = {
    "feat": 2,
    "feature": 2,
    "fix": 1,
    "bugfix": 1,
    "hotfix": 1,
    "perf": 1,
    "revert": 1,
    "sec": 1,
    "security": 1,
}
# Whoever titles a change so says that what was mended on the way was never released.
SPEAK_FOR_ALL = frozenset(
    ("build", "ci", "docs", "feat", "feature", "i18n", "refactor", "style", "test", "tests")
)
