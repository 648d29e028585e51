//! The drop-down menus.

use super::{Block, CUSTOM_MARGINS, Character, Effect, INSERT_TABLE, Menu};

const fn menu(name: &'static str, effect: Effect, items: &'static [&'static str]) -> Menu {
    Menu { name, items, effect, more: None }
}

macro_rules! menus {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $effect:expr, [$($item:literal),*];)*) => {
        $($(#[$doc])* pub static $id: Menu = menu($name, $effect, &[$($item),*]);)*
    };
}

menus! {
    /// Highlight colours.
    HIGHLIGHT = "Highlight", Effect::Character(Character::Highlight), ["Yellow", "Green", "Pink", "Turquoise", "Gray"];
    /// Text colours.
    FONT_COLOR = "Font Color", Effect::Character(Character::Color), ["Red", "Blue", "Green", "Purple", "Orange", "Brown"];
    /// Distances between lines.
    LINE_SPACING = "Line Spacing", Effect::Block(Block::LineSpacing), ["Single", "Double", "Triple", "Exactly"];
    /// Paragraph styles.
    STYLES = "Styles", Effect::Block(Block::Style), ["Title", "Subtitle", "Heading", "Quote", "Emphasis"];
    /// Cover pages.
    COVER_PAGE = "Cover Page", Effect::Object("Cover Page"), ["Austin", "Banded", "Facet", "Ion", "Slice"];
    /// Sources of pictures.
    PICTURES = "Pictures", Effect::Object("Picture"), ["This Device", "Stock Images", "Online Pictures"];
    /// Drawn shapes.
    SHAPES = "Shapes", Effect::Object("Shape"), ["Rectangle", "Oval", "Arrow", "Star", "Triangle"];
    /// Places of the page number.
    PAGE_NUMBER = "Page Number", Effect::Setting("Page Number"), ["Top of Page", "Bottom of Page", "Page Margins"];
    /// Colour schemes of the document.
    THEMES = "Themes", Effect::Setting("Theme"), ["Office", "Gallery", "Parcel", "Retrospect"];
    /// Ready-made watermarks.
    WATERMARK = "Watermark", Effect::Setting("Watermark"), ["Confidential", "Draft", "Sample", "Urgent"];
    /// Page colours.
    PAGE_COLOR = "Page Color", Effect::Setting("Page Color"), ["Red", "Blue", "Green", "Gold", "Gray"];
    /// Page orientation.
    ORIENTATION = "Orientation", Effect::Setting("Orientation"), ["Portrait", "Landscape"];
    /// Paper sizes.
    SIZE = "Size", Effect::Setting("Size"), ["Letter", "Legal", "Executive", "Tabloid", "Statement"];
    /// Text columns.
    COLUMNS = "Columns", Effect::Setting("Columns"), ["One", "Two", "Three"];
    /// Section breaks.
    BREAKS = "Breaks", Effect::Object("Section Break"), ["Next Page", "Continuous", "Even Page", "Odd Page"];
    /// Line numbers.
    LINE_NUMBERS = "Line Numbers", Effect::Setting("Line Numbers"), ["None", "Continuous", "Each Page", "Each Section"];
    /// Hyphenation.
    HYPHENATION = "Hyphenation", Effect::Setting("Hyphenation"), ["None", "Automatic", "Manual"];
    /// Tables of contents.
    TABLE_OF_CONTENTS = "Table of Contents", Effect::Object("Table of Contents"), ["Automatic Table", "Manual Table"];
    /// Bibliographies.
    BIBLIOGRAPHY = "Bibliography", Effect::Object("Bibliography"), ["Works Cited", "Reference List"];
    /// Citation styles.
    CITATION_STYLE = "Citation Style", Effect::Setting("Citation Style"), ["Chicago", "Harvard", "Turabian"];
    /// Proofing languages.
    LANGUAGE = "Language", Effect::Setting("Language"), ["English", "French", "German", "Spanish"];
    /// Zoom of the view.
    ZOOM = "Zoom", Effect::Setting("Zoom"), ["Page Width", "Whole Page", "Many Pages", "Text Width"];
    /// Table styles.
    TABLE_STYLE = "Table Style", Effect::TableStyle, ["Plain", "Grid", "List"];
}

/// Page margins, and a dialog for one's own.
pub static MARGINS: Menu = Menu {
    name: "Margins",
    items: &["Normal", "Narrow", "Moderate", "Wide"],
    effect: Effect::Setting("Margins"),
    more: Some(&CUSTOM_MARGINS),
};
/// The table menu, which opens a dialog.
pub static TABLE: Menu =
    Menu { name: "Table", items: &["Draw Table"], effect: Effect::Setting("Draw Table"), more: Some(&INSERT_TABLE) };
