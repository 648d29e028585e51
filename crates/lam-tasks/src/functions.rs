//! UFO's functions: names, arguments, and what prompts say of them. An environment picks those it supports, and says
//! on which kinds of control they act; where its application differs it varies the description given here.

use lam_types::{ArgKind, ArgSpec, ControlType, FunctionSpec, Target};

/// Whether an argument of this name is a whole number, in any of the functions.
pub(crate) fn takes_number(name: &str) -> bool {
    let numbers = ["start_index", "end_index", "number", "rows", "columns", "font_size", "wheel_dist"];
    numbers.contains(&name)
}

/// A description varied where an application differs.
pub trait Vary: Sized {
    /// The same with other words for the prompt.
    fn saying(self, doc: &str) -> Self;
    /// The same with one more argument.
    fn also_taking(self, arg: ArgSpec) -> Self;
    /// The same with another kind of value for the argument of this name.
    fn taking(self, name: &str, kind: ArgKind) -> Self;
}

impl Vary for FunctionSpec {
    fn saying(self, doc: &str) -> Self {
        Self { doc: doc.to_owned(), ..self }
    }

    fn also_taking(mut self, arg: ArgSpec) -> Self {
        self.args.push(arg);
        self
    }

    fn taking(mut self, name: &str, kind: ArgKind) -> Self {
        let arg = self.args.iter_mut().find(|arg| arg.name == name);
        arg.unwrap_or_else(|| panic!("{} has no argument `{name}`", self.name)).kind = kind;
        self
    }
}

/// Clicks any control.
pub fn click_input() -> FunctionSpec {
    let buttons = words(&["left", "right", "middle"]);
    let args = vec![
        optional("button", buttons, "Mouse button, left unless given."),
        optional("double", ArgKind::Boolean, "Whether to click twice."),
    ];
    on_controls("click_input", &ControlType::ALL, "Click the control.", args)
}

/// Replaces a control's text.
pub fn set_edit_text(kinds: &[ControlType]) -> FunctionSpec {
    let args = vec![required("text", ArgKind::Text, "The text.")];
    on_controls("set_edit_text", kinds, "Put text into the control.", args)
}

/// Presses keys, of which `examples` names some.
pub fn keyboard_input(kinds: &[ControlType], examples: &str) -> FunctionSpec {
    let keys = required("keys", ArgKind::Text, &format!("Keys in braces, such as {examples}, or text."));
    on_controls("keyboard_input", kinds, "Press keys or type text.", vec![keys])
}

/// Turns the wheel.
pub fn wheel_mouse_input(kinds: &[ControlType]) -> FunctionSpec {
    let notches = required("wheel_dist", ArgKind::Integer { min: -64, max: 64 }, "Notches, up when positive.");
    on_controls("wheel_mouse_input", kinds, "Scroll.", vec![notches])
}

/// Tells a control's text.
pub fn texts(kinds: &[ControlType]) -> FunctionSpec {
    on_controls("texts", kinds, "Read the control's text.", Vec::new())
}

/// Selects text.
pub fn select_text() -> FunctionSpec {
    let text = required("text", ArgKind::DocumentText, "The text to select.");
    of_application("select_text", "Select text that stands in the document.", vec![text])
}

/// Selects paragraphs.
pub fn select_paragraph() -> FunctionSpec {
    let args = vec![
        required("start_index", ArgKind::Paragraph, "The first paragraph, counted from 1."),
        required("end_index", ArgKind::Paragraph, "The last paragraph."),
    ];
    of_application("select_paragraph", "Select whole paragraphs.", args)
}

/// Selects one of the tables that are shown.
pub fn select_table() -> FunctionSpec {
    let number = required("number", ArgKind::ShownNumber("Table".to_owned()), "The table, counted from 1.");
    of_application("select_table", "Select a table.", vec![number])
}

/// Inserts a table.
pub fn insert_table() -> FunctionSpec {
    let count = ArgKind::Integer { min: 1, max: 64 };
    let args = vec![required("rows", count.clone(), "How many rows."), required("columns", count, "How many columns.")];
    of_application("insert_table", "Insert a table.", args)
}

/// Sets one of these fonts, its size, or both.
pub fn set_font(fonts: &[&str]) -> FunctionSpec {
    let args = vec![
        optional("font_name", words(fonts), "The font's name."),
        optional("font_size", ArgKind::Integer { min: 1, max: 400 }, "Its size in points."),
    ];
    of_application("set_font", "Set the font of the selection.", args)
}

/// Writes a file with one of these extensions, the first unless another is given.
pub fn save_as(extensions: &[&str]) -> FunctionSpec {
    let usual = extensions.first().copied().unwrap_or_default();
    let args = vec![
        optional("file_dir", ArgKind::Text, "The directory."),
        optional("file_name", ArgKind::Text, "The name without extension."),
        optional("file_ext", words(extensions), &format!("The extension, {usual} unless given.")),
    ];
    of_application("save_as", "Save the document as a file.", args)
}

/// An argument that may be left out.
pub fn optional(name: &str, kind: ArgKind, doc: &str) -> ArgSpec {
    ArgSpec { name: name.to_owned(), kind, required: false, doc: doc.to_owned() }
}

/// An argument that every call has.
pub fn required(name: &str, kind: ArgKind, doc: &str) -> ArgSpec {
    ArgSpec { required: true, ..optional(name, kind, doc) }
}

/// One of some words.
pub fn words(words: &[&str]) -> ArgKind {
    ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect())
}

fn on_controls(name: &str, kinds: &[ControlType], doc: &str, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec { name: name.to_owned(), target: Target::Control(kinds.to_vec()), args, doc: doc.to_owned() }
}

fn of_application(name: &str, doc: &str, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec { name: name.to_owned(), target: Target::Application, args, doc: doc.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_by_the_names_of_their_arguments() {
        let specs = [
            click_input(),
            set_edit_text(&[]),
            keyboard_input(&[], ""),
            wheel_mouse_input(&[]),
            texts(&[]),
            select_text(),
            select_paragraph(),
            select_table(),
            insert_table(),
            set_font(&[]),
            save_as(&[]),
        ];
        for arg in specs.iter().flat_map(|spec| &spec.args) {
            let is_number = matches!(arg.kind, ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph);
            assert_eq!(takes_number(&arg.name), is_number, "{}", arg.name);
        }
    }
}
