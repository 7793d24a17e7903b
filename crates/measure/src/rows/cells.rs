//! Rows to cells and back.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::folder::FolderError;

/// A row of a CSV file.
pub(crate) trait Row: Default {
    /// Visits every column, in the order of the file.
    fn visit(&mut self, cells: &mut impl Cells);
}

/// What a visit does to each cell.
pub(crate) trait Cells {
    /// A column that is data.
    fn at<T: Cell>(&mut self, name: &str, value: &mut T);

    /// A column that follows from others: written for people and spreadsheets, never read back.
    fn derived(&mut self, name: &str, value: Option<f64>);

    /// Columns that are all empty when there is nothing to say; `first` is the name of the first of them.
    fn group<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    );

    /// A group that is in the file only if one of its rows has something to say in it.
    fn optional<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    );
}

/// A value that fits a cell. An empty cell is the absent value.
pub(crate) trait Cell: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

/// The whole file.
pub(crate) fn write<R: Row + Clone>(rows: &[R]) -> Result<Vec<u8>, csv::Error> {
    let mut file = csv::Writer::from_writer(Vec::new());
    let mut present = Present::default();
    for row in rows {
        row.clone().visit(&mut present);
    }
    let mut heading = Writer::new(&present);
    R::default().visit(&mut heading);
    file.write_record(&heading.names)?;
    for row in rows {
        let mut cells = Writer::new(&present);
        row.clone().visit(&mut cells);
        file.write_record(&cells.cells)?;
    }
    file.into_inner().map_err(|error| error.into_error().into())
}

/// The rows of a file; `path` is for the errors.
pub(crate) fn read<R: Row>(path: &Path, text: &[u8]) -> Result<Vec<R>, FolderError> {
    let malformed = |line: u64, reason: String| FolderError::Malformed {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut file = csv::Reader::from_reader(text);
    let heading = file
        .headers()
        .map_err(|error| malformed(1, error.to_string()))?
        .clone();
    let columns: HashMap<&str, usize> = heading
        .iter()
        .enumerate()
        .map(|(index, name)| (name, index))
        .collect();
    let mut rows = Vec::new();
    for record in file.records() {
        let record = record.map_err(|error| {
            malformed(
                error.position().map_or(0, csv::Position::line),
                error.to_string(),
            )
        })?;
        let mut cells = Reader {
            columns: &columns,
            record: &record,
            error: None,
        };
        let mut row = R::default();
        row.visit(&mut cells);
        if let Some(reason) = cells.error {
            return Err(malformed(
                record.position().map_or(0, csv::Position::line),
                reason,
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Which optional columns some row has something to say in, by the name of the first of them.
#[derive(Default)]
struct Present(HashSet<String>);

impl Cells for Present {
    fn at<T: Cell>(&mut self, _: &str, _: &mut T) {}

    fn derived(&mut self, _: &str, _: Option<f64>) {}

    fn group<T: Default>(
        &mut self,
        _: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        if let Some(value) = value {
            each(self, value);
        }
    }

    fn optional<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        _: impl FnOnce(&mut Self, &mut T),
    ) {
        if value.is_some() && !self.0.contains(first) {
            self.0.insert(first.to_owned());
        }
    }
}

struct Writer<'a> {
    present: &'a Present,
    names: Vec<String>,
    cells: Vec<String>,
    blank: bool,
}

impl<'a> Writer<'a> {
    fn new(present: &'a Present) -> Self {
        Self {
            present,
            names: Vec::new(),
            cells: Vec::new(),
            blank: false,
        }
    }

    fn push(&mut self, name: &str, cell: String) {
        self.names.push(name.to_owned());
        self.cells
            .push(if self.blank { String::new() } else { cell });
    }
}

impl Cells for Writer<'_> {
    fn at<T: Cell>(&mut self, name: &str, value: &mut T) {
        self.push(name, value.write());
    }

    fn derived(&mut self, name: &str, value: Option<f64>) {
        self.push(name, value.write());
    }

    fn group<T: Default>(
        &mut self,
        _: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        let outer = self.blank;
        // A value stays where it is: derived columns behind it need it.
        if let Some(value) = value {
            each(self, value);
        } else {
            self.blank = true;
            each(self, &mut T::default());
        }
        self.blank = outer;
    }

    fn optional<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        if self.present.0.contains(first) {
            self.group(first, value, each);
        }
    }
}

struct Reader<'a> {
    columns: &'a HashMap<&'a str, usize>,
    record: &'a csv::StringRecord,
    error: Option<String>,
}

impl Cells for Reader<'_> {
    fn at<T: Cell>(&mut self, name: &str, value: &mut T) {
        if self.error.is_some() {
            return;
        }
        match self
            .columns
            .get(name)
            .and_then(|index| self.record.get(*index))
        {
            None => self.error = Some(format!("no column `{name}`")),
            Some(text) => match T::read(text) {
                Some(read) => *value = read,
                None => self.error = Some(format!("`{text}` is no value for column `{name}`")),
            },
        }
    }

    fn derived(&mut self, _: &str, _: Option<f64>) {}

    fn group<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        let cell = self
            .columns
            .get(first)
            .and_then(|index| self.record.get(*index));
        if cell.is_some_and(str::is_empty) {
            *value = None;
        } else {
            each(self, value.insert(T::default()));
        }
    }

    fn optional<T: Default>(
        &mut self,
        first: &str,
        value: &mut Option<T>,
        each: impl FnOnce(&mut Self, &mut T),
    ) {
        *value = None;
        if self.columns.contains_key(first) {
            self.group(first, value, each);
        }
    }
}

impl Cell for String {
    fn write(&self) -> String {
        self.clone()
    }
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self) -> String {
        self.as_ref().map(T::write).unwrap_or_default()
    }
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            Some(None)
        } else {
            T::read(text).map(Some)
        }
    }
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Cell for $type {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}
plain!(u32, u64, f64, bool);
