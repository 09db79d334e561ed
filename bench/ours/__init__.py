"""Our side: the columnar engine of *common* and *rolling*, the hot path, and the limits."""
