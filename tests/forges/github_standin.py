"""A GitHub: https://docs.github.com/en/rest, as far as promotions and PyGithub need it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tests.forges.ground import Project, Pull, Refused, Status, Vote
from tests.forges.server import Call, Forge, Reply, route, stamp

REPO = "/repos/{owner}/{name}"
PULL = f"{REPO}/pulls/{{number}}"
_VOTES = {"approved": "APPROVED", "rejected": "CHANGES_REQUESTED", "said": "COMMENTED"}


class GitHubStandIn(Forge):
    prefix = "/api/v3"

    def token_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").partition(" ")[2]

    def refusal(self, refused: Refused) -> Any:
        message = "Bad credentials" if refused.status == 401 else refused.message
        return {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(refused.status),
        }

    @route("GET", "/user")
    def user(self, call: Call) -> Any:
        return self._user(call.by.name)

    @route("GET", "/users/{login}")
    def any_user(self, call: Call) -> Any:
        return self._user(call.parts["login"])

    @route("POST", "/user/repos")
    def create_repo(self, call: Call) -> Any:
        project = self.ground.create(f"{call.by.name}/{call.body['name']}")
        if call.body.get("auto_init"):
            project.write("main", "README.md", "", "Initial commit")
        return Reply(self._repo(project, call), 201)

    @route("GET", REPO)
    def repo(self, call: Call) -> Any:
        return self._repo(self.project(call), call)

    @route("PATCH", REPO)
    def edit_repo(self, call: Call) -> Any:
        project = self.project(call, "admin")
        project.allows_merge_commits = call.body.get("allow_merge_commit", project.allows_merge_commits)
        return self._repo(project, call)

    @route("DELETE", REPO)
    def delete_repo(self, call: Call) -> Any:
        self.ground.remove(self.project(call, "admin"))
        return Reply(status=204)

    @route("PUT", f"{REPO}/contents/{{path*}}")
    def write(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        text = base64.b64decode(body["content"]).decode()
        sha = project.write(body.get("branch", "main"), call.parts["path"], text, body["message"])
        content = {"name": call.parts["path"], "path": call.parts["path"], "sha": "0" * 40, "type": "file"}
        return Reply({"content": content, "commit": {"sha": sha}}, 201)

    @route("GET", f"{REPO}/contents/{{path*}}")
    def contents(self, call: Call) -> Any:
        project = self.project(call)
        path, ref = call.parts["path"], call.query.get("ref", "main")
        blob = project.seed.git("rev-parse", f"{ref}:{path}")
        return {"name": path, "path": path, "sha": blob, "type": "file", "encoding": "none", "content": ""}

    @route("GET", f"{REPO}/branches/{{branch*}}")
    def branch(self, call: Call) -> Any:
        project, name = self.project(call), call.parts["branch"]
        if not project.tip(name):
            raise Refused(404, "Branch not found")
        url = f"{self._url(project)}/branches/{name}"
        return {
            "name": name,
            "commit": {"sha": project.tip(name)},
            "protected": False,
            "protection_url": f"{url}/protection",
        }

    @route("PUT", f"{REPO}/branches/{{branch}}/protection")
    def protect(self, call: Call) -> Any:
        project = self.project(call, "admin")
        checks = call.body.get("required_status_checks") or {}
        named = [one["context"] for one in checks.get("checks", ())]
        project.needs_checks = (*checks.get("contexts", ()), *named)
        return {"url": f"{self._url(project)}/branches/{call.parts['branch']}/protection"}

    @route("POST", f"{REPO}/git/refs")
    def create_ref(self, call: Call) -> Any:
        project = self.project(call, "write")
        project.seed.point(call.body["ref"], call.body["sha"])
        return Reply(self._ref(project, call.body["ref"]), 201)

    @route("GET", f"{REPO}/git/ref/{{ref*}}")
    def ref(self, call: Call) -> Any:
        return self._ref(self.project(call), f"refs/{call.parts['ref']}")

    @route("DELETE", f"{REPO}/git/refs/{{ref*}}")
    def delete_ref(self, call: Call) -> Any:
        self.project(call, "write").seed.delete(f"refs/{call.parts['ref']}")
        return Reply(status=204)

    @route("GET", f"{REPO}/pulls")
    def pulls(self, call: Call) -> Any:
        project, query = self.project(call), call.query
        states = {"open": ("open",), "closed": ("closed", "merged")}.get(query.get("state", "open"))
        rows = [one for one in reversed(project.pulls) if states is None or one.state in states]
        if "head" in query:
            rows = [one for one in rows if f"{self._owner(project, one)}:{one.head}" == query["head"]]
        return [self._pull(project, one, is_whole=False) for one in call.page(rows)]

    @route("POST", f"{REPO}/pulls")
    def create_pull(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        head = body["head"].rpartition(":")[2]
        if project.open_of(head, body["base"]):
            text = f"A pull request already exists for {project.path.partition('/')[0]}:{head}."
            return Reply(_invalid({"resource": "PullRequest", "code": "custom", "message": text}), 422)
        if not project.tip(head):
            return Reply(_invalid({"resource": "PullRequest", "field": "head", "code": "invalid"}), 422)
        pull = project.open_pull(head, body["base"], body["title"], body.get("body") or "", call.by)
        return Reply(self._pull(project, pull), 201)

    @route("GET", PULL)
    def one_pull(self, call: Call) -> Any:
        return self._pull(*self.pull(call))

    @route("PATCH", PULL)
    def edit_pull(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        pull.title, pull.body = call.body.get("title", pull.title), call.body.get("body", pull.body)
        if call.body.get("state") == "closed" and pull.state == "open":
            project.end(pull, "closed", call.by)
        return self._pull(project, pull)

    @route("PUT", f"{PULL}/merge")
    def merge(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        if pull.state != "open":
            raise Refused(405, "Pull Request is not mergeable")
        if call.body.get("sha") not in (None, project.head(pull)):
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        if call.body.get("merge_method", "merge") == "merge" and not project.allows_merge_commits:
            raise Refused(405, "Merge commits are not allowed on this repository.")
        if missing := project.missing_rule(pull):
            raise Refused(405, missing)
        if project.mergeability(pull) != "clean":
            raise Refused(405, "Pull Request is not mergeable")
        message = f"{call.body.get('commit_title', 'Merge')}\n\n{call.body.get('commit_message', '')}"
        is_squash = call.body.get("merge_method") == "squash"
        sha = project.merge(pull, message, call.by, is_squash=is_squash)
        return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}

    @route("GET", f"{PULL}/reviews")
    def reviews(self, call: Call) -> Any:
        project, pull = self.pull(call)
        return [self._vote(project, pull, one) for one in call.page(pull.votes)]

    @route("POST", f"{PULL}/reviews")
    def review(self, call: Call) -> Any:
        project, pull = self.pull(call)
        if call.by.name == pull.by.name:
            text = "Can not approve your own pull request"
            return Reply(_invalid(text), 422)
        state = {"APPROVE": "approved", "REQUEST_CHANGES": "rejected", "COMMENT": "said"}[call.body["event"]]
        return self._vote(project, pull, project.vote(pull, state, call.by, call.body.get("body", "")))

    @route("PUT", f"{PULL}/reviews/{{review}}/dismissals")
    def dismiss(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        return self._vote(project, pull, pull.dismiss(int(call.parts["review"])))

    @route("GET", f"{REPO}/issues/{{number}}")
    def issue(self, call: Call) -> Any:
        project, pull = self.pull(call)
        who = self._user(pull.ended_by) if pull.ended_by else None
        url = f"{self._url(project)}/issues/{pull.number}"
        return {"number": pull.number, "url": url, "closed_by": who, "title": pull.title}

    @route("POST", f"{REPO}/issues/{{number}}/comments")
    def comment(self, call: Call) -> Any:
        _, pull = self.pull(call)
        pull.comments.append(call.body["body"])
        return Reply({"id": len(pull.comments), "body": call.body["body"]}, 201)

    @route("GET", f"{REPO}/issues/{{number}}/comments")
    def comments(self, call: Call) -> Any:
        _, pull = self.pull(call)
        return [{"id": number, "body": text} for number, text in enumerate(pull.comments, 1)]

    @route("POST", f"{REPO}/issues/{{number}}/labels")
    def add_labels(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        project.add_labels(pull, call.body["labels"])
        return self._labels(project, pull)

    @route("POST", f"{REPO}/statuses/{{sha}}")
    def set_status(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        row = Status(
            body.get("context", "default"), body["state"], body.get("description") or "",
            body.get("target_url") or "", project.now(),
        )  # fmt: skip
        project.set_status(call.parts["sha"], row)
        return Reply(_status(row), 201)

    @route("GET", f"{REPO}/commits/{{sha}}/status")
    def status(self, call: Call) -> Any:
        rows = self.project(call).last_statuses(call.parts["sha"])
        return {"state": "pending", "sha": call.parts["sha"], "statuses": [_status(one) for one in rows]}

    @route("GET", f"{REPO}/commits/{{sha}}")
    def commit(self, call: Call) -> Any:
        project = self.project(call)
        return {"sha": call.parts["sha"], "url": f"{self._url(project)}/commits/{call.parts['sha']}"}

    @route("GET", f"{REPO}/commits/{{sha}}/check-runs")
    def check_runs(self, call: Call) -> Any:
        return {"total_count": 0, "check_runs": []}

    @route("GET", f"{REPO}/collaborators/{{login}}/permission")
    def permission(self, call: Call) -> Any:
        self.project(call, "write")
        who = self.ground.named(call.parts["login"])
        return {"permission": who.level, "role_name": who.level, "user": self._user(who.name)}

    # --- shapes -------------------------------------------------------------------------------------------

    def _url(self, project: Project) -> str:
        return f"{self.api_url}/repos/{project.path}"

    def _user(self, name: str) -> Any:
        return {"login": name, "id": 1, "type": "User", "url": f"{self.api_url}/users/{name}"}

    def _owner(self, project: Project, pull: Pull) -> str:
        return "stranger" if pull.is_from_fork else project.path.partition("/")[0]

    def _repo(self, project: Project, call: Call) -> Any:
        owner, _, name = project.path.partition("/")
        return {
            "id": project.number, "name": name, "full_name": project.path, "url": self._url(project),
            "html_url": f"{self.root}/{project.path}", "owner": self._user(owner), "default_branch": "main",
            "private": True, "allow_merge_commit": project.allows_merge_commits, "allow_squash_merge": True,
            "allow_rebase_merge": True,
            "permissions": {"pull": True, "push": call.by.may("write"), "admin": call.by.may("admin")},
        }  # fmt: skip

    def _ref(self, project: Project, ref: str) -> Any:
        sha = project.seed.git("rev-parse", ref)
        return {
            "ref": ref,
            "url": f"{self._url(project)}/git/{ref}",
            "object": {"sha": sha, "type": "commit"},
        }

    def _pull(self, project: Project, pull: Pull, *, is_whole: bool = True) -> Any:
        project.look(pull)
        owner = self._owner(project, pull)
        head_repo = {"id": 999, "full_name": f"{owner}/fork"} if pull.is_from_fork else {"id": project.number}
        url = f"{self._url(project)}/pulls/{pull.number}"
        data = {
            "id": pull.number, "number": pull.number, "url": url, "title": pull.title, "body": pull.body,
            "html_url": f"{self.root}/{project.path}/pull/{pull.number}", "user": self._user(pull.by.name),
            "issue_url": f"{self._url(project)}/issues/{pull.number}",
            "state": "open" if pull.state == "open" else "closed", "draft": pull.is_draft,
            "head": {"ref": pull.head, "sha": project.head(pull), "label": f"{owner}:{pull.head}", "repo": head_repo},
            "base": {"ref": pull.base, "sha": project.tip(pull.base), "repo": {"id": project.number}},
            "merged_at": stamp(pull.ended_at) if pull.state == "merged" else None,
            "closed_at": stamp(pull.ended_at), "created_at": stamp(pull.created_at),
            "merge_commit_sha": pull.merge_sha or "f" * 40, "labels": self._labels(project, pull),
        }  # fmt: skip
        return data | self._detail(project, pull) if is_whole else data

    def _labels(self, project: Project, pull: Pull) -> Any:
        return [{"id": project.labels.index(one) + 1, "name": one, "color": "ededed"} for one in pull.labels]

    def _detail(self, project: Project, pull: Pull) -> Any:
        found = project.mergeability(pull)
        return {
            "merged": pull.state == "merged",
            "merged_by": self._user(pull.ended_by) if pull.state == "merged" else None,
            "mergeable": {"unknown": None, "conflict": False}.get(found, True),
            "mergeable_state": {"conflict": "dirty", "clean": "clean"}.get(found, "unknown"),
        }

    def _vote(self, project: Project, pull: Pull, vote: Vote) -> Any:
        return {
            "id": vote.number, "user": self._user(vote.by.name), "body": vote.text, "commit_id": vote.sha,
            "state": "DISMISSED" if vote.is_dismissed else _VOTES[vote.state], "submitted_at": stamp(vote.at),
            "pull_request_url": f"{self._url(project)}/pulls/{pull.number}",
        }  # fmt: skip


def _status(row: Status) -> Any:
    return {
        "context": row.name, "state": row.state, "description": row.detail, "target_url": row.url or None,
        "created_at": stamp(row.at),
    }  # fmt: skip


def _invalid(error: Any) -> Any:
    return {"message": "Validation Failed", "errors": [error], "status": "422"}
