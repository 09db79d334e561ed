//! What readers of cells in Python ask for: whether columns make cells, and columns that numpy reads.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cells::{COLUMNS, CellColumns};
use crate::narrow::Integers;

const WIDE: usize = size_of::<i64>();

#[pyfunction]
#[allow(
    clippy::needless_pass_by_value,
    reason = "arguments of a call from Python are owned"
)]
pub fn check_cells(columns: [Bound<'_, PyBytes>; COLUMNS], leaves: usize) -> PyResult<()> {
    let columns = columns.each_ref().map(PyBytesMethods::as_bytes);
    match CellColumns::new(columns, leaves) {
        Ok(_) => Ok(()),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

#[pyfunction]
#[allow(
    clippy::needless_pass_by_value,
    reason = "arguments of a call from Python are owned"
)]
pub fn widened<'py>(
    py: Python<'py>,
    columns: Vec<Bound<'py, PyBytes>>,
    entries: Vec<usize>,
) -> PyResult<Bound<'py, PyBytes>> {
    if columns.len() != entries.len() {
        return Err(PyValueError::new_err("as many columns as numbers are due"));
    }
    let columns = columns
        .iter()
        .zip(entries)
        .map(|(column, entries)| Integers::new(column.as_bytes(), entries))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let entries = columns.iter().map(|column| column.entries());
    PyBytes::new_with(py, WIDE * entries.sum::<usize>(), |mut rest| {
        for column in &columns {
            let (own, behind) = rest.split_at_mut(WIDE * column.entries());
            column.widen(own);
            rest = behind;
        }
        Ok(())
    })
}
