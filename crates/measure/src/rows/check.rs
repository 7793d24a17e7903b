//! Whether a file of rows is, to the letter, what its rows say.
//!
//! A reader takes only the data; what follows from it (and the columns of a group that is empty) stands in the file all
//! the same, and a spreadsheet reads that. So the file is written again, in memory, and compared cell by cell.

use std::io;
use std::path::Path;

use csv::StringRecord;

use super::cells::{Row, write};
use crate::folder::FolderError;

/// The line on which each row begins, from 1, if the file is what `rows`, which were read from it, say.
///
/// # Errors
/// It isn't; the error names the line, what stands there and what would be right.
pub(crate) fn lines<R: Row + Clone>(
    path: &Path,
    text: &[u8],
    rows: &[R],
) -> Result<Vec<u64>, FolderError> {
    let right = write(rows).map_err(|error| FolderError::Read {
        path: path.to_owned(),
        cause: io::Error::other(error),
    })?;
    let found = records(path, text)?;
    if text != right {
        let (line, reason) = difference(&found, &records(path, &right)?)
            .unwrap_or_else(|| other_letters(text, &right));
        return Err(FolderError::Malformed {
            path: path.to_owned(),
            line,
            reason,
        });
    }
    Ok(found.iter().skip(1).map(|(line, _)| *line).collect())
}

type Records = Vec<(u64, StringRecord)>;

/// All records, the heading among them, each with its line.
fn records(path: &Path, text: &[u8]) -> Result<Records, FolderError> {
    let line_of = |position: Option<&csv::Position>| position.map_or(1, csv::Position::line);
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).from_reader(text);
    let records = reader.records().map(|record| match record {
        Ok(record) => Ok((line_of(record.position()), record)),
        Err(error) => Err(FolderError::Malformed {
            path: path.to_owned(),
            line: line_of(error.position()),
            reason: error.to_string(),
        }),
    });
    records.collect()
}

/// The first cell that differs: its line, and what is wrong.
fn difference(found: &Records, right: &Records) -> Option<(u64, String)> {
    let names = right.first().map(|(_, names)| names);
    for (row, ((line, own), (_, wanted))) in found.iter().zip(right).enumerate() {
        for place in 0..own.len().max(wanted.len()) {
            let name = names.and_then(|names| names.get(place)).unwrap_or("?");
            let reason = match (own.get(place), wanted.get(place)) {
                (own, wanted) if own == wanted => continue,
                (Some(own), Some(wanted)) if row == 0 => {
                    let number = place + 1;
                    format!("column {number} is `{own}`; `{wanted}` would be right")
                }
                (Some(own), None) if row == 0 => {
                    format!("column `{own}` is one too many: pushlab writes none of that name")
                }
                (None, _) => format!("no column `{name}`"),
                (Some(own), wanted) => {
                    let wanted = wanted.unwrap_or_default();
                    format!("`{name}` is `{own}`; `{wanted}` would be right")
                }
            };
            return Some((*line, reason));
        }
    }
    (found.len() != right.len()).then(|| {
        let (now, then) = (found.len().saturating_sub(1), right.len() - 1);
        let line = found.last().map_or(1, |(line, _)| *line);
        (
            line,
            format!("the file ends after {now} rows; {then} would be right"),
        )
    })
}

/// The same cells, written otherwise.
fn other_letters(text: &[u8], right: &[u8]) -> (u64, String) {
    let line = |text: &[u8]| text.split(|byte| *byte == b'\n').count() as u64;
    if text.last() != Some(&b'\n') {
        return (
            line(text),
            "the last line has no end: the file was cut off".to_owned(),
        );
    }
    let alike = text
        .iter()
        .zip(right)
        .take_while(|(own, wanted)| own == wanted);
    let alike = alike.count().min(text.len());
    let reason = "pushlab writes no such quotes, blanks or line ends: the file was written by something else";
    (line(&text[..alike]), reason.to_owned())
}
