//! The panes as a Python class, for tests that compare them with a plain model.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buckets::KindParts;
use crate::cells::{CellsView, Limits, Record, WireCells, WireError};
use crate::leaves::Leaves;
use crate::names::{NameTable, Names, Symbols};
use crate::panes::{
    Booked, Cursor, DAY_MS, HOUR_MS, Level, MINUTE_MS, Midnights, PaneError, PaneKey, PaneStore,
    QUARTER_MS, SEALED_AFTER_MS, sealed_by,
};
use crate::resting::RestingPlace;

type NameTexts = (String, String, String, String, String);
type Row = (u8, i64, i64, i64, i64, NameTexts);
type CursorTuple = (u8, u32, u32);
type LeafTuple = (String, String, String);
type Columns<'py> = [Bound<'py, PyBytes>; 10];
type CellsTuple<'py> = (Vec<LeafTuple>, Columns<'py>);
type Packed<'py> = Bound<'py, PyBytes>;
type Laid<'py> = (Vec<Packed<'py>>, Vec<(String, Vec<Packed<'py>>)>);

pub(crate) struct AskedZone<'py>(pub Bound<'py, PyAny>);

impl Midnights for AskedZone<'_> {
    fn midnight(&mut self, time_ms: i64) -> PyResult<i64> {
        self.0.call1((time_ms,))?.extract()
    }
}

/// The panes of one input partition.
#[pyclass(name = "PaneStore", module = "bellwether_native")]
pub struct PaneStoreClass {
    store: PaneStore,
    midnight: Py<PyAny>,
    symbols: Symbols,
    names: NameTable,
}

#[pymethods]
impl PaneStoreClass {
    #[new]
    fn new(midnight: Py<PyAny>, kinds: KindParts, limits: (usize, usize)) -> PyResult<Self> {
        let limits = Limits {
            cells: limits.0,
            record_bytes: limits.1,
        };
        Ok(Self {
            store: PaneStore::new(kinds.into(), limits, RestingPlace::default())?,
            midnight,
            symbols: Symbols::default(),
            names: NameTable::default(),
        })
    }

    #[getter]
    fn cells(&self) -> usize {
        self.store.cells()
    }

    #[getter]
    fn sealed_ms(&self) -> i64 {
        self.store.sealed_ms()
    }

    fn seal(&mut self, py: Python<'_>, time_ms: i64) -> PyResult<()> {
        let mut zone = AskedZone(self.midnight.bind(py).clone());
        self.store.seal(sealed_by(time_ms), &mut zone)
    }

    /// Rows are (indicator, sign, time in ms, value, good, names).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn book(&mut self, py: Python<'_>, rows: Vec<Row>, watermark_ms: i64) -> PyResult<()> {
        let rows: Vec<_> = rows.iter().map(|row| self.booked(row)).collect();
        let mut zone = AskedZone(self.midnight.bind(py).clone());
        self.store
            .book(rows, &self.names, &self.symbols, &mut zone, watermark_ms)
    }

    fn forget_names(&mut self) {
        self.symbols = Symbols::default();
        self.names = NameTable::default();
        self.store.use_names();
    }

    fn take_touched<'py>(&mut self, py: Python<'py>) -> Laid<'py> {
        let cells = self.store.take_touched();
        laid(py, &cells, self.store.leaves())
    }

    #[allow(clippy::type_complexity, reason = "it is the tuple that Python sees")]
    fn slice_after<'py>(
        &mut self,
        py: Python<'py>,
        cursor: Option<CursorTuple>,
        budget: usize,
        watermark_ms: i64,
    ) -> PyResult<(Laid<'py>, Option<CursorTuple>)> {
        let cursor = cursor.map(cursor_of).transpose()?;
        let (cells, next) = self.store.slice_after(cursor, budget, watermark_ms)?;
        let next = next.map(|at| (at.pane.level.wire(), at.pane.start, at.place));
        Ok((laid(py, &cells, self.store.leaves()), next))
    }

    fn rest_all(&mut self) -> PyResult<()> {
        Ok(self.store.rest_all()?)
    }

    fn drop_expired(&mut self, watermark_ms: i64) {
        self.store.drop_expired(watermark_ms);
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn restore(&mut self, cells: CellsTuple<'_>) -> PyResult<()> {
        let (leaves, columns) = &cells;
        let leaves = leaves
            .iter()
            .map(|(department, first, second)| (&**department, &**first, &**second));
        let columns = columns.each_ref().map(PyBytesMethods::as_bytes);
        let leaves = leaves.collect();
        self.store.restore(&CellsView { leaves, columns })
    }
}

impl PaneStoreClass {
    fn booked(&mut self, row: &Row) -> Booked {
        let (
            indicator,
            sign,
            time_ms,
            value,
            good,
            (department, team, employee, channel, category),
        ) = row;
        let texts = [department, team, employee, channel, category];
        let parts = texts.map(|text| self.symbols.number(text));
        let names = Names::from_parts(parts);
        Booked {
            indicator: *indicator,
            sign: *sign,
            time_ms: *time_ms,
            value: *value,
            good: *good,
            names: self.names.number(names),
        }
    }
}

fn cursor_of((level, start, place): CursorTuple) -> PyResult<Cursor> {
    let level = Level::from_wire(level)
        .ok_or(WireError::Level(level))
        .map_err(PaneError::from)?;
    Ok(Cursor {
        pane: PaneKey { level, start },
        place,
    })
}

/// All records of some cells, and the records of each department, as `MessagePack`.
fn laid<'py>(py: Python<'py>, cells: &WireCells, leaves: &Leaves) -> Laid<'py> {
    let all = cells
        .records()
        .map(|record| record_of(py, &record, leaves))
        .collect();
    let groups = cells.by_group().into_iter().map(|(department, records)| {
        let records = records
            .iter()
            .map(|record| record_of(py, record, leaves))
            .collect();
        (leaves.department(department).to_owned(), records)
    });
    (all, groups.collect())
}

fn record_of<'py>(py: Python<'py>, record: &Record<'_>, leaves: &Leaves) -> Packed<'py> {
    let mut buffer = Vec::new();
    record.write(leaves, &mut buffer);
    PyBytes::new(py, &buffer)
}

/// Add the class, and the times by which panes are sealed and kept.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PaneStoreClass>()?;
    module.add("MINUTE_MS", MINUTE_MS)?;
    module.add("QUARTER_MS", QUARTER_MS)?;
    module.add("HOUR_MS", HOUR_MS)?;
    module.add("DAY_MS", DAY_MS)?;
    module.add("SEALED_AFTER_MS", SEALED_AFTER_MS)?;
    let kept: BTreeMap<_, _> = Level::ALL
        .iter()
        .filter_map(|level| Some((level.wire(), level.kept_ms()?)))
        .collect();
    module.add("KEPT_MS", kept)
}
