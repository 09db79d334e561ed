"""Benchmarks: our engine and what a user would pick instead, on one broker, events and job."""
