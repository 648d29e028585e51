//! Procedures of the documentation, found by the words of a request (TF-IDF over words and pairs of words, values left
//! out), with the request's values in place of their own. Knows no application.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use lam_agent::{Planner, PolicyError};
use lam_signal::Progress;
use lam_store::read_task_plans;
use lam_types::{Split, Task, TaskPlan};

use crate::ExploreError;
use crate::error::listed;
use crate::values::{blank, with_values_of};

/// Words that stand in more than this share of the procedures say nothing of which is meant.
const COMMON: f64 = 1.0 / 3.0;

/// Documented procedures, by what they were asked for.
pub struct Procedures {
    /// Where they were read.
    files: Vec<PathBuf>,
    pairs: Vec<TaskPlan>,
    terms: HashMap<String, usize>,
    /// For each term, the pairs that it stands in, with its weight there; pairs have length 1.
    postings: Vec<Vec<(usize, f64)>>,
}

impl Procedures {
    /// The procedures of these pairs.
    pub fn new(pairs: Vec<TaskPlan>) -> Self {
        let mut terms = HashMap::new();
        let mut documents: Vec<BTreeMap<usize, f64>> = Vec::new();
        for pair in &pairs {
            let mut counts = BTreeMap::new();
            for term in terms_of(&pair.task) {
                let next = terms.len();
                *counts.entry(*terms.entry(term).or_insert(next)).or_insert(0.0) += 1.0;
            }
            documents.push(counts);
        }
        let mut found_in = vec![0_usize; terms.len()];
        for term in documents.iter().flat_map(BTreeMap::keys) {
            found_in[*term] += 1;
        }
        let mut postings = vec![Vec::new(); terms.len()];
        for (number, counts) in documents.iter().enumerate() {
            let weights: Vec<(usize, f64)> = counts
                .iter()
                .map(|(&term, &count)| (term, frequency(count) * rarity(pairs.len(), found_in[term])))
                .collect();
            let length = weights.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
            for (term, weight) in weights.into_iter().filter(|_| length > 0.0) {
                postings[term].push((number, weight / length));
            }
        }
        Self { files: Vec::new(), pairs, terms, postings }
    }

    /// The procedures of the training pairs in some files.
    ///
    /// # Errors
    /// An unreadable file, or no such pair.
    pub fn read(files: &[PathBuf]) -> Result<Self, ExploreError> {
        let mut pairs = Vec::new();
        for file in files {
            pairs.extend(read_task_plans(file)?);
        }
        let found = pairs.len();
        pairs.retain(|pair| pair.split == Split::Train);
        if pairs.is_empty() {
            return Err(ExploreError::NoTrainingPairs { paths: files.to_vec(), found });
        }
        Ok(Self { files: files.to_vec(), ..Self::new(pairs) })
    }

    /// Keeps the procedures that are about the applications of these tasks. Pairs name an application: those of an
    /// environment's own documents name the environment, those of other sources what their configuration says.
    ///
    /// # Errors
    /// No procedure is about them.
    pub(crate) fn keep_about(
        &mut self,
        environment: &str,
        tasks: &[Task],
        progress: &dyn Progress,
    ) -> Result<(), ExploreError> {
        let known: BTreeSet<&str> = tasks.iter().map(|task| task.application.as_str()).chain([environment]).collect();
        // What does not say what it is about may be about this.
        let is_about = |pair: &TaskPlan| pair.application.is_empty() || known.contains(pair.application.as_str());
        if self.pairs.iter().all(is_about) {
            return Ok(());
        }
        let pairs = std::mem::take(&mut self.pairs);
        let (kept, others): (Vec<TaskPlan>, Vec<TaskPlan>) = pairs.into_iter().partition(is_about);
        let files = std::mem::take(&mut self.files);
        let wanted = known.iter().filter(|name| !name.is_empty()).map(|name| (*name).to_owned()).collect();
        let applications: BTreeSet<String> = others.iter().map(|pair| pair.application.clone()).collect();
        let applications = applications.into_iter().collect();
        let found = others.len();
        if kept.is_empty() {
            return Err(ExploreError::NoProcedures { paths: files, wanted, found, applications });
        }
        let (wanted, applications) = (listed(&wanted), listed(&applications));
        let all = found + kept.len();
        progress
            .note(&format!("{found} of {all} documented procedures are about {applications}, not {wanted}: left out"));
        *self = Self { files, ..Self::new(kept) };
        Ok(())
    }

    /// The pair whose request is most like this one, the first of equals; `None` when no word is shared.
    fn nearest(&self, request: &str) -> Option<&TaskPlan> {
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        for term in terms_of(request).iter().filter_map(|term| self.terms.get(term)) {
            *counts.entry(*term).or_default() += 1.0;
        }
        let most = self.pairs.len() as f64 * COMMON;
        let mut scores = vec![0.0; self.pairs.len()];
        for (term, count) in counts {
            let posting = &self.postings[term];
            // Of few procedures every word may stand in a third.
            if posting.len() > 1 && posting.len() as f64 >= most {
                continue;
            }
            let weight = frequency(count) * rarity(self.pairs.len(), posting.len());
            posting.iter().for_each(|(number, own)| scores[*number] += weight * own);
        }
        let mut best: Option<(usize, f64)> = None;
        for (number, score) in scores.into_iter().enumerate() {
            if score > best.map_or(0.0, |(_, best)| best) {
                best = Some((number, score));
            }
        }
        best.map(|(number, _)| &self.pairs[number])
    }
}

impl Planner for Procedures {
    fn name(&self) -> String {
        "documentation".to_owned()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        let plan = |task: &&str| {
            self.nearest(task).map(|pair| with_values_of(&pair.plan, &pair.task, task)).unwrap_or_default()
        };
        Ok(tasks.iter().map(plan).collect())
    }
}

/// Words and pairs of neighbours.
fn terms_of(request: &str) -> Vec<String> {
    let words = blank(request);
    let pairs: Vec<String> = words.windows(2).map(|pair| pair.join(" ")).collect();
    words.into_iter().chain(pairs).collect()
}

fn frequency(count: f64) -> f64 {
    1.0 + count.ln()
}

fn rarity(procedures: usize, found_in: usize) -> f64 {
    ((1.0 + procedures as f64) / (1.0 + found_in as f64)).ln()
}

#[cfg(test)]
mod tests {
    use lam_types::PlanSource;

    use super::*;

    fn pair(task: &str, plan: &[&str]) -> TaskPlan {
        TaskPlan {
            task_id: String::new(),
            application: "sim".into(),
            source: PlanSource::SearchQuery,
            task: task.into(),
            plan: plan.iter().map(|step| (*step).to_owned()).collect(),
            parent_id: None,
            document: String::new(),
            document_hash: String::new(),
            producer: String::new(),
            family: String::new(),
            split: Split::Train,
        }
    }

    #[test]
    fn the_nearest_procedure_is_told_with_the_values_that_are_asked_for() {
        let mut procedures = Procedures::new(vec![
            pair("make 'red barn' bold", &["select red barn", "click Bold"]),
            pair("make 'red barn' italic", &["select red barn", "click Italic"]),
            pair("insert a table of 3 rows and 4 columns", &["insert table 3 by 4"]),
            pair("turn the ruler on", &["click View", "click Ruler"]),
        ]);
        let plans = procedures.plan(&["make 'two cats' italic", "i need a table of 2 rows, 9 columns", "xyz"]).unwrap();
        assert_eq!(plans[0], ["select two cats", "click Italic"]);
        assert_eq!(plans[1], ["insert table 2 by 9"]);
        assert!(plans[2].is_empty());
    }

    #[test]
    fn without_procedures_there_are_no_plans() {
        assert_eq!(Procedures::new(Vec::new()).plan(&["make it bold"]).unwrap(), [Vec::<String>::new()]);
    }
}
