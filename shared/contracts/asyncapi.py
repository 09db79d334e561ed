"""The AsyncAPI 3.1 document of all topics, made from the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from shared.contracts.examples import EVENTS, RECORDS
from shared.contracts.schemas import PRIVATE_RECORDS, event_schemas
from shared.contracts.topics import INPUTS, TOPICS, Topic, topic_for

VERSION: Final = "1.0.0"
"""Version of the contract, not of the software: it grows with the contract alone."""

_SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_CONTENT_TYPES: Final = {
    "cloudevents+json": "application/cloudevents+json",
    "json": "application/json",
    "msgpack": "application/msgpack",
}
_DESCRIPTION: Final = """\
Bellwether's topics. `ingest` is the way in for events: it authenticates the source, checks every
event and answers when all in-sync replicas have it. Consumers read committed records only.
Partitions that are not stated are as many as the input topics have (`BELLWETHER_PARTITIONS`)."""

Document = dict[str, Any]


def document() -> Document:
    """The whole document, as JSON values."""
    return {
        "asyncapi": "3.1.0",
        "id": "urn:bellwether",
        "info": {
            "title": "Bellwether",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:19092",
                "protocol": "kafka",
                "description": "The broker that `make run` starts",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(_operations()),
        "components": {"messages": _messages()},
    }


def _channel(topic: Topic) -> Document:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": _description(topic),
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)
        },
        "bindings": {"kafka": _kafka_binding(topic)},
    }


def _description(topic: Topic) -> str:
    sentences = [f"{topic.summary}.", f"Key: {topic.key}."]
    if topic.dead_letters:
        sentences.append(f"What can never be processed goes to {topic.dead_letters}.")
    return " ".join(sentences)


def _kafka_binding(topic: Topic) -> Document:
    config = topic.config
    binding: Document = {
        "topic": topic.name,
        "topicConfiguration": {
            "cleanup.policy": [config["cleanup.policy"]],
            "retention.ms": int(config["retention.ms"]),
            "max.message.bytes": int(config["max.message.bytes"]),
        },
        "bindingVersion": "0.5.0",
    }
    return binding if topic.partitions is None else {**binding, "partitions": topic.partitions}


def _message_names(topic: Topic) -> list[str]:
    if topic in INPUTS:
        return [name for name in event_schemas() if topic_for(name) is topic]
    return [topic.value]


def _operations() -> Iterator[tuple[str, Document]]:
    for topic in TOPICS.values():
        for service in topic.producers:
            yield f"{service}.send.{topic.name}", _operation("send", service, topic)
        for service in topic.consumers:
            yield f"{service}.receive.{topic.name}", _operation("receive", service, topic)


def _operation(action: str, service: str, topic: Topic) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "title": f"{service} {action}s {topic.name}",
        "tags": [{"name": service}],
    }


def _messages() -> dict[str, Document]:
    events = {name: _event_message(name) for name in event_schemas()}
    records = {topic.value: topic for topic in TOPICS.values() if topic not in INPUTS}
    return {**events, **{name: _record_message(name, topic) for name, topic in records.items()}}


def _event_message(event_type: str) -> Document:
    return {
        "name": event_type,
        "title": event_type,
        "contentType": _CONTENT_TYPES["cloudevents+json"],
        "payload": _published_schema(event_type),
        "bindings": {"kafka": _key_binding("The ticket's id, in UTF-8")},
        "examples": [{"payload": event} for event in EVENTS if event["type"] == event_type],
    }


def _record_message(name: str, topic: Topic) -> Document:
    message: Document = {
        "name": name,
        "title": name,
        "contentType": _CONTENT_TYPES[topic.encoding],
        "payload": _published_schema(name),
        "bindings": {"kafka": _key_binding(topic.key)},
    }
    if name in PRIVATE_RECORDS:
        return {**message, "payload": _private(topic)}
    return {**message, "examples": [{"payload": _plain(one)} for one in RECORDS[name]]}


def _plain(record: msgspec.Struct) -> Any:
    return msgspec.to_builtins(record)


def _private(topic: Topic) -> Document:
    (owner,) = topic.consumers
    return {"description": f"Private to {owner}: it may change at any time"}


def _published_schema(name: str) -> Document:
    reference: Mapping[str, str] = {"$ref": f"schemas/{name}.v1.json"}
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": reference}


def _key_binding(description: str) -> Document:
    return {"key": {"type": "string", "description": description}, "bindingVersion": "0.5.0"}
