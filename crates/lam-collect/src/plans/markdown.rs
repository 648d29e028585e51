//! Task-plan pairs in a Markdown document: a heading asks, the ordered list below it answers.
//!
//! A comment `<!-- family: NAME -->` below a heading names its family of tasks. Knows no particular document.

use lam_env::Document;
use lam_store::hash_bytes;
use lam_types::{PlanSource, Split, TaskPlan};

const PRODUCER: &str = "rule:heading-and-list-1";

/// The pairs of a document, in its order. Several lists below one heading are several ways to do it.
pub fn extract(document: &Document, application: &str) -> Vec<TaskPlan> {
    let document_hash = hash_bytes(document.text.as_bytes());
    let mut pairs = Vec::new();
    let (mut heading, mut family, mut plan) = (String::new(), String::new(), Vec::new());
    let mut end_of_list = |heading: &str, family: &str, plan: &mut Vec<String>| {
        if !plan.is_empty() && !heading.is_empty() {
            pairs.push(pair(document, &document_hash, application, heading, family, std::mem::take(plan)));
        }
        plan.clear();
    };
    for line in document.text.lines() {
        let text = line.trim();
        if let Some(title) = heading_of(text) {
            end_of_list(&heading, &family, &mut plan);
            (heading, family) = (task_of(title, document.source), String::new());
        } else if let Some(name) = family_of(text) {
            family = name.to_owned();
        } else if let Some((number, step)) = item_of(text) {
            if number == 1 {
                end_of_list(&heading, &family, &mut plan);
            }
            plan.push(plain(step));
        } else if !text.is_empty() {
            match plan.last_mut().filter(|_| line.starts_with(char::is_whitespace)) {
                Some(step) => *step = format!("{step} {}", plain(text)),
                None => end_of_list(&heading, &family, &mut plan),
            }
        }
    }
    end_of_list(&heading, &family, &mut plan);
    pairs
}

fn pair(
    document: &Document,
    document_hash: &str,
    application: &str,
    task: &str,
    family: &str,
    plan: Vec<String>,
) -> TaskPlan {
    TaskPlan {
        task_id: task_id(&document.name, task, &plan),
        application: application.into(),
        source: document.source,
        task: task.into(),
        plan,
        parent_id: None,
        document: document.name.clone(),
        document_hash: document_hash.into(),
        producer: PRODUCER.into(),
        family: family.into(),
        split: Split::Train,
    }
}

/// A name that depends on the pair's content and origin.
pub(crate) fn task_id(origin: &str, task: &str, plan: &[String]) -> String {
    let content = format!("{origin}\n{task}\n{}", plan.join("\n"));
    format!("plan-{}", &hash_bytes(content.as_bytes())[..16])
}

/// `Title` of `## Title`.
fn heading_of(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let marks = line.len() - title.len();
    ((1..=6).contains(&marks) && title.starts_with(' ')).then(|| title.trim().trim_end_matches('#').trim_end())
}

/// `bold` of `<!-- family: bold -->`.
fn family_of(line: &str) -> Option<&str> {
    Some(line.strip_prefix("<!--")?.strip_suffix("-->")?.trim().strip_prefix("family:")?.trim())
}

/// Number and text of `3. Select OK.`
fn item_of(line: &str) -> Option<(u32, &str)> {
    let (number, text) = line.split_once(". ").or_else(|| line.split_once(") "))?;
    Some((number.parse().ok()?, text.trim()))
}

/// A how-to's title is a question: the task is what comes after "How to".
fn task_of(title: &str, source: PlanSource) -> String {
    let title = plain(title);
    let asked = title.get(..7).filter(|start| start.eq_ignore_ascii_case("how to "));
    match asked {
        Some(_) if source == PlanSource::Wikihow => title[7..].to_owned(),
        _ => title,
    }
}

/// Text without marks of emphasis and code.
fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(source: PlanSource, text: &str) -> Document {
        Document { name: "page".into(), source, text: text.into() }
    }

    #[test]
    fn headings_ask_and_lists_answer() {
        let text = "# Page\n\nWelcome.\n\n## Add a border\n<!-- family: border -->\nFirst read this.\n\n1. Go to **Design**.\n\
                    2. Select `Borders`\n   in the list.\n\nOr:\n\n1) Press the key.\n\n## Empty\n\nNothing.\n\n## Last\n1. Select OK.";
        let pairs = extract(&document(PlanSource::Documentation, text), "word");
        let found: Vec<_> = pairs.iter().map(|pair| (pair.task.as_str(), pair.family.as_str(), pair.plan.clone())).collect();
        assert_eq!(
            found,
            [
                ("Add a border", "border", vec!["Go to Design.".to_owned(), "Select Borders in the list.".to_owned()]),
                ("Add a border", "border", vec!["Press the key.".to_owned()]),
                ("Last", "", vec!["Select OK.".to_owned()]),
            ]
        );
        assert_ne!(pairs[0].task_id, pairs[1].task_id);
        assert_eq!(pairs[0].document_hash, hash_bytes(text.as_bytes()));
    }

    #[test]
    fn a_how_to_becomes_a_request() {
        let pairs = extract(&document(PlanSource::Wikihow, "## How to make ü bold\n1. Select Bold."), "word");
        assert_eq!(pairs[0].task, "make ü bold");
        let pairs = extract(&document(PlanSource::SearchQuery, "## how to x\n1. Select Bold."), "word");
        assert_eq!(pairs[0].task, "how to x");
    }
}
