//! Runs a command beside an emulator of Azure that the tests in it use: `with-azure node_modules/.bin/azurite-blob
//! cargo test`.

use std::path::Path;
use std::process::{Command, ExitCode};

use tenrow_tests::azurite::Azurite;
use tenrow_tests::{LIMIT_OF_ALL, Program};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(azurite), Some(program)) = (arguments.next(), arguments.next()) else {
        eprintln!("with-azure: usage: with-azure AZURITE-BLOB COMMAND [ARGUMENT]…");
        return ExitCode::FAILURE;
    };
    let server = match Azurite::start(Path::new(&azurite)) {
        Ok(server) => server,
        Err(reason) => {
            eprintln!("with-azure: {reason}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("with-azure: Azurite is at {}", server.address());
    let mut command = Command::new(&program);
    command.args(arguments).envs(server.variables());
    match command.spawn().map(|child| Program::new(child).finish_within(LIMIT_OF_ALL)) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("with-azure: cannot run {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
