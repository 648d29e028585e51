//! The ribbon as data: tabs, the commands on them, their drop-down menus and dialogs.
//!
//! Says what a control is called, what kind it is and what it does. Does not know how it is done.

mod dialogs;
mod menus;
mod tabs;

use lam_types::ControlType;

use crate::document::Mark;

pub use dialogs::*;
pub use menus::*;
pub use tabs::{FONTS, QUICK_ACCESS, commands};

/// A tab of the ribbon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tab {
    Home,
    Insert,
    Design,
    Layout,
    References,
    Review,
    View,
    TableLayout,
}

impl Tab {
    /// The tabs that are always there; `TableLayout` appears while a table is selected.
    pub const ALWAYS: [Tab; 7] =
        [Tab::Home, Tab::Insert, Tab::Design, Tab::Layout, Tab::References, Tab::Review, Tab::View];

    /// The name on the tab.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Home => "Home",
            Tab::Insert => "Insert",
            Tab::Design => "Design",
            Tab::Layout => "Layout",
            Tab::References => "References",
            Tab::Review => "Review",
            Tab::View => "View",
            Tab::TableLayout => "Table Layout",
        }
    }

    /// Every tab, the contextual one last.
    pub fn all() -> impl Iterator<Item = Tab> {
        Tab::ALWAYS.into_iter().chain([Tab::TableLayout])
    }

    /// The tab that holds a command.
    pub fn of(command: &str) -> Option<Tab> {
        Tab::all().find(|tab| commands(*tab).iter().any(|known| known.name == command))
    }
}

/// Whether a command of this name opens a menu or a dialog.
pub fn opens(command: &str) -> bool {
    let mut named = Tab::all().flat_map(commands).filter(|known| known.name == command);
    named.any(|known| matches!(known.effect, Effect::Open(_) | Effect::Ask(_)))
}

/// A character attribute whose value is a name or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    Font,
    Size,
    Color,
    Highlight,
}

/// A paragraph attribute whose value is a name or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Alignment,
    List,
    LineSpacing,
    Style,
    IndentLeft,
    IndentRight,
    SpaceBefore,
    SpaceAfter,
}

/// What a control does. Where a value is needed it is the control's name, or the text typed into it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Shows a tab.
    Show(Tab),
    /// Opens a drop-down menu.
    Open(&'static Menu),
    /// Opens a dialog.
    Ask(&'static Dialog),
    /// Toggles a character format of the selection.
    Mark(Mark),
    /// Sets a character attribute of the selection.
    Character(Character),
    /// Removes all character formats of the selection.
    ClearFormatting,
    /// Sets an attribute of the selected paragraphs.
    Block(Block),
    /// Sets a document setting to the control's name.
    Setting(&'static str),
    /// Turns a document setting on or off.
    Switch(&'static str),
    /// Adds an object of this kind.
    Object(&'static str),
    /// Attaches a note of this kind to the selection, without text.
    Note(&'static str),
    /// Copies the selection.
    Copy,
    /// Copies and removes the selection.
    Cut,
    /// Inserts what was copied.
    Paste,
    /// Takes back the last change.
    Undo,
    /// Writes the file.
    Save,
    /// Removes the selected comment, or the first one.
    DeleteComment,
    /// Adds a row (`true`) or a column to the selected table.
    Grow(bool),
    /// Removes the selected table.
    DeleteTable,
    /// Gives the selected table a style.
    TableStyle,
}

/// A command on a tab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its kind of control.
    pub kind: ControlType,
    /// What it does.
    pub effect: Effect,
}

/// A drop-down menu: its items all do the same thing with their own name as the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Menu {
    /// Name of the command that opens it.
    pub name: &'static str,
    /// Its items.
    pub items: &'static [&'static str],
    /// What an item does.
    pub effect: Effect,
    /// A last item that opens a dialog.
    pub more: Option<&'static Dialog>,
}

/// What a dialog does when it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Commit {
    /// Replaces the first field by the second, everywhere.
    Replace,
    /// Attaches a note of this kind, the first field's text, to the selection.
    Note(&'static str),
    /// Sets this setting to the first field's text.
    Setting(&'static str),
    /// Sets the settings named `Margin` and the field, for every field that was filled.
    Margins,
    /// Adds an object of this kind with the first field's text.
    Object(&'static str),
    /// Toggles the marks whose boxes are checked.
    Marks,
    /// Inserts a table of the given columns and rows.
    Table,
}

/// A field of a dialog.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// `Edit`, `ComboBox`, `Spinner` or `CheckBox`.
    pub kind: ControlType,
}

/// A modal dialog.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dialog {
    /// Name of the command or menu item that opens it.
    pub name: &'static str,
    /// Its fields, from top to bottom.
    pub fields: &'static [Field],
    /// Name of the button that confirms.
    pub confirm: &'static str,
    /// What confirming does.
    pub commit: Commit,
}
