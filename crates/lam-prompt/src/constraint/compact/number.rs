//! Whole numbers in a range, digit by digit.

/// Whether `text` is a whole number in the range, as JSON writes it.
pub(super) fn is_number(text: &str, min: i64, max: i64) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text && (min..=max).contains(&number))
}

/// Whether `text` is the beginning of a whole number in the range, or such a number.
pub(super) fn begins_number(text: &str, min: i64, max: i64) -> bool {
    let (min, max) = (i128::from(min), i128::from(max));
    let (digits, low, high) = match text.strip_prefix('-') {
        Some(digits) => (digits, -max, -min),
        None => (text, min, max),
    };
    let floor = if text.starts_with('-') { 1 } else { 0 };
    if digits.is_empty() {
        return text.is_empty() || high >= floor;
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() > 19 {
        return false;
    }
    let is_zero = digits.starts_with('0');
    if is_zero && (digits.len() > 1 || floor == 1) {
        return false;
    }
    let Ok(mut first) = digits.parse::<i128>() else { return false };
    let mut last = first;
    for _ in digits.len()..=19 {
        if first <= high && last >= low {
            return true;
        }
        if is_zero {
            return false;
        }
        first *= 10;
        last = last * 10 + 9;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_exactly_those_of_numbers_in_the_range() {
        for (min, max) in [(1, 128), (-64, 64), (0, 0), (37, 38), (-5, -3), (250, 1200)] {
            let written: Vec<String> = (min..=max).map(|number: i64| number.to_string()).collect();
            for probe in
                (-1300..1300_i64).map(|n| n.to_string()).chain(["-", "", "00", "01", "-0", "+1"].map(String::from))
            {
                let expected = written.iter().any(|number| number.starts_with(&probe));
                assert_eq!(begins_number(&probe, min, max), expected, "{probe} in {min}..={max}");
                assert_eq!(is_number(&probe, min, max), written.contains(&probe), "{probe} in {min}..={max}");
            }
        }
    }
}
