//! The work on every event and every figure of a window, compiled: what `services.scoring.core.engine` and
//! `services.scoring.core.windows` ask for. Rules, calendars, time zones and the explanation of
//! mistakes stay in Python.

pub mod booking;
pub mod buckets;
pub mod calendar;
mod calendar_class;
pub mod cells;
pub mod changelog;
pub mod cold;
pub mod deadlines;
pub mod derive;
pub mod engine;
pub mod entries;
pub mod event_hash;
pub mod fact;
pub mod figure_texts;
pub mod held_pane;
pub mod indicator_set;
pub mod indicators;
pub mod intervals;
pub mod json;
pub mod kind;
pub mod lateness;
pub mod leaves;
pub mod life;
pub mod lifecycle;
pub mod measured;
pub mod msgpack;
pub mod names;
pub mod narrow;
pub mod pane;
mod pane_class;
pub mod pane_records;
pub mod panes;
pub mod promises;
pub mod python;
mod reading;
pub mod resting;
pub mod rooms;
pub mod rules;
pub mod series;
pub mod sketches;
pub mod summary;
pub mod tickets;
pub mod timeline;
pub mod warm;
mod window_class;
pub mod window_sums;
pub mod windows;

use pyo3::prelude::*;

#[pymodule]
fn bellwether_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(json::parse_event, module)?)?;
    module.add_function(wrap_pyfunction!(reading::check_cells, module)?)?;
    pane_class::register(module)?;
    window_class::register(module)?;
    module.add_class::<calendar_class::Calendar>()?;
    module.add_class::<python::Engine>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_runs_in_the_python_that_it_links() {
        Python::initialize();
        Python::attach(|py| {
            let module = PyModule::new(py, "bellwether_native").expect("a module");
            bellwether_native(&module).expect("the module fills itself");
            assert!(module.hasattr("__version__").expect("an answer"));
        });
    }
}
