//! Formats of paragraphs and runs under plain names; what is the default is left out.

use std::collections::BTreeMap;

use super::Element;
use super::parts::Parts;

/// Styles without a say of their own.
const PLAIN_STYLES: [&str; 4] = ["normal", "default paragraph style", "standard", "default"];
/// Twentieths of a point in an inch.
pub const TWIPS_PER_INCH: f64 = 1440.0;
/// Words for "off".
const OFF: [&str; 4] = ["0", "false", "off", "none"];

/// Formats of a paragraph by its `pPr`.
pub fn of_paragraph(properties: &Element, parts: &Parts) -> BTreeMap<String, String> {
    let mut formats = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            formats.insert(name.to_owned(), value);
        }
    };
    let style = properties.value("pStyle").map(|id| parts.style(id));
    put("style", style.filter(|style| !PLAIN_STYLES.contains(&style.as_str())));
    put("alignment", properties.value("jc").and_then(alignment).map(str::to_owned));
    let list = properties.child("numPr").and_then(|list| {
        let (id, level) = (list.value("numId")?, list.value("ilvl").unwrap_or("0"));
        let kind = parts.list(id, level)?;
        Some(if level == "0" { kind.to_owned() } else { format!("{kind} level {level}") })
    });
    let in_list = list.is_some();
    put("list", list);
    if let Some(spacing) = properties.child("spacing") {
        put("line spacing", line_spacing(spacing));
        put("space before", inches(spacing.attribute("before")));
        put("space after", inches(spacing.attribute("after")));
    }
    if let Some(indent) = properties.child("ind").filter(|_| !in_list) {
        put("indent", inches(indent.attribute("left").or(indent.attribute("start"))));
        put("right indent", inches(indent.attribute("right").or(indent.attribute("end"))));
        put("first line", inches(indent.attribute("firstLine")));
    }
    for (name, key) in
        [("page break before", "pageBreakBefore"), ("keep with next", "keepNext"), ("keep together", "keepLines")]
    {
        put(name, is_on(properties, key).then(|| "on".to_owned()));
    }
    let shade = properties.child("shd").and_then(|shade| shade.attribute("fill")).filter(|fill| *fill != "auto");
    put("background", shade.map(str::to_lowercase));
    let borders = properties.child("pBdr").map(|borders| {
        let drawn =
            borders.elements().filter(|side| side.attribute("val").is_some_and(|kind| kind != "none" && kind != "nil"));
        drawn.map(|side| side.name.as_str()).collect::<Vec<_>>().join(" ")
    });
    put("border", borders.filter(|sides| !sides.is_empty()));
    // Writer repeats some of a style's formats in its paragraphs.
    if let Some(id) = properties.value("pStyle") {
        formats.retain(|name, value| !parts.style_says(id, name, value));
    }
    formats
}

/// Formats of a run by its `rPr`.
pub fn of_run(properties: &Element) -> Vec<(&'static str, String)> {
    let mut formats = Vec::new();
    let toggles = [
        ("bold", "b"),
        ("italic", "i"),
        ("strikethrough", "strike"),
        ("double strikethrough", "dstrike"),
        ("shadow", "shadow"),
        ("outline", "outline"),
        ("small capitals", "smallCaps"),
        ("capitals", "caps"),
        ("hidden", "vanish"),
    ];
    for (name, key) in toggles {
        if is_on(properties, key) {
            formats.push((name, "on".to_owned()));
        }
    }
    let mut put = |name: &'static str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !OFF.contains(value) && *value != "auto" && *value != "baseline") {
            formats.push((name, value.to_owned()));
        }
    };
    put("underline", properties.value("u"));
    put("position", properties.value("vertAlign"));
    put("highlight", properties.value("highlight"));
    put("color", properties.value("color").map(str::to_lowercase).as_deref());
    put("character style", properties.value("rStyle").map(str::to_lowercase).as_deref());
    put("font", properties.child("rFonts").and_then(|fonts| fonts.attribute("ascii")));
    put("shading", properties.child("shd").and_then(|shade| shade.attribute("fill")).map(str::to_lowercase).as_deref());
    let size = properties.value("sz").and_then(|size| size.parse::<f64>().ok());
    put("size", size.map(|half_points| number(half_points / 2.0)).as_deref());
    formats
}

fn is_on(properties: &Element, key: &str) -> bool {
    properties.child(key).is_some_and(|toggle| !OFF.contains(&toggle.attribute("val").unwrap_or("on")))
}

fn alignment(value: &str) -> Option<&'static str> {
    match value {
        "center" => Some("center"),
        "right" | "end" => Some("right"),
        "both" | "distribute" => Some("justified"),
        _ => None,
    }
}

/// Lines as a factor, fixed heights in points.
fn line_spacing(spacing: &Element) -> Option<String> {
    let line: f64 = spacing.attribute("line")?.parse().ok()?;
    match spacing.attribute("lineRule").unwrap_or("auto") {
        "auto" if (line - 240.0).abs() < 1.0 => None,
        "auto" => Some(number(line / 240.0)),
        rule => Some(format!("{rule} {}", number(line / 20.0))),
    }
}

/// Twentieths of a point as inches; nothing for 0.
fn inches(twips: Option<&str>) -> Option<String> {
    let value = twips?.parse::<f64>().ok()? / TWIPS_PER_INCH;
    (value.abs() >= 0.01).then(|| number(value))
}

/// A number with at most two decimals.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
