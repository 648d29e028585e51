//! The floors of `crates/README.md`, checked against the manifests: a crate imports only crates on a
//! strictly lower floor, and some crates must not know some libraries at all. Inside crates, see [`rooms`].

mod imports;
mod rooms;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lowest floor first. A new crate is added here, on the lowest floor that works.
const FLOORS: [&[&str]; 7] = [
    &["lam-types", "lam-signal", "lam-gguf"],
    &[
        "lam-config",
        "lam-store",
        "lam-prompt",
        "lam-env",
        "lam-http",
        "lam-http-server",
        "lam-weights",
        "lam-learn",
        "lam-cuda",
    ],
    &["lam-model", "lam-tasks"],
    &[
        "lam-pipeline",
        "lam-hub",
        "lam-data",
        "lam-agent",
        "lam-env-sim",
        "lam-env-web",
        "lam-env-desktop",
        "lam-env-remote",
    ],
    &["lam-trainer", "lam-inference"],
    &[
        "lam-collect",
        "lam-base",
        "lam-phase1-pretrain",
        "lam-phase2-imitate",
        "lam-phase3-explore",
        "lam-phase4-reinforce",
        "lam-eval",
        "lam-export",
        "lam-report",
        "lam-serve",
        "lam-publish",
    ],
    &["lam-cli"],
];

/// What stays absent: (crate, library it must not know, why).
const ABSENT: &[(&str, &str, &str)] = &[
    ("lam-env", "candle-core", "an environment knows no tensor"),
    ("lam-tasks", "candle-core", "an environment knows no tensor"),
    ("lam-tasks", "lam-prompt", "a task knows no token"),
    ("lam-env-sim", "candle-core", "an environment knows no tensor"),
    ("lam-env-web", "candle-core", "an environment knows no tensor"),
    ("lam-env-desktop", "candle-core", "an environment knows no tensor"),
    ("lam-env-remote", "candle-core", "an environment knows no tensor"),
    ("lam-agent", "candle-core", "an agent acts as well through a remote model as through ours"),
    ("lam-prompt", "candle-core", "words and tokens need no tensor"),
    ("lam-store", "candle-core", "files know no tensor"),
    ("lam-weights", "candle-core", "files know no tensor"),
    ("lam-gguf", "candle-core", "files know no tensor"),
    ("lam-pipeline", "candle-core", "the runner knows no machine learning"),
    ("lam-pipeline", "lam-prompt", "the runner knows no machine learning"),
    ("lam-hub", "candle-core", "downloads know no tensor"),
    ("lam-model", "tokenizers", "only lam-prompt turns words into tokens"),
    ("lam-model", "lam-types", "the model knows no task and no text"),
    ("lam-learn", "lam-model", "losses are equations over tensors"),
    ("lam-learn", "lam-types", "losses are equations over tensors"),
    ("lam-cuda", "candle-core", "a device knows memory and kernels, no tensor"),
    ("lam-serve", "candle-core", "a server asks a generator, no tensor"),
    ("lam-serve", "lam-env", "a server of models knows no environment"),
    ("lam-publish", "candle-core", "files are sent as they are"),
    ("lam-publish", "lam-http", "only lam-hub asks a hub"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Crate name → names of the libraries its manifest lists (development dependencies apart).
fn manifests() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(workspace().join("crates")).expect("crates/ exists") {
        let path = entry.expect("readable entry").path().join("Cargo.toml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let manifest: toml::Table = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = manifest["package"]["name"].as_str().expect("a name").to_string();
        let imports = manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .map(|table| table.keys().cloned().collect())
            .unwrap_or_default();
        found.insert(name, imports);
    }
    found
}

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// Every sentence that the manifests break.
fn broken(manifests: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut sentences = Vec::new();
    for (name, imports) in manifests {
        let Some(floor) = floor_of(name) else {
            sentences.push(format!("{name} stands on no floor: add it to FLOORS and to crates/README.md"));
            continue;
        };
        for import in imports.iter().filter(|import| import.starts_with("lam-")) {
            match floor_of(import) {
                Some(below) if below < floor => {}
                _ => sentences.push(format!("{name} must not import {import}: it is not on a lower floor")),
            }
        }
        for (owner, library, why) in ABSENT {
            if name == owner && imports.iter().any(|import| import == library) {
                sentences.push(format!("{name} must not import {library}: {why}"));
            }
        }
    }
    sentences
}

#[test]
fn every_crate_imports_only_from_below() {
    let sentences = broken(&manifests());
    assert!(sentences.is_empty(), "\n{}", sentences.join("\n"));
}

#[test]
fn a_forbidden_import_is_named() {
    let manifests = BTreeMap::from([
        ("lam-env-sim".to_string(), vec!["lam-agent".to_string(), "lam-types".to_string()]),
        ("lam-agent".to_string(), vec!["candle-core".to_string()]),
    ]);
    assert_eq!(
        broken(&manifests),
        [
            "lam-agent must not import candle-core: an agent acts as well through a remote model as through ours",
            "lam-env-sim must not import lam-agent: it is not on a lower floor",
        ]
    );
}

#[test]
fn the_map_names_every_crate() {
    let map = std::fs::read_to_string(workspace().join("crates/README.md")).expect("crates/README.md exists");
    for name in manifests().keys() {
        assert!(map.contains(&format!("`{name}`")), "crates/README.md does not mention {name}");
    }
}
