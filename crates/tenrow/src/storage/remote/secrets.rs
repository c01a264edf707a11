//! Values of options, which no text that is shown has: not those that stores and their clients make, either.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt;

use url::form_urlencoded;

use super::values::Kind;
use crate::error::Error;

/// What is put in their place.
const HIDDEN: &str = "…";
/// Shorter ones are no secrets, and would be found in every text.
const MIN_LENGTH: usize = 4;

/// Texts that are not shown.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The longest first, so that none is left in part.
    texts: Vec<String>,
}

impl Secrets {
    /// Of the values of settings: all but those that say nothing, and those that say where a store is.
    pub(super) fn of<'a>(values: impl Iterator<Item = (Kind, &'a str)>) -> Self {
        let mut texts = BTreeSet::new();
        for (kind, value) in values {
            match kind {
                Kind::Switch | Kind::Duration | Kind::Number | Kind::Address | Kind::Name => {}
                Kind::Key => add_document(value, &mut texts),
                Kind::File | Kind::Certificate | Kind::Text => add(value, &mut texts),
            }
            if kind == Kind::File
                && let Ok(document) = std::fs::read_to_string(value)
            {
                add_document(&document, &mut texts);
            }
        }
        let mut texts: Vec<String> = texts.into_iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { texts }
    }

    /// The text without them.
    pub(crate) fn hidden(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), HIDDEN),
            false => text,
        };
        self.texts.iter().fold(text.to_owned(), hide)
    }

    /// The same error, whose causes are texts without them: what else a client knows of a request is in `Debug` texts.
    pub(crate) fn hide(&self, error: Error) -> Error {
        let mut said = String::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                let colon = if said.is_empty() { "" } else { ": " };
                said = format!("{said}{colon}{text}");
            }
            next = cause.source();
        }
        if said.is_empty() {
            return error;
        }
        error.with_source(self.hidden(&said))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.texts.len())
    }
}

/// Adds a text as it is, in parts where it has parts, and as it stands in addresses and quotes.
fn add(text: &str, texts: &mut BTreeSet<String>) {
    let pairs = form_urlencoded::parse(text.as_bytes()).map(|(_, value)| value.into_owned());
    let lines = text.lines().map(str::to_owned);
    let userinfo = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let userinfo = userinfo.map(|(userinfo, _)| userinfo).unwrap_or_default();
    let userinfo = userinfo.split(':').map(str::to_owned);
    let parts = pairs.chain(lines).chain(userinfo).chain([text.to_owned()]);
    for part in parts.filter(|part| part.len() >= MIN_LENGTH) {
        let quoted = format!("{part:?}");
        texts.insert(quoted[1..quoted.len() - 1].to_owned());
        texts.insert(form_urlencoded::byte_serialize(part.as_bytes()).collect());
        texts.insert(percent(&part));
        texts.insert(part);
    }
}

/// Every byte but letters and digits as in paths: `%20`.
fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Adds the texts of a JSON document, and of what is none, its lines.
fn add_document(document: &str, texts: &mut BTreeSet<String>) {
    add(document.trim(), texts);
    if let Ok(document) = serde_json::from_str(document) {
        add_strings(&document, texts);
    }
}

fn add_strings(value: &serde_json::Value, texts: &mut BTreeSet<String>) {
    use serde_json::Value;
    match value {
        Value::String(text) => add(text, texts),
        Value::Array(values) => values.iter().for_each(|value| add_strings(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| add_strings(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secrets = Secrets::of(
            [
                (Kind::Text, "s3/cr+t \"x\""),
                (Kind::Text, "sv=1&sig=ab%2Fcdef"),
                (Kind::Text, "http://user:passw@proxy"),
                (Kind::Key, "{\"private_key\": \"-----BEGIN\\nkeykey\\n\", \"n\": [\"inner\"]}"),
                (Kind::Switch, "true"),
                (Kind::Text, "abc"),
            ]
            .into_iter(),
        );
        let text = "s3/cr+t \"x\" s3/cr+t \\\"x\\\" s3%2Fcr%2Bt%20%22x%22 s3%2Fcr%2Bt+%22x%22 ab/cdef ab%2Fcdef passw keykey inner true abc";
        assert_eq!(secrets.hidden(text), "… … … … … … … … … true abc");
    }

    #[test]
    fn causes_become_texts_without_secrets() {
        let secrets = Secrets::of([(Kind::Text, "marker")].into_iter());
        let inner = Error::invalid("at marker").with_source("inner marker");
        let error = secrets.hide(Error::invalid("x").with_source(inner));
        assert_eq!(error.chain(), "x: at …: inner …");
        assert!(!format!("{error:?}").contains("marker"));
    }
}
