//! Choices that a person writes as words: read, written, and what is said of a word that is none of them.

use std::fmt;

/// A word that is none of those from which one is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    found: String,
    what: &'static str,
    known: String,
}

impl UnknownWord {
    /// Of what was found, what it was to be (`a device`), and what may be written.
    pub fn new(found: &str, what: &'static str, known: impl Into<String>) -> Self {
        Self { found: found.to_owned(), what, known: known.into() }
    }

    /// The same, where these words are all there are.
    pub fn of(found: &str, what: &'static str, words: &[&str]) -> Self {
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let known = match quoted.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => quoted.concat(),
        };
        Self::new(found, what, known)
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}: write {}", self.found, self.what, self.known)
    }
}

impl std::error::Error for UnknownWord {}

/// Reads and writes each variant of an enum as its word, on command lines and wherever [`std::str::FromStr`] reads.
///
/// ```
/// #[derive(Debug, PartialEq)]
/// enum Speed {
///     Slow,
///     Quick,
/// }
///
/// lam_signal::words!(Speed, "a speed", Slow => "slow", Quick => "quick");
///
/// assert_eq!("quick".parse(), Ok(Speed::Quick));
/// assert_eq!(Speed::Slow.to_string(), "slow");
/// assert_eq!("fast".parse::<Speed>().unwrap_err().to_string(), "`fast` is not a speed: write `slow` or `quick`");
/// ```
#[macro_export]
macro_rules! words {
    ($choice:ty, $what:literal, $($variant:ident => $word:literal),+) => {
        impl std::str::FromStr for $choice {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord::of(text, $what, &[$($word),+])),
                }
            }
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word),+
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_written_is_told_in_a_sentence() {
        let told = |words: &[&str]| UnknownWord::of("x", "a thing", words).to_string();
        assert_eq!(told(&["a"]), "`x` is not a thing: write `a`");
        assert_eq!(told(&["a", "b"]), "`x` is not a thing: write `a` or `b`");
        assert_eq!(told(&["a", "b", "c"]), "`x` is not a thing: write `a`, `b` or `c`");
    }
}
