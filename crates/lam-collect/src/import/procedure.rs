//! Procedures in blocks: an ordered list answers what the sentence or heading before it asks.

use super::block::{Block, Step};
use super::numbering::unnumbered;
use crate::english::{bare_title, request_of, stands_alone};

/// Most words of a sentence that is taken as the task.
const LONGEST_LEAD: usize = 18;

/// An ordered list and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Procedure {
    /// What it does; `None` where nothing before it asks for anything.
    pub(crate) task: Option<String>,
    /// The heading it stands under.
    pub(crate) heading: String,
    /// Family of tasks, where the document names one.
    pub(crate) family: String,
    /// Its steps, those of lists below it included.
    pub(crate) plan: Vec<String>,
    /// Number of its first step: more than 1 where what goes before is missing.
    pub(crate) first: u64,
}

impl Procedure {
    /// Why the steps are not all there, if they are not.
    pub(crate) fn unfinished(&self) -> Option<String> {
        let colon = self.plan.last().filter(|step| step.ends_with(':'));
        let begins = || (self.first > 1).then(|| format!("the list begins with step {}", self.first));
        colon.map(|step| format!("the plan ends with `{step}`")).or_else(begins)
    }
}

/// The procedures of a document, in its order. Several lists below one heading are several ways to do it.
pub(crate) fn procedures(blocks: &[Block]) -> Vec<Procedure> {
    found(blocks, |lead, headings| {
        let from_lead = lead.filter(|lead| lead.ends_with(':') && stands_alone(lead)).and_then(request_of);
        from_lead.filter(|task| task.split_whitespace().count() <= LONGEST_LEAD).or_else(|| from_headings(headings))
    })
}

/// The procedures of a document whose headings are requests as they stand.
pub(crate) fn with_headings(blocks: &[Block]) -> Vec<Procedure> {
    let last = |headings: &[(usize, String)]| headings.last().map(|(_, heading)| heading.clone());
    let mut procedures = found(blocks, |_, headings| last(headings));
    procedures.retain(|procedure| procedure.task.is_some());
    procedures
}

fn found(blocks: &[Block], task: impl Fn(Option<&str>, &[(usize, String)]) -> Option<String>) -> Vec<Procedure> {
    let mut headings: Vec<(usize, String)> = Vec::new();
    let (mut lead, mut family, mut lists) = (None, String::new(), Lists::default());
    for block in blocks {
        match block {
            Block::Heading(level, text) => {
                headings.retain(|(above, _)| above < level);
                headings.push((*level, text.clone()));
                (lead, family) = (None, String::new());
                lists.close();
            }
            Block::Text(text) => lead = Some(text.as_str()),
            Block::Family(name) => family.clone_from(name),
            Block::Code(code) => lists.answer_colon(code),
            Block::Choices(choices) => {
                lists.answer_colon(&choices.join("; "));
                lead = choices.last().map(String::as_str);
            }
            Block::Steps(first, steps) => {
                let heading = || headings.last().map(|(_, heading)| heading.clone()).unwrap_or_default();
                lists.take(*first, steps, |plan| Procedure {
                    task: task(lead, &headings),
                    heading: heading(),
                    family: family.clone(),
                    plan,
                    first: *first,
                });
                lead = None;
            }
        }
    }
    lists.procedures
}

/// The lists below a heading: one whose numbers go on where the one before it ended is the rest of it, whatever stands
/// between them.
#[derive(Default)]
struct Lists {
    procedures: Vec<Procedure>,
    /// The number that would go on with the last procedure.
    next: Option<u64>,
}

impl Lists {
    fn close(&mut self) {
        self.next = None;
    }

    fn take(&mut self, first: u64, steps: &[Step], procedure: impl FnOnce(Vec<String>) -> Procedure) {
        let plan = flatten(steps);
        if plan.is_empty() {
            return;
        }
        match self.procedures.last_mut().filter(|_| first > 1 && self.next == Some(first)) {
            Some(last) => last.plan.extend(plan),
            None => self.procedures.push(procedure(plan)),
        }
        self.next = Some(first.saturating_add(steps.len() as u64));
    }

    /// Completes a last step that ends with a colon by what follows its list.
    fn answer_colon(&mut self, answer: &str) {
        let last = self.procedures.last_mut().filter(|_| self.next.is_some());
        if let Some(step) = last.and_then(|last| last.plan.last_mut()).filter(|step| step.ends_with(':')) {
            *step = format!("{step} {answer}");
        }
    }
}

/// What the headings ask for: the innermost, if it is a request of its own; else what the one above it asks for, told
/// apart by the innermost.
fn from_headings(headings: &[(usize, String)]) -> Option<String> {
    let ((_, innermost), above) = headings.split_last()?;
    let innermost = bare_title(innermost);
    request_of(innermost).filter(|request| stands_alone(request)).or_else(|| {
        let above = above.iter().rev().find_map(|(_, heading)| request_of(heading))?;
        Some(format!("{above}: {}", innermost.trim_end_matches([':', '.', ' ']).to_lowercase()))
    })
}

/// The steps one after the other; a step that leaves a choice names what there is to choose.
pub(crate) fn flatten(steps: &[Step]) -> Vec<String> {
    let mut plan = Vec::new();
    for step in steps {
        let choices =
            if step.text.ends_with(':') || step.text.is_empty() { step.choices.join("; ") } else { String::new() };
        let text = [unnumbered(&step.text), choices.as_str()]
            .iter()
            .filter(|text| !text.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        if !text.is_empty() {
            plan.push(text);
        }
        plan.extend(flatten(&step.steps));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(level: usize, text: &str) -> Block {
        Block::Heading(level, text.into())
    }

    fn tasks(blocks: &[Block]) -> Vec<Option<String>> {
        procedures(blocks).into_iter().map(|procedure| procedure.task).collect()
    }

    #[test]
    fn the_nearest_request_is_the_task() {
        let steps = || Block::Steps(1, vec![Step::of("Select OK.")]);
        let blocks = [
            heading(1, "Printing in Another Order"),
            heading(2, "Reverse"),
            Block::Text("Printers are slow.".into()),
            steps(),
            heading(2, "To Sort the Pages by Number"),
            steps(),
            Block::Text("To sort pages by date and size:".into()),
            steps(),
            Block::Text("To do this:".into()),
            steps(),
        ];
        let expected = [
            "Print in another order: reverse",
            "Sort the pages by number",
            "Sort pages by date and size",
            "Sort the pages by number",
        ];
        assert_eq!(tasks(&blocks), expected.map(|task| Some(task.to_owned())));
        assert_eq!(tasks(&[heading(1, "Shortcut Keys"), steps()]), [None]);
    }

    #[test]
    fn lists_below_a_step_are_part_of_the_plan() {
        let inner =
            Step { text: "Choose one:".into(), choices: vec!["Left".into(), "Right".into()], ..Step::default() };
        let outer = Step { text: "Open the dialog.".into(), steps: vec![inner], ..Step::default() };
        let found = procedures(&[heading(1, "Align a text"), Block::Steps(1, vec![outer, Step::of("Select OK.")])]);
        assert_eq!(found[0].plan, ["Open the dialog.", "Choose one: Left; Right", "Select OK."]);
    }

    #[test]
    fn interrupted_lists_go_on_and_what_a_colon_asks_for_follows_its_list() {
        let steps = |first, texts: &[&str]| Block::Steps(first, texts.iter().map(|text| Step::of(text)).collect());
        let code = || Block::Code("make".into());
        let choices = || Block::Choices(vec!["Left".into(), "Right".into()]);
        let found = |blocks: &[Block]| procedures(&[&[heading(1, "Align a text")], blocks].concat());
        let whole =
            found(&[steps(1, &["Open.", "Run:"]), code(), steps(3, &["Choose:"]), choices(), steps(4, &["Close."])]);
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].plan, ["Open.", "Run: make", "Choose: Left; Right", "Close."]);
        assert_eq!(whole[0].unfinished(), None);
        let ways = found(&[steps(1, &["Open."]), code(), steps(1, &["Close."])]);
        assert_eq!((ways.len(), ways[0].plan.len()), (2, 1), "numbers that begin again are another way");
        let apart = found(&[steps(1, &["Open:"]), heading(2, "Align a line"), choices(), steps(2, &["Close."])]);
        let unfinished: Vec<_> = apart.iter().map(|procedure| procedure.unfinished().unwrap_or_default()).collect();
        assert_eq!(unfinished, ["the plan ends with `Open:`", "the list begins with step 2"]);
    }
}
