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
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    pane_class::register(module)
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
