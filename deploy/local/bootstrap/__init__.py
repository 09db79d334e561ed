"""Brings a bare checkout to where it can run: standard library only, as nothing is there yet."""
