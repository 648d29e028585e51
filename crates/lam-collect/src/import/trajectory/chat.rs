//! Conversations: what a person asks, and an answer that lists steps. Only the first exchange counts.

use serde_json::Value;

use super::record::{Plan, Records, Refusal, list, optional, text};
use crate::import::block::Block;
use crate::import::markdown;
use crate::import::procedure::flatten;

/// OpenAI's `{"messages": [{"role", "content"}]}`.
pub(super) fn messages(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    let (asked, answered) = exchange(list(record, "messages")?, "role", "content", &["user"], &["assistant"])?;
    take(&asked, &answered, "messages", found)
}

/// ShareGPT's `{"conversations": [{"from", "value"}]}`.
pub(super) fn sharegpt(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    let turns = list(record, "conversations")?;
    let (asked, answered) = exchange(turns, "from", "value", &["human", "user"], &["gpt", "assistant"])?;
    take(&asked, &answered, "conversations", found)
}

/// Alpaca's `{"instruction", "input", "output"}`.
pub(super) fn alpaca(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    let (instruction, input) = (text(record, "instruction")?, optional(record, "input"));
    let asked = if input.is_empty() { instruction } else { format!("{instruction} {input}") };
    take(&asked, &text(record, "output")?, "output", found)
}

fn exchange(
    turns: &[Value],
    role: &str,
    content: &str,
    people: &[&str],
    models: &[&str],
) -> Result<(String, String), Refusal> {
    let of = |roles: &[&str]| turns.iter().find(|turn| turn[role].as_str().is_some_and(|who| roles.contains(&who)));
    let said = |roles: &[&str]| {
        let turn = of(roles).ok_or_else(|| (role.to_owned(), format!("nobody is `{}`", roles[0])))?;
        text(turn, content)
    };
    Ok((said(people)?, said(models)?))
}

fn take(asked: &str, answered: &str, field: &str, found: &mut Records) -> Result<(), Refusal> {
    let steps = markdown::blocks(answered).into_iter().find_map(|block| match block {
        Block::Steps(steps) => Some(flatten(&steps)),
        _ => None,
    });
    let steps = steps.ok_or_else(|| (field.to_owned(), "the answer holds no numbered list of steps".to_owned()))?;
    let task = asked.split_whitespace().collect::<Vec<_>>().join(" ");
    if task.is_empty() {
        return Err((field.to_owned(), "nothing is asked".to_owned()));
    }
    found.plans.push(Plan { application: String::new(), task, steps });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::record::each;
    use super::*;

    #[test]
    fn three_forms_of_the_same_exchange_are_read_and_answers_without_steps_are_named() {
        let answer = "Sure:\\n\\n1. Open **File**.\\n2. Click Print.";
        let messages_ = format!(
            r#"{{"messages":[{{"role":"system","content":"x"}},{{"role":"user","content":"Print  it"}},{{"role":"assistant","content":"{answer}"}}]}}"#
        );
        let sharegpt_ = format!(
            r#"[{{"conversations":[{{"from":"human","value":"Print it"}},{{"from":"gpt","value":"{answer}"}}]}}]"#
        );
        let alpaca_ = format!(
            "{{\"instruction\":\"Print\",\"input\":\"it\",\"output\":\"{answer}\"}}\n{{\"instruction\":\"a\",\"output\":\"b\"}}\n{{oops\n"
        );
        for found in [each(&messages_, messages), each(&sharegpt_, sharegpt), each(&alpaca_, alpaca)] {
            assert_eq!((found.plans[0].task.as_str(), found.plans[0].steps.len()), ("Print it", 2));
            assert_eq!(found.plans[0].steps[0], "Open File.");
        }
        let faults = each(&alpaca_, alpaca).faults;
        assert_eq!((faults[0].line, faults[0].field.as_str(), faults[1].line), (2, "output", 3));
    }
}
