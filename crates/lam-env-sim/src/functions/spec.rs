//! The functions' specifications.

use lam_tasks::functions as ufo;
use lam_types::{ControlType, FunctionSpec};

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
