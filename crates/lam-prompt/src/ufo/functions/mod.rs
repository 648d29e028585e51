//! The functions that UFO's system text documents, as ours: before the third version as calls with usage notes, since
//! then as tools. What a model that reads text alone cannot call is left out: functions that need a screenshot, and
//! those that need a list or a number with a fraction. So is the system's shell, of which no screen tells.

mod calls;
mod tools;

use std::collections::BTreeSet;

use lam_types::{ArgKind, ArgSpec, Args, ControlType, FunctionSpec, Target};
use serde_json::{Value, json};

use crate::chat::LARGEST_NUMBER;

/// Functions that are about screenshots, and the shell.
const LEFT_OUT: [&str; 5] = ["annotation", "summary", "click_on_coordinates", "drag_on_coordinates", "run_shell"];
/// The function that puts text into a control. UFO names only one kind of control for it, or none, and types into all
/// that take text.
const SET_TEXT: &str = "set_edit_text";
const TAKE_TEXT: [ControlType; 4] =
    [ControlType::Edit, ControlType::ComboBox, ControlType::Spinner, ControlType::Document];
/// Whether the text replaces what stands there: with us it always does, but in the document itself.
const REPLACES: &str = "clear_current_text";

/// The functions of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Documented {
    /// Those that the model can call, in the order of their documentation.
    pub specs: Vec<FunctionSpec>,
    /// Whether they are documented as tools, as since the third version.
    pub are_tools: bool,
}

/// Reads the documentation.
///
/// # Errors
/// A line of it that cannot be read, or no function that the model can call.
pub(super) fn read(system: &str) -> Result<Documented, String> {
    let tools = tools::read(system)?;
    let are_tools = !tools.is_empty();
    let found = if are_tools { tools } else { calls::read(system)? };
    let mut seen = BTreeSet::new();
    let is_new = |spec: &FunctionSpec| !LEFT_OUT.contains(&spec.name.as_str()) && seen.insert(spec.name.clone());
    let specs: Vec<FunctionSpec> = found.into_iter().filter(is_new).collect();
    match specs.is_empty() {
        true => Err("the system text documents no function that the model can call".to_owned()),
        false => Ok(Documented { specs, are_tools }),
    }
}

/// An argument as it is documented: its name, UFO's word for its type, whether it may be left out, and what is said of
/// it.
struct Argument<'t> {
    name: &'t str,
    kind: &'t str,
    is_optional: bool,
    doc: &'t str,
}

/// The function, if each argument that it needs is of a kind that we have. Arguments of other kinds are left out.
fn function(name: &str, target: Target, doc: &str, arguments: &[Argument<'_>]) -> Option<FunctionSpec> {
    let mut args = Vec::new();
    for argument in arguments {
        match kind(argument) {
            Some(kind) => args.push(ArgSpec {
                name: argument.name.to_owned(),
                kind,
                required: !argument.is_optional,
                doc: argument.doc.to_owned(),
            }),
            None if argument.is_optional => {}
            None => return None,
        }
    }
    Some(FunctionSpec { name: name.to_owned(), target, args, doc: doc.to_owned() })
}

fn kind(argument: &Argument<'_>) -> Option<ArgKind> {
    let number = ArgKind::Integer { min: -LARGEST_NUMBER, max: LARGEST_NUMBER };
    match argument.kind {
        "str" | "string" => Some(choice(argument.doc).map_or(ArgKind::Text, ArgKind::OneOf)),
        "int" | "integer" => Some(number),
        "bool" | "boolean" => Some(ArgKind::Boolean),
        // A tool's argument that may be null has no type of its own.
        "unknown" => match argument.name {
            "font_name" => Some(ArgKind::Text),
            "font_size" => Some(number),
            _ => None,
        },
        _ => None,
    }
}

/// The words in quotes after `One of`, if that is said.
fn choice(doc: &str) -> Option<Vec<String>> {
    let (_, listed) = doc.split_once("One of ")?;
    let listed = listed.split(['(', '.']).next()?;
    let words = listed.split('\'').map(str::trim).filter(|word| !word.is_empty());
    let words: Vec<String> = words.filter(|word| ![",", "or", ", or"].contains(word)).map(str::to_owned).collect();
    let are_words = words.len() > 1 && words.iter().all(|word| !word.contains([' ', ',']));
    are_words.then_some(words)
}

/// The kinds of control that a function acts on, which its documentation may name.
fn acts_on(function: &str, documented: &str) -> Target {
    if function == SET_TEXT {
        return Target::Control(TAKE_TEXT.to_vec());
    }
    let words: Vec<&str> = documented.split(|c: char| !c.is_alphanumeric()).collect();
    let named = ControlType::ALL.into_iter().filter(|kind| words.contains(&kind.as_str()));
    let named: Vec<ControlType> = named.collect();
    let is_any = named.is_empty() || words.contains(&"All");
    Target::Control(if is_any { ControlType::ALL.to_vec() } else { named })
}

/// The arguments of a call as UFO documents it: in its order, with the usual values of those that our models leave out.
pub(super) fn in_order(spec: &FunctionSpec, args: &Args, control: Option<ControlType>) -> Args {
    let value = |arg: &ArgSpec| {
        let own = args.get(&arg.name).cloned().or_else(|| usual(&spec.name, &arg.name, control));
        own.map(|value| (arg.name.clone(), value))
    };
    spec.args.iter().filter_map(value).collect()
}

/// The arguments of a past call as our models write them.
pub(super) fn without_usual(function: &str, args: Args) -> Args {
    let is_usual = |name: &String, value: &Value| usual(function, name, None).as_ref() == Some(value);
    args.into_iter().filter(|(name, value)| !is_usual(name, value)).collect()
}

/// The value of an argument that our models leave out where it is the usual one.
fn usual(function: &str, argument: &str, control: Option<ControlType>) -> Option<Value> {
    match (function, argument) {
        ("click_input", "button") => Some(json!("left")),
        ("click_input", "double") => Some(json!(false)),
        (SET_TEXT, REPLACES) if control != Some(ControlType::Document) => Some(json!(true)),
        _ => None,
    }
}
