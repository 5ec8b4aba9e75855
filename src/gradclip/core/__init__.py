"""The arithmetic of clipping, on whatever array it is given; standard library only."""
