"""Clip, see and understand gradients, with one meaning in every framework."""

__version__ = "0.1.0"
