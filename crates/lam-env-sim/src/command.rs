//! What commands, menu items and dialogs do to an editor.
//!
//! A refusal is a message for the one who acted; nothing has changed then. Knows no label and no task.

use crate::document::{Note, Object, Paragraph, Table};
use crate::editor::{Editor, OpenDialog, SavedFile, Selection};
use crate::ribbon::{Block, Character, Commit, Effect, FONTS, Tab};

/// Why the application refused.
pub type Refusal = String;

/// Applies an effect; `value` is the control's name, or the text typed into it.
pub fn apply(editor: &mut Editor, effect: Effect, name: &'static str, value: &str) -> Result<(), Refusal> {
    editor.menu = None;
    match effect {
        Effect::Show(tab) => editor.tab = tab,
        Effect::Open(menu) => editor.menu = Some(menu),
        Effect::Ask(dialog) => {
            editor.dialog = Some(OpenDialog { dialog, values: vec![String::new(); dialog.fields.len()] });
        }
        Effect::Mark(mark) => {
            let on = !editor.selection_has(mark);
            change_format(editor, |format| format.set(mark, on));
        }
        Effect::Character(attribute) => set_character(editor, attribute, value)?,
        Effect::ClearFormatting => change_format(editor, |format| *format = Default::default()),
        Effect::Block(attribute) => set_block(editor, attribute, value)?,
        Effect::Setting(key) => editor.change(|document| {
            document.settings.insert(key, value.to_owned());
        }),
        Effect::Switch(key) => editor.change(|document| {
            if document.settings.remove(key).is_none() {
                document.settings.insert(key, "on".to_owned());
            }
        }),
        Effect::Object(kind) => add_object(editor, kind, value),
        Effect::Note(kind) => add_note(editor, kind, ""),
        Effect::Copy => editor.clipboard = editor.selected_text(),
        Effect::Cut => {
            editor.clipboard = editor.selected_text();
            write(editor, "");
        }
        Effect::Paste => paste(editor),
        Effect::Undo => editor.undo(),
        Effect::Save => save(editor),
        Effect::DeleteComment => delete_comment(editor),
        Effect::Grow(rows) => change_table(editor, |table| {
            table.rows += i64::from(rows);
            table.columns += i64::from(!rows);
            table.grown.push(name);
        })?,
        Effect::TableStyle => change_table(editor, |table| value.clone_into(&mut table.style))?,
        Effect::DeleteTable => delete_selected(editor),
    }
    if editor.tab == Tab::TableLayout && editor.contextual_tab().is_none() {
        editor.tab = Tab::Home;
    }
    Ok(())
}

/// Confirms the open dialog.
pub fn confirm(editor: &mut Editor) -> Result<(), Refusal> {
    let Some(open) = editor.dialog.take() else {
        return Ok(());
    };
    let first = open.values.first().map_or("", String::as_str);
    match open.dialog.commit {
        Commit::Replace => {
            editor.change(|document| document.replace_all(first, &open.values[1]));
            editor.selection = None;
        }
        Commit::Note(kind) => add_note(editor, kind, first),
        Commit::Setting(key) => editor.change(|document| {
            document.settings.insert(key, first.to_owned());
        }),
        Commit::Object(kind) => add_object(editor, kind, first),
        Commit::Margins => set_margins(editor, &open)?,
        Commit::Marks => toggle_checked(editor, &open),
        Commit::Table => {
            let [columns, rows] = [number(first)?, number(&open.values[1])?];
            insert_table(editor, i64::from(rows), i64::from(columns));
        }
    }
    Ok(())
}

/// Inserts an empty table.
pub fn insert_table(editor: &mut Editor, rows: i64, columns: i64) {
    let table = Table { rows, columns, style: String::new(), grown: Vec::new() };
    editor.change(|document| document.tables.push(table));
}

/// Sets font family and size of the selection; `None` leaves it as it is.
pub fn set_font(editor: &mut Editor, font: Option<&str>, size: Option<i64>) -> Result<(), Refusal> {
    if let Some(font) = font {
        set_character(editor, Character::Font, font)?;
    }
    if let Some(size) = size {
        set_character(editor, Character::Size, &size.to_string())?;
    }
    Ok(())
}

/// Types text in place of the selection, or at the end of the document.
pub fn write(editor: &mut Editor, text: &str) {
    let spans = editor.spans();
    editor.change(|document| {
        for (index, span) in spans.iter().enumerate() {
            let typed = if index == 0 { text } else { "" };
            document.paragraphs[span.paragraph].replace(span.start, span.end, typed);
        }
        if spans.is_empty() && !text.is_empty() {
            document.paragraphs.push(Paragraph::plain(text));
        }
    });
    editor.selection = None;
}

/// Removes what is selected.
pub fn delete_selected(editor: &mut Editor) {
    match editor.selection {
        Some(Selection::Text(_) | Selection::Paragraphs(..)) => write(editor, ""),
        Some(Selection::Table(index)) => editor.change(|document| drop(document.tables.remove(index))),
        Some(Selection::Picture(index)) => editor.change(|document| drop(document.objects.remove(index))),
        Some(Selection::Comment(index)) => editor.change(|document| drop(document.notes.remove(index))),
        None => {}
    }
    editor.selection = None;
}

/// Writes the file under the name it has.
pub fn save(editor: &mut Editor) {
    let unnamed = || SavedFile { name: "document".to_owned(), extension: ".docx".to_owned(), ..SavedFile::default() };
    editor.saved.get_or_insert_with(unnamed);
}

/// Inserts what was copied.
pub fn paste(editor: &mut Editor) {
    let copied = editor.clipboard.clone();
    write(editor, &copied);
}

fn change_format(editor: &mut Editor, change: impl Fn(&mut crate::document::Format)) {
    let spans = editor.spans();
    editor.change(|document| {
        for span in spans {
            document.paragraphs[span.paragraph].format(span.start, span.end, &change);
        }
    });
}

fn set_character(editor: &mut Editor, attribute: Character, value: &str) -> Result<(), Refusal> {
    let size = if attribute == Character::Size { number(value)? } else { 0 };
    if attribute == Character::Font && !FONTS.contains(&value) {
        return Err(format!("font `{value}` is not installed"));
    }
    change_format(editor, |format| match attribute {
        Character::Font => value.clone_into(&mut format.font),
        Character::Size => format.size = size,
        Character::Color => value.clone_into(&mut format.color),
        Character::Highlight => value.clone_into(&mut format.highlight),
    });
    Ok(())
}

fn set_block(editor: &mut Editor, attribute: Block, value: &str) -> Result<(), Refusal> {
    let points = match attribute {
        Block::IndentLeft | Block::IndentRight | Block::SpaceBefore | Block::SpaceAfter => number(value)?,
        _ => 0,
    };
    let listed = attribute == Block::List && editor.selection_shows(value);
    let spans = editor.spans();
    editor.change(|document| {
        for span in spans {
            let attributes = &mut document.paragraphs[span.paragraph].attributes;
            match attribute {
                Block::Alignment if value == "Align Left" => attributes.alignment.clear(),
                Block::Alignment => value.clone_into(&mut attributes.alignment),
                Block::List if listed => attributes.list.clear(),
                Block::List => value.clone_into(&mut attributes.list),
                Block::LineSpacing if value == "Single" => attributes.line_spacing.clear(),
                Block::LineSpacing => value.clone_into(&mut attributes.line_spacing),
                Block::Style => value.clone_into(&mut attributes.style),
                Block::IndentLeft => attributes.indent[0] = points,
                Block::IndentRight => attributes.indent[1] = points,
                Block::SpaceBefore => attributes.space[0] = points,
                Block::SpaceAfter => attributes.space[1] = points,
            }
        }
    });
    Ok(())
}

fn add_object(editor: &mut Editor, kind: &'static str, detail: &str) {
    let object = Object { kind, detail: detail.to_owned() };
    editor.change(|document| document.objects.push(object));
}

fn add_note(editor: &mut Editor, kind: &'static str, text: &str) {
    let note = Note { kind, text: text.to_owned(), anchor: editor.selected_text() };
    editor.change(|document| document.notes.push(note));
}

fn set_margins(editor: &mut Editor, open: &OpenDialog) -> Result<(), Refusal> {
    let mut margins = Vec::new();
    for (field, value) in open.dialog.fields.iter().zip(&open.values) {
        if !value.is_empty() {
            let key = match field.name {
                "Top" => "Margin Top",
                "Bottom" => "Margin Bottom",
                "Left" => "Margin Left",
                "Right" => "Margin Right",
                _ => "Gutter",
            };
            margins.push((key, number(value)?.to_string()));
        }
    }
    editor.change(|document| document.settings.extend(margins));
    Ok(())
}

fn toggle_checked(editor: &mut Editor, open: &OpenDialog) {
    let checked = open.dialog.fields.iter().zip(&open.values).filter(|(_, value)| !value.is_empty());
    for mark in checked.filter_map(|(field, _)| crate::document::Mark::named(field.name)) {
        let on = !editor.selection_has(mark);
        change_format(editor, |format| format.set(mark, on));
    }
}

fn change_table(editor: &mut Editor, change: impl FnOnce(&mut Table)) -> Result<(), Refusal> {
    let Some(Selection::Table(index)) = editor.selection else {
        return Err("no table is selected".to_owned());
    };
    editor.change(|document| change(&mut document.tables[index]));
    Ok(())
}

fn delete_comment(editor: &mut Editor) {
    let selected = match editor.selection {
        Some(Selection::Comment(index)) => Some(index),
        _ => editor.document.comments().next(),
    };
    if let Some(index) = selected {
        editor.selection = Some(Selection::Comment(index));
        delete_selected(editor);
    }
}

fn number(text: &str) -> Result<u32, Refusal> {
    let valid = text.trim().parse().ok().filter(|number| *number <= 1638);
    valid.ok_or_else(|| format!("`{text}` is not a whole number from 0 to 1638"))
}
