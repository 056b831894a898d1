"""What the pages of applications and clusters read, shaped as their templates show it."""
