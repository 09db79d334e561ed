//! The engine as Python sees it: records and results cross the border here, and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rustc_hash::FxHashMap;

use crate::booking::Refused;
use crate::buckets::KindParts;
use crate::calendar::{Calendar, Layout};
use crate::cells::Limits;
use crate::changelog::RECORD_BYTES;
use crate::cold::ColdStore;
use crate::engine::{self, Bounds};
use crate::fact::{Fact, MOST_PARTS, bits_of};
use crate::indicators::Indicators;
use crate::json;
use crate::kind;
use crate::leaves::{DepartmentNumber, Leaves};
use crate::lifecycle::Lifecycle;
use crate::measured::Columns;
use crate::msgpack::Damaged;
use crate::names::{NO_NAME, Symbols};
use crate::pane_records;
use crate::panes::{Midnights, PaneStore};
use crate::promises::Span;
use crate::resting::RestingPlace;
use crate::rules::{HolderKind, HolderLimit, Rules, SURVEY_KINDS, SurveyRules, Version};
use crate::tickets::{TicketError, Tickets};
use crate::timeline::Stretch;

const CELLS_PER_RECORD: usize = 4000;

impl From<Damaged> for PyErr {
    fn from(error: Damaged) -> Self {
        PyValueError::new_err(format!("what was stored is damaged: {error}"))
    }
}

impl From<TicketError> for PyErr {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::Damaged(damaged) => damaged.into(),
            TicketError::File(error) => error.into(),
        }
    }
}

/// What a callback has raised where no error can pass; the engine raises it when it is done.
pub(crate) type Failure = Arc<Mutex<Option<PyErr>>>;

pub(crate) fn lock(failure: &Failure) -> std::sync::MutexGuard<'_, Option<PyErr>> {
    failure
        .lock()
        .expect("nobody panics with the failure in hand")
}

/// A calendar's own arithmetic lays out its spans.
pub(crate) struct PythonLayout {
    spans: Py<PyAny>,
    failure: Failure,
}

impl PythonLayout {
    pub(crate) fn new(spans: Py<PyAny>, failure: &Failure) -> Self {
        Self {
            spans,
            failure: Arc::clone(failure),
        }
    }
}

impl Layout for PythonLayout {
    fn spans(&mut self, start_ms: i64, end_ms: i64) -> Vec<(i64, i64)> {
        let spans = Python::attach(|py| self.spans.call1(py, (start_ms, end_ms))?.extract(py));
        spans.unwrap_or_else(|error: PyErr| {
            *lock(&self.failure) = Some(error);
            Vec::new()
        })
    }
}

/// The organisation's zone tells its midnights.
struct PythonMidnights(Py<PyAny>);

impl Midnights for PythonMidnights {
    fn midnight(&mut self, time_ms: i64) -> PyResult<i64> {
        Python::attach(|py| self.0.call1(py, (time_ms,))?.extract(py))
    }
}

// -- what Python gives ---------------------------------------------------------------------------

#[derive(FromPyObject)]
struct VersionParts {
    name: String,
    valid_from_ms: i64,
    exclude_waiting: bool,
    at_risk_share: f64,
    spans: Option<Py<PyAny>>,
    surveys: Vec<SurveyParts>,
    currency: Option<String>,
    allocated_cost: i64,
    limits: LimitParts,
}

/// The scale and the wording.
type SurveyParts = (Option<(i64, i64)>, Option<String>);

type LimitParts = HashMap<u8, Vec<(u8, Option<String>, Option<String>, i64)>>;

impl VersionParts {
    fn build(self, failure: &Failure) -> PyResult<Version<PythonLayout>> {
        let surveys = self
            .surveys
            .into_iter()
            .map(|(scale, wording)| SurveyRules { scale, wording });
        let surveys: Vec<_> = surveys.collect();
        let surveys: [SurveyRules; SURVEY_KINDS] = surveys
            .try_into()
            .map_err(|_| PyValueError::new_err("rules name each kind of survey"))?;
        let mut limits = FxHashMap::default();
        for (indicator, of_indicator) in self.limits {
            let found = of_indicator
                .into_iter()
                .map(holder_limit)
                .collect::<PyResult<_>>()?;
            limits.insert(indicator, found);
        }
        Ok(Version {
            name: self.name,
            valid_from_ms: self.valid_from_ms,
            exclude_waiting: self.exclude_waiting,
            at_risk_share: self.at_risk_share,
            calendar: self
                .spans
                .map(|spans| Calendar::new(PythonLayout::new(spans, failure))),
            surveys,
            currency: self.currency,
            allocated_cost: self.allocated_cost,
            limits,
        })
    }
}

fn rules_of(
    versions: Vec<VersionParts>,
    indicators: &Indicators,
    failure: &Failure,
) -> PyResult<Rules<PythonLayout>> {
    if versions.is_empty() {
        return Err(PyValueError::new_err("there is no version of the rules"));
    }
    let versions = versions.into_iter().map(|parts| parts.build(failure));
    Ok(Rules::new(
        versions.collect::<PyResult<_>>()?,
        indicators.promised(),
    ))
}

fn holder_limit(
    (kind, department, id, within_ms): (u8, Option<String>, Option<String>, i64),
) -> PyResult<HolderLimit> {
    let kind = match kind {
        0 => HolderKind::Organisation,
        1 => HolderKind::Department,
        2 => HolderKind::Team,
        3 => HolderKind::Employee,
        _ => return Err(PyValueError::new_err("a limit is for a holder")),
    };
    Ok(HolderLimit {
        kind,
        department,
        id,
        within_ms,
    })
}

#[derive(FromPyObject)]
struct RegistryParts {
    ids: Vec<String>,
    individual: Vec<bool>,
    kinds: KindParts,
}

/// See `services.scoring.core.native_parts`.
#[derive(FromPyObject)]
struct EngineParts {
    partition: u32,
    inputs: usize,
    versions: Vec<VersionParts>,
    digests: Vec<(String, String)>,
    registry: RegistryParts,
    midnight: Py<PyAny>,
    group_of: Py<PyAny>,
    read_slowly: Py<PyAny>,
    earliest_ms: i64,
    latest_ms: i64,
    future_tolerance_ms: i64,
    most_names: usize,
    most_deadlines: usize,
    scratch_file: Option<ScratchFileParts>,
}

#[derive(FromPyObject)]
struct ScratchFileParts {
    path: PathBuf,
    tickets_in_memory: usize,
}

impl ScratchFileParts {
    fn open(self) -> PyResult<(Tickets, RestingPlace)> {
        let [tickets, panes] = ColdStore::open_two(&self.path)?;
        Ok((
            Tickets::with_file(tickets, self.tickets_in_memory),
            RestingPlace::with_file(panes),
        ))
    }
}

/// An event as the contract's own decoder reads it: what the parser here has passed on.
#[derive(FromPyObject)]
struct SlowEvent<'py> {
    subject: String,
    received_ms: i64,
    time_ms: i64,
    kind: u8,
    event: u64,
    names: Vec<String>,
    numbers: Vec<Bound<'py, PyAny>>,
}

impl SlowEvent<'_> {
    fn fact(&self, symbols: &mut Symbols) -> PyResult<Fact> {
        if self.names.len() > MOST_PARTS || self.numbers.len() > MOST_PARTS {
            return Err(PyValueError::new_err(
                "a fact has five names and numbers at most",
            ));
        }
        let mut fact = Fact {
            time_ms: self.time_ms,
            event: self.event,
            kind: self.kind,
            names_len: low_byte(self.names.len()),
            numbers_len: low_byte(self.numbers.len()),
            names: [NO_NAME; MOST_PARTS],
            numbers: [0; MOST_PARTS],
        };
        for (name, text) in fact.names.iter_mut().zip(&self.names) {
            *name = symbols.number(text);
        }
        for (place, number) in self.numbers.iter().enumerate() {
            fact.numbers[place] = if (self.kind, place) == (kind::CORRECTED, 1) {
                bits_of(number.extract()?)
            } else {
                number.extract()?
            };
        }
        Ok(fact)
    }
}

fn low_byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

fn fast_fact(event: &json::Event<'_>, symbols: &mut Symbols) -> Fact {
    let mut fact = Fact {
        time_ms: event.time_ms,
        event: event.hash,
        kind: event.kind,
        names_len: event.names_len,
        numbers_len: event.numbers_len,
        names: [NO_NAME; MOST_PARTS],
        numbers: event.numbers,
    };
    for (name, text) in fact.names.iter_mut().zip(event.names) {
        *name = symbols.number(text);
    }
    fact
}

type PlainStretch = (i64, i64, [String; 3], Option<i64>);

/// What a record is told by, should it have to be refused. More of the client's object is not held:
/// a flush of a backlog has tens of thousands.
struct Origin {
    topic: usize,
    offset: i64,
    key: Py<PyAny>,
    value: Py<PyAny>,
}

impl Origin {
    fn of(topic: usize, offset: i64, [key, value]: &[Bound<'_, PyAny>; 2]) -> Self {
        Self {
            topic,
            offset,
            key: key.clone().unbind(),
            value: value.clone().unbind(),
        }
    }
}

fn key_and_value<'py>(record: &Bound<'py, PyAny>) -> PyResult<[Bound<'py, PyAny>; 2]> {
    let py = record.py();
    Ok([
        record.getattr(intern!(py, "key"))?,
        record.getattr(intern!(py, "value"))?,
    ])
}

// -- the engine ----------------------------------------------------------------------------------

/// See `services.scoring.core.engine`.
#[pyclass(module = "bellwether_native")]
pub struct Engine {
    core: engine::Engine<PythonLayout, PythonMidnights, Origin>,
    partition: u32,
    digests: Vec<(String, String)>,
    groups: Groups,
    read_slowly: Py<PyAny>,
    earliest_ms: i64,
    latest_ms: i64,
    future_tolerance_ms: i64,
    failure: Failure,
    scratch: Vec<u8>,
}

/// The group of each department, whose panes have it as their key.
struct Groups {
    group_of: Py<PyAny>,
    known: Vec<Option<String>>,
}

impl Groups {
    fn of(&mut self, py: Python<'_>, number: DepartmentNumber, leaves: &Leaves) -> PyResult<&str> {
        let place = number as usize;
        if self.known.len() <= place {
            self.known.resize(place + 1, None);
        }
        let known = &mut self.known[place];
        if known.is_none() {
            let group = self.group_of.call1(py, (leaves.department(number),))?;
            *known = Some(group.extract(py)?);
        }
        Ok(known.as_deref().expect("it was asked for"))
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(parts: EngineParts) -> PyResult<Self> {
        let failure = Failure::default();
        let registry = parts.registry;
        let indicators = Indicators::new(&registry.ids, registry.individual)
            .map_err(|id| PyValueError::new_err(format!("the registry has no indicator {id}")))?;
        let limits = Limits {
            cells: CELLS_PER_RECORD,
            record_bytes: RECORD_BYTES,
        };
        let bounds = Bounds {
            deadlines: parts.most_deadlines,
            names: parts.most_names,
        };
        let (tickets, place) = parts
            .scratch_file
            .map_or_else(|| Ok(<_>::default()), ScratchFileParts::open)?;
        let core = engine::Engine::new(
            Lifecycle::new(rules_of(parts.versions, &indicators, &failure)?, indicators),
            PythonMidnights(parts.midnight),
            PaneStore::new(registry.kinds.into(), limits, place)?,
            tickets,
            parts.inputs,
            bounds,
        );
        Ok(Self {
            core,
            partition: parts.partition,
            digests: parts.digests,
            groups: Groups {
                group_of: parts.group_of,
                known: Vec::new(),
            },
            read_slowly: parts.read_slowly,
            earliest_ms: parts.earliest_ms,
            latest_ms: parts.latest_ms,
            future_tolerance_ms: parts.future_tolerance_ms,
            failure,
            scratch: Vec::new(),
        })
    }

    #[getter]
    fn positions(&self) -> Vec<i64> {
        self.core.positions.clone()
    }

    #[setter]
    fn set_positions(&mut self, positions: Vec<i64>) -> PyResult<()> {
        if positions.len() != self.core.positions.len() {
            return Err(PyValueError::new_err(
                "there is a position for each input topic",
            ));
        }
        self.core.positions = positions;
        Ok(())
    }

    #[getter]
    fn watermark_ms(&self) -> i64 {
        self.core.watermark_ms
    }

    #[getter]
    fn pending_events(&self) -> u64 {
        self.core.pending_events()
    }

    #[getter]
    fn stream_ms(&self) -> i64 {
        self.core.stream_ms()
    }

    #[getter]
    fn settled_ms(&self) -> i64 {
        self.core.settled_ms()
    }

    #[getter]
    fn tickets(&self) -> usize {
        self.core.tickets()
    }

    #[getter]
    fn scratch_bytes(&self) -> u64 {
        self.core.file_bytes()
    }

    #[getter]
    fn names(&self) -> usize {
        self.core.names()
    }

    fn has_due(&mut self) -> bool {
        self.core.has_due()
    }

    fn advance(&mut self, stream_ms: i64) {
        self.core.advance(stream_ms);
    }

    /// Take records of one input topic, in offset order.
    fn process(&mut self, topic: usize, records: &Bound<'_, PyAny>) -> PyResult<()> {
        if topic >= self.core.positions.len() {
            return Err(PyValueError::new_err(format!(
                "there is no input topic {topic}"
            )));
        }
        self.core.begin_reading();
        for record in records.try_iter()? {
            let record = record?;
            let offset = record.getattr(intern!(record.py(), "offset"))?.extract()?;
            if self.core.is_next(topic, offset) && !self.take_fast(topic, offset, &record)? {
                self.take_slowly(topic, offset, &record)?;
            }
        }
        Ok(())
    }

    fn flush<'py>(&mut self, py: Python<'py>, caught_up: bool) -> PyResult<Bound<'py, PyDict>> {
        let flush = self.core.flush(caught_up, &self.digests)?;
        self.raise_failure()?;
        let found = PyDict::new(py);
        found.set_item("revision", flush.revision)?;
        found.set_item("cycle_started", flush.cycle_started)?;
        found.set_item("received_ms", flush.received_ms)?;
        let changelog = flush
            .changelog
            .iter()
            .map(|record| PyBytes::new(py, record));
        found.set_item("changelog", PyList::new(py, changelog.collect::<Vec<_>>())?)?;
        found.set_item("panes", self.pane_records(py, caught_up, &flush)?)?;
        let parts = flush
            .measurements
            .iter()
            .map(|columns| self.columns_of(py, columns));
        found.set_item("measurements", parts.collect::<PyResult<Vec<_>>>()?)?;
        let refused = flush.refused.into_iter().map(refusal_of);
        found.set_item("refused", refused.collect::<Vec<_>>())?;
        found.set_item("events", flush.counts.events)?;
        found.set_item("fresh", flush.counts.fresh)?;
        found.set_item("settled", flush.counts.settled)?;
        let anomalies: BTreeMap<_, _> = flush.counts.anomalies.into_iter().collect();
        found.set_item("anomalies", anomalies)?;
        Ok(found)
    }

    /// The stretches of a ticket as (start, end, holder, what it waits for), and the exempt spans.
    fn stretches(
        &mut self,
        ticket: &str,
        until_ms: i64,
    ) -> PyResult<(Vec<PlainStretch>, Vec<Span>)> {
        let (stretches, exempt) = self.core.stretches(ticket, until_ms)?;
        self.raise_failure()?;
        let symbols = &self.core.lifecycle.symbols;
        let plain = stretches.into_iter().map(
            |Stretch {
                 start_ms,
                 end_ms,
                 holder,
                 waits_for,
             }| {
                let names = [holder.department, holder.team, holder.employee];
                (
                    start_ms,
                    end_ms,
                    names.map(|name| symbols.text(name).to_owned()),
                    waits_for,
                )
            },
        );
        Ok((plain.collect(), exempt))
    }

    /// Take a changelog record; the versions of the rules that were applied, with their digests.
    fn restore(&mut self, record: &[u8]) -> PyResult<Vec<(String, String)>> {
        self.core.restore(record)
    }

    fn finish_restore(&mut self) -> PyResult<()> {
        Ok(self.core.finish_restore()?)
    }
}

impl Engine {
    fn raise_failure(&self) -> PyResult<()> {
        lock(&self.failure).take().map_or(Ok(()), Err)
    }

    /// Take what is a usual event in time; whether it was.
    fn take_fast(
        &mut self,
        topic: usize,
        offset: i64,
        record: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = record.py();
        let content = key_and_value(record)?;
        let [Ok(key), Ok(value)] = content.each_ref().map(|part| part.cast::<PyBytes>()) else {
            return Ok(false);
        };
        let parsed = json::parse(value.as_bytes());
        let parsed = parsed.or_else(|| json::parse_escaped(value.as_bytes(), &mut self.scratch));
        let Some(event) = parsed else {
            return Ok(false);
        };
        let received_ms = match event.received_ms {
            Some(received_ms) => received_ms,
            None => record.getattr(intern!(py, "timestamp"))?.extract()?,
        };
        let is_timely = event.time_ms <= received_ms.saturating_add(self.future_tolerance_ms)
            && (self.earliest_ms..=self.latest_ms).contains(&event.time_ms);
        if !is_timely || key.as_bytes() != event.subject.as_bytes() {
            return Ok(false);
        }
        let fact = fast_fact(&event, &mut self.core.lifecycle.symbols);
        let origin = Origin::of(topic, offset, &content);
        self.core
            .take(topic, event.subject, fact, received_ms, origin)?;
        Ok(true)
    }

    fn take_slowly(
        &mut self,
        topic: usize,
        offset: i64,
        record: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let read = self.read_slowly.bind(record.py()).call1((record,))?;
        let origin = Origin::of(topic, offset, &key_and_value(record)?);
        if let Ok((reason, detail)) = read.extract::<(String, String)>() {
            self.core.refuse(Refused {
                record: origin,
                reason,
                detail,
            });
            return Ok(());
        }
        let event: SlowEvent<'_> = read.extract()?;
        let fact = event.fact(&mut self.core.lifecycle.symbols)?;
        self.core
            .take(topic, &event.subject, fact, event.received_ms, origin)?;
        Ok(())
    }

    /// The updates of a flush, each with its group.
    fn pane_records<'py>(
        &mut self,
        py: Python<'py>,
        caught_up: bool,
        flush: &engine::Flush<Origin>,
    ) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
        let rules = &self.core.lifecycle.rules;
        let header = pane_records::Header {
            source: self.partition,
            revision: flush.revision,
            watermark_ms: self.core.stream_ms(),
            sealed_ms: self.core.sealed_ms(),
            caught_up,
            received_ms: flush.received_ms,
            rule_version: &rules.at(self.core.watermark_ms).name,
            cycle: flush.cycle,
        };
        let leaves = self.core.leaves();
        let mut records = Vec::new();
        for update in pane_records::updates(&flush.touched, &flush.sliced, leaves) {
            let group = self.groups.of(py, update.department, leaves)?;
            self.scratch.clear();
            update.write(&header, group, leaves, &mut self.scratch);
            records.push((group.to_owned(), PyBytes::new(py, &self.scratch)));
        }
        Ok(records)
    }

    /// In the order of the fields of `shared.contracts.measurements.Measurements`.
    fn columns_of<'py>(&self, py: Python<'py>, part: &Columns) -> PyResult<Bound<'py, PyTuple>> {
        let names = part.names.iter().map(|&number| self.core.names_of(number));
        let versions = self.core.lifecycle.rules.versions();
        let versions = part.versions.iter().map(|&place| &*versions[place].name);
        let mut fields: Vec<Bound<'py, PyAny>> = vec![
            PyList::new(py, part.tickets.iter().map(|id| &**id))?.into_any(),
            PyList::new(py, names.collect::<Vec<_>>())?.into_any(),
            PyList::new(py, versions.collect::<Vec<_>>())?.into_any(),
        ];
        fields.extend(
            part.columns
                .columns()
                .map(|column| PyBytes::new(py, column).into_any()),
        );
        PyTuple::new(py, fields)
    }
}

/// In the order of the fields of `services.scoring.core.engine.Refused`.
type Refusal = (usize, i64, String, String, Py<PyAny>, Py<PyAny>);

fn refusal_of(refused: Refused<Origin>) -> Refusal {
    let Refused {
        record: origin,
        reason,
        detail,
    } = refused;
    let Origin {
        topic,
        offset,
        key,
        value,
    } = origin;
    (topic, offset, reason, detail, key, value)
}
