"""The life of one simulated ticket, step by step. Pure.

opened ─▶ (bot reply) ─▶ assigned ─▶ (transferred) ─▶ response ─▶ (waiting ─▶ customer replied,
resumed, response) ─▶ handled, resolved ─▶ (survey sent ─▶ answered) ─▶ (complained) ─▶
(reopened ─▶ resolved) ─▶ closed, (reviewed)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from deploy.simulation.incidents import Effect
from deploy.simulation.organisation import Delay, Department, Organisation

LONGEST_DELAY_S: Final = 20 * 3600.0
CLOSE_AFTER: Final = Delay(median=60, p90=180)
ANSWER_AFTER: Final = Delay(median=75, p90=240)
CUSTOMER_AFTER: Final = Delay(median=90, p90=400)
RECOMMENDING: Final = 0.25
RATING_EFFORT: Final = 0.2
REVIEWED: Final = 0.05


class Fact(NamedTuple):
    """What happened to a ticket: an event type and its data."""

    type: str
    data: dict[str, object]


@dataclass(slots=True)
class Ticket:
    """A ticket under way; ``step`` is what happens to it next."""

    id: str
    department: str
    channel: str
    category: str
    customer: str
    team: str = ""
    employee: str = ""
    step: str = "open"
    events: int = 0
    delay: float = 1.0
    reopened: bool = False
    waited: bool = False
    worked_s: float = field(default=0.0)


class World(NamedTuple):
    """What a step may look at: the trouble of the department now, and the local hour."""

    organisation: Organisation
    effect: Effect
    hour: int
    random: Random

    def department(self, ticket: Ticket) -> Department:
        return self.organisation.departments[ticket.department]


class Outcome(NamedTuple):
    """What a step did, and in how many seconds the next step comes (None: the life is over)."""

    facts: Sequence[Fact]
    next_s: float | None


def new_ticket(ticket_id: str, department: str, profile: Department, random: Random) -> Ticket:
    """A ticket of a department with this profile, about to be opened."""
    return Ticket(
        id=ticket_id,
        department=department,
        channel=pick(profile.channels, random),
        category=pick(profile.categories, random),
        customer=f"customer-{random.randrange(40_000):05d}",
    )


def advance(ticket: Ticket, world: World) -> Outcome:
    """Do the ticket's next step."""
    return _STEPS[ticket.step](ticket, world)


def pick(weights: dict[str, float], random: Random) -> str:
    """One of the keys, by weight."""
    return random.choices(list(weights), list(weights.values()))[0]


def draw(delay: Delay, factor: float, random: Random) -> float:
    """Seconds of a delay, slowed by ``factor``."""
    return min(LONGEST_DELAY_S, random.lognormvariate(delay.mu, delay.sigma) * factor)


def _open(ticket: Ticket, world: World) -> Outcome:
    opened = Fact(
        "ticket.opened",
        {
            "department": ticket.department,
            "channel": ticket.channel,
            "category": ticket.category,
            "customer": ticket.customer,
            "priority": world.random.choices(["low", "normal", "high"], [2, 7, 1])[0],
        },
    )
    has_bot = ticket.channel == "chat" and world.random.random() < world.department(ticket).bot
    ticket.step = "bot" if has_bot else "assign"
    return Outcome([opened], world.random.uniform(1, 3))


def _bot(ticket: Ticket, world: World) -> Outcome:
    ticket.step = "assign"
    return Outcome([Fact("response.sent", {"sender": "bot"})], world.random.uniform(1, 8))


def _assign(ticket: Ticket, world: World) -> Outcome:
    ticket.team, ticket.employee = _somebody(ticket, world)
    profile = world.department(ticket)
    moves = world.random.random() < profile.transferred
    ticket.step = "transfer" if moves else "respond"
    delay = draw(profile.first_response, world.effect.response, world.random)
    ticket.delay = delay / profile.first_response.median
    return Outcome([_holder(ticket)], delay / 2 if moves else delay)


def _transfer(ticket: Ticket, world: World) -> Outcome:
    before = ticket.employee
    if world.random.random() < 0.2:
        ticket.department = world.random.choice(list(world.organisation.departments))
    for _ in range(4):
        ticket.team, ticket.employee = _somebody(ticket, world)
        if ticket.employee != before:
            break
    ticket.step = "respond"
    rest = draw(world.department(ticket).first_response, world.effect.response, world.random) / 2
    return Outcome([_holder(ticket)], rest)


def _respond(ticket: Ticket, world: World) -> Outcome:
    profile = world.department(ticket)
    waits = not ticket.waited and world.random.random() < profile.waiting
    ticket.step = "wait" if waits else "resolve"
    delay = draw(profile.resolution, world.effect.resolution, world.random)
    ticket.worked_s += min(delay, 1800.0) * 0.6
    facts = [Fact("response.sent", {"sender": "employee", "employee": ticket.employee})]
    return Outcome(facts, delay * (0.3 if waits else 1.0))


def _wait(ticket: Ticket, world: World) -> Outcome:
    ticket.waited = True
    ticket.step = "resume"
    on = "customer" if world.random.random() < 0.85 else "third_party"
    return Outcome([Fact("ticket.waiting", {"on": on})], draw(CUSTOMER_AFTER, 1.0, world.random))


def _resume(ticket: Ticket, world: World) -> Outcome:
    ticket.step = "respond"
    delay = draw(world.department(ticket).first_response, world.effect.response, world.random)
    return Outcome([Fact("ticket.customer_replied", {}), Fact("ticket.resumed", {})], delay)


def _resolve(ticket: Ticket, world: World) -> Outcome:
    ticket.step = "ask"
    seconds = max(20.0, ticket.worked_s)
    worked = {
        "duration_ms": int(seconds * 1000),
        "employee": ticket.employee,
        "cost_minor": int(seconds * 1.4),
        "currency": "CNY",
    }
    ticket.worked_s = 0.0
    facts = [Fact("ticket.handled", worked), Fact("ticket.resolved", {})]
    return Outcome(facts, world.random.uniform(5, 20))


def _ask(ticket: Ticket, world: World) -> Outcome:
    if ticket.reopened:
        ticket.step = "close"
        return Outcome([], draw(CLOSE_AFTER, 1.0, world.random))
    answers = world.random.random() < world.department(ticket).answering
    ticket.step = "answer" if answers else "after"
    sent = Fact("survey.sent", {"kind": "csat", "wording": "csat-v1"})
    return Outcome([sent], draw(ANSWER_AFTER, 1.0, world.random))


def _answer(ticket: Ticket, world: World) -> Outcome:
    ticket.step = "after"
    patience = 1.0 if ticket.delay < 4 else 0.85
    satisfied = world.department(ticket).satisfied * world.effect.satisfaction * patience
    happy = world.random.random() < satisfied
    value = world.random.choices([5, 4], [3, 1]) if happy else world.random.choices([1, 2, 3])
    facts = [
        _answered("csat", (1, 5), value[0], ticket),
        *_more_answers(ticket, world, happy=happy),
    ]
    return Outcome(facts, world.random.uniform(5, 30))


def _more_answers(ticket: Ticket, world: World, *, happy: bool) -> Iterator[Fact]:
    """Some also say whether they would recommend the service, some how easy it was."""
    chance = world.random.random()
    if chance < RECOMMENDING:
        values = [10, 9, 8, 7, 6] if happy else [8, 6, 5, 3, 0]
        value = world.random.choices(values, [4, 4, 3, 1, 1])[0]
        yield _answered("nps", (0, 10), value, ticket)
    elif chance < RECOMMENDING + RATING_EFFORT:
        values = [7, 6, 5, 4] if happy else [5, 4, 2, 1]
        yield _answered("ces", (1, 7), world.random.choices(values, [3, 4, 2, 1])[0], ticket)


def _answered(kind: str, scale: tuple[int, int], value: int, ticket: Ticket) -> Fact:
    answer = {
        "kind": kind,
        "scale": {"min": scale[0], "max": scale[1]},
        "value": value,
        "wording": f"{kind}-v1",
        "rater": ticket.customer,
    }
    return Fact("survey.answered", answer)


def _after(ticket: Ticket, world: World) -> Outcome:
    profile = world.department(ticket)
    facts = []
    if world.random.random() < profile.complaining * world.effect.complaints:
        facts.append(Fact("ticket.complained", {"employee": ticket.employee}))
    if world.random.random() < profile.reopened:
        ticket.reopened = True
        ticket.step = "respond"
        facts += [Fact("ticket.customer_replied", {}), Fact("ticket.reopened", {})]
        return Outcome(facts, draw(profile.first_response, world.effect.response, world.random))
    ticket.step = "close"
    return Outcome(facts, draw(CLOSE_AFTER, 1.0, world.random))


def _close(ticket: Ticket, world: World) -> Outcome:
    return Outcome([Fact("ticket.closed", {}), *_reviews(ticket, world)], None)


def _reviews(ticket: Ticket, world: World) -> Iterator[Fact]:
    """Quality assurance looks at some of the tickets."""
    if world.random.random() < REVIEWED:
        score = min(100, max(0, round(world.random.gauss(84, 9))))
        review = {
            "kind": "qa",
            "scale": {"min": 0, "max": 100},
            "value": score,
            "employee": ticket.employee,
            "rater_role": "manager",
            "rater": f"quality-{ticket.department}",
        }
        yield Fact("survey.answered", review)


def _holder(ticket: Ticket) -> Fact:
    return Fact(
        "ticket.assigned",
        {"department": ticket.department, "team": ticket.team, "employee": ticket.employee},
    )


def _somebody(ticket: Ticket, world: World) -> tuple[str, str]:
    """A team on duty and one of its people; everybody, in an hour that no shift covers."""
    teams = world.department(ticket).teams
    on_duty = [name for name, team in teams.items() if team.on_duty(world.hour)] or list(teams)
    team = world.random.choices(on_duty, [len(teams[name].employees) for name in on_duty])[0]
    return team, world.random.choice(teams[team].employees)


_STEPS: Final[dict[str, Callable[[Ticket, World], Outcome]]] = {
    "open": _open,
    "bot": _bot,
    "assign": _assign,
    "transfer": _transfer,
    "respond": _respond,
    "wait": _wait,
    "resume": _resume,
    "resolve": _resolve,
    "ask": _ask,
    "answer": _answer,
    "after": _after,
    "close": _close,
}
