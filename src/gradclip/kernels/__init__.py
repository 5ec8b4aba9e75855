"""Reading gradients as fast as memory allows: the only room with tricks."""
