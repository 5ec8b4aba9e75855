"""Real programs by other people, unchanged, with and without `gradclip run`."""
