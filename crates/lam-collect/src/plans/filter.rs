//! Which pairs are unusable (paper §3.1.2: not English, too short or long, not actionable). Knows rules, no model.

use lam_types::TaskPlan;

use super::config::PlansConfig;
use crate::aside::{Rejected, Rejection};
use crate::english::{is_verb, words};

/// Words that a step may begin with although no request does.
const OPERATIONS: &[&str] =
    &["double", "double-click", "hover", "make", "pick", "point", "right", "right-click", "uncheck", "wait"];

/// Devices and gestures that no desktop application has.
const ELSEWHERE: &[&str] =
    &["android", "iphone", "ipad", "ios", "smartphone", "phone", "tap", "swipe", "touchscreen", "siri"];

const ENGLISH: &[&str] =
    &["the", "a", "an", "to", "in", "of", "and", "on", "for", "with", "this", "from", "as", "at", "all", "is"];

const FOREIGN: &[&str] = &[
    "der", "die", "das", "und", "ein", "eine", "mit", "auf", "le", "la", "les", "des", "une", "dans", "pour", "sur",
    "el", "los", "las", "una", "con", "para", "del", "il", "di", "che", "per", "van", "het", "een", "och", "att",
];

/// Separates the pairs into those that can be used and those that cannot.
pub(crate) fn filter(pairs: Vec<TaskPlan>, config: &PlansConfig) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let (mut kept, mut rejected) = (Vec::new(), Vec::new());
    for pair in pairs {
        match fault(&pair, config) {
            None => kept.push(pair),
            Some((reason, detail)) => rejected.push(Rejected { reason, detail, pair }),
        }
    }
    (kept, rejected)
}

fn fault(pair: &TaskPlan, config: &PlansConfig) -> Option<(Rejection, String)> {
    let language = foreign(pair).map(|detail| (Rejection::Language, detail));
    let length = || length(pair, config).map(|detail| (Rejection::Length, detail));
    let action = || unactionable(pair).map(|detail| (Rejection::NotActionable, detail));
    language.or_else(length).or_else(action)
}

fn foreign(pair: &TaskPlan) -> Option<String> {
    let text = format!("{} {}", pair.task, pair.plan.join(" "));
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    if latin * 10 < letters * 9 {
        return Some(format!("{latin} of {letters} letters are latin"));
    }
    let words = words(&text);
    let count = |known: &[&str]| words.iter().filter(|word| known.contains(&word.as_str())).count();
    let (foreign, english) = (count(FOREIGN), count(ENGLISH));
    (foreign > english && foreign > 1).then(|| format!("{foreign} foreign and {english} english function words"))
}

fn length(pair: &TaskPlan, config: &PlansConfig) -> Option<String> {
    let count = pair.task.split_whitespace().count();
    if count < config.min_task_words || count > config.max_task_words {
        return Some(format!("task of {count} words"));
    }
    if pair.plan.is_empty() || pair.plan.len() > config.max_steps {
        return Some(format!("plan of {} steps", pair.plan.len()));
    }
    let longest = pair.plan.iter().map(|step| step.split_whitespace().count()).max().unwrap_or(0);
    (longest > config.max_step_words).then(|| format!("step of {longest} words"))
}

fn unactionable(pair: &TaskPlan) -> Option<String> {
    // Quoted words are the user's text, not the operation.
    let beginnings = pair.plan.iter().filter_map(|step| words(step).into_iter().next());
    let elsewhere = beginnings.chain(words(&pair.document)).find(|word| ELSEWHERE.contains(&word.as_str()));
    if let Some(word) = elsewhere {
        return Some(format!("`{word}`"));
    }
    let (operations, steps) = (pair.plan.iter().filter(|step| is_operation(step)).count(), pair.plan.len());
    (operations * 2 < steps).then(|| format!("{operations} of {steps} steps say what to do"))
}

/// Whether a step says what to do: it begins with a verb, or a clause of it does.
fn is_operation(step: &str) -> bool {
    let begins =
        |text: &str| words(text).first().is_some_and(|word| is_verb(word) || OPERATIONS.contains(&word.as_str()));
    let clauses =
        step.split([',', ';', ':']).flat_map(|clause| clause.split(" then ")).flat_map(|clause| clause.split(" to "));
    clauses.flat_map(|clause| clause.split(" and ")).any(begins)
}

#[cfg(test)]
mod tests {
    use lam_types::{PlanSource, Split};

    use super::*;

    fn fault_of(task: &str, plan: &[&str]) -> Option<Rejection> {
        let pair = TaskPlan {
            task_id: "1".into(),
            application: "word".into(),
            source: PlanSource::Documentation,
            task: task.into(),
            plan: plan.iter().map(|step| (*step).to_owned()).collect(),
            parent_id: None,
            document: "page".into(),
            document_hash: String::new(),
            producer: String::new(),
            family: String::new(),
            split: Split::Train,
        };
        fault(&pair, &PlansConfig::default()).map(|(reason, _)| reason)
    }

    #[test]
    fn unusable_pairs_are_told_apart() {
        assert_eq!(fault_of("make kilo bold", &["select kilo", "click Bold"]), None);
        assert_eq!(fault_of("Add a border to a page", &["Go to Design."]), None);
        assert_eq!(fault_of("Den Text mit der Maus auf die Seite", &["Click die Seite"]), Some(Rejection::Language));
        assert_eq!(fault_of("Сделать текст жирным", &["Нажмите кнопку"]), Some(Rejection::Language));
        assert_eq!(fault_of("bold", &["click Bold"]), Some(Rejection::Length));
        assert_eq!(fault_of("make it bold", &["click Bold"; 31]), Some(Rejection::Length));
        assert_eq!(fault_of("make it bold", &["Tap the text."]), Some(Rejection::NotActionable));
        assert_eq!(fault_of("think about it", &["Relax."]), Some(Rejection::NotActionable));
    }
}
