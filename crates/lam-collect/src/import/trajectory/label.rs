//! What a record says of itself: whether it is an example to follow, or one of what went wrong.

use serde_json::Value;

/// Fields that say so, as KTO, LLaMA-Factory and evaluations write them.
const LABELS: &[&str] = &["label", "kto_tag", "success", "is_success", "succeeded", "is_correct", "passed", "judge"];

/// Why the record is a failure, if it says that it is one. Words that say neither, such as a topic in `label`, say
/// nothing.
pub(super) fn failure(record: &Value) -> Option<String> {
    let failed = |name: &&&str| verdict(&record[**name]) == Some(false);
    let reward =
        record["reward"].as_f64().filter(|reward| *reward <= 0.0).map(|reward| format!("`reward` is {reward}"));
    LABELS.iter().find(failed).map(|name| format!("`{name}` is {}", record[*name])).or(reward)
}

/// Whether a value is one of the words for a success or for a failure.
pub(super) fn verdict(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is_true) => Some(*is_true),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(word) => match word.to_lowercase().as_str() {
            "true" | "yes" | "desirable" | "success" | "1" => Some(true),
            "false" | "no" | "undesirable" | "failure" | "fail" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
