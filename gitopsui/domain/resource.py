"""
Manifests as plain objects: identity, owners, hooks, lists and shape, in one place to import from.

Nothing here decides what drifts or what is well; see `drift` and `health`.
"""

from __future__ import annotations

from gitopsui.domain.identity import (
    CLUSTER_SCOPED,
    GroupKind,
    Manifest,
    ResourceKey,
    annotations_of,
    find_duplicates,
    find_key,
    flatten,
    group_kind_of,
    group_of,
    is_list,
    key_of,
    labels_of,
)
from gitopsui.domain.owner import (
    Owner,
    TrackingId,
    has_controller,
    instance_label,
    is_extraneous,
    is_foreign_copy,
    is_hook,
    is_made_by_cluster,
    owners_of,
    parse_tracking_id,
)
from gitopsui.domain.shape import check_shape

__all__ = [
    "CLUSTER_SCOPED",
    "GroupKind",
    "Manifest",
    "Owner",
    "ResourceKey",
    "TrackingId",
    "annotations_of",
    "check_shape",
    "find_duplicates",
    "find_key",
    "flatten",
    "group_kind_of",
    "group_of",
    "has_controller",
    "instance_label",
    "is_extraneous",
    "is_foreign_copy",
    "is_hook",
    "is_list",
    "is_made_by_cluster",
    "key_of",
    "labels_of",
    "owners_of",
    "parse_tracking_id",
]
