"""What Bellwether's services say to each other: events, topics and record formats.

Imports only the standard library, Pydantic and msgspec.
"""
