"""The measuring role: input topics to panes and measurements, effectively once."""
