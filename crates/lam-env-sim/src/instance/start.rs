//! The editor in which a task is found: on some tab, prepared, and not already at the goal.

use lam_env::random::pick;
use lam_tasks::Parameters;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Part, calls};
use crate::document::{Document, Mark};
use crate::drive::drive;
use crate::editor::Editor;
use crate::family::Setup;
use crate::procedure::planned;
use crate::ribbon::Tab;

/// The editor at the start: on some tab, prepared for the task, and not already at its goal.
pub fn draw_start(document: Document, parts: &[Part], random: &mut ChaCha8Rng) -> Editor {
    let needed = calls(parts).iter().find_map(|planned| planned.tab).filter(|tab| *tab != Tab::TableLayout);
    let anywhere = pick(random, &Tab::ALWAYS);
    let tab = if random.random_bool(0.25) { needed.unwrap_or(anywhere) } else { anywhere };
    let mut start = Editor::open(document, tab);
    for part in parts {
        move_away(&mut start, part);
    }
    for part in parts {
        prepare(&mut start, part);
    }
    start.tab = tab;
    start
}

/// Gives the document another option of the part's setting, if it has already the one that is asked for.
fn move_away(start: &mut Editor, part: &Part) {
    let attempt = |start: &Editor, parameters: &Parameters| {
        let mut reached = start.clone();
        drive(&mut reached, &planned(part.family, parameters)).ok()?;
        start.difference(&reached)?;
        Some(reached)
    };
    if part.parameters.choice.is_none() || attempt(start, &part.parameters).is_some() {
        return;
    }
    for choice in part.family.choices.iter() {
        let other = Parameters { choice: Some(choice), ..part.parameters.clone() };
        if let Some(mut reached) = attempt(start, &other) {
            reached.settle();
            *start = reached;
            return;
        }
    }
}

fn prepare(start: &mut Editor, part: &Part) {
    match part.family.setup {
        Setup::Plain => {}
        Setup::Formatted => {
            let span = start.document.find(&part.parameters.text).expect("the task's text stands in the document");
            start.document.paragraphs[span.paragraph].format(span.start, span.end, |format| {
                format.set(Mark::Bold, true);
                format.color = "Red".to_owned();
            });
        }
        Setup::Edited => start.change(|document| {
            let first = &mut document.paragraphs[0];
            let end = first.text().find(' ').map_or(0, |space| space + 1);
            first.replace(0, end, "");
        }),
    }
}
