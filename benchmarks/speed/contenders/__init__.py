"""Who is timed: one module a framework, each with `contenders(case)`."""
