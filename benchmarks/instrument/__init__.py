"""What `gradclip run` costs: at the start of a program, and at each step."""
