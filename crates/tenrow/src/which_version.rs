//! Which version of a dataset is meant, as people write it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use crate::change::LATEST;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::Version;
use crate::snapshot::Snapshot;
use crate::view::View;

/// A version as it is named where one is chosen: by its number, a tag, a time, or as the newest.
///
/// | text | is |
/// |---|---|
/// | `latest` | the newest version |
/// | `7` | version 7 |
/// | `2026-01-31`, `2026-01-31T18:30`, `2026-01-31 18:30:00.5Z` | the newest of that time, in UTC; a date is its first moment |
/// | whatever does not begin with a digit | the version with that tag |
///
/// ```
/// use tenrow::{Version, WhichVersion};
/// assert_eq!("7".parse::<WhichVersion>()?, WhichVersion::Number(Version(7)));
/// assert_eq!("best".parse::<WhichVersion>()?, WhichVersion::Tag("best".to_owned()));
/// assert_eq!("1970-01-02".parse::<WhichVersion>()?, WhichVersion::At(24 * 3600 * 1000));
/// assert_eq!(WhichVersion::At(0).to_string(), "1970-01-01T00:00:00Z");
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum WhichVersion {
    /// The newest.
    #[default]
    Newest,
    /// That of this number.
    Number(Version),
    /// The one with this tag.
    Tag(String),
    /// The one that was the newest at this time, in milliseconds of Unix time.
    At(i64),
}

impl WhichVersion {
    /// The version of a time, which is all that `text` may be.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is no date and no time in UTC.
    pub fn of_time(text: &str) -> Result<Self> {
        // As histories are printed, too.
        let text = text.strip_suffix(" UTC").unwrap_or(text);
        let full = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            16 => format!("{text}:00Z"),
            _ => text.to_owned(),
        };
        let time = humantime::parse_rfc3339_weak(&full).map_err(|error| {
            let expected = "write a date and a time in UTC as 2026-01-31T18:30:00Z";
            Error::invalid(format!("{text:?}: {error}: {expected}"))
        })?;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self::At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl FromStr for WhichVersion {
    type Err = Error;

    /// Tags do not begin with a digit, and none is called `latest`.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text == LATEST {
            return Ok(Self::Newest);
        }
        if text.starts_with(|c: char| !c.is_ascii_digit()) {
            return Ok(Self::Tag(text.to_owned()));
        }
        match text.parse() {
            Ok(number) => Ok(Self::Number(Version(number))),
            Err(_) => Self::of_time(text).map_err(|_| {
                Error::invalid(format!(
                    "{text:?} is no version: write its number, a tag, {LATEST}, or a date or time in UTC, such as 2026-01-31T18:30:00Z"
                ))
            }),
        }
    }
}

impl fmt::Display for WhichVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str(LATEST),
            Self::Number(version) => version.fmt(f),
            Self::Tag(tag) => f.write_str(tag),
            Self::At(time_ms) => {
                let since = Duration::from_millis(u64::try_from(*time_ms).unwrap_or(0));
                match since.subsec_millis() {
                    0 => humantime::format_rfc3339_seconds(UNIX_EPOCH + since).fmt(f),
                    _ => humantime::format_rfc3339_millis(UNIX_EPOCH + since).fmt(f),
                }
            }
        }
    }
}

impl Dataset {
    /// The version that is meant.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): as [`version`](Self::version), [`tagged`](Self::tagged) and
    /// [`version_at`](Self::version_at).
    pub async fn which(&self, which: &WhichVersion) -> Result<Snapshot> {
        match which {
            WhichVersion::Newest => self.latest().await,
            WhichVersion::Number(version) => self.version(*version).await,
            WhichVersion::Tag(tag) => self.tagged(tag).await,
            WhichVersion::At(time_ms) => self.version_at(*time_ms).await,
        }
    }

    /// The version that `text` names, as [`WhichVersion`] reads it.
    ///
    /// # Errors
    /// As [`which`](Self::which), and [`InvalidInput`](crate::ErrorKind::InvalidInput) if it names none.
    pub async fn named(&self, text: &str) -> Result<Snapshot> {
        self.which(&text.parse()?).await
    }

    /// The view that `text` names, in the version that it was made of or in another: `test`, `test@latest`, `test@7`.
    ///
    /// # Errors
    /// As [`view`](Self::view), [`named`](Self::named) and [`View::at`].
    pub async fn view_named(&self, text: &str) -> Result<View> {
        let Some((name, version)) = text.split_once('@') else { return self.view(text).await };
        let view = self.view(name).await?;
        view.at(&self.named(version).await?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<WhichVersion> {
        WhichVersion::of_time(text)
    }

    #[test]
    fn a_date_is_its_first_moment() {
        for (text, time_ms) in [
            ("2000-02-29", 951_782_400_000),
            ("2000-02-29T00:00:01Z", 951_782_401_000),
            ("2000-02-29 00:00:01", 951_782_401_000),
            ("2000-02-29 00:00:01 UTC", 951_782_401_000),
            ("2000-02-29T00:01", 951_782_460_000),
            ("2000-02-29T00:00:00.25Z", 951_782_400_250),
        ] {
            assert_eq!(at(text).unwrap(), WhichVersion::At(time_ms), "{text}");
            assert_eq!(text.parse::<WhichVersion>().unwrap(), WhichVersion::At(time_ms), "{text}");
        }
        for text in ["", "soon", "2000-02-30", "2000-02-29T00:00:00+02:00"] {
            at(text).unwrap_err();
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        let tag = WhichVersion::Tag("+3".to_owned());
        let number = WhichVersion::Number(Version(7));
        for which in [WhichVersion::Newest, number, tag, WhichVersion::At(951_782_400_250)] {
            assert_eq!(which.to_string().parse::<WhichVersion>().unwrap(), which);
        }
        assert_eq!(WhichVersion::At(951_782_400_250).to_string(), "2000-02-29T00:00:00.250Z");
        assert_eq!(" 7 ".parse::<WhichVersion>().unwrap(), WhichVersion::Number(Version(7)));
    }

    #[test]
    fn what_begins_with_a_digit_is_a_number_or_a_time() {
        for text in ["", "  ", "3x", "2000-13-01", "99999999999999999999"] {
            let error = text.parse::<WhichVersion>().unwrap_err();
            assert!(error.to_string().contains("is no version: write its number"), "{error}");
        }
    }
}
