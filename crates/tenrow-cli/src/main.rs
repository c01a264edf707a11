//! The `tenrow` program: its arguments, its progress bars and what it prints.
//!
//! What a program in Rust would want too is in the libraries `tenrow` and `tenrow-convert`.

mod text;
mod fault;
mod terminal;
mod interrupts;
mod progress;
mod stores;
mod table;
mod answer;
mod command;
mod which_version;
mod which_rows;
mod row_list;
mod show;
mod commands;
mod arguments;

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use tenrow::storage::Upload;

use arguments::Arguments;
use fault::{Fault, Interrupted, Result};
use interrupts::{Interrupts, Second};
use stores::Stores;

/// The exit status of programs that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// How long stores may take to be told of the uploads that were given up.
const ABORT_TIME: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    print_panics_of_ours();
    let arguments = Arguments::given();
    let stores = match Stores::new(&arguments.store) {
        Ok(stores) => stores,
        Err(fault) => return finish(Err(fault)),
    };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let result = runtime.block_on(run_until_interrupted(&arguments, &stores));
            stores.report();
            if result.is_err() {
                let aborted = async { tokio::time::timeout(ABORT_TIME, Upload::aborted()).await };
                // In vain, a store keeps their parts until they expire.
                let _ = runtime.block_on(aborted);
                // What is still under way has been given up, or has nobody left to wait for it.
                runtime.shutdown_background();
            }
            finish(result)
        }
        Err(error) => finish(Err(error.into())),
    }
}

/// A decoder that gives up on damaged bytes is an error, which says so itself.
fn print_panics_of_ours() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !tenrow::engine::is_guarding() {
            print(panic);
        }
    }));
}

async fn run_until_interrupted(arguments: &Arguments, stores: &Stores) -> Result<()> {
    if arguments.command.takes_interrupts() {
        return run(arguments, stores).await;
    }
    let mut interrupts = Interrupts::listen(Second::Ends)?;
    tokio::select! {
        biased;
        () = interrupts.pressed() => Err(Interrupted.into()),
        done = run(arguments, stores) => done,
    }
}

async fn run(arguments: &Arguments, stores: &Stores) -> Result<()> {
    let answer = arguments.command.run(stores).await?;
    answer.print(arguments.json, &mut BufWriter::new(stdout())).await
}

fn finish(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough of it, as in `tenrow head | head -1`.
        Err(fault) if fault::is_closed_pipe(&fault) => ExitCode::SUCCESS,
        Err(fault) => {
            report(&fault);
            if fault::is_interrupt(&fault) {
                ExitCode::from(INTERRUPTED)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn report(fault: &Fault) {
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "tenrow: {}", fault::line(fault));
}
