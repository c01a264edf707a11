//! The options that there are.

use std::collections::BTreeSet;

use object_store::ClientConfigKey;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

use crate::error::{Error, Result};
use crate::storage::location::Provider;
use crate::storage::options::StoreOptions;

/// Options of every store.
const ALL: [&str; 7] =
    ["cache", "cache_folder", "cache_size", "deadline", "hedge_after", "max_retries", "profile"];

/// Options of connections.
const CONNECTION: [&str; 11] = [
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "http1_only",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "timeout",
];

const S3: [&str; 19] = [
    "access_key_id",
    "container_authorization_token_file",
    "container_credentials_full_uri",
    "container_credentials_relative_uri",
    "endpoint",
    "imdsv1_fallback",
    "metadata_endpoint",
    "region",
    "request_payer",
    "role_arn",
    "role_session_name",
    "secret_access_key",
    "server_side_encryption",
    "session_token",
    "skip_signature",
    "sse_kms_key_id",
    "unsigned_payload",
    "virtual_hosted_style_request",
    "web_identity_token_file",
];

const AZURE: [&str; 15] = [
    "access_key",
    "account_name",
    "authority_host",
    "bearer_token",
    "client_id",
    "client_secret",
    "endpoint",
    "federated_token_file",
    "msi_endpoint",
    "object_id",
    "sas_token",
    "skip_signature",
    "tenant_id",
    "use_azure_cli",
    "use_emulator",
];

const GOOGLE: [&str; 5] = [
    "application_credentials",
    "base_url",
    "service_account",
    "service_account_key",
    "skip_signature",
];

/// The names of the options of a provider, sorted.
pub(crate) fn known_options(provider: Provider) -> Vec<&'static str> {
    let own: &[&str] = match provider {
        Provider::S3 => &S3,
        Provider::Azure => &AZURE,
        Provider::Google => &GOOGLE,
        Provider::Http | Provider::Https | Provider::Memory => &[],
    };
    let connection = if provider == Provider::Memory { &[] } else { CONNECTION.as_slice() };
    let mut names: Vec<_> = ALL.iter().chain(connection).chain(own).copied().collect();
    names.sort_unstable();
    names
}

/// Whether the option is one of every store.
pub(super) fn is_general(name: &str) -> bool {
    ALL.contains(&name)
}

/// Refuses an option that no store has: folders need none, but may be given those of stores beside them.
pub(crate) fn check_known(options: &StoreOptions) -> Result<()> {
    let is_setting = |name: &str| {
        is_general(name)
            || name.parse::<AmazonS3ConfigKey>().is_ok()
            || name.parse::<AzureConfigKey>().is_ok()
            || name.parse::<GoogleConfigKey>().is_ok()
            || name.parse::<ClientConfigKey>().is_ok()
    };
    let Some((name, _)) = options.iter().find(|(name, _)| !is_setting(name)) else { return Ok(()) };
    let known: BTreeSet<&str> =
        [&ALL[..], &CONNECTION, &S3, &AZURE, &GOOGLE].into_iter().flatten().copied().collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Err(Error::invalid(format!("unknown option{}; stores have {known}", shown(name))))
}

/// Of an option that there is not.
pub(super) fn unknown(provider: Provider, name: &str) -> Error {
    let known = known_options(provider).join(", ");
    let scheme = provider.scheme();
    Error::invalid(format!("unknown option{} of {scheme}://; there are {known}", shown(name)))
}

/// An unknown name, if it looks like one: it may be a secret, of which a part stands before a `=`.
fn shown(name: &str) -> String {
    let is_name = name.len() <= 48 && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    if is_name { format!(" {name:?}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_no_store_has_is_refused_for_folders_too() {
        let options = |name: &str| StoreOptions::default().with(name, "marker");
        for name in ["region", "aws_region", "account_name", "cache", "timeout"] {
            assert!(check_known(&options(name)).is_ok(), "{name}");
        }
        let error = check_known(&options("regoin")).unwrap_err().chain();
        assert!(error.contains("\"regoin\"") && error.contains("region, "), "{error}");
        assert!(!error.contains("marker"));
    }

    #[test]
    fn every_known_option_is_a_setting() {
        let are = |names: &[&str], is: &dyn Fn(&str) -> bool| {
            names.iter().for_each(|name| assert!(is(name), "{name}"));
        };
        are(&S3, &|name| name.parse::<AmazonS3ConfigKey>().is_ok());
        are(&AZURE, &|name| name.parse::<AzureConfigKey>().is_ok());
        are(&GOOGLE, &|name| name.parse::<GoogleConfigKey>().is_ok());
        are(&CONNECTION, &|name| name.parse::<ClientConfigKey>().is_ok());
    }
}
