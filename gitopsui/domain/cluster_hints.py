"""What people can do when a cluster fails or falls silent, by the code of the error."""

from __future__ import annotations

from gitopsui.domain.errors import ClusterError

_AGAIN = "It is asked again by itself. If this stays, look"
_ADDRESS = "Correct the address of the server on its page: Edit."
_HINTS = {
    "CLUSTER_AUTH": "Give the cluster a new token on its page: Edit.",
    "CLUSTER_BUSY": f"{_AGAIN} at the load and the health of the API server.",
    "CLUSTER_ERROR": f"{_AGAIN} whether the address is that of an API server.",
    "CLUSTER_TIMEOUT": f"{_AGAIN} at its load and at the network in between.",
    "CLUSTER_TLS": "Check the certificate authority of this cluster.",
    "CLUSTER_TOO_LARGE": "One of its lists is larger than is read here; limit the kinds that Git names.",
    "CLUSTER_UNREACHABLE": f"{_AGAIN} whether it runs, at its address and at what lies between.",
    "KIND_FORBIDDEN": "Grant our service account to list this kind.",
    "KIND_UNKNOWN": "Its CustomResourceDefinition may not be installed yet.",
    "KIND_UNAVAILABLE": "What is shown of it is the last known state.",
    "NAMESPACE": "Correct the namespace that Git names.",
    "URL_ADDRESS": "If this address is meant, allow it with the setting GITOPSUI_TRUSTED_ENDPOINTS.",
    "URL_HOST": _ADDRESS,
    "URL_SCHEME": _ADDRESS,
    "URL_SYNTAX": _ADDRESS,
    "URL_USERINFO": _ADDRESS,
}


def hint_of(error: ClusterError) -> str:
    """The hint that the error brings, else the one for its code; "" for a code nobody knows."""
    return error.hint or _HINTS.get(error.code, "")
