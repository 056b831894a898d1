"""Where pull requests live: GitHub, GitLab, Gitea and Forgejo, or nowhere but here."""
