"""Bundles for people: what is in one, and whether it is sound. Nothing here executes its code."""
