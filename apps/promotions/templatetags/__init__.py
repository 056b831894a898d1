"""Tags of promotions."""
