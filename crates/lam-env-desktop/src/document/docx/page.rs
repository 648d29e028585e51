//! The page: size, margins, columns, header and footer, as the last section has them.

use super::super::DocumentError;
use super::super::archive::Archive;
use super::super::model::Facts;
use super::Element;
use super::body;
use super::formats::TWIPS_PER_INCH;
use super::parts::Parts;

/// Reads the section into facts.
pub fn read(section: &Element, parts: &Parts, archive: &Archive, facts: &mut Facts) -> Result<(), DocumentError> {
    if let Some(size) = section.child("pgSz") {
        let (width, height) = (inches(size, "w"), inches(size, "h"));
        let wide = size.attribute("orient") == Some("landscape");
        facts.insert("page orientation".into(), if wide { "landscape" } else { "portrait" }.into());
        facts.insert("page size".into(), format!("{width:.1} x {height:.1} in"));
    }
    if let Some(margins) = section.child("pgMar") {
        for side in ["top", "bottom", "left", "right"] {
            facts.insert(format!("page margin {side}"), format!("{:.1} in", margin_of(section, margins, side)));
        }
    }
    let columns = section.child("cols").and_then(|columns| columns.attribute("num")).filter(|count| *count != "1");
    if let Some(count) = columns {
        facts.insert("page columns".into(), count.to_owned());
    }
    if section.child("lnNumType").is_some() {
        facts.insert("line numbers".into(), "on".into());
    }
    if section.child("pgBorders").is_some_and(|borders| borders.elements().next().is_some()) {
        facts.insert("page border".into(), "on".into());
    }
    for reference in section.elements() {
        let name = match reference.name.as_str() {
            "headerReference" => "header",
            "footerReference" => "footer",
            _ => continue,
        };
        if reference.attribute("type") == Some("default") {
            margin(reference, name, parts, archive, facts)?;
        }
    }
    Ok(())
}

/// The distance of everything printed from an edge: with a header or footer, theirs.
fn margin_of(section: &Element, margins: &Element, side: &str) -> f64 {
    let (edge, reference) = match side {
        "top" => ("header", "headerReference"),
        "bottom" => ("footer", "footerReference"),
        _ => return inches(margins, side),
    };
    match section.child(reference) {
        Some(_) if inches(margins, edge) > 0.0 => inches(margins, edge),
        _ => inches(margins, side),
    }
}

fn margin(
    reference: &Element,
    name: &str,
    parts: &Parts,
    archive: &Archive,
    facts: &mut Facts,
) -> Result<(), DocumentError> {
    let Some(target) = reference.attribute("id").and_then(|id| parts.target(id)) else { return Ok(()) };
    if let Some(content) = archive.xml(&format!("word/{target}"))? {
        let (text, more) = body::margin_text(&content);
        facts.extend(more);
        facts.insert(name.into(), format!("'{text}'"));
    }
    Ok(())
}

fn inches(element: &Element, name: &str) -> f64 {
    element.attribute(name).and_then(|twips| twips.parse::<f64>().ok()).unwrap_or(0.0) / TWIPS_PER_INCH
}
