//! Prints what passes as it comes.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::Receiver;

use wiretap::Event;

use super::diagram::Diagram;
use super::lines::Lines;

/// In which form.
pub(super) enum Printer {
    Diagram(Diagram),
    Lines(Lines),
}

impl Printer {
    /// Prints all events until there are no more: what has come together in one write.
    ///
    /// # Errors
    /// Nobody takes what is written.
    pub(super) fn print(
        mut self,
        says: &[String],
        events: &Receiver<Event>,
        out: impl Write,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        for line in says {
            writeln!(out, "{line}")?;
        }
        if let Self::Diagram(diagram) = &self {
            write!(out, "{}", diagram.head())?;
        }
        out.flush()?;
        while let Ok(event) = events.recv() {
            self.line(&event, &mut out)?;
            while let Ok(event) = events.try_recv() {
                self.line(&event, &mut out)?;
            }
            out.flush()?;
        }
        out.flush()
    }

    fn line(&mut self, event: &Event, out: &mut impl Write) -> io::Result<()> {
        let line = match self {
            Self::Diagram(diagram) => diagram.line(event),
            Self::Lines(lines) => lines.line(event)?,
        };
        writeln!(out, "{line}")
    }
}
