"""The same edge cases through gradclip and through each framework's own function."""
