//! Families that insert things, and those that remove what was inserted.

use super::wording::{ATTACH, GROW, NUMBERED, OBJECT, OPTION, SAYING, TABLE, THING};
use super::{Family, Numbers, family, quoting};

/// The families of this topic.
pub static FAMILIES: [Family; 15] = [
    family("table", &["table", "grid of cells"], &TABLE, &["insert table {a} by {b}"]).numbers(Numbers::Two(2, 12)),
    family("cover_page", &["cover page", "front page"], &OBJECT, &["click Cover Page", "click {o}"])
        .options(crate::ribbon::COVER_PAGE.items),
    family("page_break", &["page break", "new sheet"], &THING, &["click Page Break"]),
    family("picture", &["picture", "image", "photo"], &OBJECT, &["click Pictures", "click {o}"])
        .options(crate::ribbon::PICTURES.items),
    family("shape", &["shape", "drawing", "figure"], &OBJECT, &["click Shapes", "click {o}"])
        .options(crate::ribbon::SHAPES.items),
    quoting(
        "link",
        &["link", "hyperlink", "web address"],
        &ATTACH,
        &["select {x}", "click Link", "type {y} in Address", "click OK"],
    )
    .new_words(1, 3),
    quoting(
        "bookmark",
        &["bookmark", "named place"],
        &ATTACH,
        &["select {x}", "click Bookmark", "type {y} in Bookmark Name", "click Add"],
    )
    .new_words(1, 3),
    family(
        "header",
        &["header", "page header", "head line"],
        &SAYING,
        &["click Header", "type {y} in Header Text", "click OK"],
    )
    .new_words(1, 3),
    family(
        "footer",
        &["footer", "page footer", "foot line"],
        &SAYING,
        &["click Footer", "type {y} in Footer Text", "click OK"],
    )
    .new_words(1, 3),
    family(
        "page_number",
        &["page number", "page numbering", "page count"],
        &OPTION,
        &["click Page Number", "click {o}"],
    )
    .options(crate::ribbon::PAGE_NUMBER.items),
    family("text_box", &["text box", "framed text"], &SAYING, &["click Text Box", "type {y} in Box Text", "click OK"])
        .new_words(1, 3),
    family("delete_picture", &["picture", "image"], &NUMBERED, &["click Picture {a}", "press DELETE"])
        .numbers(Numbers::Present("Picture")),
    family("delete_comment", &["comment", "remark"], &NUMBERED, &["click Comment {a}", "click Delete Comment"])
        .numbers(Numbers::Present("Comment")),
    family("delete_table", &["table", "grid"], &NUMBERED, &["choose table {a}", "click Delete Table"])
        .numbers(Numbers::Present("Table")),
    family("grow_table", &["table"], &GROW, &["choose table {a}", "click {o}"])
        .options(&["Insert Above", "Insert Below", "Insert Left", "Insert Right"])
        .numbers(Numbers::Present("Table")),
];
