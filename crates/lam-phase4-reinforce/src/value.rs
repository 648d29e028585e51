//! What a step was worth: the mean outcome of the tries that made its call in its state (Monte-Carlo returns, as in
//! Xiong et al. 2024, "Watch Every Step!", arXiv 2406.11176). Does not know models.

use std::collections::BTreeMap;

use crate::balance::Labelled;

/// The steps with the mean outcome of their call in their state as reward: 2 · share of successes − 1, in [−1, 1].
pub fn with_step_values(mut steps: Vec<Labelled>) -> Vec<Labelled> {
    let mut tried: BTreeMap<(&[u32], &str), (f32, f32)> = BTreeMap::new();
    for step in &steps {
        let (successes, tries) = tried.entry((step.prompt(), step.call.as_str())).or_default();
        *successes += f32::from(u8::from(step.succeeded));
        *tries += 1.0;
    }
    let value = |step: &Labelled| tried[&(step.prompt(), step.call.as_str())];
    let values: Vec<f32> = steps.iter().map(value).map(|(successes, tries)| 2.0 * successes / tries - 1.0).collect();
    for (step, value) in steps.iter_mut().zip(values) {
        step.example.reward = value;
    }
    steps
}

#[cfg(test)]
mod tests {
    use lam_trainer::ScoredExample;

    use super::*;

    fn step(state: u32, call: &str, succeeded: bool) -> Labelled {
        let example = ScoredExample { sample_id: String::new(), input_ids: vec![state, 9], reward: 0.0 };
        Labelled { example, prompt_length: 1, call: call.into(), succeeded }
    }

    #[test]
    fn a_call_is_worth_what_its_tries_came_to_at_that_state() {
        let steps = vec![
            step(1, "a", true),
            step(1, "a", false),
            step(1, "a", true),
            step(1, "a", true),
            step(1, "b", false),
            step(2, "a", true),
        ];
        let rewards: Vec<f32> = with_step_values(steps).iter().map(|step| step.example.reward).collect();
        assert_eq!(rewards, [0.5, 0.5, 0.5, 0.5, -1.0, 1.0]);
    }
}
