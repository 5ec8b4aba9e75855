"""What recording costs, and how fast runs are read, beside other ways to keep the same numbers."""
