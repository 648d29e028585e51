//! The commands on each tab, in the order in which they stand there.

use lam_types::ControlType;

use super::*;

/// Fonts that are installed.
pub const FONTS: [&str; 8] = ["Arial", "Calibri", "Cambria", "Georgia", "Verdana", "Tahoma", "Garamond", "Helvetica"];

const fn button(name: &'static str, effect: Effect) -> Command {
    Command { name, kind: ControlType::Button, effect }
}

const fn check(name: &'static str) -> Command {
    Command { name, kind: ControlType::CheckBox, effect: Effect::Switch(name) }
}

const fn menu(menu: &'static Menu) -> Command {
    Command { name: menu.name, kind: ControlType::MenuItem, effect: Effect::Open(menu) }
}

const fn dialog(dialog: &'static Dialog) -> Command {
    button(dialog.name, Effect::Ask(dialog))
}

const fn combo(name: &'static str, attribute: Character) -> Command {
    Command { name, kind: ControlType::ComboBox, effect: Effect::Character(attribute) }
}

const fn spinner(name: &'static str, attribute: Block) -> Command {
    Command { name, kind: ControlType::Spinner, effect: Effect::Block(attribute) }
}

/// The quick-access bar, always there.
pub static QUICK_ACCESS: [Command; 2] = [button("Save", Effect::Save), button("Undo", Effect::Undo)];

static HOME: [Command; 22] = [
    button("Paste", Effect::Paste),
    button("Cut", Effect::Cut),
    button("Copy", Effect::Copy),
    combo("Font", Character::Font),
    combo("Font Size", Character::Size),
    button("Bold", Effect::Mark(Mark::Bold)),
    button("Italic", Effect::Mark(Mark::Italic)),
    button("Underline", Effect::Mark(Mark::Underline)),
    button("Strikethrough", Effect::Mark(Mark::Strikethrough)),
    menu(&HIGHLIGHT),
    menu(&FONT_COLOR),
    button("Clear Formatting", Effect::ClearFormatting),
    dialog(&FONT_DIALOG),
    button("Bullets", Effect::Block(Block::List)),
    button("Numbering", Effect::Block(Block::List)),
    button("Align Left", Effect::Block(Block::Alignment)),
    button("Center", Effect::Block(Block::Alignment)),
    button("Align Right", Effect::Block(Block::Alignment)),
    button("Justify", Effect::Block(Block::Alignment)),
    menu(&LINE_SPACING),
    menu(&STYLES),
    dialog(&REPLACE),
];

static INSERT: [Command; 13] = [
    menu(&COVER_PAGE),
    button("Blank Page", Effect::Object("Blank Page")),
    button("Page Break", Effect::Object("Page Break")),
    menu(&TABLE),
    menu(&PICTURES),
    menu(&SHAPES),
    button("Chart", Effect::Object("Chart")),
    dialog(&LINK),
    dialog(&BOOKMARK),
    dialog(&HEADER),
    dialog(&FOOTER),
    menu(&PAGE_NUMBER),
    dialog(&TEXT_BOX),
];

static DESIGN: [Command; 7] = [
    menu(&THEMES),
    button("Colors", Effect::Setting("Theme Colors")),
    button("Fonts", Effect::Setting("Theme Fonts")),
    button("Effects", Effect::Setting("Theme Effects")),
    menu(&WATERMARK),
    menu(&PAGE_COLOR),
    button("Page Borders", Effect::Switch("Page Borders")),
];

static LAYOUT: [Command; 11] = [
    menu(&MARGINS),
    menu(&ORIENTATION),
    menu(&SIZE),
    menu(&COLUMNS),
    menu(&BREAKS),
    menu(&LINE_NUMBERS),
    menu(&HYPHENATION),
    spinner("Indent Left", Block::IndentLeft),
    spinner("Indent Right", Block::IndentRight),
    spinner("Spacing Before", Block::SpaceBefore),
    spinner("Spacing After", Block::SpaceAfter),
];

static REFERENCES: [Command; 9] = [
    menu(&TABLE_OF_CONTENTS),
    dialog(&FOOTNOTE),
    dialog(&ENDNOTE),
    button("Show Notes", Effect::Switch("Show Notes")),
    menu(&CITATION_STYLE),
    menu(&BIBLIOGRAPHY),
    dialog(&CAPTION),
    button("Mark Entry", Effect::Note("Index Entry")),
    button("Insert Index", Effect::Object("Index")),
];

static REVIEW: [Command; 11] = [
    button("Spelling", Effect::Setting("Proofing")),
    button("Thesaurus", Effect::Switch("Thesaurus")),
    button("Word Count", Effect::Setting("Statistics")),
    button("Read Aloud", Effect::Setting("Speech")),
    menu(&LANGUAGE),
    dialog(&NEW_COMMENT),
    button("Delete Comment", Effect::DeleteComment),
    button("Show Comments", Effect::Switch("Show Comments")),
    button("Track Changes", Effect::Switch("Track Changes")),
    button("Reviewing Pane", Effect::Switch("Reviewing Pane")),
    button("Restrict Editing", Effect::Switch("Restrict Editing")),
];

static VIEW: [Command; 12] = [
    button("Read Mode", Effect::Setting("View")),
    button("Print Layout", Effect::Setting("View")),
    button("Web Layout", Effect::Setting("View")),
    button("Outline", Effect::Setting("View")),
    button("Draft", Effect::Setting("View")),
    button("Focus", Effect::Switch("Focus")),
    check("Ruler"),
    check("Gridlines"),
    check("Navigation Pane"),
    menu(&ZOOM),
    button("New Window", Effect::Setting("Window")),
    button("Split", Effect::Switch("Split")),
];

static TABLE_LAYOUT: [Command; 7] = [
    button("Insert Above", Effect::Grow(true)),
    button("Insert Below", Effect::Grow(true)),
    button("Insert Left", Effect::Grow(false)),
    button("Insert Right", Effect::Grow(false)),
    button("Delete Table", Effect::DeleteTable),
    menu(&TABLE_STYLE),
    button("Repeat Header", Effect::Switch("Repeat Header")),
];

/// The commands of a tab.
pub fn commands(tab: Tab) -> &'static [Command] {
    match tab {
        Tab::Home => &HOME,
        Tab::Insert => &INSERT,
        Tab::Design => &DESIGN,
        Tab::Layout => &LAYOUT,
        Tab::References => &REFERENCES,
        Tab::Review => &REVIEW,
        Tab::View => &VIEW,
        Tab::TableLayout => &TABLE_LAYOUT,
    }
}
