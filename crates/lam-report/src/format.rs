//! Numbers as people read them. Knows no table.

use lam_types::Estimate;

/// Up to three significant places after the point, none for large whole numbers.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    if size >= 1000.0 {
        return thousands(value.round() as i64);
    }
    let places = if value.fract() == 0.0 {
        0
    } else if size >= 100.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    if size > 0.0 && size < 0.001 { format!("{value:.1e}") } else { format!("{value:.places$}") }
}

/// A number on an axis: without zeros at its end.
pub fn tick(value: f64) -> String {
    let text = number(value);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// A percentage with one place after the point.
pub fn percent(value: f64) -> String {
    format!("{value:.1}")
}

/// A difference with its sign and one place after the point.
pub fn signed(difference: f64) -> String {
    let sign = if difference < -0.05 { "−" } else { "+" };
    format!("{sign}{:.1}", difference.abs())
}

/// An interval in words: `75.2–83.0`.
pub fn ends([low, high]: [f64; 2], format: fn(f64) -> String) -> String {
    let (low, high) = (format(low), format(high));
    let unit = low.split_once(' ').map(|(_, unit)| unit);
    let same_unit = unit.is_some() && unit == high.split_once(' ').map(|(_, unit)| unit) && !high.contains("min");
    format!("{}–{high}", if same_unit { low.split(' ').next().unwrap_or(&low) } else { &low })
}

/// The ends of an interval of a difference, with their signs: `−13.1 to −3.5`; "" where there is none.
pub fn signed_ends(points: &Estimate) -> String {
    points.ci95.map_or_else(String::new, |[low, high]| format!("{} to {}", signed(low), signed(high)))
}

/// Seconds with a unit that suits them.
pub fn seconds(value: f64) -> String {
    let whole = value.round() as u64;
    match value {
        v if !v.is_finite() || v < 0.0 => "–".to_owned(),
        0.0 => "0 s".to_owned(),
        v if v < 0.001 => format!("{:.0} µs", v * 1e6),
        v if v < 0.1 => format!("{:.1} ms", v * 1e3),
        v if v < 1.0 => format!("{:.0} ms", v * 1e3),
        v if v < 60.0 => format!("{v:.1} s"),
        v if v < 3600.0 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A whole number with thin groups of three.
pub fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("−{text}") } else { text }
}

/// Date and time in UTC of a moment in seconds since 1970.
pub fn date(moment: u64) -> String {
    let (days, second) = (moment / 86_400, moment % 86_400);
    // Years are counted from March, so that the leap day comes last; 719,468 days lie before 1970.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second % 3600 / 60)
}

/// The first characters of a hash.
pub fn short_hash(hash: &str) -> &str {
    let bare = hash.strip_prefix("sha256:").unwrap_or(hash);
    bare.get(..12).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [number(0.0), number(12.0), number(2.7512), number(76672.0), number(0.00002)],
            ["0", "12", "2.75", "76,672", "2.0e-5"]
        );
        assert_eq!([tick(0.25), tick(0.5), tick(20.0), tick(0.0)], ["0.25", "0.5", "20", "0"]);
        assert_eq!(
            [seconds(0.0213), seconds(5.41), seconds(312.0), seconds(5400.0)],
            ["21.3 ms", "5.4 s", "5 min 12 s", "1 h 30 min"]
        );
        assert_eq!([signed(1.26), signed(-0.04), signed(-3.0)], ["+1.3", "+0.0", "−3.0"]);
        // python: datetime.fromtimestamp(1709208000, UTC)
        assert_eq!([date(0), date(1_709_208_000)], ["1970-01-01 00:00 UTC", "2024-02-29 12:00 UTC"]);
        assert_eq!(short_hash("sha256:0123456789abcdef"), "0123456789ab");
    }
}
