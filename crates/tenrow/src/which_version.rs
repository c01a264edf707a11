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
        time_of(text).map(Self::At).ok_or_else(|| {
            let expected = "write a date and a time in UTC as 2026-01-31T18:30:00Z";
            Error::invalid(format!("{text:?} is no date and no time in UTC: {expected}"))
        })
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
            Self::At(time_ms) => match shown(*time_ms) {
                Some(text) => f.write_str(&text),
                // Of a year that has not four digits.
                None => write!(f, "{time_ms} ms of Unix time"),
            },
        }
    }
}

/// Years after which the calendar is the same again, weekdays included; more than there are from year 0 to 1970.
const CYCLE_YEARS: i64 = 2000;
/// Their milliseconds.
const CYCLE_MS: i64 = 5 * 146_097 * 24 * 3600 * 1000;
/// The last millisecond of year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// The time that a text is, in milliseconds of Unix time; `None` if it is none.
fn time_of(text: &str) -> Option<i64> {
    // As histories are printed, too.
    let bare = text.strip_suffix(" UTC").or_else(|| text.strip_suffix('Z')).unwrap_or(text);
    let full = match bare.len() {
        10 => format!("{bare}T00:00:00"),
        16 => format!("{bare}:00"),
        _ => bare.to_owned(),
    };
    let (year, rest) = full.split_at_checked(4)?;
    let digits = match full.get(19..)? {
        "" => "0",
        fraction => fraction.strip_prefix('.')?,
    };
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let year: i64 = number(year)?;
    // What reads it knows no year before 1970.
    let cycles = i64::from(year < 1970);
    let later = format!("{:04}{rest}Z", year + cycles * CYCLE_YEARS);
    let since = humantime::parse_rfc3339_weak(&later).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(i64::try_from(since.as_millis()).ok()? - cycles * CYCLE_MS)
}

/// The text of a time of the years 0 to 9999, which is read as the same.
fn shown(time_ms: i64) -> Option<String> {
    let cycles = i64::from(time_ms < 0);
    let later = time_ms.checked_add(cycles * CYCLE_MS).filter(|later| *later <= LAST_MS)?;
    let since = Duration::from_millis(u64::try_from(later).ok()?);
    let text = match since.subsec_millis() {
        0 => humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string(),
        _ => humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string(),
    };
    let (year, rest) = text.split_at_checked(4)?;
    let year = number::<i64>(year)? - cycles * CYCLE_YEARS;
    (year >= 0).then(|| format!("{year:04}{rest}"))
}

/// A number of digits alone.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
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
        for text in [
            "",
            "soon",
            "2000-02-30",
            "2000-13-01",
            "1900-02-29",
            "+200-01-01",
            "2000-02-29T00:00:00+02:00",
        ] {
            at(text).unwrap_err();
        }
    }

    /// What followed a fraction was passed over, a zone too, so that the version was one of other hours.
    #[test]
    fn a_time_of_another_zone_or_with_more_behind_it_is_refused() {
        let times =
            ["2026-11-30T16:40:59.288416", "2026-11-30 16:40:59", "2026-11-30T16:40", "2026-11-30"];
        for time in times {
            at(time).unwrap();
            at(&format!("{time}Z")).unwrap();
            for behind in [
                "+05:30", "-05:30", "+0530", "-05", "+00:00", " ", "x", "Z UTC", "ZZ", " IST", ".",
                ".5.5", "é",
            ] {
                let error = at(&format!("{time}{behind}")).unwrap_err().to_string();
                assert!(error.contains("write a date and a time in UTC as"), "{error}");
            }
        }
    }

    /// Those after the year 9999 were no text at all, which `to_string` panics of, and those before 1970 were 1970.
    #[test]
    fn every_time_is_shown_and_read_as_the_same_if_its_year_has_four_digits() {
        for (time_ms, text) in [
            (-1, "1969-12-31T23:59:59.999Z"),
            (-11_644_473_600_000, "1601-01-01T00:00:00Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(WhichVersion::At(time_ms).to_string(), text);
            assert_eq!(at(text).unwrap(), WhichVersion::At(time_ms));
        }
        for time_ms in [i64::MIN, -62_167_219_200_001, LAST_MS + 1, i64::MAX] {
            let text = WhichVersion::At(time_ms).to_string();
            assert_eq!(text, format!("{time_ms} ms of Unix time"));
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
