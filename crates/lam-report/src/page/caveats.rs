//! What the numbers do not say. Each sentence is a departure from the paper or a limit of the method, and stands only
//! where the run's stages were as it says.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::conditions::{self, Teacher, World};
use crate::run::Run;
use crate::tables::MATCHER;

/// The list.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "What these numbers do not say" }
        ul.caveats {
            (teachers(run))
            @for world in conditions::evaluated_in(run) { (application(world)) }
            (judges(run))
            li { strong { "Strict step success. " } "A step counts only if object, operation and status are all right. The paper prints step success above status accuracy for some models, which this definition rules out." }
            li { strong { "Times are not comparable. " } "Latency and completion time were measured on the machine of this run with a model of this size; the paper’s are those of a 7B model or a remote service, with Word in the loop." }
            li { strong { "Intervals cover sampling only. " }
                @if run.is_repeated() { "They are Student’s intervals of the mean over " (run.seeds.len()) " seeds, cut off where no value can lie; the task families are the same in each." @if !run.once.is_empty() { " Those of " (run.once.join(", ")) ", which ran once, are over test tasks." } }
                @else { "They are intervals over test tasks (Wilson’s for proportions of tasks, by bootstrap for the rest), for one training seed. Another seed gives another model." }
            }
            (decoding(run))
        }
    }
}

/// Who taught, and what a scripted expert is no match for.
fn teachers(run: &Run) -> Markup {
    let teachers = conditions::teachers(run);
    let taught = |teacher: &Teacher| match teacher {
        Teacher::Script(world) => Some(*world),
        Teacher::Endpoint(_) | Teacher::Recording(_) => None,
    };
    let scripts: BTreeSet<World> = teachers.iter().filter_map(taught).collect();
    let has_row = run.tables.online.contains_key("expert");
    let worlds = if scripts.is_empty() { conditions::acted_in(run) } else { scripts.clone() };
    html! {
        @for teacher in &teachers {
            @match teacher {
                Teacher::Script(_) => {},
                Teacher::Endpoint(name) => li { strong { "The teacher is a model. " } "Trajectories are those of " b { (name) } ", asked over an endpoint. The paper’s teacher is GPT-4o; another one succeeds and fails at other tasks." },
                Teacher::Recording(name) => li { strong { "The teacher is a recording. " } "Trajectories of " b { (name) } " were carried out again. The paper’s teacher is GPT-4o; another one succeeds and fails at other tasks." },
            }
        }
        @if !scripts.is_empty() || has_row {
            li { strong { "The expert is a script. " }
                @if scripts.is_empty() { "The row “expert” is that of a scripted expert, which was not the teacher here." }
                @else { "The teacher is a scripted expert, called “expert” everywhere, that stands in for GPT-4o." }
                @for world in worlds {
                    @if let Some(limits) = world.limits_of_expert() { " It fails for stated reasons: " (limits) "." }
                }
            }
        }
    }
}

fn application(world: World) -> Markup {
    let [title, text] = match world {
        World::Editor => [
            "The application is embedded. ",
            "The environment is a Word-like editor with UFO’s control list and functions, not Word.",
        ],
        World::Pages => [
            "The applications are small pages. ",
            "The environment is MiniWoB++’s pages in Chromium, each made for one task, with UFO’s control list and functions; neither Word nor a site that people use.",
        ],
        World::Desktop => [
            "The application is not Word. ",
            "The environment is a Linux application on a desktop of its own, seen and driven over its accessibility interface with UFO’s functions.",
        ],
        World::Served => [
            "The application is elsewhere. ",
            "The environment is played over the network: what it shows, and what it takes for success, is the other side’s to say.",
        ],
        World::Other => [
            "The application is one of its own. ",
            "The environment is not one that comes with this toolkit, nor the paper’s.",
        ],
    };
    html! {
        li { strong { (title) } (text) " Success in it does not carry over to another application without training there." }
    }
}

/// Who judges plans and trajectories, as far as either was evaluated.
fn judges(run: &Run) -> Markup {
    let judges = conditions::judges(&run.tables.planning);
    let models: Vec<&str> = judges.keys().copied().filter(|judge| *judge != MATCHER).collect();
    let is_online = !run.tables.online.is_empty();
    let title = match (models.is_empty(), is_online) {
        (true, _) => "No GPT-4o judge. ",
        (false, true) => "Plans and trajectories have different judges. ",
        (false, false) => "Plans have a judge of their own. ",
    };
    html! {
        @if !judges.is_empty() || is_online {
            li { strong { (title) }
                @if judges.contains_key(MATCHER) {
                    "Plans " (of_whom(&judges, MATCHER)) "are compared by a deterministic matcher (same verb and object after normalisation). "
                }
                @for model in models { "Plans " (of_whom(&judges, model)) "are compared by the model " b { (model) } ", asked as the paper asks GPT-4o. " }
                @if is_online { "Trajectories are judged by no model: " (conditions::deciders(&conditions::acted_in(run))) " decides. " }
                "The paper uses GPT-4o for both, so the figures are stricter in some cases and looser in others."
            }
        }
    }
}

/// Whose plans a judge compared, where there are several judges.
fn of_whom(judges: &BTreeMap<&str, Vec<&str>>, judge: &str) -> String {
    match judges.len() {
        0 | 1 => String::new(),
        _ => format!("of {} ", judges[judge].join(", ")),
    }
}

fn decoding(run: &Run) -> Markup {
    let [constrained, free] = conditions::by_decoding(run);
    let of = |stages: &[&str], others: &[&str]| match others.is_empty() {
        true => String::new(),
        false => format!(" of {}", stages.join(", ")),
    };
    html! {
        @if !constrained.is_empty() {
            li { strong { "Constrained decoding helps. " } "Online figures" (of(&constrained, &free)) " are measured with the decoding of our models constrained to executable answers; the invalid-action rate says nothing about what a model would write without it." }
        }
        @if !free.is_empty() {
            li { strong { "Decoding was free. " } "Online figures" (of(&free, &constrained)) " are measured without the constraint to executable answers: what cannot be carried out is an invalid action. Figures of constrained models are not to be set beside them." }
        }
    }
}
