"""What the views and tasks of promotions do: gather, decide, record."""
