"""Inputs to entries: what of the user's directories goes into a bundle, and under which path."""
