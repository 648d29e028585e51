//! A value to choose: how a request calls it, how the application does, how the document says it.

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word of the request.
    pub word: &'static str,
    /// The control or text that the application has for it.
    pub control: &'static str,
    /// What the document holds then.
    pub value: &'static str,
}

impl Choice {
    /// A value with three names.
    pub const fn new(word: &'static str, control: &'static str, value: &'static str) -> Self {
        Self { word, control, value }
    }

    /// A value that has one name everywhere.
    pub const fn same(word: &'static str) -> Self {
        Self { word, control: word, value: word }
    }
}
