"""Judges a whole running system by its totals, whichever way they are read."""
