"""What clipping changes in training: two tasks, all policies, the same seeds."""
