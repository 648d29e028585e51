//! What one task contributes to a quotient over all tasks. Knows not what is counted.

/// What one task contributes to an estimate: the value is the sum of `part` over the sum of `of`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ratio {
    /// What counts.
    pub part: f64,
    /// Out of how many.
    pub of: f64,
}

impl Ratio {
    /// One thing that is so or not.
    pub fn of_one(is_so: bool) -> Self {
        Self { part: f64::from(u8::from(is_so)), of: 1.0 }
    }

    /// How many of `items` are so.
    pub fn of_many<T>(items: &[T], is_so: impl Fn(&T) -> bool) -> Self {
        Self { part: items.iter().filter(|item| is_so(item)).count() as f64, of: items.len() as f64 }
    }
}
