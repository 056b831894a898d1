"""A GitLab 17: https://docs.gitlab.com/api/, as far as promotions and python-gitlab need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.forges.ground import Project, Pull, Refused, Status
from tests.forges.server import Call, Forge, Reply, is_open, route, stamp

PROJECT = "/projects/{project}"
REQUEST = f"{PROJECT}/merge_requests/{{number}}"
_STATES = {"open": "opened", "closed": "closed", "merged": "merged"}
_ROLES = {"none": 0, "read": 20, "write": 30, "admin": 40}


class GitLabStandIn(Forge):
    prefix = "/api/v4"

    def token_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("private-token", "") or headers.get("authorization", "").partition(" ")[2]

    def path_of(self, call: Call) -> str:
        return call.parts["project"]

    def refusal(self, refused: Refused) -> Any:
        said = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Project Not Found"}
        return {"message": said.get(refused.status, refused.message)}

    @route("GET", "/version")
    def version(self, call: Call) -> Any:
        return {"version": "17.5.0", "revision": "abcdef0"}

    @route("GET", "/personal_access_tokens/self")
    @is_open
    def own_token(self, call: Call) -> Any:
        return {"id": 1, "scopes": ["read_api" if call.by.level == "read" else "api"], "active": True}

    @route("GET", "/user")
    def user(self, call: Call) -> Any:
        return self._user(call.by.name)

    @route("POST", "/projects")
    def create(self, call: Call) -> Any:
        project = self.ground.create(f"{call.by.name}/{call.body['name']}")
        if call.body.get("initialize_with_readme"):
            project.write("main", "README.md", "", "Initial commit")
        return Reply(self._project(project, call), 201)

    @route("GET", PROJECT)
    def one(self, call: Call) -> Any:
        return self._project(self.project(call), call)

    @route("DELETE", PROJECT)
    def delete(self, call: Call) -> Any:
        self.ground.remove(self.project(call, "admin"))
        return Reply({"message": "202 Accepted"}, 202)

    @route("POST", f"{PROJECT}/repository/commits")
    def commit(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        action = body["actions"][0]
        start = body.get("start_branch", "main")
        sha = project.write(
            body["branch"], action["file_path"], action["content"], body["commit_message"], start
        )
        return Reply({"id": sha, "title": body["commit_message"]}, 201)

    @route("GET", f"{PROJECT}/repository/branches/{{branch*}}")
    def branch(self, call: Call) -> Any:
        tip = self.project(call).tip(call.parts["branch"])
        if not tip:
            raise Refused(404, "404 Branch Not Found")
        return {"name": call.parts["branch"], "commit": {"id": tip}}

    @route("DELETE", f"{PROJECT}/repository/branches/{{branch*}}")
    def delete_branch(self, call: Call) -> Any:
        self.project(call, "write").seed.delete(f"refs/heads/{call.parts['branch']}")
        return Reply(status=204)

    @route("GET", f"{PROJECT}/repository/commits/{{sha}}/statuses")
    def statuses(self, call: Call) -> Any:
        rows = sorted(
            self.project(call).statuses.get(call.parts["sha"], []), key=lambda one: one.at, reverse=True
        )
        latest = {one.name: one for one in reversed(rows)}
        found = [_status(one) for one in latest.values()]
        return Reply(call.page(found, default=20), headers={"X-Next-Page": ""})

    @route("POST", f"{PROJECT}/statuses/{{sha}}")
    def set_status(self, call: Call) -> Any:
        project, body, sha = self.project(call, "write"), call.body, call.parts["sha"]
        name = body.get("name") or body.get("context") or "default"
        old = next((one for one in project.last_statuses(sha) if one.name == name), None)
        if old is not None and old.state == body["state"]:
            event = {"pending": "enqueue", "success": "success", "failed": "drop"}[body["state"]]
            raise Refused(
                400,
                f"Cannot transition status via :{event} from :{old.state} (Reason(s): Status cannot transition)",
            )
        row = Status(
            name, body["state"], body.get("description", ""), body.get("target_url", ""), project.now()
        )
        project.set_status(sha, row)
        return Reply(_status(row), 201)

    @route("GET", f"{PROJECT}/merge_requests")
    def requests_of(self, call: Call) -> Any:
        project, query = self.project(call), call.query
        wanted = query.get("state", "all")
        rows = [one for one in reversed(project.pulls) if wanted in ("all", _STATES[one.state])]
        rows = [one for one in rows if query.get("source_branch", one.head) == one.head]
        size, page = int(query.get("per_page", 20)), int(query.get("page", 1))
        following = str(page + 1) if page * size < len(rows) else ""
        found = [self._request(project, one) for one in call.page(rows, default=20)]
        return Reply(found, headers={"X-Next-Page": following, "X-Total": str(len(rows))})

    @route("POST", f"{PROJECT}/merge_requests")
    def create_request(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        head, base = body["source_branch"], body["target_branch"]
        if known := project.open_of(head, base):
            text = f"Another open merge request already exists for this source branch: !{known.number}"
            return Reply({"message": [text]}, 409)
        pull = project.open_pull(head, base, body["title"], body.get("description") or "", call.by)
        project.add_labels(pull, [name for name in body.get("labels", "").split(",") if name])
        pull.is_draft = pull.title.startswith("Draft:")
        return Reply(self._request(project, pull), 201)

    @route("GET", REQUEST)
    def one_request(self, call: Call) -> Any:
        return self._request(*self.pull(call))

    @route("PUT", REQUEST)
    def edit_request(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        pull.title = call.body.get("title", pull.title)
        pull.body = call.body.get("description", pull.body)
        pull.is_draft = pull.title.startswith("Draft:")
        if call.body.get("state_event") == "close" and pull.state == "open":
            project.end(pull, "closed", call.by)
        return self._request(project, pull)

    @route("PUT", f"{REQUEST}/merge")
    def merge(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        if self._merge_status(project, pull) != "mergeable":
            raise Refused(405, "405 Method Not Allowed")
        if call.body.get("sha") not in (None, project.head(pull)):
            raise Refused(409, f"SHA does not match HEAD of source branch: {project.head(pull)}")
        project.merge(pull, call.body.get("merge_commit_message") or "Merge", call.by)
        return self._request(project, pull)

    @route("POST", f"{REQUEST}/approve")
    def approve(self, call: Call) -> Any:
        project, pull = self.pull(call)
        if not call.by.may("write"):
            raise Refused(401, "401 Unauthorized")
        project.vote(pull, "approved", call.by)
        return Reply(self._approvals(pull), 201)

    @route("POST", f"{REQUEST}/unapprove")
    def unapprove(self, call: Call) -> Any:
        _, pull = self.pull(call)
        mine = [one for one in pull.votes if one.by.name == call.by.name and not one.is_dismissed]
        if not mine:
            raise Refused(404, "404 Not Found")
        pull.dismiss(mine[-1].number)
        return Reply(self._approvals(pull), 201)

    @route("GET", f"{REQUEST}/approvals")
    def approvals(self, call: Call) -> Any:
        return self._approvals(self.pull(call)[1])

    @route("GET", f"{REQUEST}/reviewers")
    def reviewers(self, call: Call) -> Any:
        _, pull = self.pull(call)
        asked = {one.by.name: one for one in pull.votes if one.state == "rejected"}
        return [
            {"user": self._user(name), "state": "requested_changes", "created_at": stamp(one.at)}
            for name, one in asked.items()
        ]

    @route("GET", f"{REQUEST}/versions")
    def versions(self, call: Call) -> Any:
        _, pull = self.pull(call)
        rows = [
            {"id": n, "head_commit_sha": sha, "created_at": stamp(at)}
            for n, (at, sha) in enumerate(pull.heads)
        ]
        return rows[::-1]

    @route("POST", f"{REQUEST}/notes")
    def note(self, call: Call) -> Any:
        _, pull = self.pull(call)
        pull.comments.append(call.body["body"])
        return Reply({"id": len(pull.comments), "body": call.body["body"]}, 201)

    @route("GET", f"{REQUEST}/notes")
    def notes(self, call: Call) -> Any:
        _, pull = self.pull(call)
        return [{"id": number, "body": text} for number, text in enumerate(pull.comments, 1)]

    # --- shapes -------------------------------------------------------------------------------------------

    def _user(self, name: str) -> Any:
        return {"id": 1, "username": name, "name": name, "web_url": f"{self.root}/{name}"}

    def _project(self, project: Project, call: Call) -> Any:
        return {
            "id": project.number, "path_with_namespace": project.path, "default_branch": "main",
            "name": project.path.rpartition("/")[2], "web_url": f"{self.root}/{project.path}",
            "permissions": {"project_access": {"access_level": _ROLES[call.by.level]}, "group_access": None},
        }  # fmt: skip

    def _merge_status(self, project: Project, pull: Pull) -> str:
        if pull.state != "open":
            return "not_open"
        found = project.mergeability(pull)
        if found != "clean":
            return {"unknown": "checking", "conflict": "conflict"}[found]
        if pull.is_draft:
            return "draft_status"
        return "not_approved" if project.missing_rule(pull) else "mergeable"

    def _request(self, project: Project, pull: Pull) -> Any:
        status = self._merge_status(project, pull)
        ended = {"merged": "merge_user", "closed": "closed_by"}.get(pull.state, "")
        users = {
            name: self._user(pull.ended_by) if name == ended else None for name in ("merge_user", "closed_by")
        }
        return {
            "id": 1000 + pull.number, "iid": pull.number, "project_id": project.number, "title": pull.title,
            "description": pull.body, "state": _STATES[pull.state], "sha": project.head(pull), "draft": pull.is_draft,
            "source_branch": pull.head, "target_branch": pull.base, "target_project_id": project.number,
            "source_project_id": 999 if pull.is_from_fork else project.number,
            "web_url": f"{self.root}/{project.path}/-/merge_requests/{pull.number}", "labels": pull.labels,
            "detailed_merge_status": status, "has_conflicts": status == "conflict",
            "merge_commit_sha": pull.merge_sha or None, "squash_commit_sha": None,
            "merged_at": stamp(pull.ended_at) if pull.state == "merged" else None,
            "closed_at": stamp(pull.ended_at) if pull.state == "closed" else None, **users,
        }  # fmt: skip

    def _approvals(self, pull: Pull) -> Any:
        votes = [one for one in pull.votes if one.state == "approved" and not one.is_dismissed]
        return {
            "approved_by": [{"user": self._user(one.by.name), "approved_at": stamp(one.at)} for one in votes],
            "approvals_required": 0,
        }


def _status(row: Status) -> Any:
    return {
        "id": 1, "name": row.name, "status": row.state, "description": row.detail, "target_url": row.url or None,
        "allow_failure": False, "created_at": stamp(row.at),
    }  # fmt: skip
