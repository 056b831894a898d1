"""Stand-ins for GitHub, GitLab and Gitea: their API over HTTP on loopback, in front of real repositories."""
