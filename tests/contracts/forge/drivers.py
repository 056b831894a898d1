"""
What people do on a forge, done with the libraries others wrote for it: PyGithub, python-gitlab, pyforgejo.

Each works on a stand-in and on a real forge alike, and in a repository that it makes and removes itself.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import github
import gitlab
import httpx
from pyforgejo import PyforgejoApi

from gitopsui.adapters.forge.call import ForgeAccess

README = "README.md"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a forge is, and the tokens of two of its accounts; the second may be missing on a real one."""

    api_url: str
    token: str
    other_token: str = ""


class Driver(Protocol):
    """One repository with a `main` branch, and the people who work in it."""

    path: str
    place: Place

    def write(self, branch: str, path: str, text: str) -> str:
        """A new file on a branch, which begins at main where it is not there. Answers the commit."""
        ...

    def tip(self, branch: str) -> str: ...

    def delete_branch(self, branch: str) -> None: ...

    def titles(self) -> list[str]:
        """Of the open pull requests."""
        ...

    def body(self, number: str) -> str: ...

    def open_by_hand(self, head: str, title: str) -> None: ...

    def merge_by_hand(self, number: str) -> None: ...

    def close_by_hand(self, number: str) -> None: ...

    def approve(self, number: str) -> str:
        """By the other account; answers its name."""
        ...

    def remark(self, number: str) -> None:
        """By the other account, as a review that says neither yes nor no where the forge has such."""
        ...

    def take_back(self, number: str) -> None:
        """The approval of the other account is dismissed, or taken back where only its giver may."""
        ...

    def comments(self, number: str) -> list[str]: ...

    def labels(self, number: str) -> list[str]: ...

    def statuses(self, sha: str) -> dict[str, str]: ...

    def set_status(self, sha: str, name: str, state: str) -> None: ...

    def block(self, number: str) -> None:
        """Make a rule of the forge forbid the merge."""
        ...

    def remove(self) -> None: ...


def access_of(driver: Driver) -> ForgeAccess:
    return ForgeAccess(driver.place.api_url, driver.path, driver.place.token)


def _new_name() -> str:
    return f"gitopsui-{uuid.uuid4().hex[:10]}"


class GitHubDriver:
    def __init__(self, place: Place) -> None:
        self.place = place
        self._client = self._sign_in(place.token)
        self._repo = self._client.get_user().create_repo(_new_name(), auto_init=True)  # type: ignore[union-attr]
        self.path = self._repo.full_name

    def _sign_in(self, token: str) -> github.Github:
        return github.Github(auth=github.Auth.Token(token), base_url=self.place.api_url, retry=None)

    def write(self, branch: str, path: str, text: str) -> str:
        if branch != "main" and not self._has(branch):
            self._repo.create_git_ref(f"refs/heads/{branch}", self.tip("main"))
        return str(self._repo.create_file(path, f"Add {path}", text, branch=branch)["commit"].sha)

    def _has(self, branch: str) -> bool:
        try:
            self._repo.get_branch(branch)
        except github.GithubException:
            return False
        return True

    def tip(self, branch: str) -> str:
        return self._repo.get_branch(branch).commit.sha

    def delete_branch(self, branch: str) -> None:
        self._repo.get_git_ref(f"heads/{branch}").delete()

    def titles(self) -> list[str]:
        return [pull.title for pull in self._repo.get_pulls(state="open")]

    def body(self, number: str) -> str:
        return self._repo.get_pull(int(number)).body

    def open_by_hand(self, head: str, title: str) -> None:
        self._repo.create_pull(base="main", head=head, title=title)

    def merge_by_hand(self, number: str) -> None:
        assert self._repo.get_pull(int(number)).merge().merged

    def close_by_hand(self, number: str) -> None:
        self._repo.get_pull(int(number)).edit(state="closed")

    def approve(self, number: str) -> str:
        other = self._sign_in(self.place.other_token)
        other.get_repo(self.path).get_pull(int(number)).create_review(event="APPROVE", body="Go")
        return other.get_user().login

    def remark(self, number: str) -> None:
        other = self._sign_in(self.place.other_token)
        other.get_repo(self.path).get_pull(int(number)).create_review(event="COMMENT", body="One word")

    def take_back(self, number: str) -> None:
        for review in self._repo.get_pull(int(number)).get_reviews():
            if review.state == "APPROVED":
                review.dismiss("Not like this")

    def comments(self, number: str) -> list[str]:
        return [one.body for one in self._repo.get_pull(int(number)).get_issue_comments()]

    def labels(self, number: str) -> list[str]:
        return sorted(one.name for one in self._repo.get_pull(int(number)).labels)

    def statuses(self, sha: str) -> dict[str, str]:
        return {one.context: one.state for one in self._repo.get_commit(sha).get_combined_status().statuses}

    def set_status(self, sha: str, name: str, state: str) -> None:
        self._repo.get_commit(sha).create_status(state, context=name, description="Ran")

    def block(self, number: str) -> None:
        self._repo.get_branch("main").edit_protection(strict=False, contexts=["never"])

    def remove(self) -> None:
        self._repo.delete()
        self._client.close()


class GitLabDriver:
    def __init__(self, place: Place) -> None:
        self.place = place
        self._client = self._sign_in(place.token)
        made = self._client.projects.create({"name": _new_name(), "initialize_with_readme": True})
        self._project = self._client.projects.get(made.get_id())
        self.path = self._project.path_with_namespace

    def _sign_in(self, token: str) -> gitlab.Gitlab:
        return gitlab.Gitlab(self.place.api_url.removesuffix("/api/v4"), private_token=token)

    def write(self, branch: str, path: str, text: str) -> str:
        action = {"action": "create", "file_path": path, "content": text}
        asked: dict[str, Any] = {"branch": branch, "commit_message": f"Add {path}", "actions": [action]}
        if branch != "main" and not self._has(branch):
            asked["start_branch"] = "main"
        return str(self._project.commits.create(asked).get_id())

    def _has(self, branch: str) -> bool:
        try:
            self._project.branches.get(branch)
        except gitlab.GitlabGetError:
            return False
        return True

    def tip(self, branch: str) -> str:
        return str(self._project.branches.get(branch).commit["id"])

    def delete_branch(self, branch: str) -> None:
        self._project.branches.delete(branch)

    def _request(self, number: str) -> Any:
        return self._project.mergerequests.get(int(number))

    def titles(self) -> list[str]:
        return [one.title for one in self._project.mergerequests.list(state="opened", get_all=True)]

    def body(self, number: str) -> str:
        return str(self._request(number).description)

    def open_by_hand(self, head: str, title: str) -> None:
        self._project.mergerequests.create({"source_branch": head, "target_branch": "main", "title": title})

    def merge_by_hand(self, number: str) -> None:
        self._request(number).merge()

    def close_by_hand(self, number: str) -> None:
        request = self._request(number)
        request.state_event = "close"
        request.save()

    def approve(self, number: str) -> str:
        other = self._sign_in(self.place.other_token)
        other.auth()
        other.projects.get(self._project.get_id()).mergerequests.get(int(number)).approve()
        assert other.user is not None
        return str(other.user.username)

    def _as_other(self, number: str) -> Any:
        other = self._sign_in(self.place.other_token)
        return other.projects.get(self._project.get_id()).mergerequests.get(int(number))

    def remark(self, number: str) -> None:
        self._as_other(number).notes.create({"body": "One word"})

    def take_back(self, number: str) -> None:
        self._as_other(number).unapprove()

    def comments(self, number: str) -> list[str]:
        return [one.body for one in self._request(number).notes.list(get_all=True)]

    def labels(self, number: str) -> list[str]:
        return sorted(self._request(number).labels)

    def statuses(self, sha: str) -> dict[str, str]:
        return {
            one.name: one.status
            for one in self._project.commits.get(sha, lazy=True).statuses.list(get_all=True)
        }

    def set_status(self, sha: str, name: str, state: str) -> None:
        said = {"failure": "failed"}.get(state, state)
        self._project.commits.get(sha, lazy=True).statuses.create({"state": said, "name": name})

    def block(self, number: str) -> None:
        request = self._request(number)
        request.title = f"Draft: {request.title}"
        request.save()

    def remove(self) -> None:
        self._project.delete()
        self._client.session.close()


class GiteaDriver:
    def __init__(self, place: Place) -> None:
        self.place = place
        self._http: list[httpx.Client] = []
        self._client = self._sign_in(place.token)
        made = self._client.repository.create_current_user_repo(name=_new_name(), auto_init=True)
        self.path = str(made.full_name)
        self._at = {"owner": self.path.partition("/")[0], "repo": self.path.partition("/")[2]}

    def _sign_in(self, token: str) -> PyforgejoApi:
        http = httpx.Client(timeout=30)
        self._http.append(http)
        return PyforgejoApi(base_url=self.place.api_url, api_key=token, httpx_client=http)

    def write(self, branch: str, path: str, text: str) -> str:
        names = {"branch": "main"} if branch == "main" or not self._has(branch) else {"branch": branch}
        if names["branch"] != branch:
            names["new_branch"] = branch
        content = base64.b64encode(text.encode()).decode()
        made = self._client.repository.repo_create_file(
            **self._at, filepath=path, content=content, message=f"Add {path}", **names
        )
        assert made.commit is not None
        return str(made.commit.sha)

    def _has(self, branch: str) -> bool:
        try:
            self.tip(branch)
        except Exception:
            return False
        return True

    def tip(self, branch: str) -> str:
        found = self._client.repository.repo_get_branch(**self._at, branch=branch)
        assert found.commit is not None
        return str(found.commit.id)

    def delete_branch(self, branch: str) -> None:
        self._client.repository.repo_delete_branch(**self._at, branch=branch)

    def titles(self) -> list[str]:
        return [
            str(one.title)
            for one in self._client.repository.repo_list_pull_requests(**self._at, state="open")
        ]

    def body(self, number: str) -> str:
        return str(self._client.repository.repo_get_pull_request(**self._at, index=int(number)).body)

    def open_by_hand(self, head: str, title: str) -> None:
        self._client.repository.repo_create_pull_request(**self._at, head=head, base="main", title=title)

    def merge_by_hand(self, number: str) -> None:
        self._client.repository.repo_merge_pull_request(**self._at, index=int(number), do="merge")

    def close_by_hand(self, number: str) -> None:
        self._client.repository.repo_edit_pull_request(**self._at, index=int(number), state="closed")

    def approve(self, number: str) -> str:
        other = self._sign_in(self.place.other_token)
        name = str(other.user.get_current().login)
        self._client.repository.repo_add_collaborator(**self._at, collaborator=name, permission="write")
        other.repository.repo_create_pull_review(**self._at, index=int(number), event="APPROVED", body="Go")
        return name

    def remark(self, number: str) -> None:
        other = self._sign_in(self.place.other_token)
        other.repository.repo_create_pull_review(
            **self._at, index=int(number), event="COMMENT", body="One word"
        )

    def take_back(self, number: str) -> None:
        for review in self._client.repository.repo_list_pull_reviews(**self._at, index=int(number)):
            if review.state == "APPROVED" and review.id is not None:
                self._client.repository.repo_dismiss_pull_review(
                    **self._at, index=int(number), id=review.id, message="Not like this", priors=False
                )

    def comments(self, number: str) -> list[str]:
        return [str(one.body) for one in self._client.issue.get_comments(**self._at, index=int(number))]

    def labels(self, number: str) -> list[str]:
        pull = self._client.repository.repo_get_pull_request(**self._at, index=int(number))
        return sorted(str(one.name) for one in pull.labels or [])

    def statuses(self, sha: str) -> dict[str, str]:
        found = self._client.repository.repo_get_combined_status_by_ref(**self._at, ref=sha)
        return {str(one.context): str(one.status) for one in found.statuses or []}

    def set_status(self, sha: str, name: str, state: str) -> None:
        self._client.repository.repo_create_status(**self._at, sha=sha, context=name, state=state)

    def block(self, number: str) -> None:
        self._client.repository.repo_edit_pull_request(**self._at, index=int(number), title="WIP: not yet")

    def remove(self) -> None:
        self._client.repository.repo_delete(**self._at)
        for http in self._http:
            http.close()
