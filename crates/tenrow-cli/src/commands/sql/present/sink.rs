//! Where the rows of an answer go.

use std::fs::File;
use std::io::{self, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tenrow_convert::RowWriter;

use super::Form;
use super::table::Table;
use crate::fault::{Fault, Result};

type Out = Box<dyn Write + Send>;

/// Takes the rows of one answer, and shows or writes them.
pub(crate) struct Sink {
    target: Target,
    /// Set if nobody reads what is printed any more.
    is_closed: Arc<AtomicBool>,
}

enum Target {
    Table(Box<Table<Out>>),
    Rows(Box<RowWriter>),
}

impl Sink {
    /// Prints to stdout; tables in lines of at most `width` characters.
    pub(crate) fn printing(form: Form, schema: &SchemaRef, width: Option<usize>) -> Result<Self> {
        let is_closed = Arc::new(AtomicBool::new(false));
        let out = Box::new(Printed { is_closed: is_closed.clone() });
        Self::new(form, schema, width, out, is_closed)
    }

    /// Writes to a file.
    pub(crate) fn writing(form: Form, schema: &SchemaRef, file: File) -> Result<Self> {
        Self::new(form, schema, None, Box::new(file), Arc::default())
    }

    fn new(
        form: Form,
        schema: &SchemaRef,
        width: Option<usize>,
        out: Out,
        is_closed: Arc<AtomicBool>,
    ) -> Result<Self> {
        let target = match form {
            Form::Table => {
                let out: Out = Box::new(io::BufWriter::new(out));
                Target::Table(Box::new(Table::new(schema, width, out)))
            }
            Form::Rows(format) => {
                let writer = RowWriter::new(format, schema, out);
                let writer = writer.map_err(|error| closed(&is_closed).unwrap_or(error.into()))?;
                Target::Rows(Box::new(writer))
            }
        };
        Ok(Self { target, is_closed })
    }

    /// Takes some rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let written = match &mut self.target {
            Target::Table(table) => table.write(batch),
            Target::Rows(writer) => writer.write(batch).map_err(Fault::from),
        };
        written.map_err(|fault| closed(&self.is_closed).unwrap_or(fault))
    }

    /// Ends the answer, and says how many columns there was no room for.
    pub(crate) fn finish(self) -> Result<usize> {
        let is_closed = self.is_closed;
        let finished = match self.target {
            Target::Table(table) => table.finish(),
            Target::Rows(writer) => {
                for remark in writer.remarks() {
                    writeln!(stderr(), "tenrow: {remark}")?;
                }
                writer.finish().map(|()| 0).map_err(Fault::from)
            }
        };
        finished.map_err(|fault| closed(&is_closed).unwrap_or(fault))
    }
}

/// The fault of printing, if nobody reads it any more: that is what is behind all others.
fn closed(is_closed: &AtomicBool) -> Option<Fault> {
    let error = io::Error::from(io::ErrorKind::BrokenPipe);
    is_closed.load(Ordering::Relaxed).then(|| error.into())
}

/// Stdout, which remembers if nobody reads it any more: not every writer passes the reason on.
struct Printed {
    is_closed: Arc<AtomicBool>,
}

impl Printed {
    fn watched<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.is_closed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watched(stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.watched(stdout().flush())
    }
}
