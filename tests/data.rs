//! `data`: pairs from sources on disk, records of others, rows looked at one by one.

use serde_json::Value;

use crate::support::{Place, trained};

const CONFIG: &str =
    "[plans]\napplication_documents = false\n[[plans.sources]]\nkind = \"markdown\"\npath = \"manual\"\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn pairs_are_built_from_a_folder_counted_and_shown() {
    let place = Place::new("data-build");
    std::fs::create_dir(place.path("manual")).expect("writable");
    place.write(
        "manual/borders.md",
        "# Adding a Page Border\n\n1. Go to **Design**.\n2. Select OK.\n\n# Notes\n\n1. Relax.\n",
    );
    place.write("plans.toml", CONFIG);
    let built = place.succeed(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/build"]);
    assert!(
        built.stdout.contains("markdown: documents 1, procedures 2, kept 1, rejected 1 (no_task 1)"),
        "{}",
        built.stdout
    );
    let shown = place.succeed(&["data", "show", "runs/build/plans/task_plans.parquet", "--json"]).stdout;
    let pair = &json(&shown)[0];
    assert_eq!(
        (pair["task"].as_str(), pair["document"].as_str()),
        (Some("Add a page border"), Some("markdown/borders.md"))
    );
    assert_eq!(pair["document_hash"].as_str().map(str::len), Some(64));
    place.succeed(&["data", "check", "runs/build/plans"]);
    let stats = place.succeed(&["data", "stats", "runs/build/plans"]).stdout;
    assert!(stats.contains("1 pairs, 0 trajectories"), "{stats}");
    let preview = ["data", "preview", "runs/build/plans", "--model", &trained().stage("base")];
    assert!(place.succeed(&preview).stdout.contains("in all: 1 examples"));
}

#[test]
fn sources_that_cannot_be_meant_are_refused() {
    let place = Place::new("data-sources");
    let refuse = |text: &str, code: i32, words: &[&str]| {
        place.write("plans.toml", text);
        place.refuse(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/b"], code, words);
    };
    refuse(CONFIG, 3, &["source `markdown`: manual", "hint: check `path`"]);
    refuse(&CONFIG.replace("\"markdown\"", "\"markdwn\""), 2, &["`markdwn`", "hint: did you mean `markdown`?"]);
    refuse(&CONFIG.replace("path =", "pth ="), 2, &["plans.toml:5", "`pth`", "hint: did you mean `path`?"]);
}

#[test]
fn records_of_others_come_in_and_bad_ones_are_kept_aside() {
    let place = Place::new("data-import");
    let good = "{\"instruction\":\"Print the page\",\"output\":\"1. Open File.\\n2. Click Print.\"}";
    place.write("alpaca.jsonl", &format!("{good}\n{{\"instruction\":\"x\"}}\n"));
    let stats =
        json(&place.succeed(&["data", "import", "alpaca", "alpaca.jsonl", "--output-dir", "in", "--json"]).stdout);
    assert_eq!((stats["task_plans"].as_u64(), stats["unreadable"].as_u64()), (Some(1), Some(1)));
    let aside = json(&std::fs::read_to_string(place.path("in/unreadable.jsonl")).expect("written"));
    assert_eq!(
        (aside["file"].as_str(), aside["line"].as_u64(), aside["field"].as_str()),
        (Some("alpaca.jsonl"), Some(2), Some("output"))
    );
    place.succeed(&["data", "check", "in"]);
    place.refuse(&["data", "import", "alpacca", "alpaca.jsonl"], 2, &["`alpacca`", "hint: did you mean `alpaca`?"]);
    place.refuse(
        &["data", "import", "gui360", "alpaca.jsonl", "--output-dir", "none"],
        3,
        &["no usable record", "hint: none/unreadable"],
    );
}
