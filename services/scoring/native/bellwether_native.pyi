"""The measuring engine's work on every event, compiled."""

def parse_event(
    value: bytes,
) -> tuple[str, int, int | None, int, int, tuple[str, ...], tuple[int, ...]] | None:
    """What the fast reader makes of an event v1: subject, epoch ms, epoch ms of its reception, and
    the fact's kind, event hash, names and numbers; None where it leaves the event to
    `shared.contracts.decode.decode_event`."""
