//! Plain English about the editor, for help pages and for a tokenizer to learn words from.

use crate::ribbon::{Effect, Tab, commands};

/// The first paragraph of a topic's help page.
pub fn introduction(topic: &str) -> String {
    let place = match topic {
        "Formatting text" | "Formatting paragraphs" | "Editing text" => tab(Tab::Home),
        "Inserting things" => format!("{} {}", tab(Tab::Insert), tab(Tab::TableLayout)),
        "Pages and design" => format!("{} {}", tab(Tab::Layout), tab(Tab::Design)),
        "References" => tab(Tab::References),
        "Reviewing and viewing" => format!("{} {}", tab(Tab::Review), tab(Tab::View)),
        _ => "A task of several parts is done part by part. Finish one part before the next begins.".to_owned(),
    };
    format!(
        "{place} Open the tab first when its commands are not on the screen. Each procedure below can be started from any tab."
    )
}

/// The first paragraph of a topic's article.
pub fn advice(topic: &str) -> String {
    let advice = match topic {
        "Formatting text" => "Select the words before you change how they look. Only the selected words change.",
        "Formatting paragraphs" => "It is enough to select a few words: the whole paragraph changes.",
        "Editing text" => "Text that is selected is replaced by what you type. The last change can be taken back.",
        "Inserting things" => "A menu shows what can be inserted. A dialog waits until you confirm or cancel it.",
        "Pages and design" => "Settings of the page hold for the whole document, so nothing has to be selected.",
        "References" => "Notes belong to the words that were selected when they were inserted.",
        "Reviewing and viewing" => "A view changes what you see and not what is printed.",
        _ => "Read the whole request, find its parts, and do them in order.",
    };
    format!("{advice} Look at the names of the controls and choose the one that fits.")
}

/// What stands on a tab, in sentences.
pub fn tab(tab: Tab) -> String {
    let names: Vec<&str> = commands(tab).iter().map(|command| command.name).collect();
    let mut text = format!("The {} tab holds {}.", tab.name(), names.join(" , "));
    for command in commands(tab) {
        if let Effect::Open(menu) = command.effect {
            text.push_str(&format!(" {} offers {}.", menu.name, menu.items.join(" , ")));
        }
    }
    text
}

/// Paragraphs about editors in general.
pub fn paragraphs() -> Vec<String> {
    [
        "A document is made of paragraphs, and a paragraph is made of words. Words can be bold, italic or underlined, \
         and they can have a color, a font and a size of their own.",
        "The ribbon is the row of commands at the top of the window. Its tabs divide the commands by what they are \
         for. When you open a tab, its commands take the place of those that were there before.",
        "Some commands work at once. Others open a menu, from which you choose one item, and the menu closes again. \
         Others open a dialog with fields to fill in. Nothing else can be used until the dialog is closed.",
        "Before you format text you have to select it. The selection stays until you select something else, so \
         several formats can be given to the same text one after the other.",
        "Page settings are on the Layout tab. They include the margins, the orientation, the size of the paper and \
         the number of columns. Colors and watermarks of the page are on the Design tab.",
        "Headers and footers are shown on every page. Comments, links and bookmarks belong to the words to which \
         they are attached. Captions are on the References tab, together with footnotes and the table of contents.",
        "When something went wrong, take back the last change and try again. When all is done, save the document \
         under a name that says what is in it.",
        "To finish a task, first find out what is asked, then look at the controls that are on the screen now. If \
         the control that you need is not there, open the tab where it is. After each step look again.",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .collect()
}
