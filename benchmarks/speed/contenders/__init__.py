"""gradclip and the framework's own function on the same gradients: one module a framework."""
