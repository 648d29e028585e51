//! The keyboard and the wheel: keys in pywinauto's notation, shortcuts, and plain typing.

use crate::command::{self, Refusal};
use crate::document::Mark;
use crate::editor::{Editor, Selection};
use crate::ribbon::Effect;
use crate::screen::{Role, Shown};

/// Presses keys in a control: one key in braces, one shortcut, or text to type.
pub fn press(editor: &mut Editor, shown: &Shown, keys: &str) -> Result<(), Refusal> {
    let is_key = keys.starts_with('{') && keys.len() > 1;
    match shown.role {
        Role::Field(_) if keys == "{ENTER}" => command::confirm(editor),
        Role::Field(_) if keys == "{ESC}" => {
            editor.dialog = None;
            Ok(())
        }
        Role::Field(index) if !is_key => {
            if let Some(value) = editor.dialog.as_mut().and_then(|open| open.values.get_mut(index)) {
                value.push_str(keys);
            }
            Ok(())
        }
        Role::Document if is_key => press_key(editor, keys),
        Role::Document => {
            command::write(editor, keys);
            Ok(())
        }
        _ => Err(format!("`{}` does not take {keys}", shown.name)),
    }
}

fn press_key(editor: &mut Editor, keys: &str) -> Result<(), Refusal> {
    match keys {
        "{DELETE}" | "{DEL}" | "{BACKSPACE}" | "{BACK}" => command::delete_selected(editor),
        "{ESC}" => editor.menu = None,
        "{VK_CONTROL}a" => {
            let last = editor.document.paragraphs.len().saturating_sub(1);
            editor.selection = Some(Selection::Paragraphs(0, last));
        }
        "{VK_CONTROL}b" => command::apply(editor, Effect::Mark(Mark::Bold), "Bold", "Bold")?,
        "{VK_CONTROL}i" => command::apply(editor, Effect::Mark(Mark::Italic), "Italic", "Italic")?,
        "{VK_CONTROL}u" => command::apply(editor, Effect::Mark(Mark::Underline), "Underline", "Underline")?,
        "{VK_CONTROL}c" => editor.clipboard = editor.selected_text(),
        "{VK_CONTROL}v" => command::paste(editor),
        "{VK_CONTROL}z" => editor.undo(),
        "{VK_CONTROL}s" => command::save(editor),
        _ => return Err(format!("unknown keys {keys}")),
    }
    Ok(())
}

/// Turns the wheel over the document: the view moves, down when negative.
pub fn scroll(editor: &mut Editor, notches: i64) {
    let settings = &mut editor.document.settings;
    let key = "Scrolled";
    let before: i64 = settings.get(key).and_then(|at| at.parse().ok()).unwrap_or(0);
    match before + notches {
        0 => drop(settings.remove(key)),
        now => drop(settings.insert(key, now.to_string())),
    }
}
