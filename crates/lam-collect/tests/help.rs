//! The help of LibreOffice and GNOME, as `scripts/fetch_help.sh` fetches it, read whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

#[path = "../../../tests/live.rs"]
mod live;
mod support;

use std::path::{Path, PathBuf};

use lam_collect::SourceKind;
use lam_data::{CheckConfig, Checker, Place, Row};
use lam_store::read_task_plans;

use crate::support::{build, source};

const OFFICE: &str = "libreoffice-help-en-us";
const GNOME: &str = "gnome-user-docs";

fn main() {
    let missing = |package| {
        (!help(package).exists()).then(|| format!("no pages of {package}\nhint: scripts/fetch_help.sh fetches them"))
    };
    live::run(live::live_tests![
        missing(OFFICE).or(missing(GNOME)) =>
            the_help_of_libreoffice_and_gnome_becomes_pairs_that_training_can_use,
    ])
}

/// Where `scripts/fetch_help.sh` puts a package.
fn help(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/cache/help").join(package)
}

fn the_help_of_libreoffice_and_gnome_becomes_pairs_that_training_can_use() {
    let (office, gnome) = (help(OFFICE), help(GNOME));
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
