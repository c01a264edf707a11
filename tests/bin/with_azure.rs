//! Runs a command beside an emulator of Azure that the tests in it use: `with-azure node_modules/.bin/azurite-blob
//! cargo test`.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use tenrow_tests::azurite::Azurite;

use crate::with_s3::finish;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [azurite, program, arguments @ ..] = arguments else {
        return Err("usage: with-azure AZURITE-BLOB COMMAND [ARGUMENT]…".into());
    };
    let server = Azurite::start(Path::new(azurite))?;
    eprintln!("Azurite is at {}", server.address());
    let mut command = Command::new(program);
    command.args(arguments).envs(server.variables());
    finish(command)
}
