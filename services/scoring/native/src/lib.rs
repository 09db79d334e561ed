//! The measuring engine's work on every event, compiled: what `services.scoring.core.engine` asks
//! for. Rules, calendars, time zones and the explanation of mistakes stay in Python.

pub mod buckets;
pub mod cells;
pub mod names;
pub mod pane;
mod pane_class;
pub mod panes;
pub mod scopes;
pub mod sketches;
pub mod staging;

use pyo3::prelude::*;

#[pymodule]
fn bellwether_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    pane_class::register(module)
}
