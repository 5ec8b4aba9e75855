"""`gradclip run` and `gradclip.instrument`: follow a training program that nobody changed."""
