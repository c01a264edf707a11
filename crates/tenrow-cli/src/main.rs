//! The `tenrow` program: its arguments, its progress bars and what it prints.
//!
//! What a program in Rust would want too is in the libraries `tenrow` and `tenrow-convert`.

mod text;
mod terminal;
mod fault;
mod interrupts;
mod progress;
mod stores;
mod which_version;
mod row_list;
mod show;
mod file_warnings;
mod commands;
mod arguments;

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use tenrow::storage::Upload;

use arguments::{Arguments, Command};
use commands::{
    cache, clone, compact, create, delete, demo, diff, expire, export, files, get, head, import,
    info, ls, merge, repair, restore, schema, sql, tag, take, vacuum, verify, versions, view,
};
use fault::{Fault, Interrupted, Result};
use interrupts::{Interrupts, Second};
use stores::Stores;

/// The exit status of programs that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// How long stores may take to be told of the uploads that were given up.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Where commands print to.
type Output = BufWriter<std::io::Stdout>;

fn main() -> ExitCode {
    print_panics_of_ours();
    let arguments = Arguments::given();
    let stores = match Stores::new(&arguments.store) {
        Ok(stores) => stores,
        Err(fault) => return finish(Err(fault)),
    };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let result = runtime.block_on(run_until_interrupted(arguments.command, &stores));
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

async fn run_until_interrupted(command: Command, stores: &Stores) -> Result<()> {
    // At the prompt of SQL it ends the statement, not the program.
    if matches!(command, Command::Sql(_)) {
        return run(command, stores).await;
    }
    let mut interrupts = Interrupts::listen(Second::Ends)?;
    tokio::select! {
        biased;
        () = interrupts.pressed() => Err(Interrupted.into()),
        done = run(command, stores) => done,
    }
}

async fn run(command: Command, stores: &Stores) -> Result<()> {
    let mut out = BufWriter::new(stdout());
    match command {
        Command::Demo(arguments) => demo::run(arguments, stores, &mut out).await?,
        Command::Create(arguments) => create::run(arguments, stores, &mut out).await?,
        Command::Import(arguments) => import::run(arguments, stores, &mut out).await?,
        Command::Info(arguments) => info::run(arguments, stores, &mut out).await?,
        Command::Head(arguments) => head::run(arguments, stores, &mut out).await?,
        Command::Get(arguments) => get::run(arguments, stores, &mut out).await?,
        Command::Take(arguments) => take::run(arguments, stores, &mut out).await?,
        Command::Export(arguments) => export::run(arguments, stores, &mut out).await?,
        Command::Files(arguments) => files::run(arguments, stores, &mut out).await?,
        Command::Versions(arguments) => versions::run(arguments, stores, &mut out).await?,
        Command::Sql(arguments) => sql::run(arguments, stores).await?,
        Command::View(arguments) => view::run(arguments, stores, &mut out).await?,
        Command::Ls(arguments) => ls::run(arguments, stores, &mut out).await?,
        Command::Diff(arguments) => diff::run(arguments, stores, &mut out).await?,
        Command::Tag(arguments) => tag::run(arguments, stores, &mut out).await?,
        Command::Restore(arguments) => restore::run(arguments, stores, &mut out).await?,
        Command::Delete(arguments) => delete::run(arguments, stores, &mut out).await?,
        Command::Schema(arguments) => schema::run(arguments, stores, &mut out).await?,
        Command::Compact(arguments) => compact::run(arguments, stores, &mut out).await?,
        Command::Expire(arguments) => expire::run(arguments, stores, &mut out).await?,
        Command::Vacuum(arguments) => vacuum::run(arguments, stores, &mut out).await?,
        Command::Repair(arguments) => repair::run(arguments, stores, &mut out).await?,
        Command::Clone(arguments) => clone::run(arguments, stores, &mut out).await?,
        Command::Merge(arguments) => merge::run(arguments, stores, &mut out).await?,
        Command::Cache(arguments) => cache::run(arguments, stores, &mut out).await?,
        Command::Verify(arguments) => verify::run(arguments, stores, &mut out).await?,
    }
    out.flush()?;
    Ok(())
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
