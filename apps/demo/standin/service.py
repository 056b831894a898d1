"""The API itself: a request goes in, a reply comes out. It knows nothing of sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .access import TokenRole, authorise
from .address import Target, locate
from .answers import ApiError, NoSuchPath, bad_request, invalid, method_not_allowed, unsupported_media_type
from .deletion import delete
from .discovery import discover, version_info
from .exchange import Reply, Request, decode, decode_object, reply
from .faults import Faults
from .forms import form_of
from .json_patch import PatchFailed, json_patch, merge_patch
from .openapi import EMPTY_V2, V2_TYPE, describe
from .reading import matcher_of, read_list, read_one
from .registry import Intent, Registry
from .scaling import scale_of, scaled
from .shapes import shape_of
from .store import Manifest
from .strategic import strategic_patched
from .validation import required
from .watching import watch

# Typed clients write these; kubectl does for `create namespace` and the like, `apply` sends JSON.
_NOT_UNDERSTOOD = ("application/vnd.kubernetes.protobuf", "application/cbor")
_APPLY, _STRATEGIC = "application/apply-patch+yaml", "application/strategic-merge-patch+json"
_MERGE, _JSON = "application/merge-patch+json", "application/json-patch+json"


class Service:
    """Answers requests from what `registry` holds, unless `faults` say otherwise."""

    def __init__(self, registry: Registry, faults: Faults, is_open: Callable[[], bool]) -> None:
        self._registry = registry
        self._catalogue = registry.catalogue
        self._store = registry.store
        self._faults = faults
        self._is_open = is_open

    def answer(self, request: Request) -> Reply:
        """Never raises for what a client did."""
        try:
            return self._answer(request)
        except NoSuchPath:
            return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
        except ApiError as error:
            return refusal_reply(error)

    def _answer(self, request: Request) -> Reply:
        path = request.path.rstrip("/")
        if path == "/version":
            return reply(version_info())
        if path == "/openapi/v2":
            return Reply(200, EMPTY_V2, V2_TYPE)
        if path.startswith("/openapi/"):
            return reply(describe(path, self._catalogue))
        if path.startswith(("/api", "/apis")) and path.count("/") <= (2 if path.startswith("/api/") else 3):
            return discover(request, self._catalogue, self._faults.broken_groups)
        target = locate(path, self._catalogue)
        verb = _verb(request, target)
        self._faults.check_kind(request, target, verb)
        authorise(request.role, verb, target.kind, target.namespace, target.name)
        return self._act(request, target, verb)

    def _act(self, request: Request, target: Target, verb: str) -> Reply:
        if request.content_type in _NOT_UNDERSTOOD:
            raise unsupported_media_type(
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml"
            )
        if not target.kind.is_stored:
            return reply(_review(request, target), 201)
        if target.subresource == "scale":
            return self._scale(request, target, verb)
        match verb:
            case "get":
                return read_one(request, target, self._registry.get(target))
            case "list":
                return read_list(request, target, self._store)
            case "watch":
                return watch(request, target, self._store, self._is_open)
            case "create":
                return self._written(request, target, self._create(request, target), 201)
            case "update":
                return self._written(request, target, self._update(request, target))
            case "patch":
                return self._patch(request, target)
            case "delete":
                options = decode_object(request.body) if request.body else {}
                options = dict(request.query) | options
                is_dry_run = request.is_dry_run or options.get("dryRun") == ["All"]
                return reply(delete(self._registry, target, options, is_dry_run=is_dry_run))
        return self._delete_all(request, target)

    def _written(self, request: Request, target: Target, manifest: Manifest, code: int = 200) -> Reply:
        form = form_of(request.accept)
        return reply(form.of(target.kind, manifest), code, content_type=form.content_type)

    def _create(self, request: Request, target: Target) -> Manifest:
        return self._registry.create(target, decode_object(request.body), intent_of(request))

    def _update(self, request: Request, target: Target) -> Manifest:
        body = decode_object(request.body)
        with self._store.writing():
            old = self._registry.get(target)
            given = (body.get("metadata") or {}).get("resourceVersion")
            if target.kind.is_custom and not given:
                cause = required("metadata.resourceVersion", "must be specified for an update")
                raise invalid(target.kind.kind, target.kind.group, target.name, [cause])
            return self._registry.replace(target, old, {"metadata": {}, **body}, intent_of(request))

    def _patch(self, request: Request, target: Target) -> Reply:
        if request.content_type == _APPLY:
            return self._apply(request, target)
        patch = decode(request.body)
        with self._store.writing():
            old = self._registry.get(target)
            proposed = _patched(request.content_type, target, old.manifest, patch)
            manifest = self._registry.replace(target, old, proposed, intent_of(request))
        return self._written(request, target, manifest)

    def _apply(self, request: Request, target: Target) -> Reply:
        if not request.query.get("fieldManager"):
            cause = required("fieldManager", "is required for apply patch")
            raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
        manifest, is_new = self._registry.apply(target, decode_object(request.body), intent_of(request))
        return self._written(request, target, manifest, 201 if is_new else 200)

    def _delete_all(self, request: Request, target: Target) -> Reply:
        options = decode_object(request.body) if request.body else {}
        matcher = matcher_of(target, request.query)
        with self._store.writing():
            found, _ = self._store.list_objects(target.kind.resource, target.namespace)
            for stored in found:
                one = Target(target.kind, stored.namespace, stored.name)
                is_there = self._store.get(target.kind.resource, stored.namespace, stored.name) is not None
                if is_there and (matcher is None or matcher(stored.manifest)):
                    delete(self._registry, one, options, is_dry_run=request.is_dry_run)
        return reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    def _scale(self, request: Request, target: Target, verb: str) -> Reply:
        with self._store.writing():
            old = self._registry.get(target)
            scale = scale_of(target.kind, old.manifest)
            if verb == "get":
                return reply(scale)
            body = decode(request.body)
            if verb == "patch":
                body = _patched(request.content_type, None, scale, body)
            manifest = self._registry.replace(target, old, scaled(old.manifest, body), intent_of(request))
        return reply(scale_of(target.kind, manifest))


def refusal_reply(error: ApiError) -> Reply:
    plain = reply(error.status(), error.code)
    return Reply(plain.code, plain.body, plain.content_type, error.headers)


def intent_of(request: Request) -> Intent:
    return Intent(request.manager, request.is_dry_run, request.query.get("force") == "true")


def _verb(request: Request, target: Target) -> str:
    is_watch = request.query.get("watch") in ("1", "true")
    verbs = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    if not target.name:
        verbs = {"GET": "watch" if is_watch else "list", "POST": "create", "DELETE": "deletecollection"}
    verb = verbs.get(request.method, "")
    if verb not in target.kind.verbs or (target.subresource and verb == "delete"):
        raise method_not_allowed()
    if verb == "create" and target.kind.is_namespaced and not target.namespace:
        raise method_not_allowed()
    return verb


def _patched(content_type: str, target: Target | None, manifest: Manifest, patch: Any) -> Manifest:
    """`target` is None for a value that has no shape of its own."""
    try:
        if content_type == _JSON:
            patched = json_patch(manifest, patch)
        elif content_type == _STRATEGIC and target is not None and not target.kind.is_custom:
            patched = strategic_patched(manifest, patch, shape_of(target.kind.kind, None))
        elif content_type == _MERGE or (content_type == _STRATEGIC and target is None):
            patched = merge_patch(manifest, patch)
        else:
            raise unsupported_media_type(
                f"the body of the request was in an unknown format - accepted media types include: "
                f"{_JSON}, {_MERGE}, {_APPLY}"
            )
    except PatchFailed as error:
        raise ApiError(
            422, "Invalid", f"the server rejected our request due to an error in our request: {error}"
        ) from error
    except (TypeError, AttributeError) as error:
        raise bad_request(f"the patch does not fit: {error}") from error
    if not isinstance(patched, dict) or not isinstance(patched.get("metadata"), dict):
        raise bad_request("the patched object is none")
    return patched


def _review(request: Request, target: Target) -> Manifest:
    body = decode_object(request.body)
    body |= {"kind": target.kind.kind, "apiVersion": target.kind.api_version}
    if target.kind.kind == "SelfSubjectReview":
        return body | {"status": {"userInfo": {"username": f"standin:{request.role}"}}}
    attributes = (body.get("spec") or {}).get("resourceAttributes") or {}
    is_allowed = request.role.allows(attributes.get("verb", "")) and request.role is not TokenRole.NOBODY
    return body | {"status": {"allowed": is_allowed}}
