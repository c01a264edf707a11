//! Runs a command beside an S3 server that all tests in it use: `with-s3 cargo test`.

use std::process::{Command, ExitCode};

use tenrow_tests::place::S3_FOLDER;
use tenrow_tests::s3::S3Server;
use tenrow_tests::{LIMIT_OF_ALL, Program};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("with-s3: a command is missing, as in: with-s3 cargo test");
        return ExitCode::FAILURE;
    };
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("with-s3: no temporary folder: {error}");
            return ExitCode::FAILURE;
        }
    };
    let server = S3Server::over(folder.path());
    eprintln!("with-s3: an S3 server is at {}", server.endpoint());
    let mut command = Command::new(&program);
    command.args(arguments).envs(server.variables()).env(S3_FOLDER, folder.path());
    match command.spawn().map(|child| Program::new(child).finish_within(LIMIT_OF_ALL)) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("with-s3: cannot run {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
