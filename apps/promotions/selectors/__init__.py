"""What the pages of promotions read, shaped as their templates show it."""
