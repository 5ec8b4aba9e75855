"""How long clipping takes, beside each framework's own function."""
