//! The screen: which controls an editor shows now, in list order, and the observation made from them.
//!
//! A modal dialog shows its own controls only; an open menu lies over the ribbon's commands. The label of
//! a control is its place in the list, so it shifts with tab, menu, dialog, selection and document.

use std::borrow::Cow;

use lam_types::{Control, ControlType, Observation};

use crate::document::Mark;
use crate::editor::{Editor, Selection};
use crate::ribbon::{Block, Command, Dialog, Effect, Field, QUICK_ACCESS, Tab, commands};

/// What a control on the screen is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// A command, a tab or a menu item.
    Effect(Effect),
    /// A field of the open dialog.
    Field(usize),
    /// The button that confirms the open dialog.
    Confirm,
    /// The button that closes it.
    Cancel,
    /// The text area.
    Document,
    /// An object in the text area.
    Object(Selection),
}

/// One control on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its kind.
    pub kind: ControlType,
    /// What it is.
    pub role: Role,
}

impl Shown {
    fn new(name: &'static str, kind: ControlType, role: Role) -> Self {
        Self { name: Cow::Borrowed(name), kind, role }
    }
}

/// Commands of the small bar beside selected text, on the Home tab.
const MINI_TOOLBAR: [(&str, Mark); 2] = [("Bold", Mark::Bold), ("Italic", Mark::Italic)];

/// The controls shown now.
pub fn screen(editor: &Editor) -> Vec<Shown> {
    let mut shown = Vec::with_capacity(40);
    if let Some(dialog) = &editor.dialog {
        show_dialog(dialog.dialog, &mut shown);
        return shown;
    }
    if let Some(menu) = editor.menu {
        let item = |name| Shown::new(name, ControlType::ListItem, Role::Effect(menu.effect));
        shown.extend(menu.items.iter().copied().map(item));
        let more =
            menu.more.map(|dialog| Shown::new(dialog.name, ControlType::ListItem, Role::Effect(Effect::Ask(dialog))));
        shown.extend(more);
    }
    shown.extend(QUICK_ACCESS.iter().map(command));
    for tab in Tab::ALWAYS.into_iter().chain(editor.contextual_tab()) {
        shown.push(Shown::new(tab.name(), ControlType::TabItem, Role::Effect(Effect::Show(tab))));
    }
    if editor.menu.is_none() {
        shown.extend(commands(editor.tab).iter().map(command));
        show_mini_toolbar(editor, &mut shown);
    }
    show_document(editor, &mut shown);
    shown
}

fn command(command: &Command) -> Shown {
    Shown::new(command.name, command.kind, Role::Effect(command.effect))
}

fn show_dialog(dialog: &'static Dialog, shown: &mut Vec<Shown>) {
    let field = |(index, field): (usize, &Field)| Shown::new(field.name, field.kind, Role::Field(index));
    shown.extend(dialog.fields.iter().enumerate().map(field));
    shown.push(Shown::new(dialog.confirm, ControlType::Button, Role::Confirm));
    shown.push(Shown::new("Cancel", ControlType::Button, Role::Cancel));
}

fn show_mini_toolbar(editor: &Editor, shown: &mut Vec<Shown>) {
    if editor.tab == Tab::Home && matches!(editor.selection, Some(Selection::Text(_))) {
        let small = |(name, mark)| Shown::new(name, ControlType::Button, Role::Effect(Effect::Mark(mark)));
        shown.extend(MINI_TOOLBAR.into_iter().map(small));
    }
}

fn show_document(editor: &Editor, shown: &mut Vec<Shown>) {
    shown.push(Shown::new("Document", ControlType::Document, Role::Document));
    let document = &editor.document;
    let mut object = |kind: &str, number: usize, selection| {
        let name = Cow::Owned(format!("{kind} {}", number + 1));
        shown.push(Shown { name, kind: ControlType::Group, role: Role::Object(selection) });
    };
    for number in 0..document.tables.len() {
        object("Table", number, Selection::Table(number));
    }
    for (number, place) in document.pictures().enumerate() {
        object("Picture", number, Selection::Picture(place));
    }
    for (number, place) in document.comments().enumerate() {
        object("Comment", number, Selection::Comment(place));
    }
}

/// The screen as a policy sees it.
pub fn observe(editor: &Editor) -> Observation {
    let control = |(index, shown): (usize, Shown)| Control {
        label: (index + 1).to_string(),
        enabled: is_enabled(editor, &shown),
        selected: is_selected(editor, &shown),
        value: value(editor, &shown),
        control_text: shown.name.into_owned(),
        control_type: shown.kind,
        rectangle: None,
    };
    Observation {
        controls: screen(editor).into_iter().enumerate().map(control).collect(),
        document: editor.document.text(),
        selection: editor.selected_text(),
    }
}

/// Whether a control can be used now.
pub fn is_enabled(editor: &Editor, shown: &Shown) -> bool {
    match shown.role {
        Role::Effect(Effect::Undo) => editor.can_undo(),
        Role::Effect(Effect::DeleteComment) => editor.document.comments().next().is_some(),
        Role::Effect(Effect::Paste) => !editor.clipboard.is_empty(),
        _ => true,
    }
}

fn is_selected(editor: &Editor, shown: &Shown) -> Option<bool> {
    match (shown.role, shown.kind) {
        (Role::Effect(Effect::Show(tab)), _) => Some(editor.tab == tab),
        (Role::Effect(Effect::Mark(mark)), _) => Some(editor.selection_has(mark)),
        (Role::Effect(Effect::Switch(key)), _) => Some(editor.document.settings.contains_key(key)),
        (Role::Effect(Effect::Block(Block::Alignment | Block::List)), ControlType::Button) => {
            Some(editor.selection_shows(&shown.name))
        }
        (Role::Field(index), ControlType::CheckBox) => Some(!field_text(editor, index).is_empty()),
        (Role::Object(selection), _) => Some(editor.selection == Some(selection)),
        _ => None,
    }
}

fn value(editor: &Editor, shown: &Shown) -> Option<String> {
    match (shown.role, shown.kind) {
        (Role::Field(_), ControlType::CheckBox) => None,
        (Role::Field(index), _) => Some(field_text(editor, index).to_owned()),
        (Role::Effect(effect), ControlType::ComboBox | ControlType::Spinner) => Some(editor.value_of(effect)),
        _ => None,
    }
}

fn field_text(editor: &Editor, index: usize) -> &str {
    editor.dialog.as_ref().and_then(|dialog| dialog.values.get(index)).map_or("", String::as_str)
}
