//! Runs a command beside an S3 server that all tests in it use: `with-s3 cargo test`.

use std::error::Error;
use std::process::Command;

use tenrow_tests::place::S3_FOLDER;
use tenrow_tests::s3::S3Server;
use tenrow_tests::{LIMIT_OF_ALL, Program};

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let (program, arguments) =
        arguments.split_first().ok_or("usage: with-s3 COMMAND [ARGUMENT]…")?;
    let folder = tempfile::tempdir()?;
    let server = S3Server::over(folder.path());
    eprintln!("an S3 server is at {}", server.endpoint());
    let mut command = Command::new(program);
    command.args(arguments).envs(server.variables()).env(S3_FOLDER, folder.path());
    finish(command)
}

/// Runs the command to its end.
pub(crate) fn finish(mut command: Command) -> Result<(), Box<dyn Error>> {
    let program = command.get_program().display().to_string();
    let child = command.spawn().map_err(|error| format!("cannot run {program}: {error}"))?;
    match Program::new(child).finish_within(LIMIT_OF_ALL) {
        status if status.success() => Ok(()),
        status => Err(format!("{program}: {status}").into()),
    }
}
