//! The value of an option is in no message: whatever is wrong with it, whoever finds out, wherever that is said.

use std::error::Error as StdError;
use std::fmt::{Debug, Write};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use proptest::prelude::*;
use tenrow::StoreOptions;
use tenrow::storage::Storage;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const MARKER: &str = "mArKeR7731";

/// All that is logged while it is the subscriber.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An error in all forms, with all its causes.
fn all_of(error: &tenrow::Error) -> String {
    let mut text = format!("{error:?} {error:#?} {error} {}", error.chain());
    let mut next = error.source();
    while let Some(cause) = next {
        write!(text, " {cause} {cause:?}").unwrap();
        next = cause.source();
    }
    text
}

/// Options with which each provider is asked at a place where nobody answers.
fn providers() -> [(&'static str, StoreOptions); 4] {
    const NOBODY: &str = "http://127.0.0.1:9";
    let quick = StoreOptions::default()
        .with("max_retries", "0")
        .with("deadline", "1s")
        .with("cache", "off")
        .with("allow_http", "true");
    [
        (
            "s3://bucket/x",
            quick
                .clone()
                .with("endpoint", NOBODY)
                .with("region", "r")
                .with("access_key_id", "some-key")
                .with("secret_access_key", "some-secret"),
        ),
        (
            "az://bucket/x",
            quick
                .clone()
                .with("endpoint", NOBODY)
                .with("account_name", "account")
                .with("access_key", "c2VjcmV0"),
        ),
        ("gs://bucket/x", quick.clone().with("base_url", NOBODY).with("skip_signature", "true")),
        ("http://127.0.0.1:9/x", quick),
    ]
}

/// The options that an unknown one is told.
fn names_of(location: &str) -> Vec<String> {
    let unknown = StoreOptions::default().with("unknown", "x");
    let error = Storage::open_with(location, &unknown).unwrap_err().to_string();
    let (_, names) = error.split_once("there are ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

/// Opens a store and asks it: gives all that is said meanwhile. Nothing panics, and nothing takes long.
fn said(location: &str, options: &StoreOptions) -> (String, bool) {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = tracing::subscriber::with_default(log.clone(), || {
        let storage = match Storage::open_with(location, options) {
            Ok(storage) => storage,
            Err(error) => return Err(all_of(&error)),
        };
        let ask = async {
            let mut text = format!("{storage:?} {storage} {options:?}");
            let errors = [
                storage.read("a", 9).await.map(drop),
                storage.list_folders("").await.map(drop),
                storage.put_new("a", Bytes::from("x")).await.map(drop),
            ];
            for error in errors.into_iter().filter_map(Result::err) {
                text.push_str(&all_of(&error));
            }
            text
        };
        let limited = async { tokio::time::timeout(Duration::from_secs(60), ask).await };
        Ok(runtime.block_on(AssertUnwindSafe(limited).catch_unwind()))
    });
    let logged = log.0.lock().unwrap().clone();
    match opened {
        Ok(Ok(Ok(text))) => (text + &logged, true),
        Ok(Ok(Err(_))) => panic!("{location} {options:?}: no end"),
        Ok(Err(_)) => panic!("{location} {options:?}: a panic"),
        Err(text) => (text + &logged, false),
    }
}

/// Where these say where a store is, they are no secrets; a profile is looked up by its name.
fn may_be_shown(name: &str) -> bool {
    let places = ["endpoint", "base_url", "region", "account_name", "authority_host"];
    let others =
        ["metadata_endpoint", "msi_endpoint", "tenant_id", "container_credentials_full_uri"];
    places.contains(&name) || others.contains(&name) || name == "profile"
}

#[test]
fn no_value_of_any_option_of_any_provider_is_said_in_any_shape() {
    let key = format!(
        "{{\"private_key\": \"{MARKER}\", \"client_email\": \"{MARKER}\", \"private_key_id\": \"x\"}}"
    );
    let shapes = [
        MARKER.to_owned(),
        format!("{MARKER}\n"),
        format!(" {MARKER}"),
        format!("{MARKER}\u{e9}"),
        format!("{MARKER}\u{7f}"),
        format!("http://user:{MARKER}@127.0.0.1:9"),
        format!("http://{MARKER}:x@127.0.0.1:9/"),
        format!("https://127.0.0.1:9/?sig={MARKER}"),
        format!("127.0.0.1:{MARKER}"),
        format!("ftp://{MARKER}"),
        format!("//{MARKER}@x"),
        format!("{{\"private_key\": {MARKER}}}"),
        format!("{{\"type\": \"{MARKER}\"}}"),
        key,
        format!("-----BEGIN CERTIFICATE-----\n{MARKER}\n-----END CERTIFICATE-----\n"),
        format!("sv=1&sig={MARKER}%3D"),
        format!("/{MARKER}/{MARKER}"),
        format!("12{MARKER}s"),
    ];
    let (mut tried, mut opened) = (0, 0);
    for (location, options) in providers() {
        for name in names_of(location) {
            for shape in &shapes {
                if may_be_shown(&name) && (shape == MARKER || name == "profile") {
                    continue;
                }
                let (text, was_opened) = said(location, &options.clone().with(&name, shape));
                assert!(!text.contains(MARKER), "{location} {name}={shape:?}: {text}");
                (tried, opened) = (tried + 1, opened + usize::from(was_opened));
            }
        }
    }
    assert!(tried > 1500 && opened > 100, "{tried} tried, {opened} opened");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Values that nobody thought of are refused, or asked with: never said, and no reason to panic.
    #[test]
    fn any_value_is_refused_or_used_and_never_said(
        provider in 0usize..4,
        option in any::<prop::sample::Index>(),
        before in "\\PC{0,6}|(https?://)?[a-z:/@?#\"'{\\[ \\\\%=\n\t]{0,12}",
        after in "\\PC{0,6}|[a-z:/@?#\"'}\\] \\\\%=\n\t]{0,12}",
    ) {
        let (location, options) = providers()[provider].clone();
        let names = names_of(location);
        let name = option.get(&names);
        prop_assume!(!may_be_shown(name));
        let value = format!("{before}{MARKER}{after}");
        let (text, _) = said(location, &options.with(name, &value));
        prop_assert!(!text.contains(MARKER), "{} {}={:?}: {}", location, name, value, text);
    }
}

#[test]
fn an_empty_value_is_refused() {
    for (location, options) in providers() {
        for name in &names_of(location) {
            let refused = Storage::open_with(location, &options.clone().with(name, ""));
            let error = refused.expect_err(name).chain();
            assert!(error.contains("expected") && error.contains(name.as_str()), "{error}");
        }
    }
}
