"""Events to measure with, seeded: the same for every engine."""
