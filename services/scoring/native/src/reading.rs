//! What readers of cells in Python ask for: whether columns make cells.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cells::{COLUMNS, CellColumns};

#[pyfunction]
#[allow(
    clippy::needless_pass_by_value,
    reason = "arguments of a call from Python are owned"
)]
pub fn check_cells(columns: [Bound<'_, PyBytes>; COLUMNS], leaves: usize) -> PyResult<()> {
    columns_of(&columns, leaves).map(|_| ())
}

/// The columns of cells of so many leaves, of which windows can be made.
pub fn columns_of<'a>(
    columns: &'a [Bound<'_, PyBytes>; COLUMNS],
    leaves: usize,
) -> PyResult<CellColumns<'a>> {
    CellColumns::new(columns.each_ref().map(PyBytesMethods::as_bytes), leaves)
        .and_then(CellColumns::summable)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
