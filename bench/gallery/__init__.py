"""Queries and what was found for them, as pictures."""
