"""Policies: what is clipped, to which limit and how, written once for every framework."""
