//! Numbers and words as people read them.

use std::borrow::Cow;

use tenrow::{Snapshot, Version};

/// A number of bytes: `999 B`, `7.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number of bytes from its text: `512`, `512M`, `1.5GiB`; `K`, `M`, `G` and `T` are powers of 1024, unless `B`
/// alone follows: `2GB` is 2,000,000,000.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || format!("{text:?}: expected a size, such as 512MiB or 2GiB");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| expected())?;
    let unit = unit.trim().to_lowercase();
    let (base, prefix) = match unit.strip_suffix('b') {
        Some(prefix) if !prefix.is_empty() && !prefix.ends_with('i') => (1000.0_f64, prefix),
        Some(prefix) => (1024.0, prefix.trim_end_matches('i')),
        None => (1024.0, unit.trim_end_matches('i')),
    };
    let power = match prefix {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(expected()),
    };
    match number * base.powi(power) {
        bytes if bytes >= 1.0 && bytes < u64::MAX as f64 => Ok(bytes as u64),
        _ => Err(expected()),
    }
}

/// A time span: `1.2 ms`, `3.40 s`, `2 min 5 s`.
pub(crate) fn elapsed(span: std::time::Duration) -> String {
    match span.as_secs() {
        0 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        1..60 => format!("{:.2} s", span.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A number with its thousands set apart: `60,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `60,000 rows`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Ascending versions as people read them: `1 to 3, 7`.
pub(crate) fn runs(versions: &[Version]) -> String {
    let runs = versions.chunk_by(|a, b| a.0 + 1 == b.0).map(|run| match run {
        [first, .., last] => format!("{first} to {last}"),
        run => run.first().map_or(String::new(), Version::to_string),
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// A word for the shell, in single quotes unless it is plain.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A stored text on one line, with control characters as escapes, and with those that turn the direction of what
/// follows: a terminal must not obey it.
pub(crate) fn tame(text: &str) -> Cow<'_, str> {
    let moves =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match text.contains(moves) {
        false => text.into(),
        true => text
            .chars()
            .map(|c| if moves(c) { c.escape_default().to_string() } else { c.to_string() })
            .collect(),
    }
}

/// Milliseconds of Unix time as `2026-11-22 01:02:03 UTC`.
pub(crate) fn time(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01 fall into eras of 400 years, each of 146,097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let ms = ms.rem_euclid(1000);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03} UTC")
}

/// What ends with a tag, a view or a clone that kept a version which had expired; nothing if that stays.
pub(crate) fn ended(newest: &Snapshot, version: Version) -> String {
    match newest.root().has_expired(version) {
        true => format!("; version {version} had expired and ends with it"),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_a_line_round_is_an_escape() {
        assert_eq!(tame("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(tame("\u{202e}cba\u{2066}"), "\\u{202e}cba\\u{2066}");
        assert_eq!(tame("äשלום漢字"), "äשלום漢字");
    }

    #[test]
    fn sizes_and_counts_are_short() {
        assert_eq!([size(999), size(1024), size(7_863_000)], ["999 B", "1.0 KiB", "7.5 MiB"]);
        assert_eq!(size(1 << 20), "1.0 MiB");
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!(counted(1, "row", "rows"), "1 row");
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(parse_size("512"), Ok(512));
        assert_eq!([parse_size("1.5GiB"), parse_size("2 k")], [Ok(3 << 29), Ok(2048)]);
        assert_eq!(parse_size("2GB"), Ok(2_000_000_000));
        for text in ["", "GiB", "-1", "0", "2x", "1e99", "1.2.3"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(time(-1), "1969-12-31 23:59:59.999 UTC");
        assert_eq!(time(1_795_309_261_000), "2026-11-22 01:01:01.000 UTC");
    }

    #[test]
    fn versions_in_a_row_are_one_run() {
        let versions = |numbers: &[u64]| numbers.iter().map(|&n| Version(n)).collect::<Vec<_>>();
        assert_eq!(runs(&versions(&[1, 2, 3, 7, 9, 10])), "1 to 3, 7, 9 to 10");
        assert_eq!(runs(&[]), "");
    }

    #[test]
    fn words_with_spaces_or_quotes_are_quoted() {
        assert_eq!(shell_word("a/b-1.parquet"), "a/b-1.parquet");
        assert_eq!(shell_word("it's here"), r"'it'\''s here'");
        assert_eq!(shell_word(""), "''");
    }
}
