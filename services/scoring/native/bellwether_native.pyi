"""The measuring engine's work on every event, compiled."""

__version__: str
