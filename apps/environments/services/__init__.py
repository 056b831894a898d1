"""What changes environments: connections, taken layouts, checks and the history of versions."""
