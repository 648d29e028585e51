//! Logs of search queries: what people ask, in their own words. A query has no plan: it gets that of the procedure
//! that it asks for, where one is documented.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lam_types::{PlanSource, TaskPlan};

use super::config::{SourceConfig, SourceKind};
use super::content::Content;
use crate::aside::{Rejected, Rejection};
use crate::english::request_of;
use crate::pair::Origin;

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) document: String,
    pub(crate) hash: String,
}

/// Words that do not tell one request from another.
const EMPTY: &[&str] = &[
    "a",
    "an",
    "the",
    "to",
    "in",
    "of",
    "on",
    "for",
    "with",
    "and",
    "or",
    "how",
    "do",
    "i",
    "you",
    "can",
    "my",
    "your",
    "is",
    "it",
    "from",
    "at",
    "by",
    "as",
    "into",
    "libreoffice",
    "office",
    "writer",
    "calc",
    "gnome",
    "please",
    "what",
];

/// The queries of a log: one per line, before the first tab; empty lines and lines that begin with `#` are skipped.
pub(super) fn read(text: &str) -> Content {
    let query = |line: &str| line.split('\t').next().unwrap_or_default().trim().to_owned();
    let queries = text.lines().map(query).filter(|query| !query.is_empty() && !query.starts_with('#')).collect();
    Content { queries, ..Content::default() }
}

/// Pairs for the queries that ask for a documented procedure; the others come back rejected.
///
/// A procedure is asked for when at least `threshold` of the weight of both texts' words is shared; rare words weigh
/// more (cosine of inverse document frequencies).
pub(crate) fn answer(
    queries: &[Query],
    source: &SourceConfig,
    documented: &[TaskPlan],
    threshold: f64,
) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let known = Documented::new(documented);
    let (mut pairs, mut rejected) = (Vec::new(), Vec::new());
    for query in queries {
        let origin = |producer: String, application: &str| Origin {
            application: application.to_owned(),
            source: PlanSource::SearchQuery,
            document: query.document.clone(),
            document_hash: query.hash.clone(),
            producer,
        };
        let rule = SourceKind::Queries.producer();
        let mut reject = |reason, detail: String| {
            let pair = origin(rule.to_owned(), &source.application).pair(query.text.clone(), Vec::new());
            rejected.push(Rejected { reason, detail, pair });
        };
        let lower = query.text.to_lowercase();
        if !source.mentions.is_empty() && !source.mentions.iter().any(|word| lower.contains(&word.to_lowercase())) {
            reject(Rejection::OtherApplication, format!("none of {}", source.mentions.join(", ")));
            continue;
        }
        let Some(request) = request_of(&query.text) else {
            reject(Rejection::NoTask, format!("`{}` asks for nothing", query.text));
            continue;
        };
        match known.nearest(&request, &source.application) {
            Some((found, similarity)) if similarity >= threshold => {
                let producer = format!("{rule} with the plan of {}", found.task_id);
                pairs.push(origin(producer, &found.application).pair(request, found.plan.clone()));
            }
            Some((found, similarity)) => {
                reject(Rejection::NoPlan, format!("nearest is `{}`, {similarity:.2} alike", found.task));
            }
            None => reject(Rejection::NoPlan, "no documented task shares a word with it".to_owned()),
        }
    }
    (pairs, rejected)
}

/// Documented tasks with the weights of their words.
struct Documented<'a> {
    pairs: &'a [TaskPlan],
    weights: HashMap<String, f64>,
    postings: HashMap<String, Vec<usize>>,
    lengths: Vec<f64>,
}

impl<'a> Documented<'a> {
    fn new(pairs: &'a [TaskPlan]) -> Self {
        let mut postings: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, pair) in pairs.iter().enumerate() {
            for word in content_words(&pair.task) {
                postings.entry(word).or_default().push(index);
            }
        }
        let weight = |found: &Vec<usize>| (1.0 + pairs.len() as f64 / found.len() as f64).ln();
        let weights: HashMap<String, f64> =
            postings.iter().map(|(word, found)| (word.clone(), weight(found))).collect();
        let length =
            |pair: &TaskPlan| norm(content_words(&pair.task).iter().filter_map(|word| weights.get(word).copied()));
        let lengths = pairs.iter().map(length).collect();
        Self { pairs, weights, postings, lengths }
    }

    /// The most similar task, of this application where one is named; the first of equals.
    fn nearest(&self, request: &str, application: &str) -> Option<(&'a TaskPlan, f64)> {
        let words = content_words(request);
        let strangest = self.weights.values().copied().fold(1.0, f64::max);
        let length = norm(words.iter().map(|word| self.weights.get(word).copied().unwrap_or(strangest)));
        let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
        for word in &words {
            for &index in self.postings.get(word).into_iter().flatten() {
                let fits = application.is_empty() || self.pairs[index].application == application;
                if fits {
                    *shared.entry(index).or_insert(0.0) += self.weights[word] * self.weights[word];
                }
            }
        }
        let scored =
            shared.into_iter().map(|(index, sum)| (index, sum / (length * self.lengths[index]).max(f64::MIN_POSITIVE)));
        let best = scored.fold(None, |best: Option<(usize, f64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.map(|(index, similarity)| (&self.pairs[index], similarity))
    }
}

fn norm(weights: impl Iterator<Item = f64>) -> f64 {
    weights.map(|weight| weight * weight).sum::<f64>().sqrt()
}

/// The words that say something, plurals and verbs cut to what they share.
fn content_words(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_alphanumeric()).map(str::to_lowercase);
    let said = words.filter(|word| !word.is_empty() && !EMPTY.contains(&word.as_str()));
    said.map(|word| {
        let cut = word.strip_suffix("ing").or(word.strip_suffix('s')).filter(|cut| cut.len() > 2).unwrap_or(&word);
        cut.strip_suffix('e').filter(|cut| cut.len() > 2).unwrap_or(cut).to_owned()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_gets_the_plan_that_it_asks_for_or_none() {
        let documented: Vec<TaskPlan> =
            [("Insert a page break", "writer"), ("Define borders for pages", "writer"), ("Insert a chart", "calc")]
                .iter()
                .map(|(task, application)| TaskPlan {
                    task_id: (*task).into(),
                    application: (*application).into(),
                    source: PlanSource::Documentation,
                    task: (*task).into(),
                    plan: vec![format!("Do {task}")],
                    parent_id: None,
                    document: "d".into(),
                    document_hash: String::new(),
                    producer: "p".into(),
                    family: String::new(),
                    split: lam_types::Split::Train,
                })
                .collect();
        let log = read(
            "# log\nhow to insert page breaks in writer\t12\n\nwriter\ninsert a chart in writer\nmake coffee in writer\nfix excel\n",
        );
        let query = |text: &String| Query { text: text.clone(), document: "log/q.txt".into(), hash: "h".into() };
        let queries: Vec<Query> = log.queries.iter().map(query).collect();
        let source: SourceConfig = serde_json::from_value(serde_json::json!({
            "kind": "queries", "path": "q.txt", "application": "writer", "mentions": ["writer"],
        }))
        .unwrap();
        let (pairs, rejected) = answer(&queries, &source, &documented, 0.6);
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        assert_eq!(
            (pairs[0].task.as_str(), pairs[0].plan[0].as_str()),
            ("Insert page breaks in writer", "Do Insert a page break")
        );
        assert_eq!(pairs[0].producer, "rule:query-1 with the plan of Insert a page break");
        let reasons: Vec<_> = rejected.iter().map(|rejected| rejected.reason.as_str()).collect();
        assert_eq!(reasons, ["no_task", "no_plan", "no_plan", "other_application"]);
    }
}
