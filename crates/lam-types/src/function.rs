//! The functions an application offers: UFO's names and arguments.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Args, ControlType, Observation};

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
    /// Text of the document that is shown.
    DocumentText,
    /// A whole number in this closed range.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// The number of a thing of this kind that the screen shows as a control, such as `Table` for `Table 2`.
    ShownNumber(String),
    /// The number of a paragraph: of a line of the document shown, counted from 1.
    Paragraph,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(Vec<String>),
}

impl ArgKind {
    /// The closed range of whole numbers that may be written on this screen; `None` for what is not a number. The range
    /// is empty where nothing of the kind is shown.
    pub fn range(&self, observation: &Observation) -> Option<(i64, i64)> {
        let counted = |count: usize| Some((1, i64::try_from(count).unwrap_or(i64::MAX)));
        match self {
            ArgKind::Integer { min, max } => Some((*min, *max)),
            ArgKind::ShownNumber(kind) => counted(observation.count_shown(kind)),
            ArgKind::Paragraph => counted(observation.document.lines().count()),
            ArgKind::Text | ArgKind::DocumentText | ArgKind::Boolean | ArgKind::OneOf(_) => None,
        }
    }

    /// Whether this screen has any value to offer.
    pub fn is_possible(&self, observation: &Observation) -> bool {
        match self {
            ArgKind::DocumentText => !observation.document.trim().is_empty(),
            ArgKind::OneOf(words) => !words.is_empty(),
            kind => kind.range(observation).is_none_or(|(min, max)| min <= max),
        }
    }

    /// Whether a value is of this kind, on this screen.
    fn admits(&self, value: &Value, observation: &Observation) -> bool {
        match self {
            ArgKind::Text => value.is_string(),
            ArgKind::DocumentText => {
                let stands = |text: &str| observation.document.lines().any(|line| line.contains(text));
                value.as_str().is_some_and(|text| !text.is_empty() && stands(text))
            }
            ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
                let within =
                    |number: i64| self.range(observation).is_some_and(|(low, high)| (low..=high).contains(&number));
                value.as_i64().is_some_and(within)
            }
            ArgKind::Boolean => value.is_boolean(),
            ArgKind::OneOf(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
        }
    }
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

impl FunctionSpec {
    /// Holds a call's arguments against what it may and must be given on this screen.
    ///
    /// # Errors
    /// The first that it does not have, lacks or cannot take.
    pub fn check_args(&self, args: &Args, observation: &Observation) -> Result<(), String> {
        if let Some(unknown) = args.keys().find(|key| self.args.iter().all(|arg| arg.name != **key)) {
            return Err(format!("{} has no argument `{unknown}`", self.name));
        }
        self.args.iter().try_for_each(|wanted| match args.get(&wanted.name) {
            None if wanted.required => Err(format!("{} needs `{}`", self.name, wanted.name)),
            Some(value) if !wanted.kind.admits(value, observation) => {
                Err(format!("{} cannot take {value} as `{}`", self.name, wanted.name))
            }
            _ => Ok(()),
        })
    }

    /// Whether every argument that a call must have has a value on this screen.
    pub fn has_arguments(&self, observation: &Observation) -> bool {
        self.args.iter().all(|arg| !arg.required || arg.kind.is_possible(observation))
    }

    /// Whether it can be called on this screen: there is a usable control that it acts on, if it needs one, and a value
    /// for every argument that a call must have.
    pub fn is_callable(&self, observation: &Observation) -> bool {
        let has_target = match &self.target {
            Target::Application => true,
            Target::Control(types) => observation.usable().any(|control| types.contains(&control.control_type)),
        };
        has_target && self.has_arguments(observation)
    }
}
