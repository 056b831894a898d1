"""What is read of repositories: their rows for pages (`rows`), their stored history (`commits`)."""

from __future__ import annotations

from apps.repositories.selectors.rows import RepositoryRow, job_context, row_of, state_of

__all__ = ["RepositoryRow", "job_context", "row_of", "state_of"]
