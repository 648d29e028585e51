//! The functions an application offers: UFO's names and arguments.

use serde::{Deserialize, Serialize};

use crate::ControlType;

/// What a function acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Needs a control of one of these types.
    Control(Vec<ControlType>),
    /// Acts on the application itself: label and name are "".
    Application,
}

/// The kind of one argument's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgKind {
    /// Any text.
    Text,
    /// Text that stands in the document shown.
    DocumentText,
    /// A whole number in this closed range.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(Vec<String>),
}

/// One argument of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgSpec {
    /// Its name in `args`.
    pub name: String,
    /// What it may hold.
    pub kind: ArgKind,
    /// Whether a call without it is invalid.
    pub required: bool,
    /// One sentence for the prompt.
    pub doc: String,
}

/// One function of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionSpec {
    /// UFO's name, such as `click_input`.
    pub name: String,
    /// What it acts on.
    pub target: Target,
    /// Its arguments, in the order in which answers name them.
    pub args: Vec<ArgSpec>,
    /// One sentence for the prompt.
    pub doc: String,
}
