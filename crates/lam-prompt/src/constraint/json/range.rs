//! Regular expressions for the whole numbers of a range, as JSON writes them.

/// A regular expression for the whole numbers `min..=max`, as JSON writes them.
pub(super) fn expression(min: i64, max: i64) -> String {
    let mut parts = Vec::new();
    if min < 0 {
        parts.extend(digits(max.min(-1).unsigned_abs(), min.unsigned_abs()).iter().map(|part| format!("-{part}")));
    }
    if max >= 0 {
        parts.extend(digits(min.max(0).unsigned_abs(), max.unsigned_abs()));
    }
    parts.join("|")
}

/// Expressions of fixed beginnings with any digits behind them that together match `low..=high`.
fn digits(mut low: u64, high: u64) -> Vec<String> {
    let mut parts = Vec::new();
    while low <= high {
        let mut free = 0;
        while low > 0 && low.is_multiple_of(10_u64.pow(free + 1)) && low + 10_u64.pow(free + 1) - 1 <= high {
            free += 1;
        }
        parts.push(format!("{}{}", low / 10_u64.pow(free), "[0-9]".repeat(free as usize)));
        low += 10_u64.pow(free);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that an expression of digits, `[0-9]` and `|` matches.
    fn matched(expression: &str) -> Vec<String> {
        let fill = |texts: Vec<String>, next: char| -> Vec<String> {
            let digits = |text: &String| ('0'..='9').map(|digit| format!("{text}{digit}")).collect::<Vec<_>>();
            match next {
                '#' => texts.iter().flat_map(digits).collect(),
                fixed => texts.iter().map(|text| format!("{text}{fixed}")).collect(),
            }
        };
        let one = |part: &str| part.replace("[0-9]", "#").chars().fold(vec![String::new()], fill);
        expression.split('|').flat_map(one).collect()
    }

    #[test]
    fn exactly_the_numbers_of_the_range_are_matched() {
        for (min, max) in [(1, 128), (-64, 64), (0, 0), (37, 38), (-5, -3), (250, 1200), (-1200, 7)] {
            let mut found = matched(&expression(min, max));
            let mut expected: Vec<String> = (min..=max).map(|number| number.to_string()).collect();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{min}..={max}");
        }
        let widest = expression(i64::MIN, i64::MAX);
        assert!(
            [i64::MIN, i64::MAX].iter().all(|end| widest.split('|').any(|part| part == end.to_string())),
            "{widest}"
        );
    }
}
