//! Numbers before steps: `3.`, `(3)`, `1.2.` and `Step 3:` go, a number that belongs to the step stays.

/// `Select OK.` of `3. Select OK.`, and `3D view opens` as it is.
pub(super) fn unnumbered(step: &str) -> &str {
    let step = step.trim();
    let named = step.get(..5).filter(|word| word.eq_ignore_ascii_case("step ")).map(|_| step[5..].trim_start());
    let rest = named.unwrap_or(step);
    let opened = rest.strip_prefix('(');
    let Some(after) = after_number(opened.unwrap_or(rest)) else { return step };
    let marks: &[char] = match (opened, named) {
        (Some(_), _) => &[')'],
        (None, Some(_)) => &['.', ')', ':', '-', '–', '—'],
        (None, None) => &['.', ')', ':'],
    };
    let marked = if named.is_some() { after.trim_start() } else { after };
    let Some(mark) = marked.chars().next().filter(|mark| marks.contains(mark)) else { return step };
    let rest = &marked[mark.len_utf8()..];
    // Not the point of `3.5`, nor the colon of `3:00`.
    let goes_on = rest.starts_with(|next: char| next.is_ascii_digit() || mark == ':' && !next.is_whitespace());
    if goes_on || rest.trim().is_empty() { step } else { rest.trim_start() }
}

/// What follows `1`, or `1.2` where a mark follows that too.
fn after_number(text: &str) -> Option<&str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let first = digits(text);
    let mut after = text.get(first..).filter(|_| (1..4).contains(&first))?;
    while let Some(inner) = after.strip_prefix('.').filter(|inner| digits(inner) > 0) {
        after = &inner[digits(inner)..];
    }
    Some(after)
}

/// The number of `Step 3: …`.
pub(super) fn step_number(text: &str) -> Option<u64> {
    let is_named = text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("step "));
    let digits = text.get(5..).filter(|_| is_named && unnumbered(text).len() < text.len())?.trim_start();
    digits[..digits.bytes().take_while(u8::is_ascii_digit).count()].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_the_list_go() {
        for (step, said) in [
            ("3. Select OK.", "Select OK."),
            ("10.Click OK", "Click OK"),
            ("1) Do", "Do"),
            ("(2) Do", "Do"),
            ("1.2. Do", "Do"),
            ("4: Do", "Do"),
            ("Step 3: Do", "Do"),
            ("step 3 - Do", "Do"),
            ("2. 3D view opens", "3D view opens"),
        ] {
            assert_eq!(unnumbered(step), said);
        }
        for step in [
            "3D view opens",
            "2 columns are chosen",
            "3.5 cm is typed",
            "2.0",
            "3:00 pm is typed",
            "Click 2. from the styles",
            "Step aside",
            "1.",
            "2024. A year",
        ] {
            assert_eq!(unnumbered(step), step);
        }
        assert_eq!(
            (step_number("Step 12: Do"), step_number("12: Do"), step_number("Step on it")),
            (Some(12), None, None)
        );
    }
}
