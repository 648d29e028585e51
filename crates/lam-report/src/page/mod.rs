//! The page: one HTML document with everything in it. Each section is a function from the run to markup.

mod ablations;
mod caveats;
mod chart;
mod comparison;
mod coverage;
mod data;
mod graph;
mod interval;
mod lineage;
mod results;
mod summary;
mod training;
mod viewer;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::run::Run;

const STYLE: &str = include_str!("../../assets/report.css");
const SCRIPT: &str = include_str!("../../assets/report.js");

/// One chapter of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// The whole document.
pub fn document(run: &Run) -> String {
    let mut sections = vec![
        Section { id: "online", title: "Online", body: results::online(run) },
        Section { id: "decisions", title: "Decisions", body: results::decision_making(run) },
        Section { id: "planning", title: "Planning", body: results::planning(run) },
        Section { id: "conditions", title: "Conditions", body: comparison::section(run) },
        Section { id: "exploration", title: "Exploration", body: coverage::section(run) },
        Section { id: "data", title: "Data", body: data::section(run) },
        Section { id: "training", title: "Training", body: training::section(run) },
        Section { id: "pipeline", title: "Pipeline", body: graph::section(run) },
        Section { id: "trajectories", title: "Trajectories", body: viewer::section(run) },
        Section { id: "provenance", title: "Provenance", body: lineage::section(run) },
        Section { id: "limits", title: "Limits", body: caveats::section(run) },
    ];
    if !run.ablations.is_empty() {
        let behind = sections.iter().position(|section| section.id == "conditions").unwrap_or(0);
        let body = ablations::section(run);
        sections.insert(behind, Section { id: "ablations", title: "Ablations", body });
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                title { (run.name) " · lam-train report" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                (contents(&sections))
                main id="main" {
                    (summary::header(run))
                    @for section in &sections {
                        section id=(section.id) { (section.body) }
                    }
                }
                (viewer::script_data(run))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            div.inner {
                a.brand href="#main" { "lam-train" }
                ul {
                    @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } }
                }
            }
        }
    }
}

/// Said in place of a part that the run does not hold yet.
fn absent(what: &str, hint: &str) -> Markup {
    html! { p.absent { strong { "Not in this run: " } (what) ". " span.muted { (hint) } } }
}

/// A region that scrolls sideways on narrow screens, reachable by keyboard.
fn scroll(label: &str, body: Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (body) } }
}
