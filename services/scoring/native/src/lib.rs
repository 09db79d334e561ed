//! The measuring engine's work on every event, compiled: what `services.scoring.core.engine` asks
//! for. Rules, calendars, time zones and the explanation of mistakes stay in Python.

pub mod booking;
pub mod calendar;
pub mod deadlines;
pub mod derive;
pub mod fact;
pub mod indicators;
pub mod kind;
pub mod lateness;
pub mod life;
pub mod lifecycle;
pub mod measured;
pub mod msgpack;
pub mod names;
pub mod promises;
pub mod rules;
pub mod tickets;

use pyo3::prelude::*;

#[pymodule]
fn bellwether_native(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
