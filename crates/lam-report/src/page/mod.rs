//! The page: one HTML document with everything in it. Each section is a function from the run to markup.

mod ablations;
mod caveats;
pub mod chart;
mod compared;
mod comparison;
mod coverage;
mod data;
mod families;
mod graph;
mod interval;
mod lineage;
mod results;
mod summary;
pub mod training;
pub mod viewer;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::run::Run;

pub use self::compared::document as comparison_document;

const STYLE: &str = include_str!("../../assets/report.css");
const VIEWER: &str = include_str!("../../assets/viewer.js");
const EPISODE: &str = include_str!("../../assets/episode.js");
const WATCH: &str = include_str!("../../assets/watch.js");
const SCRIPT: &str = include_str!("../../assets/report.js");

/// One chapter of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// What stands above the report.
pub enum Above<'a> {
    /// Nothing: the page stands for itself.
    Nothing,
    /// What goes on now: the page asks its server for more.
    Live {
        /// As it was when the page was made.
        part: Markup,
        /// The state that the report was made in.
        state: &'a str,
    },
}

/// What a page that stands for itself may load: what stands in it, scripts and pictures or its style alone. Others are
/// told by their server.
const WITH_SCRIPTS: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
const STYLE_ALONE: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole document.
pub fn document(run: &Run, above: Above<'_>) -> String {
    let content = viewer::Content::of(run);
    let mut sections = vec![
        Section { id: "online", title: "Online", body: results::online(run) },
        Section { id: "decisions", title: "Decisions", body: results::decision_making(run) },
        Section { id: "planning", title: "Planning", body: results::planning(run) },
        Section { id: "families", title: "Families", body: families::section(run) },
        Section { id: "conditions", title: "Conditions", body: comparison::section(run) },
        Section { id: "exploration", title: "Exploration", body: coverage::section(run) },
        Section { id: "data", title: "Data", body: data::section(run) },
        Section { id: "training", title: "Training", body: training::section(run) },
        Section { id: "pipeline", title: "Pipeline", body: graph::section(run) },
        Section { id: "trajectories", title: "Trajectories", body: content.section(run) },
        Section { id: "provenance", title: "Provenance", body: lineage::section(run) },
        Section { id: "limits", title: "Limits", body: caveats::section(run) },
    ];
    if !run.ablations.is_empty() {
        let behind = sections.iter().position(|section| section.id == "conditions").unwrap_or(0);
        let body = ablations::section(run);
        sections.insert(behind, Section { id: "ablations", title: "Ablations", body });
    }
    let (part, state) = match &above {
        Above::Nothing => (None, None),
        Above::Live { part, state } => (Some(part), Some(*state)),
    };
    let policy = matches!(above, Above::Nothing).then_some(WITH_SCRIPTS);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{} · lam-train report", run.name), policy))
            body data-run=(run.place) data-report=[state] {
                a.skip href="#main" { "Skip to the results" }
                (contents(&sections, part.is_some()))
                main id="main" {
                    @if let Some(part) = part { section.live id="live" { (part) } }
                    (summary::header(run))
                    @for section in &sections {
                        section id=(section.id) { (section.body) }
                    }
                }
                (content.script())
                script { (PreEscaped(VIEWER)) (PreEscaped(SCRIPT)) @if state.is_some() { (PreEscaped(WATCH)) } }
            }
        }
    };
    page.into_string()
}

/// The page on which an episode is watched: a frame that its script fills.
pub fn episode_document() -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head("lam-train act", None))
            body data-run="" {
                main.episode id="main" {
                    p.eyebrow { "lam-train act" span id="note" role="status" {} }
                    noscript { p.absent { "This page needs JavaScript." } }
                    article.detail id="episode" {}
                    p.note { "The arrow keys go from step to step." }
                }
                script { (PreEscaped(VIEWER)) (PreEscaped(EPISODE)) }
            }
        }
    };
    page.into_string()
}

/// What every page begins with, and what it may load if it stands for itself.
fn head(title: &str, policy: Option<&str>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @if let Some(policy) = policy { meta http-equiv="Content-Security-Policy" content=(policy); }
            title { (title) }
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn contents(sections: &[Section], is_live: bool) -> Markup {
    html! {
        nav aria-label="Contents" {
            div.inner {
                a.brand href="#main" { "lam-train" }
                ul {
                    @if is_live { li { a href="#live" { "Now" } } }
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
