//! Object stores that are reached over a network.
//!
//! ```text
//! options given  ─┐
//! environment    ─┼─► layers: one value for each setting ─► builder of the provider ─► ObjectStore
//! profile files  ─┘                                         over `http`, which counts
//! ```

mod connection;
mod credentials;
mod denied;
mod hedge;
mod http;
mod layers;
mod memory;
mod progress;
mod secrets;
mod settings;
mod environment;
mod values;

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::list::PaginatedListStore;
use object_store::{ClientConfigKey, ObjectStore, RetryConfig};

use super::counted::LiveCounters;
use super::location::{Provider, RemoteLocation};
use super::options::StoreOptions;
use crate::error::{Error, Result};
use credentials::ByTask;
pub(crate) use denied::explain;
pub(crate) use environment::Environment;
pub(crate) use hedge::hedged;
use http::Counting;
use layers::Layers;
pub use memory::LentMemory;
pub(crate) use secrets::Secrets;
pub(crate) use settings::check_known;

/// How often a request is sent again, at most, unless an option says otherwise.
const MAX_RETRIES: usize = 10;
/// How long a request is sent again, unless an option says otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

/// A store that was opened: nothing has been asked of it yet.
pub(crate) struct Remote {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same store, if a listing of it can be cut short.
    pub(crate) pages: Option<Arc<dyn PaginatedListStore>>,
    /// What tells its objects from those of other stores.
    pub(crate) identity: String,
    /// What no message has.
    pub(crate) secrets: Arc<Secrets>,
}

impl Remote {
    fn new<S: ObjectStore + PaginatedListStore>(
        store: S,
        identity: String,
        secrets: Arc<Secrets>,
    ) -> Self {
        let store = Arc::new(store);
        Self { pages: Some(store.clone()), store, identity, secrets }
    }
}

/// Opens the store at `location`. Sends nothing.
pub(crate) fn open(
    location: &RemoteLocation,
    options: &StoreOptions,
    environment: &Environment,
    counters: &Arc<LiveCounters>,
) -> Result<Remote> {
    let retry = retry(options)?;
    let http = Counting::new(counters.clone(), retry.retry_timeout);
    let failed = |secrets: &Secrets, error| {
        secrets.hide(Error::store(format!("cannot use {location}"), error))
    };
    match location.provider {
        Provider::Memory => {
            if let Some((name, _)) = options.iter().find(|(name, _)| !settings::is_general(name)) {
                return Err(settings::unknown(location.provider, name));
            }
            let store = memory::store(&location.bucket);
            let (identity, secrets) = (location.bucket.clone(), Arc::default());
            Ok(Remote { store, pages: None, identity, secrets })
        }
        Provider::S3 => {
            let layers: Layers<AmazonS3ConfigKey> =
                Layers::of(location.provider, options, environment)?;
            let endpoints = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
            layers.check_encrypted(&endpoints)?;
            layers.check_both([
                (AmazonS3ConfigKey::AccessKeyId, "access_key_id"),
                (AmazonS3ConfigKey::SecretAccessKey, "secret_access_key"),
            ])?;
            let (identity, secrets) = (layers.identity(location, &endpoints), layers.secrets());
            let is_ordered = !location.bucket.ends_with("--x-s3");
            let builder = AmazonS3Builder::new().with_retry(retry).with_http_connector(http);
            let are_fetched = !layers.has_credentials();
            let builder = layers.fold(builder, AmazonS3Builder::with_config);
            let builder = builder.with_bucket_name(&location.bucket);
            let failed = |e| failed(&secrets, e);
            let mut store = builder.clone().build().map_err(failed)?;
            if are_fetched {
                let credentials = ByTask(store.credentials().clone());
                store = builder.with_credentials(Arc::new(credentials)).build().map_err(failed)?;
            }
            let mut remote = Remote::new(store, identity, Arc::new(secrets));
            // Directory buckets list in no order.
            remote.pages = remote.pages.filter(|_| is_ordered);
            Ok(remote)
        }
        Provider::Azure => {
            let layers: Layers<AzureConfigKey> =
                Layers::of(location.provider, options, environment)?;
            layers.check_encrypted(&[AzureConfigKey::Endpoint])?;
            let names = [AzureConfigKey::AccountName, AzureConfigKey::Endpoint];
            let (identity, secrets) = (layers.identity(location, &names), layers.secrets());
            let builder = MicrosoftAzureBuilder::new().with_retry(retry).with_http_connector(http);
            let are_fetched = !layers.has_credentials();
            let builder = layers.fold(builder, MicrosoftAzureBuilder::with_config);
            let builder = builder.with_container_name(&location.bucket);
            let failed = |e| failed(&secrets, e);
            let mut store = builder.clone().build().map_err(failed)?;
            if are_fetched {
                let credentials = ByTask(store.credentials().clone());
                store = builder.with_credentials(Arc::new(credentials)).build().map_err(failed)?;
            }
            Ok(Remote::new(store, identity, Arc::new(secrets)))
        }
        Provider::Google => {
            let layers: Layers<GoogleConfigKey> =
                Layers::of(location.provider, options, environment)?;
            layers.check_encrypted(&[GoogleConfigKey::BaseUrl])?;
            let identity = layers.identity(location, &[GoogleConfigKey::BaseUrl]);
            let secrets = layers.secrets();
            let builder =
                GoogleCloudStorageBuilder::new().with_retry(retry).with_http_connector(http);
            let are_fetched = !layers.has_credentials();
            let builder = layers.fold(builder, GoogleCloudStorageBuilder::with_config);
            let builder = builder.with_bucket_name(&location.bucket);
            let failed = |e| failed(&secrets, e);
            let mut store = builder.clone().build().map_err(failed)?;
            if are_fetched {
                let credentials = ByTask(store.credentials().clone());
                store = builder.with_credentials(Arc::new(credentials)).build().map_err(failed)?;
            }
            Ok(Remote::new(store, identity, Arc::new(secrets)))
        }
        Provider::Http | Provider::Https => {
            let layers: Layers<ClientConfigKey> =
                Layers::of(location.provider, options, environment)?;
            let url = format!("{}://{}", location.provider.scheme(), location.bucket);
            let secrets = layers.secrets();
            let builder = HttpBuilder::new().with_retry(retry).with_http_connector(http);
            let builder = layers.fold(builder, HttpBuilder::with_config);
            // Whoever writes http:// has allowed it.
            let builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
            let store = builder.with_url(url).build().map_err(|e| failed(&secrets, e))?;
            let identity = format!("{}://{}", location.provider.scheme(), location.bucket);
            let secrets = Arc::new(secrets);
            Ok(Remote { store: Arc::new(store), pages: None, identity, secrets })
        }
    }
}

fn retry(options: &StoreOptions) -> Result<RetryConfig> {
    let max_retries = match options.get("max_retries") {
        None => MAX_RETRIES,
        Some(text) => text.parse().map_err(|_| wrong("max_retries", "a number, such as 10"))?,
    };
    let retry_timeout = match options.get("deadline") {
        None => DEADLINE,
        Some(text) => humantime::parse_duration(text)
            .map_err(|_| wrong("deadline", "a duration, such as 60s"))?,
    };
    Ok(RetryConfig { max_retries, retry_timeout, ..RetryConfig::default() })
}

/// How long a request may take before it is sent a second time; `None`: as long as it takes.
pub(crate) fn hedge_after(options: &StoreOptions) -> Result<Option<Duration>> {
    let Some(text) = options.get("hedge_after") else { return Ok(None) };
    let after = humantime::parse_duration(text);
    after.map(Some).map_err(|_| wrong("hedge_after", "a duration, such as 200ms"))
}

fn wrong(name: &str, expected: &str) -> Error {
    Error::invalid(format!("option {name}: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_repeated_as_often_and_as_long_as_options_say() {
        let options = StoreOptions::default().with("max_retries", "3").with("deadline", "7s");
        let config = retry(&options).unwrap();
        assert_eq!((config.max_retries, config.retry_timeout), (3, Duration::from_secs(7)));
        let config = retry(&StoreOptions::default()).unwrap();
        assert_eq!((config.max_retries, config.retry_timeout), (MAX_RETRIES, DEADLINE));
        assert!(retry(&StoreOptions::default().with("max_retries", "many")).is_err());
    }
}
