"""Delivers events to ingest over HTTP: in order, and until they are stored or refused."""
