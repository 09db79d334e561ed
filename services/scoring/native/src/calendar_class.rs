//! A calendar as a Python class, for tests that compare it with a count of minutes.

use pyo3::prelude::*;

use crate::calendar;
use crate::python::{Failure, PythonLayout, lock};

#[pyclass(module = "bellwether_native")]
pub struct Calendar {
    calendar: calendar::Calendar<PythonLayout>,
    failure: Failure,
}

#[pymethods]
impl Calendar {
    #[new]
    fn new(spans: Py<PyAny>) -> Self {
        let failure = Failure::default();
        let layout = PythonLayout::new(spans, &failure);
        Self {
            calendar: calendar::Calendar::new(layout),
            failure,
        }
    }

    fn elapsed(&mut self, start_ms: i64, end_ms: i64) -> PyResult<i64> {
        let elapsed = self.calendar.elapsed(start_ms, end_ms);
        lock(&self.failure).take().map_or(Ok(elapsed), Err)
    }

    fn deadline(&mut self, start_ms: i64, duration_ms: i64) -> PyResult<Option<i64>> {
        let deadline = self.calendar.deadline(start_ms, duration_ms);
        lock(&self.failure).take().map_or(Ok(deadline), Err)
    }
}
