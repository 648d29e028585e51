//! LibreOffice's help pages as its packages install them: HTML, one folder per part, ordered lists in the guides.

use super::content::{Content, Fault};
use super::html::{Rules, blocks};
use super::procedure::procedures;

/// Part of the help, application in rows, name that people use.
const PARTS: &[(&str, &str, &str)] = &[
    ("swriter", "writer", "LibreOffice Writer"),
    ("scalc", "calc", "LibreOffice Calc"),
    ("simpress", "impress", "LibreOffice Impress"),
    ("sdraw", "draw", "LibreOffice Draw"),
    ("smath", "math", "LibreOffice Math"),
    ("sdatabase", "base", "LibreOffice Base"),
];

/// The procedures of the page in the file of this name.
pub(super) fn read(text: &str, file: &str) -> Content {
    let (application, _) = application(file);
    let rules = Rules {
        root: "#DisplayArea",
        left_out: &[
            "note",
            "tip",
            "warning",
            "noteicon",
            "notetext",
            "relatedtopics",
            "related",
            "howtoget",
            "bug",
            "debug",
        ],
        switches: &["switch", "switchinline"],
        shown: vec!["UNIX", switch_of(application)],
        paths: &["emph", "menuitem"],
    };
    match blocks(text, &rules) {
        Ok(blocks) if blocks.is_empty() => Fault::at(0, "the page has no text").into(),
        Ok(blocks) => Content::of(procedures(&blocks)),
        Err(fault) => fault.into(),
    }
}

/// The application that a page is about, by the folders in its file's name.
pub(super) fn application(file: &str) -> (&'static str, &'static str) {
    let part = |folder: &str| PARTS.iter().find(|(part, ..)| *part == folder);
    let found = file.split('/').find_map(part);
    found.map_or(("libreoffice", "LibreOffice"), |(_, name, title)| (name, title))
}

/// The class of the switch's branch for an application.
fn switch_of(application: &str) -> &'static str {
    match application {
        "writer" => "WRITER",
        "calc" => "CALC",
        "impress" => "IMPRESS",
        "draw" => "DRAW",
        "math" => "MATH",
        "base" => "BASE",
        _ => "WRITER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_go_the_platforms_branch_stays_and_menus_become_paths() {
        let page = r#"<body><aside><ol><li>Contents</ol></aside><div id="DisplayArea"><h1>Widening Columns</h1>
            <div class="note"><div class="notetext"><ol><li>not this</ol></div></div><ol>
            <li><p>Choose <span class="switchinline"><span class="MAC"><span class="menuitem">Wide - Preferences</span></span>
            <span id="default1"><span class="menuitem">Tools - Options</span></span></span><span class="menuitem"> - Table</span>.</p></li>
            <li><p>Press <span class="keycode">Ctrl - W</span>.</p><div class="tip"><p>A hint.</p></div></li></ol>
            <div class="relatedtopics"><ol><li>elsewhere</ol></div></div><footer><h3>debug</h3></footer></body>"#;
        let file = "text/swriter/guide/widen.html";
        let content = read(page, file);
        assert_eq!(content.procedures.len(), 1, "{content:?}");
        assert_eq!(content.procedures[0].plan, ["Choose Tools > Options > Table.", "Press Ctrl - W."]);
        assert_eq!(application(file), ("writer", "LibreOffice Writer"));
        assert_eq!(read("<p>nothing", file).procedures.len(), 0);
    }
}
