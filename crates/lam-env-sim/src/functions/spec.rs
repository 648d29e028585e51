//! The functions' specifications, and arguments checked against them.

use lam_tasks::functions as ufo;
use lam_types::{ArgKind, Args, ControlType, FunctionSpec};
use serde_json::Value;

use super::{Refused, invalid};
use crate::document::Document;
use crate::ribbon::FONTS;

/// Extensions that `save_as` writes.
pub const EXTENSIONS: [&str; 5] = [".docx", ".pdf", ".txt", ".rtf", ".html"];

/// The functions on offer.
pub fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Document, Edit, Spinner};
    vec![
        ufo::click_input(),
        ufo::set_edit_text(&[Edit, ComboBox, Spinner, Document]),
        ufo::select_text(),
        ufo::select_paragraph(),
        ufo::select_table(),
        ufo::insert_table(),
        ufo::set_font(&FONTS),
        ufo::keyboard_input(&[Document, Edit], "{DELETE}"),
        ufo::wheel_mouse_input(&[Document]),
        ufo::texts(&[Document, Edit]),
        ufo::save_as(&EXTENSIONS),
    ]
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
