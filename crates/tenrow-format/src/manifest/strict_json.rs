//! JSON that says one thing: no key twice in an object, no half of a character, wherever it stands, also where nobody
//! looks.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Checks a document; what it says is not looked at.
pub(super) fn check(document: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<Strict>(document).map(drop)
}

/// Anything, passed over.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
        while list.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut keys = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            map.next_value::<Strict>()?;
            keys.push(key);
        }
        check_keys(keys)?;
        Ok(Strict)
    }
}

fn check_keys<E: Error>(mut keys: Vec<Cow<'_, str>>) -> Result<(), E> {
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(E::custom(format!("key {:?} occurs twice in an object", pair[0]))),
    }
}

/// A key, borrowed where it is written without escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_say_two_things_are_refused_at_any_depth() {
        for good in [
            r#"{}"#,
            r#"{"a":{"a":[{"b":1.5},{"b":null}]},"b":"\ud83d\ude00"}"#,
            r#"[true,-1,18446744073709551615,1e300,""]"#,
        ] {
            check(good.as_bytes()).expect(good);
        }
        for (bad, reason) in [
            (r#"{"a":1,"b":2,"a":1}"#, "\"a\" occurs twice"),
            (r#"{"x":[{"y":{"k":1,"\u006b":2}}]}"#, "\"k\" occurs twice"),
            (r#"{"x":["\ud800"]}"#, "hex escape"),
            (r#"{"\ude00":1}"#, "surrogate"),
        ] {
            let error = check(bad.as_bytes()).expect_err(bad).to_string();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }
}
