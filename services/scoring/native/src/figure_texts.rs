//! Figures as they lie in score records: `shared.contracts.figures.Figure` in JSON.

use std::collections::BTreeMap;
use std::io::Write;

use crate::indicator_set::IndicatorSet;
use crate::summary::{Figure, Histogram, Kind, Summary};

/// The name and the kind of an indicator; the name needs no escape.
pub type Indicator = (String, Kind);

/// Figures in a list.
pub struct FigureTexts {
    pub bytes: Vec<u8>,
    /// Whether none of those that were written here has a case.
    pub is_empty: bool,
}

/// The figures of indicators with data, and others that are written already, ascending by the places
/// of the indicators. Those of `provisional` may still turn out otherwise.
pub fn figure_texts<'a>(
    summaries: impl Iterator<Item = (u8, Option<Summary<&'a Histogram>>)>,
    indicators: &[Indicator],
    provisional: IndicatorSet,
    others: &BTreeMap<u8, Vec<u8>>,
) -> FigureTexts {
    let mut list = FigureTexts {
        bytes: vec![b'['],
        is_empty: true,
    };
    let mut others = others.iter().peekable();
    for (place, summary) in summaries {
        while let Some((_, text)) = others.next_if(|(other, _)| **other < place) {
            list.push(text);
        }
        if others.peek().is_some_and(|(other, _)| **other == place) {
            continue;
        }
        let known = summary.zip(indicators.get(usize::from(place)));
        if let Some((summary, (name, kind))) = known {
            let figure = summary.figure(*kind);
            list.begin();
            list.write(name, &figure, provisional.has(place));
            list.is_empty &= figure.measured.n == 0;
        }
    }
    for (_, text) in others {
        list.push(text);
    }
    list.bytes.push(b']');
    list
}

impl FigureTexts {
    fn begin(&mut self) {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
    }

    fn push(&mut self, text: &[u8]) {
        self.begin();
        self.bytes.extend_from_slice(text);
    }

    fn write(&mut self, name: &str, figure: &Figure, is_provisional: bool) {
        let Figure {
            measured,
            good,
            total,
            percentiles: [p50, p90, p95, p99],
        } = figure;
        let bytes = &mut self.bytes;
        put(
            bytes,
            format_args!("{{\"indicator\":\"{name}\",\"n\":{}", measured.n),
        );
        put_number(bytes, "value", measured.value);
        for (field, number) in [("good", good), ("total", total)] {
            if let Some(number) = number {
                put(bytes, format_args!(",\"{field}\":{number}"));
            }
        }
        put_number(bytes, "low", measured.low);
        put_number(bytes, "high", measured.high);
        for (field, number) in [("p50", p50), ("p90", p90), ("p95", p95), ("p99", p99)] {
            put_number(bytes, field, *number);
        }
        if is_provisional {
            put(bytes, format_args!(",\"provisional\":true"));
        }
        bytes.push(b'}');
    }
}

/// Without the field where there is no number, or none that JSON has.
fn put_number(bytes: &mut Vec<u8>, field: &str, number: Option<f64>) {
    if let Some(number) = number.filter(|number| number.is_finite()) {
        put(bytes, format_args!(",\"{field}\":{number:?}"));
    }
}

fn put(bytes: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    bytes.write_fmt(text).expect("there is memory");
}
