//! One field of a table: its value, checked and typed.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{Fields, Source, hint};
use crate::Axis;
use crate::axes::Quantity;
use crate::error::ScenarioError;
use crate::unit::{self, Bytes, Span};

/// One field with its value, as written.
pub(crate) struct Field<'a> {
    pub(super) source: Source<'a>,
    pub(super) name: &'static str,
    /// "field `rate` in `[load]`".
    pub(super) label: String,
    pub(super) at: usize,
    pub(super) value: &'a Spanned<DeValue<'a>>,
    /// Whether the value is one of a sweep's.
    pub(super) swept: bool,
}

impl<'a> Field<'a> {
    /// The value as TOML has it.
    pub(crate) fn value(&self) -> &'a Spanned<DeValue<'a>> {
        self.value
    }

    /// The value as a table, which messages call `section`.
    pub(crate) fn table(
        &self,
        section: Cow<'static, str>,
        example: &str,
    ) -> Result<Fields<'a>, ScenarioError> {
        let DeValue::Table(table) = self.value.get_ref() else {
            return Err(self.wrong_type("a section", example));
        };
        Ok(Fields {
            source: self.source,
            section,
            at: self.at,
            table,
            swept: &[],
        })
    }

    /// An error about the byte at `offset` of a text. Its place in the file is known if the text stands there to the letter,
    /// on one line and without escapes; otherwise it is where the text begins.
    pub(crate) fn wrong_within(&self, offset: usize, message: impl Display) -> ScenarioError {
        let start = self.value.span().start;
        let inside = match self.value.get_ref() {
            DeValue::String(text) => {
                let source = self.source.text.get(start + 1..).unwrap_or_default();
                source.starts_with(text.as_ref()).then_some(start + 1)
            }
            _ => None,
        };
        self.wrong_at(inside.map_or(start, |inside| inside + offset), message)
    }

    /// A value of an axis, in the unit of its column.
    pub(crate) fn quantity(&self, axis: &Axis) -> Result<f64, ScenarioError> {
        let example = match axis.quantity() {
            Quantity::Count => return self.count(0..=u32::MAX.into()).map(|n| n as f64),
            Quantity::Switch => return self.flag().map(f64::from),
            Quantity::Rate => "\"100/s\"",
            Quantity::Bytes => "\"64 B\"",
            Quantity::Seconds => "\"50ms\"",
            Quantity::BitRate => "\"10 Mbit/s\"",
            Quantity::Share => "\"1 %\"",
        };
        let text = self.text(example)?;
        let value = axis.quantity().read(text);
        value.map_err(|problem| self.wrong(problem))
    }

    /// An error about the value.
    pub(crate) fn wrong(&self, message: impl Display) -> ScenarioError {
        self.source.error(
            self.value.span().start,
            format!("{}: {message}", self.label),
        )
    }

    /// The error of a field that nothing executes.
    pub(crate) fn useless(&self, why: impl Display) -> ScenarioError {
        self.source
            .error(self.at, format!("{} is useless: {why}", self.label))
    }

    pub(crate) fn text(&self, example: &str) -> Result<&'a str, ScenarioError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.wrong_type("a text", &self.example(example))),
        }
    }

    pub(crate) fn flag(&self) -> Result<bool, ScenarioError> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong_type("true or false", &self.example("true"))),
        }
    }

    /// A list of texts, each with its place.
    pub(crate) fn texts(&self, example: &str) -> Result<Vec<(usize, &'a str)>, ScenarioError> {
        let example = format!("{} = {example}", self.name);
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(self.wrong_type("a list of texts", &example));
        };
        let text = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(text) => Ok((item.span().start, text.as_ref())),
            _ => Err(self.wrong_type("a list of texts", &example)),
        };
        items.iter().map(text).collect()
    }

    /// An error about something within the value.
    pub(crate) fn wrong_at(&self, offset: usize, message: impl Display) -> ScenarioError {
        self.source
            .error(offset, format!("{}: {message}", self.label))
    }

    /// A whole number.
    pub(crate) fn count(&self, range: RangeInclusive<u64>) -> Result<u64, ScenarioError> {
        let (text, number) = match self.value.get_ref() {
            DeValue::Integer(integer) => {
                let number = u64::from_str_radix(integer.as_str(), integer.radix());
                (integer.to_string(), number.ok())
            }
            // One that a sweep's range has made: there is no way to make an integer of TOML's.
            DeValue::String(digits) if self.swept => (digits.to_string(), digits.parse().ok()),
            _ => {
                let example = range.start().max(&1).to_string();
                return Err(self.wrong_type("a whole number", &self.example(&example)));
            }
        };
        number.filter(|n| range.contains(n)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.wrong(format!(
                "{} is out of range: {least} to {most} are right",
                unit::shown(&text)
            ))
        })
    }

    /// [`Field::count`] for what is counted in 32 bits.
    pub(crate) fn small(&self, range: RangeInclusive<u32>) -> Result<u32, ScenarioError> {
        let wide = u64::from(*range.start())..=u64::from(*range.end());
        self.count(wide).map(|n| n as u32)
    }

    pub(crate) fn duration(
        &self,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, ScenarioError> {
        let text = self.text("\"5s\"")?;
        let value = unit::parse_duration(text).map_err(|problem| self.wrong(problem))?;
        self.within(text, value, &range, Span)
    }

    pub(crate) fn size(&self, range: RangeInclusive<usize>) -> Result<usize, ScenarioError> {
        let text = self.text("\"64 B\"")?;
        let value = unit::parse_size(text).map_err(|problem| self.wrong(problem))?;
        self.within(text, value, &range, Bytes)
    }

    /// A rate above zero and up to `most`, a second.
    pub(crate) fn rate(&self, most: f64) -> Result<f64, ScenarioError> {
        let text = self.text("\"500/s\"")?;
        let value = unit::parse_rate(text).map_err(|problem| self.wrong(problem))?;
        if value > 0.0 && value <= most {
            Ok(value)
        } else {
            let shown = unit::shown(text);
            Err(self.wrong(format!(
                "\"{shown}\" is out of range: more than 0/s and at most {most}/s are right"
            )))
        }
    }

    /// Bits a second, above zero and up to `most`.
    pub(crate) fn bit_rate(&self, most: f64) -> Result<f64, ScenarioError> {
        let text = self.text("\"10 Mbit/s\"")?;
        let value = unit::parse_bit_rate(text).map_err(|problem| self.wrong(problem))?;
        if value > 0.0 && value <= most {
            Ok(value)
        } else {
            let shown = unit::shown(text);
            Err(self.wrong(format!(
                "\"{shown}\" is out of range: more than 0 bit/s and at most {} are right",
                unit::bit_rate(most)
            )))
        }
    }

    /// A share, written in percent.
    pub(crate) fn share(&self) -> Result<f64, ScenarioError> {
        let text = self.text("\"1 %\"")?;
        unit::parse_share(text).map_err(|problem| self.wrong(problem))
    }

    /// One of some names.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, ScenarioError> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let text = self.text(&format!("\"{}\"", names[0]))?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|&(_, value)| value).ok_or_else(|| {
            self.wrong(format!(
                "\"{}\" is unknown: {}",
                unit::shown(text),
                hint(text, &names, '"')
            ))
        })
    }

    fn within<T: PartialOrd + Copy, S: Display>(
        &self,
        text: &str,
        value: T,
        range: &RangeInclusive<T>,
        show: fn(T) -> S,
    ) -> Result<T, ScenarioError> {
        if range.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (show(*range.start()), show(*range.end()));
        Err(self.wrong(format!(
            "\"{}\" is out of range: {least} to {most} are right",
            unit::shown(text)
        )))
    }

    /// The field with that value; a sweep has lists of them.
    fn example(&self, value: &str) -> String {
        if self.swept {
            format!("{} = [{value}]", self.name)
        } else {
            format!("{} = {value}", self.name)
        }
    }

    pub(crate) fn wrong_type(&self, wanted: &str, example: &str) -> ScenarioError {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        let items = wanted.strip_prefix("a list of ");
        let message = if let (Some(items), "a list") = (items, found) {
            format!("its items must all be {items}; write, for example, {example}")
        } else {
            format!("it must be {wanted}, not {found}; write, for example, {example}")
        };
        self.wrong(message)
    }
}
