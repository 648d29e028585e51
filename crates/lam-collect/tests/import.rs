//! Sources on disk: found, read, counted, kept with their origin; what cannot be read is kept aside and named.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lam_collect::plans::{self, PlansConfig};
use lam_collect::{SourceConfig, SourceKind};
use lam_data::{CheckConfig, Checker, Place, Row};
use lam_env_sim::Sim;
use lam_signal::{Cancel, NoProgress};
use lam_store::{hash_bytes, read_task_plans};
use lam_types::{PlanSource, TaskPlan};
use serde_json::Value;

fn source(kind: SourceKind, path: &Path) -> SourceConfig {
    SourceConfig {
        kind,
        path: path.to_owned(),
        name: String::new(),
        folders: Vec::new(),
        application: String::new(),
        application_title: String::new(),
        mentions: Vec::new(),
    }
}

fn build(sources: Vec<SourceConfig>, output: &Path) -> Result<Value, String> {
    let config = PlansConfig { application_documents: false, sources, ..PlansConfig::default() };
    plans::run(&config, &Sim::new(), output, &NoProgress, &Cancel::default()).map_err(|error| error.to_string())
}

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
    assert_eq!((manual.producer.as_str(), &manual.plan[1]), ("rule:markdown-1", &"Click Sort.".to_owned()));

    let reasons = |source: &str, reason: &str| stats["imported"][source]["rejected"][reason].as_u64().unwrap();
    assert_eq!((reasons("markdown", "no_task"), reasons("markdown", "not_actionable")), (2, 0), "{stats:#}");
    assert_eq!((reasons("queries", "no_task"), reasons("queries", "no_plan")), (1, 1), "{stats:#}");
    assert_eq!(stats["imported"]["wikihow"]["unreadable"], 1);
    let unreadable = std::fs::read_to_string(output.join("unreadable.jsonl")).unwrap();
    let fault: Value = serde_json::from_str(unreadable.trim()).unwrap();
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
    refused(vec![source(SourceKind::GnomeHelp, &gone)], &["gnome_help", "gone", "hint: scripts/setup_environments.sh"]);
    write(root.path(), "empty/x.txt", "");
    refused(
        vec![source(SourceKind::Markdown, &root.path().join("empty"))],
        &["no file with an end of md", "hint: check"],
    );
    let twice = folders(root.path())[0].clone();
    refused(vec![twice.clone(), twice], &["sources = markdown", "hint: give each a `name`"]);
}

/// Where scripts/fetch_help.sh puts the packages; `None` where it has not run.
fn help(package: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/cache/help").join(package);
    if !path.exists() {
        eprintln!("{} is not there: run scripts/setup_environments.sh; this test is left out", path.display());
    }
    path.exists().then_some(path)
}

#[test]
fn the_help_of_libreoffice_and_gnome_becomes_pairs_that_training_can_use() {
    let (Some(office), Some(gnome)) = (help("libreoffice-help-en-us"), help("gnome-user-docs")) else { return };
    let root = tempfile::tempdir().unwrap();
    let sources = vec![
        source(SourceKind::LibreofficeHelp, &office.join("usr/share/libreoffice/help/en-US")),
        source(SourceKind::GnomeHelp, &gnome.join("usr/share/help/C")),
    ];
    let stats = build(sources, root.path()).unwrap();
    let count = |source: &str, what: &str| stats["imported"][source][what].as_u64().unwrap();
    assert!(count("libreoffice_help", "documents") > 400 && count("gnome_help", "documents") > 300, "{stats:#}");
    assert!(count("libreoffice_help", "procedures") > 500 && count("gnome_help", "procedures") > 200, "{stats:#}");
    assert!(count("libreoffice_help", "kept") > 400 && count("gnome_help", "kept") > 150, "{stats:#}");
    assert_eq!((count("libreoffice_help", "unreadable"), count("gnome_help", "unreadable")), (0, 0), "{stats:#}");

    let path = root.path().join("task_plans.parquet");
    let mut checker = Checker::new(CheckConfig::default());
    for (row, pair) in read_task_plans(&path).unwrap().iter().enumerate() {
        assert!(!pair.task.contains('<') && pair.plan.iter().all(|step| !step.contains("\n")), "{pair:?}");
        checker.add(Place { file: &path, row }, Row::Pair(pair));
    }
    let report = checker.finish();
    assert_eq!(report.errors(), 0, "{report}");
}
