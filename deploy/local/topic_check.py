"""Which registered topics a cluster lacks."""

from shared.contracts.topics import TOPICS


async def missing_topics(bootstrap_servers: str) -> set[str]:
    """Return the names of registered topics that do not exist. Raises KafkaError or OSError."""
    from shared.runtime.kafka import make_admin

    admin = make_admin(bootstrap_servers)
    try:
        await admin.start()
        return set(TOPICS) - set(await admin.list_topics())
    finally:
        await admin.close()
