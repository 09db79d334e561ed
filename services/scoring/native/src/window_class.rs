//! The sums of windows and the figures read from them as Python classes.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::buckets::Bucket;
use crate::cells::COLUMNS;
use crate::figure_texts::{Indicator, figure_texts};
use crate::held_pane::{MOST_SOURCES, SourceNumber};
use crate::indicator_set::IndicatorSet;
use crate::intervals::{self, Interval, Z95};
use crate::leaves::LeafNumber;
use crate::pane_class::AskedZone;
use crate::panes::{Level, MINUTE_MS};
use crate::reading::columns_of;
use crate::series::ScopeNumber;
use crate::summary::{self, Figure, GAMMA, Kind, Measure, Measured, exact_mean, value_of};
use crate::window_sums::WindowBits;
use crate::windows::{PaneWindows, Part, span_of};

type MeasuredTuple = (i64, Option<f64>, Option<f64>, Option<f64>);
type FigureTuple = (
    MeasuredTuple,
    Option<i64>,
    Option<i64>,
    (Option<f64>, Option<f64>, Option<f64>, Option<f64>),
);

impl From<Measured> for MeasuredTuple {
    fn from(found: Measured) -> Self {
        (found.n, found.value, found.low, found.high)
    }
}

fn kind_of(name: &str) -> PyResult<Kind> {
    Ok(match name {
        "ratio" => Kind::Ratio,
        "duration" => Kind::Duration,
        "amount" => Kind::Amount,
        "rating" => Kind::Rating,
        "balance" => Kind::Balance,
        // Nothing is measured for the last; a cell that says so all the same must stop nothing.
        "count" | "gauge" | "derived" => Kind::Number,
        _ => return Err(PyValueError::new_err(format!("there is no kind {name}"))),
    })
}

fn bucket_at(number: i64) -> PyResult<Bucket> {
    let narrow = i16::try_from(number).ok();
    narrow
        .and_then(|number| Bucket::from_wire(number).ok())
        .ok_or_else(|| PyValueError::new_err(format!("there is no bucket {number}")))
}

fn measure_of(name: &str) -> PyResult<Measure> {
    Ok(match name {
        "value" => Measure::Value,
        "ratio" | "share_within" => Measure::Share,
        "mean" => Measure::Mean,
        "p50" => Measure::Quantile(0.5),
        "p90" => Measure::Quantile(0.9),
        "p95" => Measure::Quantile(0.95),
        "p99" => Measure::Quantile(0.99),
        _ => return Err(PyValueError::new_err(format!("there is no measure {name}"))),
    })
}

/// What is summed up of one indicator.
#[pyclass(frozen, module = "bellwether_native")]
pub struct Summary(summary::Summary);

#[pymethods]
impl Summary {
    #[new]
    #[pyo3(signature = (n = 0, total = 0, good = 0, sketch = None))]
    fn new(n: i64, total: i64, good: i64, sketch: Option<BTreeMap<i64, i64>>) -> PyResult<Self> {
        let mut own: summary::Summary = summary::Summary {
            n,
            total,
            good,
            ..summary::Summary::default()
        };
        for (bucket, count) in sketch.unwrap_or_default() {
            own.sketch.add(bucket_at(bucket)?, count);
        }
        Ok(Self(own))
    }

    #[getter]
    fn n(&self) -> i64 {
        self.0.n
    }

    #[getter]
    fn total(&self) -> i64 {
        self.0.total
    }

    #[getter]
    fn good(&self) -> i64 {
        self.0.good
    }

    #[getter]
    fn sketch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (bucket, count) in self.0.sketch.entries() {
            found.set_item(bucket.wire(), count)?;
        }
        Ok(found)
    }

    fn measure(&self, kind: &str, how: &str) -> PyResult<MeasuredTuple> {
        Ok(self.0.measure(kind_of(kind)?, measure_of(how)?).into())
    }

    fn figure(&self, kind: &str) -> PyResult<FigureTuple> {
        let Figure {
            measured,
            good,
            total,
            percentiles: [p50, p90, p95, p99],
        } = self.0.figure(kind_of(kind)?);
        Ok((measured.into(), good, total, (p50, p90, p95, p99)))
    }
}

type PartTuple<'py> = (SourceNumber, i64, Vec<LeafNumber>, Columns<'py>);
type Columns<'py> = [Bound<'py, PyBytes>; COLUMNS];
type Packed<'py> = Bound<'py, PyBytes>;

/// The windows of all scopes in one partition of panes.
#[pyclass(name = "PaneWindows", module = "bellwether_native")]
pub struct PaneWindowsClass {
    windows: PaneWindows,
    indicators: Vec<Indicator>,
    midnight: Py<PyAny>,
}

#[pymethods]
impl PaneWindowsClass {
    #[new]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn new(
        midnight: Py<PyAny>,
        levels: Vec<u8>,
        indicators: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let levels: Vec<_> = levels.into_iter().map(level_of).collect::<PyResult<_>>()?;
        if levels.len() > WindowBits::BITS as usize {
            return Err(PyValueError::new_err("there are too many windows"));
        }
        let is_gauge: Vec<_> = indicators.iter().map(|(_, kind)| kind == "gauge").collect();
        let indicators = indicators.into_iter().map(indicator_of);
        Ok(Self {
            windows: PaneWindows::new(levels, IndicatorSet::marked(&is_gauge)),
            indicators: indicators.collect::<PyResult<_>>()?,
            midnight,
        })
    }

    fn learn(&mut self, scopes: Vec<ScopeNumber>) {
        self.windows.book.learn(scopes);
    }

    #[getter]
    fn cells(&self) -> usize {
        self.windows.cells()
    }

    fn starts(&self, level: u8, start_ms: i64, end_ms: i64) -> PyResult<Vec<i64>> {
        let starts = self
            .windows
            .starts(level_of(level)?, span_of((start_ms, end_ms)));
        Ok(starts
            .into_iter()
            .map(|start| i64::from(start) * MINUTE_MS)
            .collect())
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn apply<'py>(&mut self, py: Python<'py>, parts: Vec<PartTuple<'py>>) -> PyResult<Packed<'py>> {
        let leaves = self.windows.book.leaves();
        let parts = parts.iter().map(|part| part_of(part, leaves));
        let parts = parts.collect::<PyResult<Vec<_>>>()?;
        let mut zone = AskedZone(self.midnight.bind(py).clone());
        let last_parts = self.windows.apply(&parts, &mut zone)?;
        let mut by_scope = vec![-1; self.windows.book.scopes()];
        for (scope, part) in last_parts {
            by_scope[scope as usize] = i64::try_from(part).expect("few parts");
        }
        Ok(packed(py, by_scope))
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn advance(&mut self, stream_ms: i64, spans: Vec<(i64, i64)>) -> PyResult<WindowBits> {
        let spans: Vec<_> = spans.into_iter().map(span_of).collect();
        if spans.len() != self.windows.windows() {
            return Err(PyValueError::new_err("every window lies somewhere"));
        }
        Ok(self.windows.advance(stream_ms, &spans))
    }

    fn take_changed<'py>(&mut self, py: Python<'py>) -> Packed<'py> {
        PyBytes::new(py, &self.windows.book.take_changed())
    }

    fn occupied<'py>(&self, py: Python<'py>, window: usize) -> Packed<'py> {
        let scopes = self.windows.book.occupied(window).into_iter();
        packed(py, scopes.map(i64::from))
    }

    fn stamp(&self, window: usize, scope: ScopeNumber, indicator: u8) -> i64 {
        self.windows.book.stamp(window, scope, indicator)
    }

    fn has_seen(&self, scope: ScopeNumber, indicator: u8) -> bool {
        self.windows.book.has_seen(scope, indicator)
    }

    fn summary(&self, window: usize, scope: ScopeNumber, indicator: u8) -> Option<Summary> {
        let found = self.windows.book.summary(window, scope, indicator);
        found.map(|summary| Summary(summary.to_owned()))
    }

    fn measured(
        &self,
        window: usize,
        scope: ScopeNumber,
        indicator: u8,
        how: &str,
    ) -> PyResult<Option<MeasuredTuple>> {
        let Some((_, kind)) = self.indicators.get(usize::from(indicator)) else {
            return Err(PyValueError::new_err(format!(
                "there is no indicator {indicator}"
            )));
        };
        let how = measure_of(how)?;
        let found = self.windows.book.summary(window, scope, indicator);
        Ok(found.map(|summary| summary.measure(*kind, how).into()))
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn figures<'py>(
        &self,
        py: Python<'py>,
        window: usize,
        scope: ScopeNumber,
        provisional: u64,
        others: BTreeMap<u8, Vec<u8>>,
    ) -> (Packed<'py>, bool) {
        let summaries = self.windows.book.summaries(window, scope);
        let provisional = IndicatorSet::from_bits(provisional);
        let list = figure_texts(summaries, &self.indicators, provisional, &others);
        (PyBytes::new(py, &list.bytes), list.is_empty)
    }
}

fn indicator_of((name, kind): (String, String)) -> PyResult<Indicator> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(is_plain) {
        return Err(PyValueError::new_err(format!("{name} is no indicator")));
    }
    Ok((name, kind_of(&kind)?))
}

fn level_of(number: u8) -> PyResult<Level> {
    Level::from_wire(number)
        .ok_or_else(|| PyValueError::new_err(format!("there is no level {number}")))
}

fn part_of<'a>(part: &'a PartTuple<'_>, known: usize) -> PyResult<Part<'a>> {
    let (source, sealed_ms, leaves, columns) = part;
    if *source >= MOST_SOURCES {
        return Err(PyValueError::new_err(format!(
            "there is no source {source}"
        )));
    }
    if let Some(leaf) = leaves.iter().find(|leaf| **leaf as usize >= known) {
        return Err(PyValueError::new_err(format!("nobody knows leaf {leaf}")));
    }
    Ok(Part {
        source: *source,
        sealed_ms: *sealed_ms,
        leaves: leaves.clone(),
        columns: columns_of(columns, leaves.len())?,
    })
}

/// As 64-bit integers.
fn packed(py: Python<'_>, numbers: impl IntoIterator<Item = i64>) -> Packed<'_> {
    let bytes: Vec<_> = numbers.into_iter().flat_map(i64::to_le_bytes).collect();
    PyBytes::new(py, &bytes)
}

#[pyfunction]
#[pyo3(name = "wilson", signature = (good, n, z = Z95))]
fn share_interval(good: i64, n: i64, z: f64) -> PyResult<Interval> {
    if n <= 0 {
        return Err(PyValueError::new_err("a share of nothing has no interval"));
    }
    Ok(intervals::wilson(good, n, z))
}

#[pyfunction]
#[pyo3(signature = (q, n, z = Z95))]
fn percentile_ranks(q: f64, n: i64, z: f64) -> (Option<i64>, Option<i64>) {
    intervals::percentile_ranks(q, n, z)
}

#[pyfunction]
#[pyo3(signature = (mean, variance, n, z = Z95))]
fn mean_interval(mean: f64, variance: f64, n: i64, z: f64) -> Interval {
    intervals::mean_interval(mean, variance, n, z)
}

#[pyfunction]
#[pyo3(name = "exact_mean")]
fn mean_of_answers(kind: &str, n: i64, total: i64, squares: i128) -> PyResult<MeasuredTuple> {
    match kind_of(kind)? {
        _ if n <= 0 => Err(PyValueError::new_err("no answers have no mean")),
        Kind::Rating => Ok(exact_mean(false, n, total, squares).into()),
        Kind::Balance => Ok(exact_mean(true, n, total, squares).into()),
        _ => Err(PyValueError::new_err(format!(
            "{kind} is no kind of answer"
        ))),
    }
}

#[pyfunction]
#[pyo3(name = "value_of")]
fn value_of_bucket(bucket: i64) -> PyResult<f64> {
    Ok(value_of(bucket_at(bucket)?))
}

/// Add the classes, the intervals, and the sketch's scale.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Summary>()?;
    module.add_class::<PaneWindowsClass>()?;
    module.add("MOST_SOURCES", MOST_SOURCES)?;
    module.add_function(wrap_pyfunction!(share_interval, module)?)?;
    module.add_function(wrap_pyfunction!(percentile_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(mean_interval, module)?)?;
    module.add_function(wrap_pyfunction!(mean_of_answers, module)?)?;
    module.add_function(wrap_pyfunction!(value_of_bucket, module)?)?;
    module.add("Z95", Z95)?;
    module.add("GAMMA", GAMMA)
}
