//! The functions that actions may call, with UFO's names and arguments, and how each is carried out.
//!
//! Control functions act on the control that the label names; application functions need no control.

mod spec;

use lam_types::{Args, ControlType, StepStatus};
use serde_json::Value;

use crate::command;
use crate::editor::{Editor, SavedFile, Selection};
use crate::keys;
use crate::ribbon::Effect;
use crate::screen::{Role, Shown, is_enabled};

pub use spec::{EXTENSIONS, specs};

/// Why a call had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `InvalidAction` for what does not exist, `AppError` for what the editor refused.
    pub status: StepStatus,
    /// In words.
    pub message: String,
}

fn invalid(message: String) -> Refused {
    Refused { status: StepStatus::InvalidAction, message }
}

fn refused(message: String) -> Refused {
    Refused { status: StepStatus::AppError, message }
}

fn text<'a>(args: &'a Args, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn integer(args: &Args, name: &str) -> i64 {
    args.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// Carries out a function that needs no control. The arguments have been checked.
pub fn call_application(editor: &mut Editor, function: &str, args: &Args) -> Result<String, Refused> {
    if editor.dialog.is_some() {
        return Err(refused("a dialog is open: answer or cancel it first".to_owned()));
    }
    match function {
        "select_text" => editor.selection = editor.document.find(text(args, "text")).map(Selection::Text),
        "select_paragraph" => select_paragraphs(editor, integer(args, "start_index"), integer(args, "end_index"))?,
        "select_table" => {
            let index = place(integer(args, "number"), editor.document.tables.len(), "table")?;
            editor.selection = Some(Selection::Table(index));
        }
        "insert_table" => command::insert_table(editor, integer(args, "rows"), integer(args, "columns")),
        "set_font" => {
            let name = args.get("font_name").and_then(Value::as_str);
            command::set_font(editor, name, args.get("font_size").and_then(Value::as_i64)).map_err(refused)?;
        }
        _ => save_as(editor, args),
    }
    editor.menu = None;
    Ok(String::new())
}

fn place(number: i64, count: usize, what: &str) -> Result<usize, Refused> {
    let index = usize::try_from(number - 1).ok().filter(|index| *index < count);
    index.ok_or_else(|| invalid(format!("there is no {what} {number}: the document has {count}")))
}

fn select_paragraphs(editor: &mut Editor, first: i64, last: i64) -> Result<(), Refused> {
    let count = editor.document.paragraphs.len();
    let (first, last) = (place(first, count, "paragraph")?, place(last, count, "paragraph")?);
    // A selection may be drawn from either end.
    editor.selection = Some(Selection::Paragraphs(first.min(last), first.max(last)));
    Ok(())
}

fn save_as(editor: &mut Editor, args: &Args) {
    let or = |given: &str, otherwise: &str| {
        if given.is_empty() { otherwise.to_owned() } else { given.to_owned() }
    };
    editor.saved = Some(SavedFile {
        directory: text(args, "file_dir").to_owned(),
        name: or(text(args, "file_name"), "document"),
        extension: or(text(args, "file_ext"), ".docx"),
    });
}

/// Carries out a function on a control. The arguments and the control's kind have been checked.
pub fn call_control(editor: &mut Editor, shown: &Shown, function: &str, args: &Args) -> Result<String, Refused> {
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
            if let Some(value) = editor.dialog.as_mut().and_then(|open| open.values.get_mut(index)) {
                *value = if value.is_empty() { "on".to_owned() } else { String::new() };
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
            if let Some(value) = editor.dialog.as_mut().and_then(|open| open.values.get_mut(index)) {
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
        Role::Field(index) => editor.dialog.as_ref().map(|open| open.values[index].clone()).unwrap_or_default(),
        _ => editor.document.text(),
    }
}
