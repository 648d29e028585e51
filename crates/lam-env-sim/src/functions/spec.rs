//! The functions' specifications, and arguments checked against them.

use lam_types::{ArgKind, ArgSpec, Args, ControlType, FunctionSpec, Target};
use serde_json::Value;

use super::{Refused, invalid};
use crate::document::Document;
use crate::ribbon::FONTS;

/// Extensions that `save_as` writes.
pub const EXTENSIONS: [&str; 5] = [".docx", ".pdf", ".txt", ".rtf", ".html"];

/// The functions on offer.
pub fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Document, Edit, Spinner};
    let words = |words: &[&str]| ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect());
    let integer = |min, max| ArgKind::Integer { min, max };
    let control = |types: &[ControlType]| Target::Control(types.to_vec());
    let application = || Target::Application;
    vec![
        spec(
            "click_input",
            control(&ControlType::ALL),
            "Click the control.",
            vec![
                arg("button", words(&["left", "right", "middle"]), false, "Mouse button, left unless given."),
                arg("double", ArgKind::Boolean, false, "Whether to click twice."),
            ],
        ),
        spec(
            "set_edit_text",
            control(&[Edit, ComboBox, Spinner, Document]),
            "Put text into the control.",
            vec![arg("text", ArgKind::Text, true, "The text.")],
        ),
        spec(
            "select_text",
            application(),
            "Select text that stands in the document.",
            vec![arg("text", ArgKind::DocumentText, true, "The text to select.")],
        ),
        spec(
            "select_paragraph",
            application(),
            "Select whole paragraphs.",
            vec![
                arg("start_index", ArgKind::Paragraph, true, "The first paragraph, counted from 1."),
                arg("end_index", ArgKind::Paragraph, true, "The last paragraph."),
            ],
        ),
        spec(
            "select_table",
            application(),
            "Select a table.",
            vec![arg("number", ArgKind::ShownNumber("Table".to_owned()), true, "The table, counted from 1.")],
        ),
        spec(
            "insert_table",
            application(),
            "Insert a table.",
            vec![
                arg("rows", integer(1, 64), true, "How many rows."),
                arg("columns", integer(1, 64), true, "How many columns."),
            ],
        ),
        spec(
            "set_font",
            application(),
            "Set the font of the selection.",
            vec![
                arg("font_name", words(&FONTS), false, "The font's name."),
                arg("font_size", integer(1, 400), false, "Its size in points."),
            ],
        ),
        spec(
            "keyboard_input",
            control(&[Document, Edit]),
            "Press keys or type text.",
            vec![arg("keys", ArgKind::Text, true, "Keys in braces, such as {DELETE}, or text.")],
        ),
        spec(
            "wheel_mouse_input",
            control(&[Document]),
            "Scroll.",
            vec![arg("wheel_dist", integer(-64, 64), true, "Notches, up when positive.")],
        ),
        spec("texts", control(&[Document, Edit]), "Read the control's text.", vec![]),
        spec(
            "save_as",
            application(),
            "Save the document as a file.",
            vec![
                arg("file_dir", ArgKind::Text, false, "The directory."),
                arg("file_name", ArgKind::Text, false, "The name without extension."),
                arg("file_ext", words(&EXTENSIONS), false, "The extension, .docx unless given."),
            ],
        ),
    ]
}

fn spec(name: &str, target: Target, doc: &str, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec { name: name.to_owned(), target, args, doc: doc.to_owned() }
}

fn arg(name: &str, kind: ArgKind, required: bool, doc: &str) -> ArgSpec {
    ArgSpec { name: name.to_owned(), kind, required, doc: doc.to_owned() }
}

/// Checks the arguments of a call against the function's specification.
pub fn check_args(spec: &FunctionSpec, args: &Args, document: &Document) -> Result<(), Refused> {
    if let Some(unknown) = args.keys().find(|key| spec.args.iter().all(|arg| arg.name != **key)) {
        return Err(invalid(format!("{} has no argument `{unknown}`", spec.name)));
    }
    for wanted in &spec.args {
        match args.get(&wanted.name) {
            None if wanted.required => {
                return Err(invalid(format!("{} needs `{}`", spec.name, wanted.name)));
            }
            Some(value) if !fits(&wanted.kind, value, document) => {
                return Err(invalid(format!("{} cannot take {value} as `{}`", spec.name, wanted.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn fits(kind: &ArgKind, value: &Value, document: &Document) -> bool {
    match kind {
        ArgKind::Text => value.is_string(),
        ArgKind::DocumentText => value.as_str().is_some_and(|text| document.find(text).is_some()),
        ArgKind::Integer { min, max } => value.as_i64().is_some_and(|number| (*min..=*max).contains(&number)),
        // Whether the document has so many is said by the function, which knows its name for them.
        ArgKind::ShownNumber(_) | ArgKind::Paragraph => value.is_i64(),
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::OneOf(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
    }
}
