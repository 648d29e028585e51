//! What the test set shares with what is trained on: ids, requests, templates.
//!
//! Test tasks of a seen wording differ in their parameters, so their requests may come near training requests of
//! the same family without being them; only an equal request is told, and as no error, because the document
//! differs. A wording kept for the test set must not come near anything that is trained on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lam_types::{Phrasing, Split};

use super::{CheckReport, Finding, Problem};
use crate::near::{NearIndex, normalize};
use crate::{Place, Row};

/// What one task or pair shows of itself.
struct Entry {
    /// Number of the file.
    file: usize,
    row: usize,
    id: String,
    request: String,
    split: Split,
    /// `None` for pairs, which have no wording of their own.
    phrasing: Option<Phrasing>,
}

/// Every task and pair that was seen: once a file, however many trajectories it has there.
#[derive(Default)]
pub(super) struct Tasks {
    files: Vec<PathBuf>,
    entries: Vec<Entry>,
    seen: BTreeSet<(usize, String, &'static str)>,
}

impl Tasks {
    pub(super) fn add(&mut self, place: Place<'_>, row: Row<'_>) {
        let file = self.number(place.file);
        let (id, request, split, phrasing) = match row {
            Row::Pair(pair) => (&pair.task_id, &pair.task, pair.split, None),
            Row::Trajectory(trajectory) => {
                let task = &trajectory.task;
                if !self.seen.insert((file, task.task_id.clone(), task.split.as_str())) {
                    return;
                }
                (&task.task_id, &task.request, task.split, Some(task.phrasing))
            }
        };
        self.entries.push(Entry { file, row: place.row, id: id.clone(), request: request.clone(), split, phrasing });
    }

    fn number(&mut self, file: &Path) -> usize {
        match self.files.iter().position(|known| known == file) {
            Some(number) => number,
            None => {
                self.files.push(file.to_owned());
                self.files.len() - 1
            }
        }
    }

    /// Tells what the test set shares with what is trained on; pairs with pairs, tasks with tasks.
    pub(super) fn check(&self, near: f64, report: &mut CheckReport) {
        let (pairs, tasks): (Vec<&Entry>, Vec<&Entry>) =
            self.entries.iter().partition(|entry| entry.phrasing.is_none());
        for entries in [pairs, tasks] {
            let (test, trained): (Vec<&Entry>, Vec<&Entry>) =
                entries.into_iter().partition(|entry| entry.split == Split::Test);
            let known = Trained::new(trained, &self.files, near);
            for entry in test {
                report.tell_all(known.leaks(entry));
            }
        }
    }
}

/// Everything that is trained on.
struct Trained<'a> {
    ids: BTreeMap<&'a str, Split>,
    requests: BTreeMap<String, &'a str>,
    templates: BTreeMap<String, &'a str>,
    index: NearIndex,
    order: Vec<&'a Entry>,
    files: &'a [PathBuf],
}

impl<'a> Trained<'a> {
    fn new(order: Vec<&'a Entry>, files: &'a [PathBuf], near: f64) -> Self {
        let mut index = NearIndex::new(near);
        for entry in &order {
            index.insert(&entry.request);
        }
        let by = |name: fn(&str) -> String| {
            order.iter().rev().map(|entry| (name(&entry.request), entry.id.as_str())).collect::<BTreeMap<_, _>>()
        };
        Self {
            ids: order.iter().map(|entry| (entry.id.as_str(), entry.split)).collect(),
            requests: by(normalize),
            templates: by(template),
            index,
            order,
            files,
        }
    }

    fn finding(&self, entry: &Entry, field: &'static str, problem: Problem, detail: String) -> Finding {
        let value = if field == "task_id" { &entry.id } else { &entry.request };
        Finding { file: self.files[entry.file].clone(), row: entry.row, field, value: value.clone(), problem, detail }
    }

    /// What a test entry shares with training.
    fn leaks(&self, entry: &Entry) -> Option<Finding> {
        if let Some(split) = self.ids.get(entry.id.as_str()) {
            let detail = format!("also in the {} split", split.as_str());
            return Some(self.finding(entry, "task_id", Problem::SharedId, detail));
        }
        match entry.phrasing {
            Some(Phrasing::Seen) => {
                let id = self.requests.get(&normalize(&entry.request))?;
                let detail = format!("the same request as training task {id}");
                Some(self.finding(entry, "request", Problem::SameWording, detail))
            }
            Some(Phrasing::Unseen) => match self.templates.get(&template(&entry.request)) {
                Some(id) => {
                    let detail = format!("training task {id} is worded alike");
                    Some(self.finding(entry, "request", Problem::SharedTemplate, detail))
                }
                None => self.near(entry),
            },
            None => self.near(entry),
        }
    }

    fn near(&self, entry: &Entry) -> Option<Finding> {
        let (number, similarity) = self.index.nearest(&entry.request)?;
        let other = self.order[number];
        let detail = format!("{:.0} % the words of `{}` ({})", 100.0 * similarity, other.request, other.id);
        Some(self.finding(entry, "request", Problem::SharedRequest, detail))
    }
}

/// A request without its parameters: quoted text and numbers are blanks.
fn template(request: &str) -> String {
    let mut blank = String::new();
    let mut quote = None;
    let mut before = ' ';
    for character in request.chars() {
        match quote {
            Some(open) if character == open => {
                quote = None;
                blank.push_str(" § ");
            }
            Some(_) => {}
            None if matches!(character, '\'' | '"') && !before.is_alphanumeric() => quote = Some(character),
            None => blank.push(character),
        }
        before = character;
    }
    let words = blank.split_whitespace().map(|word| if word.parse::<f64>().is_ok() { "#" } else { word });
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn a_template_has_no_parameters() {
        assert_eq!(template("Make 'alpha beta' bold"), "make § bold");
        assert_eq!(template("don't delete table 3"), "don't delete table #");
    }
}
