//! The interval ledger: whose time a ticket took, from its facts, which are lived through as the
//! measurements are, so both agree.

use crate::calendar::Layout;
use crate::derive::lived_facts;
use crate::fact::Fact;
use crate::life::{Life, Status};
use crate::lifecycle::Lifecycle;
use crate::names::Holder;

/// Time between two facts in which a ticket is unresolved. `waits_for` is 1 for a third party, 0 for
/// the customer, none while there is no wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub start_ms: i64,
    pub end_ms: i64,
    pub holder: Holder,
    pub waits_for: Option<i64>,
}

/// The stretches of a ticket from its opening to `until_ms`, in order; its facts may be in any.
pub fn stretches<L: Layout>(
    facts: &[Fact],
    lifecycle: &mut Lifecycle<L>,
    until_ms: i64,
) -> Vec<Stretch> {
    let facts = lived_facts(facts);
    let mut life = Life::default();
    let mut waits_for = None;
    let mut found = Vec::new();
    let ends = facts
        .iter()
        .skip(1)
        .map(|fact| fact.time_ms)
        .chain([until_ms]);
    for (fact, next_ms) in facts.iter().zip(ends) {
        let waited = life.waiting_since_ms.is_some();
        lifecycle.advance(&mut life, std::slice::from_ref(fact));
        if life.waiting_since_ms.is_none() {
            waits_for = None;
        } else if !waited {
            waits_for = Some(fact.numbers[0]);
        }
        let start_ms = fact.time_ms.max(life.opened_ms.unwrap_or(i64::MAX));
        let end_ms = next_ms.min(until_ms);
        if life.status == Status::Open && end_ms > start_ms {
            found.push(Stretch {
                start_ms,
                end_ms,
                holder: life.holders[life.holder],
                waits_for,
            });
        }
    }
    // What the machine states on the way is known already.
    lifecycle.rows.clear();
    lifecycle.anomalies.clear();
    found
}
