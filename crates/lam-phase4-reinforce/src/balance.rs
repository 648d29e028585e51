//! What can be told apart at one state: labelled answers grouped by the state they answer, balanced so that the state
//! alone says nothing of the label, and paired for a test of whether a reward model prefers the right one.
//!
//! A reward model that is trained on steps as they come learns which states are hard, since most states were seen
//! with one outcome only. PPO needs the other half: which of several answers to one state is better.

use std::collections::{BTreeMap, BTreeSet};

use lam_trainer::ScoredExample;
use lam_types::Action;

use crate::config::MOST_REPEATS;

/// A step with its label, and what it is compared by.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Prompt and answer with the label.
    pub example: ScoredExample,
    /// Tokens of the prompt: the first so many of the example's.
    pub prompt_length: usize,
    /// What is done, without the words around it.
    pub call: String,
    /// Whether its try succeeded.
    pub succeeded: bool,
}

impl Labelled {
    pub(crate) fn prompt(&self) -> &[u32] {
        &self.example.input_ids[..self.prompt_length]
    }
}

/// What an action does, without the words around it.
pub fn call_of(action: &Action) -> String {
    let args = serde_json::to_string(&action.args).expect("JSON values serialise");
    format!("{}({} {}){args} {}", action.function, action.control_name, action.control_label, action.status.as_str())
}

/// Repeats the smaller class, in its order, until both have the same number.
pub fn balanced_by_classes(steps: Vec<Labelled>) -> Vec<Labelled> {
    let (successes, failures): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.succeeded);
    let count = successes.len().max(failures.len());
    let repeated = |class: Vec<Labelled>| -> Vec<Labelled> { class.into_iter().cycle().take(count).collect() };
    [repeated(successes), repeated(failures)].concat()
}

/// Balances each state that was seen with both outcomes, and all other states together; then repeats the former until
/// they are `share` of all, at most [`MOST_REPEATS`] times.
pub fn balanced_by_states(steps: Vec<Labelled>, share: f64) -> Vec<Labelled> {
    let (mut contrasts, mut rest) = (Vec::new(), Vec::new());
    for state in by_state(steps) {
        let successes = state.iter().filter(|step| step.succeeded).count();
        match successes {
            0 => rest.extend(state),
            all if all == state.len() => rest.extend(state),
            _ => contrasts.extend(balanced_by_classes(state)),
        }
    }
    let rest = balanced_by_classes(rest);
    let wanted = share / (1.0 - share).max(f64::MIN_POSITIVE) * rest.len() as f64;
    let repeats = (wanted / contrasts.len().max(1) as f64).ceil().clamp(1.0, MOST_REPEATS as f64) as usize;
    let repeated = contrasts.iter().cycle().take(contrasts.len() * repeats).cloned();
    repeated.chain(rest).collect()
}

/// The steps of each state together, states in the order of their tokens.
fn by_state(steps: Vec<Labelled>) -> Vec<Vec<Labelled>> {
    let mut states: BTreeMap<Vec<u32>, Vec<Labelled>> = BTreeMap::new();
    for step in steps {
        states.entry(step.prompt().to_vec()).or_default().push(step);
    }
    states.into_values().collect()
}

/// A better and a worse answer to one state, as indices of steps.
pub type Pair = (usize, usize);

/// Every pair of different calls at one state of which the first led to a success and the second never did.
pub fn pairs(steps: &[Labelled]) -> Vec<Pair> {
    let mut states: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        states.entry(step.prompt()).or_default().push(index);
    }
    let mut pairs = Vec::new();
    for indices in states.values() {
        let mut seen = BTreeSet::new();
        let right: Vec<usize> =
            indices.iter().copied().filter(|&at| steps[at].succeeded && seen.insert(&steps[at].call)).collect();
        let wrong: Vec<usize> =
            indices.iter().copied().filter(|&at| !steps[at].succeeded && seen.insert(&steps[at].call)).collect();
        pairs.extend(right.iter().flat_map(|&right| wrong.iter().map(move |&wrong| (right, wrong))));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(state: u32, call: &str, reward: f32) -> Labelled {
        let example = ScoredExample { sample_id: format!("{state}/{call}"), input_ids: vec![state, 9], reward };
        Labelled { example, prompt_length: 1, call: call.into(), succeeded: reward > 0.0 }
    }

    fn counts(steps: &[Labelled], state: u32) -> (usize, usize) {
        let of =
            |succeeded| steps.iter().filter(|step| step.prompt() == [state] && step.succeeded == succeeded).count();
        (of(true), of(false))
    }

    #[test]
    fn the_smaller_class_is_repeated() {
        let steps = vec![step(1, "a", 1.0), step(2, "a", -1.0), step(3, "a", -1.0), step(4, "a", -1.0)];
        let balanced = balanced_by_classes(steps);
        assert_eq!(balanced.iter().filter(|step| step.succeeded).count(), 3);
        assert_eq!(balanced.len(), 6);
    }

    #[test]
    fn a_state_seen_with_both_outcomes_has_as_many_of_each() {
        let mut steps = vec![step(1, "a", 1.0), step(1, "b", -1.0), step(1, "c", -1.0)];
        steps.extend((2..10).map(|state| step(state, "a", if state % 4 == 0 { -1.0 } else { 1.0 })));
        let balanced = balanced_by_states(steps, 0.5);
        let (right, wrong) = counts(&balanced, 1);
        assert_eq!(right, wrong);
        let rest = balanced.len() - right - wrong;
        assert!(right + wrong >= rest, "{right} + {wrong} of contrasts for {rest}");
        assert_eq!(rest, 12, "six successes and as many failures");
    }

    #[test]
    fn few_contrasts_are_repeated_so_often_and_no_more() {
        let mut steps = vec![step(1, "a", 1.0), step(1, "b", -1.0)];
        steps.extend((2..1000).map(|state| step(state, "a", if state % 2 == 0 { -1.0 } else { 1.0 })));
        assert_eq!(counts(&balanced_by_states(steps, 0.9), 1), (MOST_REPEATS, MOST_REPEATS));
    }

    #[test]
    fn only_different_calls_of_different_outcome_are_pairs() {
        let steps = [
            step(1, "a", 1.0),
            step(1, "a", -1.0),
            step(1, "b", -1.0),
            step(1, "b", -1.0),
            step(1, "c", -1.0),
            step(2, "b", -1.0),
            step(3, "a", 1.0),
        ];
        assert_eq!(pairs(&steps), [(0, 2), (0, 4)]);
    }
}
