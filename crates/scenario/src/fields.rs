//! A TOML table that is read field by field, with the place of each field for messages.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::ScenarioError;
use crate::unit::{self, Bytes, Span};

/// The text of a file, to turn byte offsets into lines and columns.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// An error at a byte offset, which may lie past the end.
    pub(crate) fn error(&self, offset: usize, message: impl Into<String>) -> ScenarioError {
        let (line, column) = position(self.text.as_bytes(), offset);
        ScenarioError::Invalid {
            file: self.file.to_owned(),
            line,
            column,
            message: message.into(),
        }
    }
}

/// Line and column, both from 1; a column is a character, and half a character counts as one.
pub(crate) fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = before.split(|&b| b == b'\n').count();
    // In UTF-8 every byte but 10xxxxxx begins a character.
    let column = 1 + before[start..]
        .iter()
        .filter(|&&b| b & 0xc0 != 0x80)
        .count();
    (line, column)
}

/// One table: the file itself or a section of it.
pub(crate) struct Fields<'a> {
    pub(crate) source: Source<'a>,
    /// "" for the file itself.
    section: &'static str,
    /// Where the section's name stands.
    at: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Fields<'a> {
    /// The file itself.
    pub(crate) fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            section: "",
            at: 0,
            table,
        }
    }

    /// Refuses every field that isn't `known`, the first one in the file first. `elsewhere` are the fields of other
    /// sections, to say where a misplaced one belongs.
    pub(crate) fn only(
        &self,
        known: &[&str],
        elsewhere: &[(&str, &[&str])],
    ) -> Result<(), ScenarioError> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let home = elsewhere
            .iter()
            .find(|(section, fields)| *section != self.section && fields.contains(&name));
        let hint = match home {
            Some(("", _)) => {
                "it belongs at the top of the file, before the first section".to_owned()
            }
            Some((section, _)) => format!("it belongs in `[{section}]`"),
            None => hint(name, known, '`'),
        };
        let section = self.place();
        Err(self.source.error(
            key.span().start,
            format!("unknown field `{}`{section}: {hint}", unit::shown(name)),
        ))
    }

    /// The field, if the file has it.
    pub(crate) fn get(&self, name: &'static str) -> Option<Field<'a>> {
        let (key, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        let label = format!("field `{name}`{}", self.place());
        Some(Field {
            source: self.source,
            name,
            label,
            at: key.span().start,
            value,
        })
    }

    /// The field, or an error that shows how it would look.
    pub(crate) fn need(
        &self,
        name: &'static str,
        example: &str,
    ) -> Result<Field<'a>, ScenarioError> {
        self.get(name).ok_or_else(|| self.missing(name, example))
    }

    /// The error of a field that isn't there.
    pub(crate) fn missing(&self, name: &str, example: &str) -> ScenarioError {
        let place = self.place();
        self.source.error(
            self.at,
            format!("field `{name}`{place} is missing: write, for example, {example}"),
        )
    }

    /// A section, if the file has it.
    pub(crate) fn section(&self, name: &'static str) -> Result<Option<Fields<'a>>, ScenarioError> {
        let Some(field) = self.get(name) else {
            return Ok(None);
        };
        let DeValue::Table(table) = field.value.get_ref() else {
            return Err(field.wrong_type("a section", &format!("[{name}]")));
        };
        Ok(Some(Fields {
            source: self.source,
            section: name,
            at: field.at,
            table,
        }))
    }

    fn place(&self) -> String {
        if self.section.is_empty() {
            String::new()
        } else {
            format!(" in `[{}]`", self.section)
        }
    }
}

/// One field with its value, as written.
pub(crate) struct Field<'a> {
    source: Source<'a>,
    name: &'static str,
    /// "field `rate` in `[load]`".
    label: String,
    at: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Field<'a> {
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
            _ => Err(self.wrong_type("a text", &format!("{} = {example}", self.name))),
        }
    }

    pub(crate) fn flag(&self) -> Result<bool, ScenarioError> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong_type("true or false", &format!("{} = true", self.name))),
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
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return Err(self.wrong_type(
                "a whole number",
                &format!("{} = {}", self.name, range.start().max(&1)),
            ));
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        number.filter(|n| range.contains(n)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.wrong(format!(
                "{} is out of range: {least} to {most} are right",
                unit::shown(&integer.to_string())
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

    fn wrong_type(&self, wanted: &str, example: &str) -> ScenarioError {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        let message = if found == wanted || wanted == "a list of texts" && found == "a list" {
            format!("its items must all be texts; write, for example, {example}")
        } else {
            format!("it must be {wanted}, not {found}; write, for example, {example}")
        };
        self.wrong(message)
    }
}

/// "did you mean …?" when a name is near enough, and all names when none is.
pub(crate) fn hint(name: &str, known: &[&str], quote: char) -> String {
    let plain = name.to_lowercase().replace('_', "-");
    // The similarity is quadratic in the length; no name of ours is longer than this.
    let likely = (plain.len() <= 64).then(|| {
        let scored = known.iter().map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&plain, candidate),
                candidate,
            )
        });
        scored
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(score, _)| *score >= 0.5)
    });
    if let Some((_, candidate)) = likely.flatten() {
        return format!("did you mean {quote}{candidate}{quote}?");
    }
    let all: Vec<String> = known
        .iter()
        .map(|name| format!("{quote}{name}{quote}"))
        .collect();
    format!(
        "{} {} right",
        all.join(", "),
        if all.len() == 1 { "is" } else { "are" }
    )
}
