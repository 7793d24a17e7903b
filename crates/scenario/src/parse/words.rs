//! The words of a search or an expectation, and the values and comparisons that both are made of.

use std::ops::Range;

use crate::fields::{hint, nearest};
use crate::unit::shown;
use crate::{FIGURES, Figure, Op, Scenario, Unit, figure, parse_duration, parse_rate, parse_size};

/// What is wrong, and with which byte of the text.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { at, message }
    }
}

/// A text, cut into words.
pub(super) struct Words<'a> {
    text: &'a str,
    all: Vec<(Range<usize>, Word<'a>)>,
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word<'a> {
    /// Digits, perhaps with points.
    Number(&'a str),
    /// Names, units and the grammar's own words.
    Name(&'a str),
    Op(Op),
    /// The `*` of a factor.
    Times,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Problem> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            if first.is_whitespace() {
                at += first.len_utf8();
                continue;
            }
            let (length, word) = word(&text[at..]).ok_or_else(|| {
                let found = shown(first.encode_utf8(&mut [0; 4]));
                Problem::new(at, format!("`{found}` has no meaning here"))
            })?;
            all.push((at..at + length, word));
            at += length;
        }
        Ok(Self { text, all, next: 0 })
    }

    /// Where the next word begins, or the text ends.
    pub(super) fn at(&self) -> usize {
        let next = self.all.get(self.next);
        next.map_or(self.text.len(), |(range, _)| range.start)
    }

    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.all.get(self.next).map(|(_, word)| *word)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// The next word if it is this one.
    pub(super) fn take(&mut self, wanted: Word<'_>) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    /// The next name.
    pub(super) fn name(&mut self, wanted: &str) -> Result<(usize, &'a str), Problem> {
        let at = self.at();
        let Some(Word::Name(name)) = self.peek() else {
            return Err(self.expected(wanted));
        };
        self.skip();
        Ok((at, name))
    }

    /// The next word has to be a comparison.
    pub(super) fn op(&mut self) -> Result<(usize, Op), Problem> {
        let at = self.at();
        let Some(Word::Op(op)) = self.peek() else {
            let signs = Op::ALL.map(|op| format!("`{op}`"));
            return Err(self.expected(&format!("a comparison ({})", signs.join(", "))));
        };
        self.skip();
        Ok((at, op))
    }

    /// A number, and the unit after it if there is one. A name that is one of `others` is no unit.
    pub(super) fn value(&mut self, others: &[&str]) -> Result<Value<'a>, Problem> {
        let at = self.at();
        let Some(Word::Number(number)) = self.peek() else {
            return Err(self.expected("a number"));
        };
        self.skip();
        let unit = match self.peek() {
            Some(Word::Name(unit)) if !others.contains(&unit) => {
                self.skip();
                Some(unit)
            }
            _ => None,
        };
        Ok(Value { at, number, unit })
    }

    /// The text from byte `start` up to what has been read.
    pub(super) fn since(&self, start: usize) -> &'a str {
        let end = self.all[..self.next]
            .last()
            .map_or(start, |(range, _)| range.end);
        &self.text[start..end]
    }

    /// The error of a word that isn't what it has to be.
    pub(super) fn expected(&self, wanted: &str) -> Problem {
        let message = match self.all.get(self.next) {
            Some((range, _)) => {
                let found = shown(&self.text[range.clone()]);
                format!("`{found}` stands where {wanted} is right")
            }
            None => format!("the text ends where {wanted} is right"),
        };
        Problem::new(self.at(), message)
    }
}

/// The first word of a text that doesn't begin with a space.
fn word(text: &str) -> Option<(usize, Word<'_>)> {
    // The long signs before the short ones that they begin with.
    let signs = [
        Op::AtMost,
        Op::AtLeast,
        Op::Equal,
        Op::Unequal,
        Op::Less,
        Op::More,
    ];
    if let Some(op) = signs.into_iter().find(|op| text.starts_with(op.sign())) {
        return Some((op.sign().len(), Word::Op(op)));
    }
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let end = end.unwrap_or(text.len());
        return Some((end, Word::Number(&text[..end])));
    }
    if first == '*' && !text[1..].starts_with('.') {
        return Some((1, Word::Times));
    }
    if !first.is_alphabetic() && !matches!(first, '/' | '*') {
        return None;
    }
    // `*.lost` is one name.
    let rest = text[first.len_utf8()..]
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.' | '/'));
    let end = rest.map_or(text.len(), |rest| first.len_utf8() + rest);
    Some((end, Word::Name(&text[..end])))
}

/// A number as written, with the unit after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) at: usize,
    pub(super) number: &'a str,
    pub(super) unit: Option<&'a str>,
}

impl Value<'_> {
    /// As text, for what reads a number with its unit.
    pub(super) fn text(&self) -> String {
        match self.unit {
            Some(unit) => format!("{} {unit}", self.number),
            None => self.number.to_owned(),
        }
    }

    /// The number alone.
    pub(super) fn plain(&self) -> Result<f64, Problem> {
        let value = self.number.parse::<f64>().ok();
        value.filter(|value| value.is_finite()).ok_or_else(|| {
            let message = format!("`{}` is not a number", shown(self.number));
            Problem::new(self.at, message)
        })
    }

    /// The value in the unit of the figure's metric; `name` is the figure as written.
    pub(super) fn of(&self, figure: &Figure, name: &str) -> Result<f64, Problem> {
        let name = shown(name);
        let kind = figure.unit.name();
        let needs_unit = matches!(figure.unit, Unit::Time | Unit::Bytes | Unit::PerSecond);
        if needs_unit && self.unit.is_none() {
            let example = figure.unit.example();
            let message = format!("`{name}` is {kind}: write a unit, as in `{example}`");
            return Err(Problem::new(self.at, message));
        }
        if let (false, Some(unit)) = (needs_unit, self.unit) {
            let message = format!(
                "`{name}` is {kind}: write the number without `{}`",
                shown(unit)
            );
            return Err(Problem::new(self.at, message));
        }
        let text = self.text();
        let value = match figure.unit {
            Unit::Time => {
                parse_duration(&text).map(|time| time.as_nanos() as f64 / figure.nanoseconds())
            }
            Unit::Bytes => parse_size(&text).map(|bytes| bytes as f64),
            Unit::PerSecond => parse_rate(&text),
            Unit::Count | Unit::Ratio => return self.plain(),
        };
        value.map_err(|problem| Problem::new(self.at, format!("`{name}` is {kind}: {problem}")))
    }
}

/// The figure of that name, if this scenario has it; `at` is where it stands.
pub(super) fn figure_of(
    scenario: &Scenario,
    at: usize,
    name: &str,
) -> Result<&'static Figure, Problem> {
    let Some(figure) = figure(name) else {
        let known: Vec<&str> = FIGURES
            .iter()
            .filter(|figure| figure.why_never(scenario).is_none())
            .map(|figure| figure.name)
            .collect();
        let right = if nearest(name, &known).is_some() {
            hint(name, &known, '`')
        } else {
            // One percentile stands for all, or the list would fill a page.
            let others = ["p50", "p90", "p95", "p999", "max", "mean"];
            let is_other = |name: &str| others.iter().any(|other| name.ends_with(other));
            let short: Vec<&str> = known.into_iter().filter(|name| !is_other(name)).collect();
            let list = hint("", &short, '`');
            format!("{list}, and {} in place of p99", others.join(", "))
        };
        let message = format!("the figure `{}` is unknown: {right}", shown(name));
        return Err(Problem::new(at, message));
    };
    match figure.why_never(scenario) {
        Some(why) => Err(Problem::new(
            at,
            format!("there is never a figure `{}`: {why}", figure.name),
        )),
        None => Ok(figure),
    }
}

/// Equality is for what is counted.
pub(super) fn check_op(at: usize, op: Op, figure: &Figure) -> Result<(), Problem> {
    if matches!(op, Op::Equal | Op::Unequal) && figure.unit != Unit::Count {
        let message = format!(
            "`{op}` compares counts, and `{}` is {}, which is never quite the same twice: `<`, `<=`, `>`, `>=` are right",
            figure.name,
            figure.unit.name()
        );
        return Err(Problem::new(at, message));
    }
    Ok(())
}
