"""Valid events of every type, written a third time: from the contract's prose, not its code."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

_VISIBLE = st.characters(exclude_categories=["Cs", "Cc"])
names = st.one_of(
    st.sampled_from(
        ["li.na", "after-sales", "退款", "x" * 200, "a b", "🙂" * 200, "a/b%c:d", "null"]
    ),
    st.text(_VISIBLE, min_size=1, max_size=24).map(str.strip).filter(bool),
)
comments = st.one_of(
    st.sampled_from(["", "  ", "line\nbreak\t", "很好", "x" * 4000]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=24),
)
durations = st.one_of(
    st.sampled_from([0, 1, 316_224_000_000]), st.integers(0, 10 * 366 * 86_400_000)
)
bounds = st.integers(-1000, 1000)
kinds = st.sampled_from(["csat", "nps", "ces", "review", "qa"])


@st.composite
def timestamps(draw: st.DrawFn) -> str:
    """An instant in one of the spellings of RFC 3339, from none to nine digits of a second."""
    offset = draw(st.integers(-23 * 60 - 59, 23 * 60 + 59) | st.just(0))
    moment = draw(
        st.datetimes(
            datetime(1, 1, 3),  # noqa: DTZ001 - Hypothesis wants bounds without a zone
            datetime(9999, 12, 29),  # noqa: DTZ001 - as above
            timezones=st.just(UTC if offset == 0 else timezone(timedelta(minutes=offset))),
        )
    )
    text = moment.replace(microsecond=0, tzinfo=None).isoformat(sep=draw(st.sampled_from("Tt ")))
    digits = draw(st.text("0123456789", max_size=9))
    zone = draw(st.sampled_from(["Z", "z", "+00:00", "-00:00"])) if offset == 0 else _zone(offset)
    return f"{text}{'.' + digits if digits else ''}{zone}"


def _zone(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _members(
    required: Mapping[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Document]:
    """An object: optional members may be left out, or be null."""
    return st.fixed_dictionaries(
        dict(required), optional={name: st.none() | one for name, one in optional.items()}
    )


_HOLDER = {"department": names, "team": names, "employee": names}
_NOTHING = st.builds(Document)
_SOMEBODY = _members({}, employee=names)


@st.composite
def _answers(draw: st.DrawFn) -> Document:
    low, high = sorted(draw(st.lists(bounds, min_size=2, max_size=2, unique=True)))
    answer = draw(
        _members(
            {"kind": kinds, "scale": st.just({"min": low, "max": high})},
            wording=names,
            employee=names,
            rater=names,
            comment=comments,
        )
    )
    answer["value"] = draw(st.integers(low, high))
    if draw(st.booleans()):
        answer["rater_role"] = draw(st.sampled_from(["customer", "peer", "manager"]))
    return answer


_REATTRIBUTION = _members(
    {"action": st.just("reattribute"), "reason": names},
    event_id=names,
    event_source=names,
    start=timestamps(),
    end=timestamps(),
    **_HOLDER,
)
_EXCLUSION = _members(
    {"action": st.just("exclude"), "reason": names, "event_id": names}, event_source=names
)
_EXEMPTION = _members(
    {"action": st.just("exempt"), "reason": names, "start": timestamps(), "end": timestamps()}
)

DATA: Mapping[str, st.SearchStrategy[Document]] = {
    "ticket.opened": _members(
        {}, channel=names, category=names, customer=names, priority=names, **_HOLDER
    ),
    "ticket.assigned": _members({}, transfer=st.booleans(), **_HOLDER),
    "ticket.customer_replied": _NOTHING,
    "ticket.waiting": _members({"on": st.sampled_from(["customer", "third_party"])}),
    "ticket.resumed": _NOTHING,
    "ticket.resolved": _SOMEBODY,
    "ticket.reopened": _NOTHING,
    "ticket.closed": _NOTHING,
    "ticket.complained": _SOMEBODY,
    "ticket.handled": _members(
        {"duration_ms": durations},
        employee=names,
        cost_minor=st.integers(0, 10**12),
        currency=st.sampled_from(["CNY", "EUR"]),
    ),
    "ticket.corrected": _REATTRIBUTION | _EXCLUSION | _EXEMPTION,
    "response.sent": _members({"sender": st.sampled_from(["employee", "bot"])}, employee=names),
    "response.measured": _members(
        {
            "metric": st.sampled_from(
                ["first_response_time", "next_response_time", "resolution_time", "handling_time"]
            ),
            "duration_ms": durations,
        },
        employee=names,
    ),
    "survey.sent": _members({"kind": kinds}, wording=names, employee=names),
    "survey.answered": _answers(),
}
MAY_LACK_DATA = frozenset(
    {
        "ticket.customer_replied",
        "ticket.resumed",
        "ticket.resolved",
        "ticket.reopened",
        "ticket.closed",
        "ticket.complained",
    }
)

extensions = st.dictionaries(
    st.sampled_from(["traceparent", "partitionkey", "sequence", "sampled"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.integers(-(2**31), 2**31 - 1)
    | st.booleans(),
    max_size=2,
)


@st.composite
def events(draw: st.DrawFn, event_type: str | None = None) -> Document:
    """A valid event as a JSON document, with its members in any order."""
    kind = event_type or draw(st.sampled_from(sorted(DATA)))
    event = draw(
        _members(
            {
                "specversion": st.just("1.0"),
                "id": names,
                "source": names,
                "subject": names,
                "time": timestamps(),
                "type": st.just(kind),
            },
            receivedtime=timestamps(),
            datacontenttype=st.sampled_from(
                ["application/json", "application/json; charset=utf-8"]
            ),
            dataschema=st.just(f"urn:bellwether:event:{kind}:v1"),
        )
    )
    data = draw(DATA[kind])
    if data or kind not in MAY_LACK_DATA or draw(st.booleans()):
        event["data"] = data
    event.update(draw(extensions))
    order = draw(st.permutations(list(event)))
    return {name: event[name] for name in order}
