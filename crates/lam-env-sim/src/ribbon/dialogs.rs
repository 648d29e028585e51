//! The dialogs.

use lam_types::ControlType;

use super::{Commit, Dialog, Field};

const fn edit(name: &'static str) -> Field {
    Field { name, kind: ControlType::Edit }
}

const fn spinner(name: &'static str) -> Field {
    Field { name, kind: ControlType::Spinner }
}

const fn check(name: &'static str) -> Field {
    Field { name, kind: ControlType::CheckBox }
}

macro_rules! dialogs {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $commit:expr, $confirm:literal, [$($field:expr),*];)*) => {
        $($(#[$doc])* pub static $id: Dialog =
            Dialog { name: $name, fields: &[$($field),*], confirm: $confirm, commit: $commit };)*
    };
}

dialogs! {
    /// Find and replace.
    REPLACE = "Replace", Commit::Replace, "Replace All", [edit("Find What"), edit("Replace With"), check("Match Case"), check("Whole Words")];
    /// Character formats that have no button.
    FONT_DIALOG = "Font Dialog", Commit::Marks, "OK", [check("Subscript"), check("Superscript"), check("Small Caps"), check("Underline"), check("Strikethrough")];
    /// The page header.
    HEADER = "Header", Commit::Setting("Header"), "OK", [edit("Header Text"), check("Different First Page")];
    /// The page footer.
    FOOTER = "Footer", Commit::Setting("Footer"), "OK", [edit("Footer Text"), check("Different First Page")];
    /// A box of text.
    TEXT_BOX = "Text Box", Commit::Object("Text Box"), "OK", [edit("Box Text")];
    /// A link on the selection.
    LINK = "Link", Commit::Note("Link"), "OK", [edit("Address"), edit("Screen Tip")];
    /// A bookmark at the selection.
    BOOKMARK = "Bookmark", Commit::Note("Bookmark"), "Add", [edit("Bookmark Name")];
    /// A comment on the selection.
    NEW_COMMENT = "New Comment", Commit::Note("Comment"), "Post", [edit("Comment Text")];
    /// A footnote at the selection.
    FOOTNOTE = "Insert Footnote", Commit::Note("Footnote"), "OK", [edit("Footnote Text")];
    /// An endnote at the selection.
    ENDNOTE = "Insert Endnote", Commit::Note("Endnote"), "OK", [edit("Endnote Text")];
    /// A caption.
    CAPTION = "Caption", Commit::Object("Caption"), "OK", [edit("Caption Text"), check("Exclude Label")];
    /// Margins of one's own, in centimetres.
    CUSTOM_MARGINS = "Custom Margins", Commit::Margins, "OK", [spinner("Top"), spinner("Bottom"), spinner("Left"), spinner("Right"), spinner("Gutter")];
    /// A table by its numbers of columns and rows.
    INSERT_TABLE = "Insert Table", Commit::Table, "OK", [spinner("Number of Columns"), spinner("Number of Rows")];
}
