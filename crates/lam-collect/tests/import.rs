//! Sources on disk: found, read, counted, kept with their origin; what cannot be read is kept aside and named.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use lam_collect::{SourceConfig, SourceKind};
use lam_store::{hash_bytes, read_task_plans};
use lam_types::{PlanSource, TaskPlan};

use crate::support::{build, source};

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const MARKDOWN: &str = "# Manual\n\n## Sorting a list of names\n\n1. Select the list.\n2. Click **Sort**.\n\n\
                        ## Colours\n\n1. Select the list.\n\n## Think about names\n\n1. Relax.\n";
const HTML: &str = "<h1>Print an address label</h1><ol><li>Choose File.<li>Select the label, and click Print.</ol>";
const ARTICLES: &str = "{\"title\": \"How to Paint a Wall in the Editor\", \"steps\": [\"Select the wall.\", \"Choose a colour.\"]}\n\
                        {\"title\": \"How to Rest\"}\n";
const QUERIES: &str = "how to sort list of names\nbest editor\nsort pancakes\n";

fn folders(root: &Path) -> Vec<SourceConfig> {
    write(root, "md/deep/manual.md", MARKDOWN);
    write(root, "md/deep/manual.txt", "1. Not Markdown.");
    write(root, "html/label.html", HTML);
    write(root, "articles.jsonl", ARTICLES);
    write(root, "log.txt", QUERIES);
    let named = |kind, path: &str| SourceConfig { application: "editor".into(), ..source(kind, &root.join(path)) };
    vec![
        named(SourceKind::Markdown, "md"),
        named(SourceKind::Html, "html"),
        named(SourceKind::Wikihow, "articles.jsonl"),
        named(SourceKind::Queries, "log.txt"),
    ]
}

#[test]
fn each_form_gives_pairs_with_their_origin_and_every_reject_has_a_reason() {
    let root = tempfile::tempdir().unwrap();
    let output = root.path().join("out");
    let stats = build(folders(root.path()), &output).unwrap();
    let pairs = read_task_plans(&output.join("task_plans.parquet")).unwrap();
    let direct: Vec<&TaskPlan> = pairs.iter().filter(|pair| pair.source != PlanSource::Evolved).collect();
    let found: BTreeSet<_> =
        direct.iter().map(|pair| (pair.task.as_str(), pair.document.as_str(), pair.source)).collect();
    let expected = [
        ("Sort a list of names", "markdown/deep/manual.md", PlanSource::Documentation),
        ("Print an address label", "html/label.html", PlanSource::Documentation),
        ("Paint a wall in the editor", "wikihow/articles.jsonl", PlanSource::Wikihow),
        ("Sort list of names", "queries/log.txt", PlanSource::SearchQuery),
    ];
    assert_eq!(found, BTreeSet::from(expected));
    let manual = direct.iter().find(|pair| pair.document.starts_with("markdown")).unwrap();
    assert_eq!((&manual.document_hash, manual.application.as_str()), (&hash_bytes(MARKDOWN.as_bytes()), "editor"));
    assert_eq!((manual.producer.as_str(), &manual.plan[1]), ("rule:markdown-2", &"Click Sort.".to_owned()));

    let reasons = |source: &str, reason: &str| stats["imported"][source]["rejected"][reason].as_u64().unwrap();
    assert_eq!((reasons("markdown", "no_task"), reasons("markdown", "not_actionable")), (2, 0), "{stats:#}");
    assert_eq!((reasons("queries", "no_task"), reasons("queries", "no_plan")), (1, 1), "{stats:#}");
    assert_eq!(stats["imported"]["wikihow"]["unreadable"], 1);
    let unreadable = std::fs::read_to_string(output.join("unreadable.jsonl")).unwrap();
    let fault: serde_json::Value = serde_json::from_str(unreadable.trim()).unwrap();
    assert_eq!(
        (fault["file"].as_str(), fault["line"].as_u64(), fault["field"].as_str()),
        (Some("articles.jsonl"), Some(2), Some("steps"))
    );
    let rejected = std::fs::read_to_string(output.join("rejected.jsonl")).unwrap();
    assert_eq!(rejected.lines().count() as u64, stats["rejected"].as_u64().unwrap());
}

#[test]
fn evolved_pairs_stay_within_the_papers_limits() {
    let root = tempfile::tempdir().unwrap();
    let output = root.path().join("out");
    build(folders(root.path()), &output).unwrap();
    let pairs = read_task_plans(&output.join("task_plans.parquet")).unwrap();
    let words = |text: &str| text.split_whitespace().count();
    let evolved: Vec<&TaskPlan> = pairs.iter().filter(|pair| pair.source == PlanSource::Evolved).collect();
    for pair in &evolved {
        let parent = pairs.iter().find(|other| Some(&other.task_id) == pair.parent_id.as_ref()).unwrap();
        assert!(words(&pair.task) <= words(&parent.task) + 20 && pair.plan.starts_with(&parent.plan), "{pair:?}");
        assert_eq!((pair.split, &pair.application), (parent.split, &parent.application));
    }
}

#[test]
fn sources_that_cannot_be_read_are_named() {
    let root = tempfile::tempdir().unwrap();
    let refused = |sources: Vec<SourceConfig>, words: &[&str]| {
        let error = build(sources, &root.path().join("out")).unwrap_err();
        for word in words {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
    };
    let gone = root.path().join("gone");
    refused(vec![source(SourceKind::GnomeHelp, &gone)], &["gnome_help", "gone", "hint: scripts/fetch_help.sh"]);
    write(root.path(), "empty/x.txt", "");
    refused(
        vec![source(SourceKind::Markdown, &root.path().join("empty"))],
        &["no file with an end of md", "hint: check"],
    );
    let twice = folders(root.path())[0].clone();
    refused(vec![twice.clone(), twice], &["`sources` = markdown", "hint: give each a `name`"]);
}
