//! The functions that actions may call: UFO's names and arguments. Those of every application, and the tools that an
//! application's description spells out.

use lam_types::{ArgKind, ArgSpec, ControlType, FunctionSpec, Target};

use crate::application::ApplicationFile;

/// Extensions that `save_as` may be asked for.
const EXTENSIONS: [&str; 6] = [".docx", ".odt", ".rtf", ".txt", ".html", ".pdf"];
/// Fonts that `set_font` may be asked for.
const FONTS: [&str; 5] = ["Liberation Serif", "Liberation Sans", "Liberation Mono", "DejaVu Sans", "DejaVu Serif"];

/// The functions of an application.
pub fn specs(file: &ApplicationFile) -> Vec<FunctionSpec> {
    let has_document = !file.document.is_empty();
    let mut specs = of_controls();
    if has_document {
        specs.extend(of_documents());
    }
    specs.extend(of_tools().into_iter().filter(|spec| file.tools.contains_key(&spec.name)));
    specs
}

fn of_controls() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Document, Edit, ListItem, ScrollBar, Spinner};
    let control = |types: &[ControlType]| Target::Control(types.to_vec());
    let buttons = ["left", "right", "middle"];
    vec![
        spec(
            "click_input",
            control(&ControlType::ALL),
            "Click the control.",
            vec![
                arg("button", words(&buttons), false, "Mouse button, left unless given."),
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
            "keyboard_input",
            control(&[Document, Edit, ComboBox, Spinner, ListItem]),
            "Press keys or type text.",
            vec![arg("keys", ArgKind::Text, true, "Keys in braces, such as {DELETE} or {VK_CONTROL}a, or text.")],
        ),
        spec(
            "wheel_mouse_input",
            control(&[Document, ScrollBar]),
            "Scroll.",
            vec![arg("wheel_dist", integer(-64, 64), true, "Notches, up when positive.")],
        ),
        spec("texts", control(&[Document, Edit, ComboBox, Spinner]), "Read the control's text.", vec![]),
    ]
}

fn of_documents() -> Vec<FunctionSpec> {
    vec![
        spec(
            "select_text",
            Target::Application,
            "Select text that stands in the document.",
            vec![arg("text", ArgKind::DocumentText, true, "The text to select.")],
        ),
        spec(
            "select_paragraph",
            Target::Application,
            "Select whole paragraphs.",
            vec![
                arg("start_index", ArgKind::Paragraph, true, "The first paragraph, counted from 1."),
                arg("end_index", ArgKind::Paragraph, true, "The last paragraph."),
            ],
        ),
    ]
}

fn of_tools() -> Vec<FunctionSpec> {
    vec![
        spec(
            "insert_table",
            Target::Application,
            "Insert a table.",
            vec![
                arg("rows", integer(1, 64), true, "How many rows."),
                arg("columns", integer(1, 64), true, "How many columns."),
            ],
        ),
        spec(
            "set_font",
            Target::Application,
            "Set the font of the selection.",
            vec![
                arg("font_name", words(&FONTS), false, "The font's name."),
                arg("font_size", integer(1, 400), false, "Its size in points."),
            ],
        ),
        spec(
            "save_as",
            Target::Application,
            "Save the document as a file.",
            vec![
                arg("file_dir", ArgKind::Text, false, "The directory, below the one of the document."),
                arg("file_name", ArgKind::Text, true, "The name without extension."),
                arg("file_ext", words(&EXTENSIONS), true, "The extension."),
            ],
        ),
    ]
}

fn words(words: &[&str]) -> ArgKind {
    ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect())
}

fn integer(min: i64, max: i64) -> ArgKind {
    ArgKind::Integer { min, max }
}

fn spec(name: &str, target: Target, doc: &str, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec { name: name.to_owned(), target, args, doc: doc.to_owned() }
}

fn arg(name: &str, kind: ArgKind, required: bool, doc: &str) -> ArgSpec {
    ArgSpec { name: name.to_owned(), kind, required, doc: doc.to_owned() }
}
