//! What the value of a setting may be: what a client would take for granted is checked here, and never repeated.

use std::path::Path;

use url::Url;

use crate::error::{Error, Result};
use crate::storage::open_regular;

/// What kind of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Switch,
    /// Such as `30s`.
    Duration,
    Number,
    /// Where a service is: with a scheme and a host, and without credentials.
    Address,
    /// The path of a file that is read.
    File,
    /// A JSON document with a key.
    Key,
    /// Text of several lines.
    Certificate,
    /// A part of the name of a host.
    Name,
    /// What a header or an address can have: printable ASCII.
    Text,
}

/// The settings that are no text, by the name that is [shown](shown).
const KINDS: [(&str, Kind); 44] = [
    ("allow_http", Kind::Switch),
    ("allow_invalid_certificates", Kind::Switch),
    ("http1_only", Kind::Switch),
    ("http2_only", Kind::Switch),
    ("http2_keep_alive_while_idle", Kind::Switch),
    ("randomize_addresses", Kind::Switch),
    ("imdsv1_fallback", Kind::Switch),
    ("request_payer", Kind::Switch),
    ("skip_signature", Kind::Switch),
    ("unsigned_payload", Kind::Switch),
    ("virtual_hosted_style_request", Kind::Switch),
    ("s3_express", Kind::Switch),
    ("disable_tagging", Kind::Switch),
    ("sse_bucket_key_enabled", Kind::Switch),
    ("use_azure_cli", Kind::Switch),
    ("use_emulator", Kind::Switch),
    ("use_fabric_endpoint", Kind::Switch),
    ("connect_timeout", Kind::Duration),
    ("timeout", Kind::Duration),
    ("pool_idle_timeout", Kind::Duration),
    ("http2_keep_alive_interval", Kind::Duration),
    ("http2_keep_alive_timeout", Kind::Duration),
    ("pool_max_idle_per_host", Kind::Number),
    ("http2_max_frame_size", Kind::Number),
    ("endpoint", Kind::Address),
    ("endpoint_url_s3", Kind::Address),
    ("endpoint_url_sts", Kind::Address),
    ("base_url", Kind::Address),
    ("metadata_endpoint", Kind::Address),
    ("authority_host", Kind::Address),
    ("msi_endpoint", Kind::Address),
    ("fabric_token_service_url", Kind::Address),
    ("container_credentials_full_uri", Kind::Address),
    ("container_authorization_token_file", Kind::File),
    ("web_identity_token_file", Kind::File),
    ("federated_token_file", Kind::File),
    ("application_credentials", Kind::File),
    ("service_account", Kind::File),
    ("service_account_key", Kind::Key),
    ("proxy_ca_certificate", Kind::Certificate),
    ("region", Kind::Name),
    ("default_region", Kind::Name),
    ("account_name", Kind::Name),
    ("tenant_id", Kind::Name),
];

/// What kind of value the setting has that a client calls `name`.
pub(super) fn kind_of(name: &str) -> Kind {
    let shown = shown(name);
    KINDS.iter().find(|(known, _)| *known == shown).map_or(Kind::Text, |(_, kind)| *kind)
}

/// The name of a setting without that of its provider.
fn shown(name: &str) -> &str {
    let prefixes = ["aws_", "azure_storage_", "azure_", "google_"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Refuses a value that a setting cannot have. It is not repeated: it may be secret, or stand where another belongs.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput).
pub(super) fn check(name: &str, value: &str) -> Result<()> {
    let wrong = |expected: &str| wrong(name, expected);
    let kind = kind_of(name);
    if value.trim().is_empty() {
        return Err(empty(name));
    }
    let has_lines = matches!(kind, Kind::Key | Kind::Certificate);
    if !has_lines && value.contains(char::is_control) {
        return Err(wrong("one line without control characters: is there a line end at its end?"));
    }
    if !has_lines && value.trim() != value {
        return Err(wrong("no blanks around it"));
    }
    let is_printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !has_lines && kind != Kind::File && !is_printable {
        return Err(wrong("printable ascii"));
    }
    match kind {
        Kind::Switch if !is_switch(value) => Err(wrong("true or false")),
        Kind::Duration if humantime::parse_duration(value).is_err() => {
            Err(wrong("a duration, such as 30s"))
        }
        Kind::Number if value.parse::<u32>().is_err() => Err(wrong("a number, such as 10")),
        Kind::Name if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
            Err(wrong("letters, digits, - and ."))
        }
        Kind::Key if !is_key(value.as_bytes()) => {
            Err(wrong("the json document of a key, with its private_key"))
        }
        Kind::File => check_file(Path::new(value)).map_err(wrong),
        Kind::Address => check_address(value).map_err(wrong),
        _ => Ok(()),
    }
}

/// Of an option that is given and has no value.
pub(super) fn empty(name: &str) -> Error {
    wrong(name, "a value, or not to be given at all")
}

fn wrong(name: &str, expected: &str) -> Error {
    Error::invalid(format!("option {}: expected {expected}; its value is not shown", shown(name)))
}

/// As the clients read them.
fn is_switch(value: &str) -> bool {
    let known = ["1", "true", "on", "yes", "y", "0", "false", "off", "no", "n"];
    known.contains(&value.to_ascii_lowercase().as_str())
}

fn is_key(document: &[u8]) -> bool {
    let parsed = serde_json::from_slice::<serde_json::Value>(document);
    parsed.is_ok_and(|document| document.get("private_key").is_some_and(|key| key.is_string()))
}

/// Clients would wait for a pipe.
fn check_file(path: &Path) -> Result<(), &'static str> {
    open_regular(path).map(drop).map_err(|_| "the path of a file that can be read")
}

fn check_address(value: &str) -> Result<(), &'static str> {
    const EXPECTED: &str = "an address such as https://host:9000, with http:// or https://";
    let url = Url::parse(value).map_err(|_| EXPECTED)?;
    if !matches!(url.scheme(), "http" | "https") || value.contains([' ', '\\']) {
        return Err(EXPECTED);
    }
    if !url.username().is_empty() || url.password().is_some() || value.contains('@') {
        return Err("an address without credentials: they are options of their own");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address without ? and #");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use object_store::ClientConfigKey;
    use object_store::aws::AmazonS3ConfigKey;
    use object_store::azure::AzureConfigKey;
    use object_store::gcp::GoogleConfigKey;

    use super::*;

    #[test]
    fn values_that_a_client_would_stumble_over_are_refused_and_not_repeated() {
        let wrong = [
            ("aws_endpoint", "localhost:9000"),
            ("aws_endpoint", "marker"),
            ("aws_endpoint", "https://"),
            ("aws_endpoint", "ftp://marker"),
            ("aws_endpoint", "http://user:marker@host"),
            ("aws_endpoint", "https://host/?marker"),
            ("google_base_url", "https://mar ker"),
            ("aws_secret_access_key", "marker\n"),
            ("aws_secret_access_key", ""),
            ("aws_secret_access_key", " marker"),
            ("aws_session_token", "marker\u{e9}"),
            ("aws_region", "mar/ker"),
            ("azure_storage_account_name", "marker.host/x"),
            ("allow_http", "marker"),
            ("timeout", "marker"),
            ("pool_max_idle_per_host", "-1"),
            ("google_service_account_key", "{\"private_key\": marker}"),
            ("google_service_account_key", "{\"marker\": 1}"),
            ("google_service_account", "/dev/zero"),
            ("aws_web_identity_token_file", "/marker/marker"),
        ];
        for (name, value) in wrong {
            let error = check(name, value).expect_err(value).chain();
            assert!(error.contains("expected") && error.contains(shown(name)), "{error}");
            assert!(!error.contains("marker") && !error.contains("user"), "{error}");
        }
        let right = [
            ("aws_endpoint", "http://localhost:9000/x"),
            ("aws_endpoint", "https://[::1]:9000"),
            ("aws_secret_access_key", "a/b+c="),
            ("allow_http", "Yes"),
            ("timeout", "1m 30s"),
            ("proxy_excludes", "a.b, c.d"),
            ("google_service_account_key", "{\n\"private_key\": \"-----BEGIN\\n\"}\n"),
        ];
        for (name, value) in right {
            check(name, value).unwrap();
        }
    }

    #[test]
    fn every_kind_is_that_of_a_setting() {
        for (name, _) in KINDS {
            let names = ["aws_", "azure_storage_", "azure_", "google_", ""];
            let is_setting = names.map(|prefix| format!("{prefix}{name}")).iter().any(|name| {
                name.parse::<AmazonS3ConfigKey>().is_ok()
                    || name.parse::<AzureConfigKey>().is_ok()
                    || name.parse::<GoogleConfigKey>().is_ok()
                    || name.parse::<ClientConfigKey>().is_ok()
            });
            assert!(is_setting, "{name}");
        }
    }
}
