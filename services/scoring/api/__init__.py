"""The read API: figures, targets, breaches, a stream of changes, period results, the console."""
