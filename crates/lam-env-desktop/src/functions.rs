//! The functions that actions may call: UFO's names and arguments. Those of every application, and the tools that an
//! application's description spells out.

use lam_tasks::functions as ufo;
use lam_types::{ArgKind, ControlType, FunctionSpec};

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
    vec![
        ufo::click_input(),
        ufo::set_edit_text(&[Edit, ComboBox, Spinner, Document]),
        ufo::keyboard_input(&[Document, Edit, ComboBox, Spinner, ListItem], "{DELETE} or {VK_CONTROL}a"),
        ufo::wheel_mouse_input(&[Document, ScrollBar]),
        ufo::texts(&[Document, Edit, ComboBox, Spinner]),
    ]
}

fn of_documents() -> Vec<FunctionSpec> {
    vec![ufo::select_text(), ufo::select_paragraph()]
}

fn of_tools() -> Vec<FunctionSpec> {
    // A file is saved where it can be judged, under a name and in a format that the call spells out.
    let args = vec![
        ufo::optional("file_dir", ArgKind::Text, "The directory, below the one of the document."),
        ufo::required("file_name", ArgKind::Text, "The name without extension."),
        ufo::required("file_ext", ufo::words(&EXTENSIONS), "The extension."),
    ];
    let save_as = FunctionSpec { args, ..ufo::save_as(&EXTENSIONS) };
    vec![ufo::insert_table(), ufo::set_font(&FONTS), save_as]
}
