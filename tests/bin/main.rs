//! The programs that tests run beside themselves: `test-programs NAME ARGUMENT…`. They are one, since each would be linked anew
//! whenever a test is built.

mod crash_writer;
mod interop_cases;
mod remote_reader;
#[cfg(feature = "sql")]
mod sql_answers;
mod with_s3;
mod with_azure;
mod worker;

use std::error::Error;
use std::process::ExitCode;

/// What a program does with its arguments.
type Run = fn(&[String]) -> Result<(), Box<dyn Error>>;

/// What each is called.
const PROGRAMS: &[(&str, Run)] = &[
    ("crash-writer", crash_writer::run),
    ("interop-cases", interop_cases::run),
    ("remote-reader", remote_reader::run),
    #[cfg(feature = "sql")]
    ("sql-answers", sql_answers::run),
    ("with-azure", with_azure::run),
    ("with-s3", with_s3::run),
    ("worker", worker::run),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let asked = arguments.next().unwrap_or_default();
    let Some((name, run)) = PROGRAMS.iter().find(|(name, _)| *name == asked) else {
        let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        eprintln!("test-programs: {asked:?} is none of {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    match run(&arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
