//! The measuring engine's work on every event, compiled: what `services.scoring.core.engine` asks
//! for. Rules, calendars, time zones and the explanation of mistakes stay in Python.

pub mod names;

use pyo3::prelude::*;

#[pymodule]
fn bellwether_native(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
