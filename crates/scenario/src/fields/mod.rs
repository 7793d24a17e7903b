//! A TOML table that is read field by field, with the place of each field for messages.

mod field;

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(crate) use self::field::Field;
use crate::Axis;
use crate::error::ScenarioError;
use crate::unit;

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
    section: Cow<'static, str>,
    /// Where the section's name stands.
    at: usize,
    table: &'a DeTable<'a>,
    /// The fields whose values come from the sweep.
    swept: &'a [&'static Axis],
}

impl<'a> Fields<'a> {
    /// The file itself.
    pub(crate) fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            section: Cow::Borrowed(""),
            at: 0,
            table,
            swept: &[],
        }
    }

    /// The same with these fields marked as taken from the sweep, so that messages say so.
    pub(crate) fn sweeping(self, swept: &'a [&'static Axis]) -> Self {
        Self { swept, ..self }
    }

    /// The fields that stand here, in the file's order.
    pub(crate) fn names(&self) -> Vec<(usize, &'a str)> {
        let mut names: Vec<(usize, &str)> = self
            .table
            .keys()
            .map(|key| (key.span().start, key.get_ref().as_ref()))
            .collect();
        names.sort_unstable();
        names
    }

    /// Where that field's name stands; where the section's does if it isn't there.
    pub(crate) fn place_of(&self, name: &str) -> usize {
        let mut names = self.names().into_iter();
        names
            .find(|(_, other)| *other == name)
            .map_or(self.at, |(at, _)| at)
    }

    /// A copy of these fields alone.
    pub(crate) fn part(&self, names: &[&str]) -> DeTable<'a> {
        let wanted = self.table.iter();
        let wanted = wanted.filter(|(key, _)| names.contains(&key.get_ref().as_ref()));
        wanted
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// An error about the whole.
    pub(crate) fn wrong(&self, message: impl Into<String>) -> ScenarioError {
        self.source.error(self.at, message)
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
        let mut swept = self.swept.iter();
        let swept = swept.any(|axis| axis.section == self.section && axis.name == name);
        let label = if swept {
            format!("field `{name}` in `[sweep]`")
        } else {
            format!("field `{name}`{}", self.place())
        };
        Some(Field {
            source: self.source,
            name,
            label,
            at: key.span().start,
            value,
            swept,
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
        let fields = field.table(Cow::Borrowed(name), &format!("[{name}]"))?;
        Ok(Some(fields.sweeping(self.swept)))
    }

    /// A section that may stand there any number of times, `[[name]]`.
    pub(crate) fn sections(&self, name: &'static str) -> Result<Vec<Fields<'a>>, ScenarioError> {
        let Some(field) = self.get(name) else {
            return Ok(Vec::new());
        };
        let example = format!("[[{name}]]");
        let DeValue::Array(items) = field.value.get_ref() else {
            return Err(field.wrong_type("a list of sections", &example));
        };
        let section = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(table) => Ok(Fields {
                source: self.source,
                section: Cow::Owned(format!("[{name}]")),
                at: item.span().start,
                table,
                swept: &[],
            }),
            _ => Err(field.wrong_type("a list of sections", &example)),
        };
        items.iter().map(section).collect()
    }

    fn place(&self) -> String {
        if self.section.is_empty() {
            String::new()
        } else {
            format!(" in `[{}]`", self.section)
        }
    }
}

/// "did you mean …?" when a name is near enough, and all names when none is.
pub(crate) fn hint(name: &str, known: &[&str], quote: char) -> String {
    if let Some(candidate) = nearest(name, known) {
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

/// The known name that one may have meant.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = name.to_lowercase().replace('_', "-");
    // The similarity is quadratic in the length; no name of ours is longer than this.
    if plain.len() > 64 {
        return None;
    }
    let scored = known.iter().map(|candidate| {
        let score = strsim::normalized_damerau_levenshtein(&plain, candidate);
        (score, *candidate)
    });
    let (score, candidate) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= 0.5).then_some(candidate)
}
