//! The measuring engine's work on every event, compiled: what `services.scoring.core.engine` asks
//! for. Rules, calendars, time zones and the explanation of mistakes stay in Python.

pub mod event_hash;
pub mod json;
pub mod kind;
pub mod names;

use pyo3::prelude::*;

#[pymodule]
fn bellwether_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(json::parse_event, module)?)?;
    Ok(())
}
