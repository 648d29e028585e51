//! Families that insert things, and those that remove what was inserted.

use super::wording::{ATTACH, GROW, NUMBERED, OBJECT, OPTION, SAYING, TABLE, THING};
use super::{Family, Numbers};
use crate::procedure::Move::{
    ChooseOption, Click, ClickObject, ClickOption, Confirm, Fill, InsertTable, Press, SelectTable, SelectText,
};
use crate::procedure::Slot;

/// The families of this topic.
pub static FAMILIES: [Family; 15] = [
    Family::new("table", &["table", "grid of cells"], &TABLE, &[InsertTable]).numbers(Numbers::Two(2, 12)),
    Family::new("cover_page", &["cover page", "front page"], &OBJECT, &[Click("Cover Page"), ChooseOption])
        .options(crate::ribbon::COVER_PAGE.items),
    Family::new("page_break", &["page break", "new sheet"], &THING, &[Click("Page Break")]),
    Family::new("picture", &["picture", "image", "photo"], &OBJECT, &[Click("Pictures"), ChooseOption])
        .options(crate::ribbon::PICTURES.items),
    Family::new("shape", &["shape", "drawing", "figure"], &OBJECT, &[Click("Shapes"), ChooseOption])
        .options(crate::ribbon::SHAPES.items),
    Family::new(
        "link",
        &["link", "hyperlink", "web address"],
        &ATTACH,
        &[SelectText, Click("Link"), Fill("Address", Slot::NewText), Confirm("OK")],
    )
    .text()
    .new_text(),
    Family::new(
        "bookmark",
        &["bookmark", "named place"],
        &ATTACH,
        &[SelectText, Click("Bookmark"), Fill("Bookmark Name", Slot::NewText), Confirm("Add")],
    )
    .text()
    .new_text(),
    Family::new(
        "header",
        &["header", "page header", "head line"],
        &SAYING,
        &[Click("Header"), Fill("Header Text", Slot::NewText), Confirm("OK")],
    )
    .new_text(),
    Family::new(
        "footer",
        &["footer", "page footer", "foot line"],
        &SAYING,
        &[Click("Footer"), Fill("Footer Text", Slot::NewText), Confirm("OK")],
    )
    .new_text(),
    Family::new(
        "page_number",
        &["page number", "page numbering", "page count"],
        &OPTION,
        &[Click("Page Number"), ChooseOption],
    )
    .options(crate::ribbon::PAGE_NUMBER.items),
    Family::new(
        "text_box",
        &["text box", "framed text"],
        &SAYING,
        &[Click("Text Box"), Fill("Box Text", Slot::NewText), Confirm("OK")],
    )
    .new_text(),
    Family::new("delete_picture", &["picture", "image"], &NUMBERED, &[ClickObject("Picture"), Press("{DELETE}")])
        .numbers(Numbers::Present("Picture")),
    Family::new(
        "delete_comment",
        &["comment", "remark"],
        &NUMBERED,
        &[ClickObject("Comment"), Click("Delete Comment")],
    )
    .numbers(Numbers::Present("Comment")),
    Family::new("delete_table", &["table", "grid"], &NUMBERED, &[SelectTable, Click("Delete Table")])
        .numbers(Numbers::Present("Table")),
    Family::new("grow_table", &["table"], &GROW, &[SelectTable, ClickOption])
        .options(&["Insert Above", "Insert Below", "Insert Left", "Insert Right"])
        .numbers(Numbers::Present("Table")),
];
