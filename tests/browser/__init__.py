"""What people do with a browser."""
