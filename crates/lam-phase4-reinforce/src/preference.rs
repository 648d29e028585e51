//! What is preferred to what: pairs of calls at one state whose tries went differently. Knows tokens, and no model.
//!
//! Tries of one task part where they answer the same state with different calls. A call is worth the share of the tries
//! through it that succeeded; where two calls lie far enough apart, the better one's answer is preferred. A success of
//! another source is one more try, so that LAM3's try is also compared with it at the state at which they part.

use std::collections::BTreeMap;

use lam_trainer::Sample;
use serde::Serialize;

use crate::rollout::Rollout;
use crate::share::Share;

/// An answer to learn and, in a preference, one that it is preferred to.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferenceExample {
    /// The better answer; alone, a success that is imitated.
    pub chosen: Rollout,
    /// The worse one to the same state.
    pub rejected: Option<Rollout>,
}

impl Sample for PreferenceExample {
    fn id(&self) -> &str {
        &self.chosen.id
    }

    fn tokens(&self) -> usize {
        self.texts().map(|rollout| rollout.input_ids.len()).sum()
    }

    fn longest_text(&self) -> usize {
        self.texts().map(|rollout| rollout.input_ids.len()).max().unwrap_or(0)
    }

    fn trained_tokens(&self) -> usize {
        self.texts().map(|rollout| rollout.response_ids().len()).sum()
    }

    fn answers(&self) -> Vec<lam_model::Answer<'_>> {
        self.texts().map(Rollout::answer).collect()
    }
}

impl PreferenceExample {
    /// Its answers, the better one first.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Rollout> {
        std::iter::once(&self.chosen).chain(&self.rejected)
    }

    /// The same, to be measured.
    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Rollout> {
        std::iter::once(&mut self.chosen).chain(&mut self.rejected)
    }
}

/// A step of a try, with what came of the try.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer to its state.
    pub rollout: Rollout,
    /// Whether the answer could be read and carried out: only such a one can be preferred.
    pub is_readable: bool,
    /// Whether the try succeeded.
    pub succeeded: bool,
    /// Whether it is LAM3's own, and not a success of another source.
    pub is_own: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forks {
    /// States at which tries make different calls.
    pub forks: usize,
    /// Those of them with a preference.
    pub forks_with_a_gap: usize,
    /// Preferences.
    pub pairs: usize,
    /// Those for a call that only successes of another source make.
    pub pairs_of_given_successes: usize,
}

impl Forks {
    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: Forks) {
        self.forks += other.forks;
        self.forks_with_a_gap += other.forks_with_a_gap;
        self.pairs += other.pairs;
        self.pairs_of_given_successes += other.pairs_of_given_successes;
    }
}

/// The preferences among the steps of one task's tries: at each state, the call of the largest share of successes (of
/// several, the most tried one) is preferred to every one whose share is at least `min_gap` smaller.
pub fn preferences(steps: &[Answered], min_gap: f64) -> (Vec<PreferenceExample>, Forks) {
    let mut states: BTreeMap<&[u32], BTreeMap<&str, Vec<&Answered>>> = BTreeMap::new();
    for step in steps {
        states.entry(step.rollout.prompt_ids()).or_default().entry(&step.rollout.call).or_default().push(step);
    }
    let (mut pairs, mut found) = (Vec::new(), Forks::default());
    for calls in states.values().filter(|calls| calls.len() > 1) {
        found.forks += 1;
        let before = pairs.len();
        let readable = calls.values().filter(|tried| tried.iter().all(|step| step.is_readable));
        let best = readable.max_by(|a, b| share(a).cmp(&share(b)).then(a.len().cmp(&b.len())));
        let Some((best, chosen)) = best.and_then(|best| Some((best, usual(best, true)?))) else { continue };
        for worse in calls.values().filter(|worse| share(best).leads_by(share(worse), min_gap)) {
            let rejected = usual(worse, false).expect("a smaller share than the largest has a failure");
            found.pairs_of_given_successes += usize::from(!best.iter().any(|step| step.is_own && step.succeeded));
            let chosen = Rollout { id: format!("{} over {}", chosen.id, rejected.id), ..chosen.clone() };
            pairs.push(PreferenceExample { chosen, rejected: Some(rejected.clone()) });
        }
        found.forks_with_a_gap += usize::from(pairs.len() > before);
    }
    found.pairs = pairs.len();
    (pairs, found)
}

/// Share of the tries that succeeded.
fn share(tried: &[&Answered]) -> Share {
    Share::new(tried.iter().filter(|step| step.succeeded).count(), tried.len())
}

/// The answer, in its words, that most of the tries of this outcome gave: of several, the first one, LAM3's own before
/// others.
fn usual<'s>(tried: &[&'s Answered], succeeded: bool) -> Option<&'s Rollout> {
    let of_outcome = || tried.iter().copied().filter(move |step| step.succeeded == succeeded);
    let count = |step: &Answered| {
        of_outcome().filter(|other| other.rollout.response_ids() == step.rollout.response_ids()).count()
    };
    let most = of_outcome().map(|step| (count(step), step.is_own)).max()?;
    of_outcome().find(|step| (count(step), step.is_own) == most).map(|step| &step.rollout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(state: u32, call: &str, words: u32, succeeded: bool) -> Answered {
        let rollout = Rollout {
            id: format!("{state}{call}{words}"),
            input_ids: vec![state, words],
            prompt_length: 1,
            call: call.into(),
            ..Rollout::default()
        };
        Answered { rollout, is_readable: true, succeeded, is_own: true }
    }

    fn ids(pairs: &[PreferenceExample]) -> Vec<&str> {
        pairs.iter().map(|pair| pair.chosen.id.as_str()).collect()
    }

    #[test]
    fn the_call_that_went_better_is_preferred_to_those_far_behind() {
        let mut steps = vec![answered(1, "a", 1, true), answered(1, "a", 2, true), answered(1, "a", 2, true)];
        steps.extend([answered(1, "b", 3, false), answered(1, "b", 4, false), answered(1, "b", 4, true)]);
        steps.extend([answered(1, "c", 5, true), answered(1, "c", 6, false)]);
        // All alike, and a state that one try alone saw.
        steps.extend([answered(2, "a", 1, false), answered(2, "b", 1, false), answered(3, "a", 1, true)]);
        let (pairs, found) = preferences(&steps, 0.6);
        assert_eq!(ids(&pairs), ["1a2 over 1b3"], "the usual words of the better call and of the worse one's failures");
        assert_eq!(found, Forks { forks: 2, forks_with_a_gap: 1, pairs: 1, pairs_of_given_successes: 0 });
        assert_eq!(ids(&preferences(&steps, 0.5).0), ["1a2 over 1b3", "1a2 over 1c6"]);
        assert!(preferences(&steps, 1.0).0.is_empty());
    }

    #[test]
    fn a_gap_that_is_just_reached_counts() {
        let tried = |call: &'static str, wins: u32, tries: u32| {
            (0..tries).map(move |number| answered(1, call, 100 + number, number < wins))
        };
        for (better, worse, min_gap, is_reached) in [
            ((7, 10), (2, 10), 0.5, true),
            ((7, 10), (2, 10), 0.51, false),
            ((3, 10), (0, 4), 0.3, true),
            ((1, 1), (1, 3), 2.0 / 3.0, true),
        ] {
            let steps: Vec<Answered> = tried("a", better.0, better.1).chain(tried("b", worse.0, worse.1)).collect();
            assert_eq!(preferences(&steps, min_gap).0.len() == 1, is_reached, "{better:?} {worse:?} {min_gap}");
        }
    }

    #[test]
    fn a_success_of_another_source_is_preferred_where_a_try_parts_from_it() {
        let given = Answered { is_own: false, ..answered(1, "g", 9, true) };
        let steps = [answered(1, "a", 1, false), answered(1, "a", 2, false), given.clone()];
        let (pairs, found) = preferences(&steps, 0.5);
        assert_eq!((ids(&pairs), found.pairs_of_given_successes), (vec!["1g9 over 1a1"], 1));
        let own = [answered(1, "a", 1, false), answered(1, "g", 2, true), given];
        let (pairs, found) = preferences(&own, 0.5);
        assert_eq!((ids(&pairs), found.pairs_of_given_successes), (vec!["1g2 over 1a1"], 0), "LAM3's own words");
    }

    #[test]
    fn what_could_not_be_carried_out_is_never_preferred() {
        let unreadable = Answered { is_readable: false, ..answered(1, "?", 1, true) };
        assert!(preferences(&[unreadable.clone(), answered(1, "a", 2, false)], 0.5).0.is_empty());
        let failed = Answered { succeeded: false, ..unreadable };
        assert_eq!(ids(&preferences(&[failed, answered(1, "a", 2, true)], 0.5).0), ["1a2 over 1?1"]);
    }

    #[test]
    fn a_pair_has_two_texts_and_the_longer_one_is_what_is_limited() {
        let rollout = |tokens: usize| Rollout { input_ids: vec![1; tokens], prompt_length: 2, ..Rollout::default() };
        let pair = PreferenceExample { chosen: rollout(5), rejected: Some(rollout(9)) };
        assert_eq!((pair.tokens(), pair.longest_text(), pair.trained_tokens(), pair.answers().len()), (14, 9, 10, 2));
        let alone = PreferenceExample { rejected: None, ..pair };
        assert_eq!((alone.tokens(), alone.trained_tokens(), alone.answers().len()), (5, 3, 1));
    }
}
