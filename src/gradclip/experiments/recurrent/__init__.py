"""Recurrent networks, whose gradients explode: what clipping was invented for."""
