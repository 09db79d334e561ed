"""Replay of a log file: a mapping turns its rows into events, and a sender delivers them."""
