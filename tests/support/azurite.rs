//! Azurite, the emulator of Azure's blob storage: a program of Node that is started and ended here.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hyper::Request;
use object_store::ClientOptions;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::{HttpConnector, ReqwestConnector};
use tokio::runtime::Runtime;

/// The container that it has.
pub const CONTAINER: &str = "tests";
/// The variable that says where tests of Azure may keep their objects.
pub const AZURE_LOCATION: &str = "TENROW_TEST_AZURE";
const ACCOUNT: &str = "devstoreaccount1";
/// Base64; the emulator is told this one, too.
const KEY: &str = "dGVucm93LXRlbnJvdy10ZW5yb3ctdGVucm93LXRlbnJvdw==";
const STARTED: &str = "listens on ";

/// The emulator, until it is dropped.
pub struct Azurite {
    process: Child,
    address: String,
}

impl Azurite {
    /// Starts `program`, whose objects are in memory.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn start(program: &Path) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["--silent", "--inMemoryPersistence", "--skipApiVersionCheck"]);
        command.args(["--disableTelemetry", "--blobPort", "0"]);
        command.env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"));
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.map_err(|e| format!("cannot run {}: {e}", program.display()))?;
        let said = process.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        let address = said.map_while(Result::ok).find_map(|line| {
            line.split_once(STARTED).map(|(_, address)| address.trim().to_owned())
        });
        let azurite = Self { process, address: address.unwrap_or_default() };
        if azurite.address.is_empty() {
            return Err(format!("{} ended before it said where it is", program.display()));
        }
        azurite.create_container()?;
        Ok(azurite)
    }

    /// Where it is, `http://127.0.0.1:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How it is reached, as variables of the environment.
    pub fn variables(&self) -> [(&'static str, String); 6] {
        [
            (AZURE_LOCATION, format!("az://{CONTAINER}")),
            ("TENROW_CACHE", "off".to_owned()),
            ("AZURITE_BLOB_STORAGE_URL", self.address.clone()),
            ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_owned()),
        ]
    }

    fn create_container(&self) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("no container: {error}");
        let url = format!("{}/{ACCOUNT}/{CONTAINER}?restype=container", self.address);
        let request = Request::put(url).header("content-length", "0").body(Vec::new().into());
        let mut request = request.map_err(|e| failed(&e))?;
        let key = AzureAccessKey::try_new(KEY).map_err(|e| failed(&e))?;
        AzureAuthorizer::new(&AzureCredential::AccessKey(key), ACCOUNT).authorize(&mut request);
        let options = ClientOptions::new().with_allow_http(true);
        let client = ReqwestConnector::default().connect(&options).map_err(|e| failed(&e))?;
        let runtime = Runtime::new().map_err(|e| failed(&e))?;
        let answer = runtime.block_on(client.execute(request)).map_err(|e| failed(&e))?;
        if answer.status().is_success() { Ok(()) } else { Err(failed(&answer.status())) }
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
