//! Templates: a document written as .docx, from the same model that documents are read into.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use super::docx::TWIPS_PER_INCH;
use super::model::{Document, Paragraph};

const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const KIND: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";

/// Styles by name: id, size in half points, whether bold.
const STYLES: [(&str, &str, u32, bool); 5] = [
    ("Heading1", "heading 1", 36, true),
    ("Heading2", "heading 2", 32, true),
    ("Heading3", "heading 3", 28, true),
    ("Title", "Title", 56, true),
    ("Subtitle", "Subtitle", 36, false),
];

/// `document` as the bytes of a .docx file: A4 or the size its facts name, Liberation Serif 12.
///
/// Written are paragraphs with the formats `style`, `alignment`, `list`, `line spacing`, `indent`, `space before`,
/// `space after`, runs with theirs, tables, comments (`paragraph NN comment`), header, footer, and properties.
pub fn write_docx(document: &Document) -> Vec<u8> {
    let mut parts = vec![
        ("[Content_Types].xml", content_types()),
        ("_rels/.rels", package_relations()),
        ("word/_rels/document.xml.rels", relations()),
        ("word/styles.xml", styles()),
        ("word/numbering.xml", numbering()),
        ("word/settings.xml", settings(document)),
        ("word/comments.xml", comments(document)),
        ("word/header1.xml", margin("hdr", fact(document, "header"))),
        ("word/footer1.xml", margin("ftr", fact(document, "footer"))),
        ("docProps/core.xml", properties(document)),
    ];
    parts.push(("word/document.xml", body(document)));
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(&mut bytes));
    // No clock: the same document is the same bytes.
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    for (name, text) in parts {
        zip.start_file(name, options).expect("a part of a document in memory can be begun");
        zip.write_all(text.as_bytes()).expect("memory takes what is written");
    }
    zip.finish().expect("memory takes what is written");
    bytes
}

fn fact<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.facts.get(name).map(|text| text.trim_matches('\''))
}

fn body(document: &Document) -> String {
    let mut text = format!("{HEAD}<w:document xmlns:w=\"{W}\" xmlns:r=\"{RELATION}\"><w:body>");
    for number in 0..=document.paragraphs.len() {
        if let Some(paragraph) = number.checked_sub(1).map(|index| &document.paragraphs[index]) {
            text.push_str(&paragraph_xml(document, paragraph, number));
        }
        for table in document.tables.iter().filter(|table| table.after == number) {
            text.push_str(&table_xml(&table.rows));
        }
    }
    let reference = |name: &str, id: &str| match fact(document, name) {
        Some(_) => format!("<w:{name}Reference w:type=\"default\" r:id=\"{id}\"/>"),
        None => String::new(),
    };
    let wide = document.facts.get("page orientation").is_some_and(|way| way == "landscape");
    let size = if wide { "w:w=\"16838\" w:h=\"11906\" w:orient=\"landscape\"" } else { "w:w=\"11906\" w:h=\"16838\"" };
    let (header, footer) = (reference("header", "rId4"), reference("footer", "rId5"));
    let _ = write!(
        text,
        "<w:sectPr>{header}{footer}<w:pgSz {size}/><w:pgMar w:top=\"1440\" w:right=\"1440\" w:bottom=\"1440\" \
         w:left=\"1440\" w:header=\"0\" w:footer=\"0\" w:gutter=\"0\"/></w:sectPr></w:body></w:document>"
    );
    text
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

fn paragraph_xml(document: &Document, paragraph: &Paragraph, number: usize) -> String {
    let format = |name: &str| paragraph.formats.get(name).map(String::as_str);
    let mut text = String::from("<w:p><w:pPr>");
    if let Some((id, ..)) =
        STYLES.iter().find(|(_, name, ..)| format("style").is_some_and(|style| style == name.to_lowercase()))
    {
        let _ = write!(text, "<w:pStyle w:val=\"{id}\"/>");
    }
    if let Some(kind) = format("list") {
        let _ = write!(
            text,
            "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"{}\"/></w:numPr>",
            1 + u32::from(kind != "bullet")
        );
    }
    text.push_str(&spacing(paragraph));
    if let Some(length) = format("indent").and_then(|length| length.parse::<f64>().ok()) {
        let _ = write!(text, "<w:ind w:left=\"{}\"/>", twips(length));
    }
    if let Some(way) = format("alignment") {
        let _ = write!(text, "<w:jc w:val=\"{}\"/>", if way == "justified" { "both" } else { way });
    }
    text.push_str("</w:pPr>");
    let commented = document.facts.contains_key(&format!("paragraph {number:02} comment"));
    let id = comment_id(document, number);
    if commented {
        let _ = write!(text, "<w:commentRangeStart w:id=\"{id}\"/>");
    }
    text.push_str(&runs(paragraph));
    if commented {
        let _ = write!(text, "<w:commentRangeEnd w:id=\"{id}\"/><w:r><w:commentReference w:id=\"{id}\"/></w:r>");
    }
    text.push_str("</w:p>");
    text
}

fn spacing(paragraph: &Paragraph) -> String {
    let number = |name: &str| paragraph.formats.get(name).and_then(|value| value.parse::<f64>().ok());
    let mut text = String::new();
    for (name, key) in [("space before", "before"), ("space after", "after")] {
        if let Some(length) = number(name) {
            let _ = write!(text, " w:{key}=\"{}\"", twips(length));
        }
    }
    if let Some(factor) = number("line spacing") {
        let _ = write!(text, " w:line=\"{:.0}\" w:lineRule=\"auto\"", 240.0 * factor);
    }
    if text.is_empty() { text } else { format!("<w:spacing{text}/>") }
}

/// Inches as twentieths of a point.
fn twips(length: f64) -> i64 {
    (TWIPS_PER_INCH * length).round() as i64
}

/// Stretches of characters with the same formats.
fn runs(paragraph: &Paragraph) -> String {
    let characters: Vec<char> = paragraph.text.chars().collect();
    let formats = |place: usize| -> Vec<(&str, &str)> {
        let values =
            paragraph.characters.iter().filter_map(|(name, values)| Some((name.as_str(), values.get(place)?.as_str())));
        values.filter(|(_, value)| !value.is_empty()).collect()
    };
    let mut text = String::new();
    let mut start = 0;
    while start < characters.len() {
        let own = formats(start);
        let mut end = start + 1;
        while end < characters.len() && formats(end) == own {
            end += 1;
        }
        let run: String = characters[start..end].iter().collect();
        let own: String = own.into_iter().map(|(name, value)| run_format(name, value)).collect();
        let _ = write!(text, "<w:r><w:rPr>{own}</w:rPr><w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(&run));
        start = end;
    }
    text
}

fn run_format(name: &str, value: &str) -> String {
    match name {
        "bold" => "<w:b/>".into(),
        "italic" => "<w:i/>".into(),
        "strikethrough" => "<w:strike/>".into(),
        "small capitals" => "<w:smallCaps/>".into(),
        "shadow" => "<w:shadow/>".into(),
        "outline" => "<w:outline/>".into(),
        "underline" => format!("<w:u w:val=\"{value}\"/>"),
        "position" => format!("<w:vertAlign w:val=\"{value}\"/>"),
        "color" => format!("<w:color w:val=\"{value}\"/>"),
        "highlight" => format!("<w:highlight w:val=\"{value}\"/>"),
        "font" => format!("<w:rFonts w:ascii=\"{value}\" w:hAnsi=\"{value}\"/>"),
        "size" => format!("<w:sz w:val=\"{}\"/>", (2.0 * value.parse::<f64>().unwrap_or(12.0)).round()),
        _ => String::new(),
    }
}

fn table_xml(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let width = 9638 / columns;
    let sides = ["top", "left", "bottom", "right", "insideH", "insideV"];
    let borders: String = sides.iter().map(|side| format!("<w:{side} w:val=\"single\" w:sz=\"4\"/>")).collect();
    let mut text = format!(
        "<w:tbl><w:tblPr><w:tblW w:w=\"9638\" w:type=\"dxa\"/><w:tblBorders>{borders}</w:tblBorders></w:tblPr><w:tblGrid>"
    );
    text.push_str(&format!("<w:gridCol w:w=\"{width}\"/>").repeat(columns));
    text.push_str("</w:tblGrid>");
    for row in rows {
        text.push_str("<w:tr>");
        for cell in row {
            let _ = write!(
                text,
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>",
                escaped(cell)
            );
        }
        text.push_str("</w:tr>");
    }
    text.push_str("</w:tbl>");
    text
}

/// Paragraph numbers that carry a comment, in order.
fn commented(document: &Document) -> Vec<usize> {
    let number = |name: &String| name.strip_prefix("paragraph ")?.strip_suffix(" comment")?.parse().ok();
    document.facts.keys().filter_map(number).collect()
}

fn comment_id(document: &Document, number: usize) -> usize {
    commented(document).iter().position(|commented| *commented == number).unwrap_or(0)
}

fn comments(document: &Document) -> String {
    let mut text = format!("{HEAD}<w:comments xmlns:w=\"{W}\">");
    for id in 0..commented(document).len() {
        let said = document.facts.get(&format!("comment {}", id + 1)).map(String::as_str).unwrap_or_default();
        let _ = write!(
            text,
            "<w:comment w:id=\"{id}\" w:author=\"Author\" w:date=\"2020-01-01T00:00:00Z\" w:initials=\"A\"><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:comment>",
            escaped(said)
        );
    }
    text + "</w:comments>"
}

fn margin(kind: &str, said: Option<&str>) -> String {
    let said = escaped(said.unwrap_or_default());
    format!("{HEAD}<w:{kind} xmlns:w=\"{W}\"><w:p><w:r><w:t>{said}</w:t></w:r></w:p></w:{kind}>")
}

fn settings(document: &Document) -> String {
    let changes = if document.facts.contains_key("track changes") { "<w:trackRevisions/>" } else { "" };
    format!("{HEAD}<w:settings xmlns:w=\"{W}\">{changes}</w:settings>")
}

fn properties(document: &Document) -> String {
    let mut text = format!(
        "{HEAD}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
    );
    for (name, key) in
        [("title", "dc:title"), ("subject", "dc:subject"), ("keywords", "cp:keywords"), ("comments", "dc:description")]
    {
        if let Some(value) = document.facts.get(&format!("property {name}")) {
            let _ = write!(text, "<{key}>{}</{key}>", escaped(value));
        }
    }
    text + "</cp:coreProperties>"
}

fn styles() -> String {
    let mut text = format!(
        "{HEAD}<w:styles xmlns:w=\"{W}\"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Liberation Serif\" \
         w:hAnsi=\"Liberation Serif\"/><w:sz w:val=\"24\"/><w:lang w:val=\"en-US\"/></w:rPr></w:rPrDefault></w:docDefaults>\
         <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/></w:style>"
    );
    for (id, name, size, bold) in STYLES {
        let bold = if bold { "<w:b/>" } else { "" };
        let _ = write!(
            text,
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/><w:basedOn w:val=\"Normal\"/>\
             <w:rPr>{bold}<w:sz w:val=\"{size}\"/></w:rPr></w:style>"
        );
    }
    text + "</w:styles>"
}

fn numbering() -> String {
    let mut text = format!("{HEAD}<w:numbering xmlns:w=\"{W}\">");
    for (id, kind, sign) in [(0, "bullet", "•"), (1, "decimal", "%1.")] {
        let _ = write!(
            text,
            "<w:abstractNum w:abstractNumId=\"{id}\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{kind}\"/>\
             <w:lvlText w:val=\"{sign}\"/><w:pPr><w:ind w:left=\"720\" w:hanging=\"360\"/></w:pPr></w:lvl></w:abstractNum>"
        );
    }
    text + "<w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>"
}

fn content_types() -> String {
    let mut text = format!(
        "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>"
    );
    let parts = [
        ("word/document", "document.main"),
        ("word/styles", "styles"),
        ("word/numbering", "numbering"),
        ("word/settings", "settings"),
        ("word/comments", "comments"),
        ("word/header1", "header"),
        ("word/footer1", "footer"),
    ];
    for (part, kind) in parts {
        let _ = write!(text, "<Override PartName=\"/{part}.xml\" ContentType=\"{KIND}.{kind}+xml\"/>");
    }
    text + "<Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>"
}

fn package_relations() -> String {
    format!(
        "{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{RELATION}/officeDocument\" \
         Target=\"word/document.xml\"/><Relationship Id=\"rId2\" Type=\"{PACKAGE}/relationships/metadata/core-properties\" \
         Target=\"docProps/core.xml\"/></Relationships>"
    )
}

fn relations() -> String {
    let mut text = format!("{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">");
    let parts = [
        ("rId1", "styles", "styles"),
        ("rId2", "numbering", "numbering"),
        ("rId3", "settings", "settings"),
        ("rId4", "header", "header1"),
        ("rId5", "footer", "footer1"),
        ("rId6", "comments", "comments"),
    ];
    for (id, kind, file) in parts {
        let _ = write!(text, "<Relationship Id=\"{id}\" Type=\"{RELATION}/{kind}\" Target=\"{file}.xml\"/>");
    }
    text + "</Relationships>"
}

/// Text with XML's special characters written out.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::{Table, read_docx};
    use super::*;

    fn document() -> Document {
        let mut first = Paragraph::plain("red barn & <old> mill");
        first.format_characters((0, 3), "bold", "on");
        first.format_characters((4, 8), "size", "14");
        first.format_characters((4, 8), "font", "Liberation Sans");
        let mut second = Paragraph::plain("second");
        for (name, value) in
            [("style", "heading 1"), ("alignment", "justified"), ("line spacing", "1.5"), ("space after", "1")]
        {
            second.formats.insert(name.into(), value.into());
        }
        let mut third = Paragraph::plain("third");
        third.formats.insert("list".into(), "bullet".into());
        let facts = [
            ("header", "'top of page'"),
            ("property title", "A & B"),
            ("comment 1", "why"),
            ("paragraph 03 comment", "'third'"),
            ("track changes", "on"),
            ("page orientation", "portrait"),
            ("page size", "8.3 x 11.7 in"),
            ("page margin top", "1.0 in"),
            ("page margin bottom", "1.0 in"),
            ("page margin left", "1.0 in"),
            ("page margin right", "1.0 in"),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let table = Table { rows: vec![vec!["a".into(), "b".into()], vec!["c".into(), "d".into()]], after: 2 };
        Document { paragraphs: vec![first, second, third], tables: vec![table], facts }
    }

    #[test]
    fn what_is_written_is_read() {
        let document = document();
        let bytes = write_docx(&document);
        assert_eq!(bytes, write_docx(&document), "the same bytes each time");
        let read = read_docx("test.docx", &bytes).unwrap();
        assert_eq!(super::super::difference(&document.facts(), &read.facts()), Vec::<String>::new());
    }
}
