//! Task-plan pairs in an application's own documents: a heading asks, the ordered list below it answers.
//!
//! A comment `<!-- family: NAME -->` below a heading names its family of tasks. Knows no particular document.

use lam_env::Document;
use lam_store::hash_bytes;
use lam_types::{PlanSource, TaskPlan};

use crate::CollectError;
use crate::import::{markdown_blocks, with_headings};
use crate::pair::Origin;

const PRODUCER: &str = "rule:heading-and-list-1";

/// The pairs of a document, in its order. Several lists below one heading are several ways to do it.
///
/// # Errors
/// A document that is nested too deeply to be read.
pub fn extract(document: &Document, application: &str) -> Result<Vec<TaskPlan>, CollectError> {
    let origin = Origin {
        application: application.into(),
        source: document.source,
        document: document.name.clone(),
        document_hash: hash_bytes(document.text.as_bytes()),
        producer: PRODUCER.into(),
    };
    let blocks = markdown_blocks(&document.text).map_err(|fault| CollectError::Nothing {
        what: format!("document `{}`, line {}: {}", document.name, fault.line, fault.reason),
        hint: "the environment's documents are at fault; `application_documents = false` leaves them out".to_owned(),
    })?;
    let pairs = with_headings(&blocks).into_iter().filter_map(|procedure| {
        let task = task_of(procedure.task?, document.source);
        Some(TaskPlan { family: procedure.family, ..origin.pair(task, procedure.plan) })
    });
    Ok(pairs.collect())
}

/// A how-to's title is a question: the task is what comes after "How to".
fn task_of(title: String, source: PlanSource) -> String {
    let asked = title.get(..7).filter(|start| start.eq_ignore_ascii_case("how to "));
    match asked {
        Some(_) if source == PlanSource::Wikihow => title[7..].to_owned(),
        _ => title,
    }
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
        let pairs = extract(&document(PlanSource::Documentation, text), "word").unwrap();
        let found: Vec<_> =
            pairs.iter().map(|pair| (pair.task.as_str(), pair.family.as_str(), pair.plan.clone())).collect();
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
        let pairs = extract(&document(PlanSource::Wikihow, "## How to make ü bold\n1. Select Bold."), "word").unwrap();
        assert_eq!(pairs[0].task, "make ü bold");
        let pairs = extract(&document(PlanSource::SearchQuery, "## how to x\n1. Select Bold."), "word").unwrap();
        assert_eq!(pairs[0].task, "how to x");
    }
}
