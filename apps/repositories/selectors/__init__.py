"""What is read of repositories: their rows for pages (`rows`), their stored history (`commits`)."""

from __future__ import annotations

from apps.repositories.selectors.rows import JobRow, RepositoryRow, job_context, row_of, state_of

__all__ = ["JobRow", "RepositoryRow", "job_context", "row_of", "state_of"]
