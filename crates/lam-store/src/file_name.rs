//! Names of models and endpoints as names of files. Knows nothing of what is named.

/// A name as one component of a path: different names stay different, and none leads elsewhere.
pub fn file_name_of(name: &str) -> String {
    let escape = |letter: char| match letter {
        '%' | '/' | '\\' | ':' => format!("%{:02X}", u32::from(letter)),
        letter if letter.is_control() => format!("%{:02X}", u32::from(letter)),
        letter => letter.to_string(),
    };
    let escaped: String = name.chars().map(escape).collect();
    match escaped.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component_and_plain_ones_stay() {
        for (name, file) in [
            ("LAM2", "LAM2"),
            ("LAM2 (a, lam2)", "LAM2 (a, lam2)"),
            ("openai/gpt-4o", "openai%2Fgpt-4o"),
            ("openai%2Fgpt-4o", "openai%252Fgpt-4o"),
            ("..", "%2E."),
            ("a\nb", "a%0Ab"),
        ] {
            assert_eq!(file_name_of(name), file);
        }
    }
}
