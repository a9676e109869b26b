"""PostgreSQL, in both directions: exact reading in one snapshot, and exact writing back."""
