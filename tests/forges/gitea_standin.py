"""A Gitea 1.21 with its traps, as far as promotions and pyforgejo need it: https://docs.gitea.com/api/1.21/."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tests.forges.ground import Account, Project, Pull, Refused, Status, Vote
from tests.forges.server import Call, Forge, Reply, is_open, route, stamp

REPO = "/repos/{owner}/{name}"
PULL = f"{REPO}/pulls/{{number}}"
MOST = 50
_VOTES = {"approved": "APPROVED", "rejected": "REQUEST_CHANGES", "said": "COMMENT"}


class GiteaStandIn(Forge):
    prefix = "/api/v1"

    def token_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").partition(" ")[2]

    def refusal(self, refused: Refused) -> Any:
        return {"message": refused.message, "url": f"{self.root}/api/swagger"}

    @route("GET", "/version")
    @is_open
    def version(self, call: Call) -> Any:
        return {"version": "1.21.11"}

    @route("GET", "/user")
    def user(self, call: Call) -> Any:
        return _user(call.by.name)

    @route("POST", "/user/repos")
    def create_repo(self, call: Call) -> Any:
        project = self.ground.create(f"{call.by.name}/{call.body['name']}")
        if call.body.get("auto_init"):
            project.write("main", "README.md", "", "Initial commit")
        return Reply(self._repo(project, call.by), 201)

    @route("GET", REPO)
    def repo(self, call: Call) -> Any:
        return self._repo(self.project(call), call.by)

    @route("PATCH", REPO)
    def edit_repo(self, call: Call) -> Any:
        project = self.project(call, "admin")
        project.allows_merge_commits = call.body.get("allow_merge_commits", project.allows_merge_commits)
        return self._repo(project, call.by)

    @route("DELETE", REPO)
    def delete_repo(self, call: Call) -> Any:
        self.ground.remove(self.project(call, "admin"))
        return Reply(status=204)

    @route("PUT", f"{REPO}/collaborators/{{who}}")
    def collaborator(self, call: Call) -> Any:
        self.project(call, "admin")
        return Reply(status=204)

    @route("POST", f"{REPO}/contents/{{path*}}")
    def write(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        branch = body.get("new_branch") or body.get("branch") or "main"
        text = base64.b64decode(body["content"]).decode()
        sha = project.write(
            branch, call.parts["path"], text, body.get("message", ""), body.get("branch") or "main"
        )
        return Reply({"content": {"path": call.parts["path"]}, "commit": {"sha": sha}}, 201)

    @route("PUT", f"{REPO}/contents/{{path*}}")
    def rewrite(self, call: Call) -> Any:
        return Reply(self.write(call).data, 200)

    @route("GET", f"{REPO}/contents/{{path*}}")
    def contents(self, call: Call) -> Any:
        project, ref = self.project(call), call.query.get("ref", "main")
        return {
            "path": call.parts["path"],
            "sha": project.seed.git("rev-parse", f"{ref}:{call.parts['path']}"),
        }

    @route("GET", f"{REPO}/branches/{{branch*}}")
    def branch(self, call: Call) -> Any:
        tip = self.project(call).tip(call.parts["branch"])
        if not tip:
            raise Refused(404, "The target couldn't be found.")
        return {"name": call.parts["branch"], "commit": {"id": tip}}

    @route("POST", f"{REPO}/branches")
    def create_branch(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        sha = project.seed.git("rev-parse", body.get("old_ref_name") or body.get("old_branch_name") or "main")
        project.seed.point(f"refs/heads/{body['new_branch_name']}", sha)
        return Reply({"name": body["new_branch_name"], "commit": {"id": sha}}, 201)

    @route("DELETE", f"{REPO}/branches/{{branch*}}")
    def delete_branch(self, call: Call) -> Any:
        self.project(call, "write").seed.delete(f"refs/heads/{call.parts['branch']}")
        return Reply(status=204)

    @route("GET", f"{REPO}/pulls")
    def pulls(self, call: Call) -> Any:
        project = self.project(call)
        states = {"open": ("open",), "closed": ("closed", "merged")}.get(call.query.get("state", "open"))
        rows = [one for one in project.pulls if states is None or one.state in states]
        rows.sort(key=lambda one: one.updated_at or one.created_at, reverse=True)
        call.query["limit"] = str(min(int(call.query.get("limit", 30)), MOST))
        found = [self._pull(project, one) for one in call.page(rows, "limit")]
        return Reply(found, headers={"X-Total-Count": str(len(rows))})

    @route("POST", f"{REPO}/pulls")
    def create_pull(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        if known := project.open_of(body["head"], body["base"]):
            raise Refused(409, f"pull request already exists for these targets [id: {known.number}]")
        pull = project.open_pull(body["head"], body["base"], body["title"], body.get("body", ""), call.by)
        pull.is_draft = pull.title.startswith("WIP:")
        return Reply(self._pull(project, pull), 201)

    @route("GET", PULL)
    def one_pull(self, call: Call) -> Any:
        return self._pull(*self.pull(call))

    @route("PATCH", PULL)
    def edit_pull(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        pull.title, pull.body = call.body.get("title", pull.title), call.body.get("body", pull.body)
        pull.is_draft = pull.title.startswith("WIP:")
        if call.body.get("state") == "closed":
            if pull.state == "merged":
                raise Refused(412, "cannot change state of this pull request, it was already merged")
            project.end(pull, "closed", call.by)
        return Reply(self._pull(project, pull), 201)

    @route("POST", f"{PULL}/merge")
    def merge(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        if pull.state != "open":
            raise Refused(405 if pull.state == "merged" else 404, "")
        if call.body.get("Do") == "merge" and not project.allows_merge_commits:
            raise Refused(405, "merge is not allowed an allowed merge style for this repository")
        if pull.is_draft:
            raise Refused(405, "Work in progress PRs cannot be merged")
        if missing := project.missing_rule(pull):
            raise Refused(405, f"user should be able to merge: not allowed to merge [reason: {missing}]")
        if project.mergeability(pull) != "clean":
            # Gitea says this of a check under way and of a conflict alike.
            raise Refused(405, "Please try again later")
        if call.body.get("head_commit_id") not in (None, "", project.head(pull)):
            raise Refused(409, "head out of date")
        message = f"{call.body.get('MergeTitleField', 'Merge')}\n\n{call.body.get('MergeMessageField', '')}"
        project.merge(pull, message, call.by, is_squash=call.body.get("Do") == "squash")
        return Reply()

    @route("GET", f"{PULL}/reviews")
    def reviews(self, call: Call) -> Any:
        _, pull = self.pull(call)
        rows = [_vote(one) for one in call.page(pull.votes, "limit")]
        return Reply(rows, headers={"X-Total-Count": str(len(pull.votes))})

    @route("POST", f"{PULL}/reviews")
    def review(self, call: Call) -> Any:
        project, pull = self.pull(call)
        if call.by.name == pull.by.name:
            raise Refused(422, "approve your own pull is not allowed")
        state = {"APPROVED": "approved", "REQUEST_CHANGES": "rejected", "COMMENT": "said"}[call.body["event"]]
        return _vote(project.vote(pull, state, call.by, call.body.get("body", "")))

    @route("POST", f"{PULL}/reviews/{{review}}/dismissals")
    def dismiss(self, call: Call) -> Any:
        _, pull = self.pull(call, "admin")
        return _vote(pull.dismiss(int(call.parts["review"])))

    @route("POST", f"{REPO}/issues/{{number}}/comments")
    def comment(self, call: Call) -> Any:
        _, pull = self.pull(call)
        pull.comments.append(call.body["body"])
        return Reply({"id": len(pull.comments), "body": call.body["body"]}, 201)

    @route("GET", f"{REPO}/issues/{{number}}/comments")
    def comments(self, call: Call) -> Any:
        _, pull = self.pull(call)
        return [{"id": number, "body": text} for number, text in enumerate(pull.comments, 1)]

    @route("GET", f"{REPO}/labels")
    def labels(self, call: Call) -> Any:
        return call.page([_label(self.project(call), one) for one in self.project(call).labels])

    @route("POST", f"{REPO}/labels")
    def make_label(self, call: Call) -> Any:
        project, name = self.project(call, "write"), call.body["name"]
        if not call.body["color"]:
            raise Refused(422, "[Color]: Required")
        project.labels.append(name)
        return Reply(_label(project, name), 201)

    @route("POST", f"{REPO}/issues/{{number}}/labels")
    def add_labels(self, call: Call) -> Any:
        project, pull = self.pull(call, "write")
        if not all(isinstance(one, int) for one in call.body["labels"]):
            raise Refused(422, "json: cannot unmarshal string into Go struct field of type int64")
        project.add_labels(pull, [project.labels[one - 1] for one in call.body["labels"]])
        return [_label(project, one) for one in pull.labels]

    @route("POST", f"{REPO}/statuses/{{sha}}")
    def set_status(self, call: Call) -> Any:
        project, body = self.project(call, "write"), call.body
        row = Status(
            body["context"],
            body["state"],
            body.get("description", ""),
            body.get("target_url", ""),
            project.now(),
        )
        project.set_status(call.parts["sha"], row)
        return Reply(_status(row), 201)

    @route("GET", f"{REPO}/commits/{{sha}}/status")
    def status(self, call: Call) -> Any:
        rows = self.project(call).last_statuses(call.parts["sha"])
        return {"state": "", "sha": call.parts["sha"], "statuses": [_status(one) for one in rows] or None}

    # --- shapes -------------------------------------------------------------------------------------------

    def _repo(self, project: Project, by: Account) -> Any:
        return {
            "id": project.number, "name": project.path.partition("/")[2], "full_name": project.path,
            "owner": _user(project.path.partition("/")[0]), "html_url": f"{self.root}/{project.path}",
            "default_branch": "main", "has_pull_requests": True, "allow_squash_merge": True,
            "allow_merge_commits": project.allows_merge_commits, "allow_rebase": True,
            "permissions": {"admin": by.may("admin"), "push": by.may("write"), "pull": True},
        }  # fmt: skip

    def _pull(self, project: Project, pull: Pull) -> Any:
        project.look(pull)
        is_there = bool(project.tip(pull.head))
        mergeable = project.mergeability(pull) == "clean" and not pull.is_draft and pull.state == "open"
        head = {
            "label": pull.head, "ref": pull.head if is_there else f"refs/pull/{pull.number}/head",
            "sha": project.head(pull), "repo_id": 999 if pull.is_from_fork else project.number,
        }  # fmt: skip
        return {
            "id": pull.number, "number": pull.number, "title": pull.title, "body": pull.body, "draft": pull.is_draft,
            "html_url": f"{self.root}/{project.path}/pulls/{pull.number}", "user": _user(pull.by.name),
            "state": "open" if pull.state == "open" else "closed", "merged": pull.state == "merged",
            "mergeable": mergeable, "head": head,
            "base": {"label": pull.base, "ref": pull.base, "sha": project.tip(pull.base), "repo_id": project.number},
            "merged_by": _user(pull.ended_by) if pull.state == "merged" else None,
            "merged_at": stamp(pull.ended_at) if pull.state == "merged" else None,
            "closed_at": stamp(pull.ended_at), "merge_commit_sha": pull.merge_sha or None,
            "labels": [_label(project, one) for one in pull.labels],
        }  # fmt: skip


def _user(name: str) -> Any:
    return {"id": 1, "login": name, "username": name}


def _label(project: Project, name: str) -> Any:
    return {"id": project.labels.index(name) + 1, "name": name, "color": "6b7785"}


def _vote(vote: Vote) -> Any:
    return {
        "id": vote.number, "user": _user(vote.by.name), "state": _VOTES[vote.state], "body": vote.text,
        "commit_id": vote.sha, "official": vote.by.may("write") and vote.state != "said", "stale": vote.is_stale,
        "dismissed": vote.is_dismissed,
        "submitted_at": stamp(vote.at),
    }  # fmt: skip


def _status(row: Status) -> Any:
    return {"context": row.name, "status": row.state, "description": row.detail, "target_url": row.url}
