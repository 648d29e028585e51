//! What a record says of itself: whether it is an example to follow, or one of what went wrong.

use serde_json::Value;

/// Fields that say so, as KTO, LLaMA-Factory, evaluations and people's ratings write them.
const LABELS: &[&str] = &[
    "label",
    "kto_tag",
    "success",
    "is_success",
    "successful",
    "succeeded",
    "is_correct",
    "correct",
    "passed",
    "judge",
    "verdict",
    "outcome",
    "status",
    "result",
    "complete",
    "completed",
    "is_good",
    "quality",
    "rating",
    "feedback",
    "thumbs",
];

/// Fields in which a record keeps what it says of itself.
const INSIDE: &[&str] = &["metadata", "meta", "info", "extra", "annotation", "annotations", "evaluation", "eval"];

/// Why the record is a failure, if it says that it is one. Words that say neither, such as a topic in `label`, say
/// nothing.
pub(super) fn failure(record: &Value) -> Option<String> {
    let inside = INSIDE.iter().map(|name| (format!("{name}."), &record[*name]));
    let mut places = std::iter::once((String::new(), record)).chain(inside).filter(|(_, fields)| fields.is_object());
    places.find_map(|(place, fields)| {
        let failed = |name: &&&str| verdict(&fields[**name]) == Some(false);
        let labelled = LABELS.iter().find(failed).map(|name| format!("`{place}{name}` is {}", fields[*name]));
        let reward = || fields["reward"].as_f64().filter(|reward| *reward <= 0.0);
        let broke_off = || is_set(&fields["error"]).then(|| format!("`{place}error` is set"));
        labelled.or_else(|| reward().map(|reward| format!("`{place}reward` is {reward}"))).or_else(broke_off)
    })
}

/// Whether a field for an error holds one.
pub(super) fn is_set(error: &Value) -> bool {
    match error {
        Value::Null => false,
        Value::Bool(is_set) => *is_set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !["", "none", "null", "nan", "false"].contains(&text.trim().to_lowercase().as_str()),
        Value::Array(errors) => !errors.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Whether a value is one of the words for a success or for a failure.
pub(super) fn verdict(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is_true) => Some(*is_true),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if [0.0, -1.0].contains(&number.as_f64()?) => Some(false),
        Value::String(word) => match word.trim().to_lowercase().as_str() {
            "true" | "yes" | "desirable" | "success" | "1" => Some(true),
            "false" | "no" | "undesirable" | "failure" | "fail" | "0" | "failed" | "unsuccessful" | "bad" | "poor"
            | "wrong" | "incorrect" | "negative" | "rejected" | "error" | "down" | "thumbs_down" | "thumbs down"
            | "dislike" | "-1" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_are_told_by_every_field_that_says_so_wherever_the_record_keeps_it() {
        for (record, reason) in [
            (json!({"label": false}), "`label` is false"),
            (json!({"metadata": {"label": false}}), "`metadata.label` is false"),
            (json!({"meta": {"success": "False"}}), "`meta.success` is \"False\""),
            (json!({"rating": "bad"}), "`rating` is \"bad\""),
            (json!({"evaluation": {"rating": "poor"}}), "`evaluation.rating` is \"poor\""),
            (json!({"label": -1}), "`label` is -1"),
            (json!({"status": "failed"}), "`status` is \"failed\""),
            (json!({"info": {"reward": -0.5}}), "`info.reward` is -0.5"),
            (json!({"error": "timeout"}), "`error` is set"),
            (json!({"metadata": {"error": {"type": "X"}}}), "`metadata.error` is set"),
        ] {
            assert_eq!(failure(&record).as_deref(), Some(reason), "{record}");
        }
        for record in [
            json!({}),
            json!({"label": true, "rating": 5, "status": "completed", "reward": 1}),
            json!({"label": "math", "quality": "good", "metadata": {"label": "news"}}),
            json!({"error": null, "metadata": {"error": ""}, "info": "false", "meta": [false]}),
            json!({"error": "None", "eval": {"error": []}}),
        ] {
            assert_eq!(failure(&record), None, "{record}");
        }
    }
}
