//! What the test set shares with what is trained on: ids, requests, templates.
//!
//! Test tasks of a seen wording differ in their parameters, so their requests may come near training requests of
//! the same family without being them; only an equal request is told, and as no error, because the document
//! differs. A wording kept for the test set must not come near anything that is trained on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lam_types::{Phrasing, Split};

use super::{CheckReport, Finding, Problem, Table};
use crate::near::{NearIndex, normalize};

/// What one task or pair shows of itself.
struct Entry<'a> {
    file: &'a Path,
    row: usize,
    id: &'a str,
    request: &'a str,
    split: Split,
    /// `None` for pairs, which have no wording of their own.
    phrasing: Option<Phrasing>,
}

impl Entry<'_> {
    fn finding(&self, field: &'static str, value: &str, problem: Problem, detail: String) -> Finding {
        Finding { file: self.file.to_owned(), row: self.row, field, value: value.to_owned(), problem, detail }
    }
}

pub(super) fn check(tables: &[Table], near: f64, report: &mut CheckReport) {
    let (pairs, tasks): (Vec<Entry<'_>>, Vec<Entry<'_>>) =
        tables.iter().flat_map(entries).partition(|entry| entry.phrasing.is_none());
    for entries in [pairs, tasks] {
        let (test, trained): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
            entries.iter().partition(|entry| entry.split == Split::Test);
        let known = Trained::new(&trained);
        report.findings.extend(test.iter().flat_map(|entry| known.leaks(entry, near)));
    }
}

/// One entry a pair, one a task however many trajectories it has in a file.
fn entries(table: &Table) -> Vec<Entry<'_>> {
    match table {
        Table::TaskPlans(file, pairs) => pairs
            .iter()
            .enumerate()
            .map(|(row, pair)| Entry {
                file,
                row,
                id: &pair.task_id,
                request: &pair.task,
                split: pair.split,
                phrasing: None,
            })
            .collect(),
        Table::Trajectories(file, trajectories) => {
            let (mut row, mut seen, mut entries) = (0, BTreeSet::new(), Vec::new());
            for trajectory in trajectories {
                let task = &trajectory.task;
                if seen.insert((&task.task_id, task.split.as_str())) {
                    entries.push(Entry {
                        file,
                        row,
                        id: &task.task_id,
                        request: &task.request,
                        split: task.split,
                        phrasing: Some(task.phrasing),
                    });
                }
                row += trajectory.steps.len();
            }
            entries
        }
    }
}

/// Everything that is trained on.
struct Trained<'a> {
    ids: BTreeMap<&'a str, Split>,
    requests: BTreeMap<String, &'a str>,
    templates: BTreeMap<String, &'a str>,
    index: NearIndex,
    order: Vec<&'a Entry<'a>>,
}

impl<'a> Trained<'a> {
    fn new(entries: &[&'a Entry<'a>]) -> Self {
        let mut index = NearIndex::default();
        for entry in entries {
            index.insert(entry.request);
        }
        Self {
            ids: entries.iter().map(|entry| (entry.id, entry.split)).collect(),
            requests: entries.iter().rev().map(|entry| (normalize(entry.request), entry.id)).collect(),
            templates: entries.iter().rev().map(|entry| (template(entry.request), entry.id)).collect(),
            index,
            order: entries.to_vec(),
        }
    }

    /// What a test entry shares with training.
    fn leaks(&self, entry: &Entry<'_>, near: f64) -> Vec<Finding> {
        if let Some(split) = self.ids.get(entry.id) {
            let detail = format!("also in the {} split", split.as_str());
            return vec![entry.finding("task_id", entry.id, Problem::SharedId, detail)];
        }
        let request = entry.request;
        let same = self.requests.get(&normalize(request));
        match entry.phrasing {
            Some(Phrasing::Seen) => {
                let detail = |id: &&str| format!("the same request as training task {id}");
                same.map(|id| entry.finding("request", request, Problem::SameWording, detail(id))).into_iter().collect()
            }
            Some(Phrasing::Unseen) => {
                let shared = self.templates.get(&template(request));
                let detail = |id: &&str| format!("training task {id} is worded alike");
                let found = shared.map(|id| entry.finding("request", request, Problem::SharedTemplate, detail(id)));
                found.or_else(|| self.near(entry, near)).into_iter().collect()
            }
            None => self.near(entry, near).into_iter().collect(),
        }
    }

    fn near(&self, entry: &Entry<'_>, near: f64) -> Option<Finding> {
        let (number, similarity) = self.index.nearest(entry.request, near)?;
        let other = self.order[number];
        let detail = format!("{:.0} % the words of `{}` ({})", 100.0 * similarity, other.request, other.id);
        Some(entry.finding("request", entry.request, Problem::SharedRequest, detail))
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
