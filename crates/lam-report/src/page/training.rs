//! Loss, reward and KL of each training loop, the charts that tell most first and the rest folded away.

use maud::{Markup, html};

use super::absent;
use super::chart::{Line, chart};
use crate::run::{Curves, Run};

/// Charts that are shown at once: title, and the metrics drawn into it.
const SHOWN: [(&str, &[&str]); 12] = [
    ("Success at dev tasks", &["eval_success_rate"]),
    ("Loss", &["loss", "eval_loss"]),
    ("Token accuracy", &["mean_token_accuracy", "eval_mean_token_accuracy"]),
    ("Entropy", &["entropy", "eval_entropy"]),
    ("Reward model: accuracy", &["accuracy", "eval_accuracy"]),
    ("Predicted reward", &["mean_reward_success", "mean_reward_failure"]),
    ("Reward model: margin", &["margin", "eval_margin"]),
    ("Reward", &["objective/scores", "objective/rlhf_reward"]),
    ("KL to LAM3", &["objective/kl"]),
    ("Policy and value loss", &["loss/policy_avg", "loss/value_avg"]),
    ("Clipped share", &["policy/clipfrac_avg", "val/clipfrac_avg"]),
    ("Entropy of the policy", &["objective/entropy", "policy/entropy_avg"]),
];

/// What a metric is measured on.
const TRAINING: &str = "training";
const HELD_OUT: &str = "held out";

/// Metrics that say where a point lies rather than what it is.
const COUNTERS: [&str; 6] = ["step", "global_step", "epoch", "episode", "num_tokens", "eps"];

/// All training loops, in the order of their stages.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Training" }
        @if run.curves.is_empty() { (absent("training metrics", "Training stages write them as metrics.jsonl.")) }
        @else {
            p { "The faint line is each logged step, the strong one its moving average. “Training” and “held out” are not measured alike: the one is the mean over the batches since the last record, replayed examples among them, with dropout where there is any, while the weights move; the other is of examples that no step learns from, with the weights of one moment." @if run.is_repeated() { " Curves are those of the first seed." } }
            @for curves in &run.curves { (training_loop(curves)) }
        }
    }
}

/// One training loop.
pub fn training_loop(curves: &Curves) -> Markup {
    let shown: Vec<Markup> = SHOWN.iter().filter_map(|(title, keys)| drawn(curves, title, keys)).collect();
    let is_shown = |key: &str| SHOWN.iter().any(|(_, keys)| keys.contains(&key));
    let rest: Vec<&str> = curves
        .series
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !is_shown(key) && !COUNTERS.contains(key))
        .collect();
    html! {
        h3 { (curves.name) }
        div.charts { @for figure in shown { (figure) } }
        @if !rest.is_empty() {
            details {
                summary { (rest.len()) " more: " span.muted { (rest.join(", ")) } }
                div.charts { @for key in rest { @if let Some(figure) = drawn(curves, key, &[key]) { (figure) } } }
            }
        }
    }
}

fn drawn(curves: &Curves, title: &str, keys: &[&str]) -> Option<Markup> {
    let find = |key: &str| curves.series.iter().find(|(name, _)| name == key);
    let lines: Vec<Line<'_>> =
        keys.iter().filter_map(|key| find(key)).map(|(name, points)| Line { name: name_of(name), points }).collect();
    match lines.as_slice() {
        [] => None,
        // Without a legend, the title says which of the two it is.
        [one] if [TRAINING, HELD_OUT].contains(&one.name) => {
            Some(chart(&format!("{title}, {}", one.name), "optimizer step", &lines))
        }
        _ => Some(chart(title, "optimizer step", &lines)),
    }
}

/// What a legend calls a metric.
fn name_of(key: &str) -> &str {
    match key {
        "loss" | "mean_token_accuracy" | "entropy" | "accuracy" | "margin" => TRAINING,
        "eval_loss" | "eval_mean_token_accuracy" | "eval_entropy" | "eval_accuracy" | "eval_margin" => HELD_OUT,
        "mean_reward_success" => "of successes",
        "mean_reward_failure" => "of failures",
        "objective/scores" => "score",
        "objective/rlhf_reward" => "earned: less KL, and less the state’s mean where that is the baseline",
        "loss/policy_avg" => "policy",
        "loss/value_avg" => "value",
        "policy/clipfrac_avg" => "policy ratio",
        "val/clipfrac_avg" => "value",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_metric_is_drawn_into_two_charts() {
        let mut keys: Vec<&str> = SHOWN.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
    }
}
