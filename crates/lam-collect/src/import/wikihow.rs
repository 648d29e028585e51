//! Articles in WikiHow's shape: a title that asks how to, methods or parts, steps with a headline and an explanation.
//!
//! JSON lines, an array, or one article per file:
//! `{"title": "How to …", "steps": ["…"] }` or `{"title": …, "methods": [{"title": …, "steps": [{"headline": …}]}]}`.

use serde_json::{Map, Value};

use super::content::{Content, Fault};
use super::json::{self, Entry, Source};
use super::markdown;
use super::numbering::unnumbered;
use super::procedure::Procedure;
use crate::english::request_of;

/// Words that people use for the same field.
const TITLES: &[&str] = &["title", "name", "headline"];
const METHODS: &[&str] = &["methods", "parts", "sections"];
const HEADLINES: &[&str] = &["headline", "title", "step", "summary", "text"];

/// The procedures of a file.
pub(super) fn read(source: Source<'_>) -> Content {
    let mut content = Content::default();
    let replaced = json::visit(source, |Entry { line, place, value }| {
        match value.map_err(|reason| (String::new(), reason)).and_then(|article| procedures_of(&article)) {
            Ok(procedures) => content.procedures.extend(procedures),
            Err((field, reason)) => {
                let field = format!("{place}{field}").trim_end_matches('.').to_owned();
                content.faults.push(Fault { line, field, reason, ..Fault::default() });
            }
        }
    });
    content.repairs.replaced = replaced;
    content
}

/// One procedure per method, all under the article's title.
fn procedures_of(article: &Value) -> Result<Vec<Procedure>, (String, String)> {
    let fields = article.as_object().ok_or((String::new(), "an article is an object".to_owned()))?;
    let title = text_of(fields, TITLES).ok_or(("title".to_owned(), "the article has no title".to_owned()))?;
    let mut procedures = Vec::new();
    if let Some(steps) = fields.get("steps") {
        procedures.extend(procedure(title, "", plan(steps, "steps")?));
    }
    let methods = METHODS.iter().find_map(|name| Some((*name, fields.get(*name)?)));
    if let Some((name, methods)) = methods {
        let fault = |field: String| (field, "must be a list of objects with `steps`".to_owned());
        for (index, method) in methods.as_array().ok_or_else(|| fault(name.to_owned()))?.iter().enumerate() {
            let place = format!("{name}[{index}]");
            let method = method.as_object().ok_or_else(|| fault(place.clone()))?;
            let steps = method.get("steps").ok_or_else(|| fault(place.clone()))?;
            procedures.extend(procedure(
                title,
                text_of(method, TITLES).unwrap_or_default(),
                plan(steps, &format!("{place}.steps"))?,
            ));
        }
    }
    if procedures.is_empty() {
        return Err(("steps".to_owned(), "the article has no steps".to_owned()));
    }
    Ok(procedures)
}

fn procedure(title: &str, method: &str, plan: Vec<String>) -> Option<Procedure> {
    let heading = if method.is_empty() { title.to_owned() } else { format!("{title}: {method}") };
    let task = request_of(title);
    (!plan.is_empty()).then(|| Procedure { task, heading, family: String::new(), plan, first: 1 })
}

/// Headlines of steps; what explains them is left out.
fn plan(steps: &Value, place: &str) -> Result<Vec<String>, (String, String)> {
    let steps = steps.as_array().ok_or_else(|| (place.to_owned(), "must be a list of texts or objects".to_owned()))?;
    let headline = |(index, step): (usize, &Value)| {
        let text = step.as_str().or_else(|| text_of(step.as_object()?, HEADLINES));
        text.map(plain).ok_or_else(|| (format!("{place}[{index}]"), "has no headline".to_owned()))
    };
    let steps: Vec<String> = steps.iter().enumerate().map(headline).collect::<Result<_, _>>()?;
    Ok(steps.into_iter().filter(|step| !step.is_empty()).collect())
}

fn text_of<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| fields.get(*name)?.as_str()).filter(|text| !text.trim().is_empty())
}

/// One line, without a number of its own.
fn plain(step: &str) -> String {
    unnumbered(&markdown::plain(step)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_ways_and_bad_articles_are_named() {
        let text = r#"{"title":"How to Paint a Wall","steps":["1. Select the wall.",{"headline":"Click Bold.","description":"It is left."}]}
{"title":"How to Print","methods":[{"title":"By key","steps":["Press Ctrl+P."]},{"title":"By menu","steps":["Click File > Print."]}]}
{"steps":["x"]}
{"title":"How to Fly","methods":[{"steps":[{"description":"flap"}]}]}
{broken
"#;
        let content = read(Source::Text(text));
        let plans: Vec<_> = content.procedures.iter().map(|procedure| procedure.plan.join(" | ")).collect();
        assert_eq!(plans, ["Select the wall. | Click Bold.", "Press Ctrl+P.", "Click File > Print."]);
        assert_eq!(content.procedures[0].task.as_deref(), Some("Paint a wall"));
        let faults: Vec<_> = content.faults.iter().map(|fault| (fault.line, fault.field.as_str())).collect();
        assert_eq!(faults, [(3, "title"), (4, "methods[0].steps[0]"), (5, "")]);
        let array = read(Source::Text(r#"[{"title":"How to Go","steps":["Go to the page."]},{"title":"x"}]"#));
        assert_eq!((array.procedures.len(), array.faults[0].field.as_str()), (1, "[1].steps"));
    }
}
