//! From the facts of one ticket to its measurements: the history replayed from nothing.

use std::cmp::Ordering;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::calendar::Layout;
use crate::fact::{EXCLUDE, EXEMPT, Fact, REATTRIBUTE};
use crate::kind;
use crate::life::Life;
use crate::lifecycle::{Lifecycle, Row};
use crate::names::{Holder, Symbols};
use crate::promises::Span;

/// How often each thing that does not fit together occurs.
pub type Anomalies = FxHashMap<&'static str, i64>;

/// A history as lived through: what stands at its end, and what in it does not fit together.
pub struct Replay {
    pub life: Life,
    pub rows: Vec<Row>,
    pub anomalies: Anomalies,
}

/// Live through all facts of a ticket, given in any order, and let time pass until `until_ms`.
pub fn replay<L: Layout>(facts: &[Fact], lifecycle: &mut Lifecycle<L>, until_ms: i64) -> Replay {
    let mut life = Life {
        pauses: exemptions(facts),
        corrected: facts.iter().any(|fact| fact.kind == kind::CORRECTED),
        ..Life::default()
    };
    lifecycle.advance(&mut life, &lived_facts(facts));
    lifecycle.pass_time(&mut life, until_ms);
    life.facts = facts.len();
    // Corrections and what they exclude may be sent again, too: until then nothing is forgotten.
    life.last = facts.iter().map(Fact::order).max();
    net(&mut lifecycle.rows);
    let rows = std::mem::take(&mut lifecycle.rows);
    let mut anomalies = Anomalies::default();
    if !facts.is_empty() && life.opened_ms.is_none() {
        lifecycle.anomalies.push("no_opening");
    }
    for anomaly in lifecycle.anomalies.drain(..) {
        *anomalies.entry(anomaly).or_default() += 1;
    }
    Replay {
        life,
        rows,
        anomalies,
    }
}

/// The facts, given in any order, as a life goes through them: corrected, in order of time, the
/// opening first.
pub fn lived_facts(facts: &[Fact]) -> Vec<Fact> {
    let mut sorted = facts.to_vec();
    sorted.sort_unstable_by_key(Fact::order);
    as_lived(corrected(sorted))
}

/// The spans `[start, end)` in ms that corrections exempt.
pub fn exemptions(facts: &[Fact]) -> Vec<Span> {
    let exempts = |fact: &&Fact| fact.kind == kind::CORRECTED && fact.numbers[0] == EXEMPT;
    facts
        .iter()
        .filter(exempts)
        .map(|fact| (fact.numbers[2], fact.numbers[3]))
        .collect()
}

/// The facts as if the corrections among them had always been so.
fn corrected(mut facts: Vec<Fact>) -> Vec<Fact> {
    let corrections: Vec<Fact> = facts
        .iter()
        .filter(|fact| fact.kind == kind::CORRECTED)
        .copied()
        .collect();
    if corrections.is_empty() {
        return facts;
    }
    let by = |action| {
        corrections
            .iter()
            .filter(move |fact| fact.numbers[0] == action)
    };
    let excluded: FxHashSet<u64> = by(EXCLUDE).map(Fact::target).collect();
    let holders: FxHashMap<u64, Holder> = by(REATTRIBUTE)
        .map(|fact| (fact.target(), fact.holder()))
        .collect();
    facts.retain(|fact| fact.kind != kind::CORRECTED && !excluded.contains(&fact.event));
    for fact in &mut facts {
        if let Some(&holder) = holders.get(&fact.event) {
            reattribute(fact, holder);
        }
    }
    facts
}

fn reattribute(fact: &mut Fact, holder: Holder) {
    if matches!(fact.kind, kind::OPENED | kind::ASSIGNED) {
        set_holder(fact, holder);
    } else if fact.names_len > 0 {
        fact.names[0] = holder.employee;
    }
}

fn set_holder(fact: &mut Fact, holder: Holder) {
    let [_, _, _, channel, category] = fact.names;
    fact.names = [
        holder.department,
        holder.team,
        holder.employee,
        channel,
        category,
    ];
}

/// The opening comes first, and belongs to the first holder where it names none.
fn as_lived(mut facts: Vec<Fact>) -> Vec<Fact> {
    let Some(place) = facts.iter().position(|fact| fact.kind == kind::OPENED) else {
        return facts;
    };
    facts[..=place].rotate_right(1);
    if !facts[0].names_holder() {
        let names_one = |fact: &&Fact| fact.kind == kind::ASSIGNED && fact.names_holder();
        if let Some(holder) = facts[1..].iter().find(names_one).map(Fact::holder) {
            set_holder(&mut facts[0], holder);
        }
    }
    facts
}

/// What to take back and what to state to come from one set of standing rows to another, in an
/// order that depends on nothing else.
pub fn difference(before: &[Row], after: &[Row], symbols: &Symbols) -> Vec<Row> {
    let mut old = without(before, after);
    let mut new = without(after, before);
    old.sort_unstable_by(|a, b| order(a, b, symbols));
    new.sort_unstable_by(|a, b| order(a, b, symbols));
    for row in &mut old {
        row.sign = -1;
    }
    old.append(&mut new);
    old
}

fn without(rows: &[Row], others: &[Row]) -> Vec<Row> {
    let others: FxHashSet<&Row> = others.iter().collect();
    rows.iter()
        .filter(|row| !others.contains(row))
        .copied()
        .collect()
}

fn order(a: &Row, b: &Row, symbols: &Symbols) -> Ordering {
    let numbers = |row: &Row| {
        (
            row.indicator,
            row.sequence,
            row.sign,
            row.time_ms,
            row.value,
            row.good,
        )
    };
    let texts = |row: &Row| row.names.parts().map(|name| symbols.text(name));
    numbers(a)
        .cmp(&numbers(b))
        .then_with(|| texts(a).cmp(&texts(b)))
        .then_with(|| a.event.cmp(&b.event))
}

/// Above this many rows a search from the front would cost too much.
const FEW: usize = 32;

/// Take out rows that cancel each other; what stands keeps the order of its first statement.
pub fn net(rows: &mut Vec<Row>) {
    if rows.iter().all(|row| row.sign == 1) {
        return;
    }
    if rows.len() > FEW {
        net_many(rows);
        return;
    }
    for place in 1..rows.len() {
        let row = rows[place];
        let is_same = |other: &Row| {
            Row {
                sign: row.sign,
                ..*other
            } == row
        };
        // A row of sign 0 has given its balance to an earlier one, or was cancelled.
        if let Some(first) = rows[..place].iter().position(is_same) {
            rows[first].sign += row.sign;
            rows[place].sign = 0;
        }
    }
    rows.retain(|row| row.sign != 0);
}

fn net_many(rows: &mut Vec<Row>) {
    let mut places: FxHashMap<Row, usize> = FxHashMap::default();
    for place in 0..rows.len() {
        let row = rows[place];
        let first = *places.entry(Row { sign: 0, ..row }).or_insert(place);
        if first < place {
            rows[first].sign += row.sign;
            rows[place].sign = 0;
        }
    }
    rows.retain(|row| row.sign != 0);
}
