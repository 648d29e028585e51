//! The functions that actions may call, with UFO's names and arguments, and how each is carried out.
//!
//! Control functions act on the control that the label names; application functions need no control.

use lam_types::{ArgKind, ArgSpec, Args, ControlType, FunctionSpec, StepStatus, Target};
use serde_json::Value;

use crate::command;
use crate::document::Document;
use crate::editor::{Editor, SavedFile, Selection};
use crate::keys;
use crate::ribbon::{Effect, FONTS};
use crate::screen::{Role, Shown, is_enabled};

/// Extensions that `save_as` writes.
pub const EXTENSIONS: [&str; 5] = [".docx", ".pdf", ".txt", ".rtf", ".html"];

/// Why a call had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `InvalidAction` for what does not exist, `AppError` for what the editor refused.
    pub status: StepStatus,
    /// In words.
    pub message: String,
}

fn invalid(message: String) -> Refused {
    Refused {
        status: StepStatus::InvalidAction,
        message,
    }
}

fn refused(message: String) -> Refused {
    Refused {
        status: StepStatus::AppError,
        message,
    }
}

/// The functions on offer.
pub fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Document, Edit, Spinner};
    let words =
        |words: &[&str]| ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect());
    let integer = |min, max| ArgKind::Integer { min, max };
    let control = |types: &[ControlType]| Target::Control(types.to_vec());
    let application = || Target::Application;
    vec![
        spec(
            "click_input",
            control(&ControlType::ALL),
            "Click the control.",
            vec![
                arg(
                    "button",
                    words(&["left", "right", "middle"]),
                    false,
                    "Mouse button, left unless given.",
                ),
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
            vec![arg(
                "text",
                ArgKind::DocumentText,
                true,
                "The text to select.",
            )],
        ),
        spec(
            "select_paragraph",
            application(),
            "Select whole paragraphs.",
            vec![
                arg(
                    "start_index",
                    integer(1, 128),
                    true,
                    "The first paragraph, counted from 1.",
                ),
                arg("end_index", integer(1, 128), true, "The last paragraph."),
            ],
        ),
        spec(
            "select_table",
            application(),
            "Select a table.",
            vec![arg(
                "number",
                integer(1, 128),
                true,
                "The table, counted from 1.",
            )],
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
            vec![arg(
                "keys",
                ArgKind::Text,
                true,
                "Keys in braces, such as {DELETE}, or text.",
            )],
        ),
        spec(
            "wheel_mouse_input",
            control(&[Document]),
            "Scroll.",
            vec![arg(
                "wheel_dist",
                integer(-64, 64),
                true,
                "Notches, up when positive.",
            )],
        ),
        spec(
            "texts",
            control(&[Document, Edit]),
            "Read the control's text.",
            vec![],
        ),
        spec(
            "save_as",
            application(),
            "Save the document as a file.",
            vec![
                arg("file_dir", ArgKind::Text, false, "The directory."),
                arg(
                    "file_name",
                    ArgKind::Text,
                    false,
                    "The name without extension.",
                ),
                arg(
                    "file_ext",
                    words(&EXTENSIONS),
                    false,
                    "The extension, .docx unless given.",
                ),
            ],
        ),
    ]
}

fn spec(name: &str, target: Target, doc: &str, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec {
        name: name.to_owned(),
        target,
        args,
        doc: doc.to_owned(),
    }
}

fn arg(name: &str, kind: ArgKind, required: bool, doc: &str) -> ArgSpec {
    ArgSpec {
        name: name.to_owned(),
        kind,
        required,
        doc: doc.to_owned(),
    }
}

/// Checks the arguments of a call against the function's specification.
pub fn check_args(spec: &FunctionSpec, args: &Args, document: &Document) -> Result<(), Refused> {
    if let Some(unknown) = args
        .keys()
        .find(|key| spec.args.iter().all(|arg| arg.name != **key))
    {
        return Err(invalid(format!(
            "{} has no argument `{unknown}`",
            spec.name
        )));
    }
    for wanted in &spec.args {
        match args.get(&wanted.name) {
            None if wanted.required => {
                return Err(invalid(format!("{} needs `{}`", spec.name, wanted.name)));
            }
            Some(value) if !fits(&wanted.kind, value, document) => {
                return Err(invalid(format!(
                    "{} cannot take {value} as `{}`",
                    spec.name, wanted.name
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn fits(kind: &ArgKind, value: &Value, document: &Document) -> bool {
    match kind {
        ArgKind::Text => value.is_string(),
        ArgKind::DocumentText => value
            .as_str()
            .is_some_and(|text| document.find(text).is_some()),
        ArgKind::Integer { min, max } => value
            .as_i64()
            .is_some_and(|number| (*min..=*max).contains(&number)),
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::OneOf(words) => value
            .as_str()
            .is_some_and(|text| words.iter().any(|word| word == text)),
    }
}

fn text<'a>(args: &'a Args, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn integer(args: &Args, name: &str) -> i64 {
    args.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// Carries out a function that needs no control. The arguments have been checked.
pub fn call_application(
    editor: &mut Editor,
    function: &str,
    args: &Args,
) -> Result<String, Refused> {
    if editor.dialog.is_some() {
        return Err(refused(
            "a dialog is open: answer or cancel it first".to_owned(),
        ));
    }
    match function {
        "select_text" => {
            editor.selection = editor
                .document
                .find(text(args, "text"))
                .map(Selection::Text)
        }
        "select_paragraph" => select_paragraphs(
            editor,
            integer(args, "start_index"),
            integer(args, "end_index"),
        )?,
        "select_table" => {
            let index = place(
                integer(args, "number"),
                editor.document.tables.len(),
                "table",
            )?;
            editor.selection = Some(Selection::Table(index));
        }
        "insert_table" => {
            command::insert_table(editor, integer(args, "rows"), integer(args, "columns"))
        }
        "set_font" => {
            let name = args.get("font_name").and_then(Value::as_str);
            command::set_font(editor, name, args.get("font_size").and_then(Value::as_i64))
                .map_err(refused)?;
        }
        _ => save_as(editor, args),
    }
    editor.menu = None;
    Ok(String::new())
}

fn place(number: i64, count: usize, what: &str) -> Result<usize, Refused> {
    let index = usize::try_from(number - 1)
        .ok()
        .filter(|index| *index < count);
    index.ok_or_else(|| {
        invalid(format!(
            "there is no {what} {number}: the document has {count}"
        ))
    })
}

fn select_paragraphs(editor: &mut Editor, first: i64, last: i64) -> Result<(), Refused> {
    let count = editor.document.paragraphs.len();
    let (first, last) = (
        place(first, count, "paragraph")?,
        place(last, count, "paragraph")?,
    );
    if first > last {
        return Err(invalid(format!(
            "paragraph {} comes after paragraph {}",
            first + 1,
            last + 1
        )));
    }
    editor.selection = Some(Selection::Paragraphs(first, last));
    Ok(())
}

fn save_as(editor: &mut Editor, args: &Args) {
    let or = |given: &str, otherwise: &str| {
        if given.is_empty() {
            otherwise.to_owned()
        } else {
            given.to_owned()
        }
    };
    editor.saved = Some(SavedFile {
        directory: text(args, "file_dir").to_owned(),
        name: or(text(args, "file_name"), "document"),
        extension: or(text(args, "file_ext"), ".docx"),
    });
}

/// Carries out a function on a control. The arguments and the control's kind have been checked.
pub fn call_control(
    editor: &mut Editor,
    shown: &Shown,
    function: &str,
    args: &Args,
) -> Result<String, Refused> {
    if !is_enabled(editor, shown) {
        return Err(refused(format!("`{}` cannot be used now", shown.name)));
    }
    match function {
        "click_input" => click(editor, shown, text(args, "button"))?,
        "set_edit_text" => set_text(editor, shown, text(args, "text"))?,
        "keyboard_input" => keys::press(editor, shown, text(args, "keys")).map_err(refused)?,
        "wheel_mouse_input" => keys::scroll(editor, integer(args, "wheel_dist")),
        _ => return Ok(read(editor, shown)),
    }
    Ok(String::new())
}

fn click(editor: &mut Editor, shown: &Shown, button: &str) -> Result<(), Refused> {
    if !matches!(button, "" | "left") {
        return Ok(());
    }
    match shown.role {
        Role::Effect(_) if matches!(shown.kind, ControlType::ComboBox | ControlType::Spinner) => {}
        Role::Effect(effect) => {
            let name = static_name(shown);
            command::apply(editor, effect, name, name).map_err(refused)?;
        }
        Role::Field(index) if shown.kind == ControlType::CheckBox => {
            if let Some(value) = editor
                .dialog
                .as_mut()
                .and_then(|open| open.values.get_mut(index))
            {
                *value = if value.is_empty() {
                    "on".to_owned()
                } else {
                    String::new()
                };
            }
        }
        Role::Field(_) => {}
        Role::Confirm => command::confirm(editor).map_err(refused)?,
        Role::Cancel => editor.dialog = None,
        Role::Document => {
            editor.selection = None;
            editor.menu = None;
        }
        Role::Object(selection) => {
            editor.selection = Some(selection);
            editor.menu = None;
        }
    }
    Ok(())
}

/// The name of a control that is part of the program.
fn static_name(shown: &Shown) -> &'static str {
    match shown.name {
        std::borrow::Cow::Borrowed(name) => name,
        std::borrow::Cow::Owned(_) => "",
    }
}

fn set_text(editor: &mut Editor, shown: &Shown, text: &str) -> Result<(), Refused> {
    match shown.role {
        Role::Field(index) => {
            if let Some(value) = editor
                .dialog
                .as_mut()
                .and_then(|open| open.values.get_mut(index))
            {
                text.clone_into(value);
            }
            Ok(())
        }
        Role::Effect(effect @ (Effect::Character(_) | Effect::Block(_))) => {
            command::apply(editor, effect, static_name(shown), text).map_err(refused)
        }
        _ => {
            editor.selection = None;
            command::write(editor, text);
            Ok(())
        }
    }
}

fn read(editor: &Editor, shown: &Shown) -> String {
    match shown.role {
        Role::Field(index) => editor
            .dialog
            .as_ref()
            .map(|open| open.values[index].clone())
            .unwrap_or_default(),
        _ => editor.document.text(),
    }
}
