//! The sums of windows and the figures read from them as Python classes.

use std::collections::BTreeMap;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::buckets::Bucket;
use crate::intervals::{self, Interval, Z95};
use crate::pane::Sums;
use crate::summary::{self, Figure, GAMMA, Kind, Measure, Measured, exact_mean, value_of};
use crate::window_sums::{Change, Series, WindowSums};

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
        let mut own = summary::Summary {
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

/// The sums of all series in each window.
#[pyclass(name = "WindowSums", module = "bellwether_native")]
pub struct WindowSumsClass(WindowSums);

type Column = PyBuffer<i64>;

#[pymethods]
impl WindowSumsClass {
    #[new]
    fn new(windows: usize) -> Self {
        Self(WindowSums::new(windows))
    }

    fn reach(&mut self, size: usize) {
        self.0.reach(size);
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn add(
        &mut self,
        py: Python<'_>,
        windows: Vec<usize>,
        sums: [Column; 4],
        buckets: [Column; 3],
    ) -> PyResult<()> {
        let [series, n, total, good] = columns(py, &sums)?;
        let rows = series.into_iter().zip(n).zip(total.into_iter().zip(good));
        let sums = rows.map(|((series, n), (total, good))| {
            Ok((self.series_at(series)?, Sums { n, total, good }))
        });
        let sums = sums.collect::<PyResult<_>>()?;
        let [series, bucket, count] = columns(py, &buckets)?;
        let entries = series.into_iter().zip(bucket).zip(count);
        let buckets = entries.map(|((series, bucket), count)| {
            Ok((self.series_at(series)?, bucket_at(bucket)?, count))
        });
        let buckets = buckets.collect::<PyResult<_>>()?;
        self.0.add(&windows, &Change { sums, buckets });
        Ok(())
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments of a call from Python are owned"
    )]
    fn touch(&mut self, py: Python<'_>, windows: Vec<usize>, series: Column) -> PyResult<()> {
        let series = series.to_vec(py)?.into_iter();
        let series = series.map(|number| self.series_at(number));
        self.0
            .touch(&windows, &series.collect::<PyResult<Vec<_>>>()?);
        Ok(())
    }

    fn stamp(&self, window: usize, series: Series) -> i64 {
        self.0.stamp(window, series)
    }

    /// `None` for a series of which nothing is in the window.
    fn summary(&self, window: usize, series: Series) -> Option<Summary> {
        let summary = self.0.summary(window, series);
        (!summary.is_empty()).then_some(Summary(summary))
    }

    /// As 64-bit integers.
    fn occupied<'py>(&self, py: Python<'py>, window: usize) -> Bound<'py, PyBytes> {
        let series: Vec<_> = self.0.occupied(window).flat_map(u64_bytes).collect();
        PyBytes::new(py, &series)
    }
}

impl WindowSumsClass {
    fn series_at(&self, number: i64) -> PyResult<Series> {
        let known = Series::try_from(number).ok();
        known
            .filter(|series| *series < self.0.size())
            .ok_or_else(|| PyValueError::new_err(format!("there is no room for series {number}")))
    }
}

fn u64_bytes(series: Series) -> [u8; 8] {
    u64::try_from(series).expect("it fits").to_le_bytes()
}

/// Of one length.
fn columns<const N: usize>(py: Python<'_>, buffers: &[Column; N]) -> PyResult<[Vec<i64>; N]> {
    let mut found = [const { Vec::new() }; N];
    for (column, buffer) in found.iter_mut().zip(buffers) {
        *column = buffer.to_vec(py)?;
    }
    if found.iter().any(|column| column.len() != found[0].len()) {
        return Err(PyValueError::new_err("columns are of different lengths"));
    }
    Ok(found)
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
    module.add_class::<WindowSumsClass>()?;
    module.add_function(wrap_pyfunction!(share_interval, module)?)?;
    module.add_function(wrap_pyfunction!(percentile_ranks, module)?)?;
    module.add_function(wrap_pyfunction!(mean_interval, module)?)?;
    module.add_function(wrap_pyfunction!(mean_of_answers, module)?)?;
    module.add_function(wrap_pyfunction!(value_of_bucket, module)?)?;
    module.add("Z95", Z95)?;
    module.add("GAMMA", GAMMA)
}
