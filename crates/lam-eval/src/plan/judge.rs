//! Who compares a predicted plan with the ground truth: the matcher, or a model asked in the shape of App. D.

use lam_agent::{ChatAnswer, ChatClient, PolicyError, RemoteConfig};
use lam_prompt::{Message, Role};
use lam_signal::{Monitor, excerpt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::matcher::{is_same_plan, matching};

/// One comparison that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanQuestion {
    /// What is asked.
    pub task: String,
    /// The ground truth.
    pub expected: Vec<String>,
    /// The plan to be judged.
    pub predicted: Vec<String>,
}

/// What a judge says of one plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The plan solves the task.
    pub solved: bool,
    /// Steps of the plan.
    pub predicted_steps: usize,
    /// Steps of the ground truth.
    pub expected_steps: usize,
    /// Steps that stand in both, one to one.
    pub matched: usize,
}

/// A judge of plans.
pub trait PlanJudge {
    /// Name in reports.
    fn name(&self) -> String;

    /// One comparison for each question, in their order.
    ///
    /// # Errors
    /// When the judge cannot continue, or cannot be understood.
    fn compare(&mut self, questions: &[PlanQuestion]) -> Result<Vec<Comparison>, PolicyError>;
}

/// The deterministic matcher: a plan solves its task when it is the ground truth, step by step, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatcherJudge;

impl PlanJudge for MatcherJudge {
    fn name(&self) -> String {
        "matcher".into()
    }

    fn compare(&mut self, questions: &[PlanQuestion]) -> Result<Vec<Comparison>, PolicyError> {
        let compare = |question: &PlanQuestion| Comparison {
            solved: is_same_plan(&question.predicted, &question.expected),
            predicted_steps: question.predicted.len(),
            expected_steps: question.expected.len(),
            matched: matching(&question.predicted, &question.expected).len(),
        };
        Ok(questions.iter().map(compare).collect())
    }
}

/// A model as judge. The prediction is its first answer, the ground truth its second.
pub struct ChatJudge<'a> {
    client: ChatClient<'a>,
}

impl<'a> ChatJudge<'a> {
    /// A judge behind the configured endpoint.
    ///
    /// # Errors
    /// As [`ChatClient::new`].
    pub fn new(config: RemoteConfig, monitor: Monitor<'a>) -> Result<Self, PolicyError> {
        Ok(Self { client: ChatClient::new(config, monitor)? })
    }
}

impl PlanJudge for ChatJudge<'_> {
    fn name(&self) -> String {
        self.client.config().display_name().to_owned()
    }

    fn compare(&mut self, questions: &[PlanQuestion]) -> Result<Vec<Comparison>, PolicyError> {
        let asked: Vec<_> = questions.iter().map(|question| (messages(question), 0)).collect();
        self.client.ask_all_for(&asked, &|index, answer: &ChatAnswer| match &answer.fault {
            Some(fault) => Err(format!("the judge's answer cannot be used: {fault}")),
            None => read_comparison(&questions[index], &answer.text)
                .ok_or_else(|| format!("the judge's answer cannot be read: {}", excerpt(&answer.text, 300))),
        })
    }
}

const SYSTEM: &str = "You compare two answers to a question about a desktop application. Each answer is a list of \
steps; an action item is an action together with the element it acts on, and two items are similar when they serve the \
same intent. Work through four subtasks and answer with one JSON object and nothing else:\n\
\"Subtask1\": \"Yes\" or \"No\", whether Answer1 solves the question;\n\
\"Subtask2\": the same for Answer2;\n\
\"Subtask3\": {\"Action items in Answer1\": [...], \"Action items in Answer2\": [...], \"Similar action items\": \
[\"item of 1 / item of 2\", ...], \"Count of similar action items\": number}, each item used at most once;\n\
\"Subtask4\": {\"More helpful assistant\": \"1\" or \"2\", \"Reason\": a sentence}.";

fn messages(question: &PlanQuestion) -> Vec<Message> {
    let list = |plan: &[String]| {
        plan.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect::<Vec<_>>().join("\n")
    };
    let (first, second) = (list(&question.predicted), list(&question.expected));
    let user = format!("<Question:> {}\n<Answer1:>\n{first}\n<Answer2:>\n{second}", question.task);
    vec![Message::new(Role::System, SYSTEM), Message::new(Role::User, user)]
}

/// Reads the judge's object, with or without text around it. A count cannot exceed either list.
fn read_comparison(question: &PlanQuestion, text: &str) -> Option<Comparison> {
    let object = text.get(text.find('{')?..=text.rfind('}')?)?;
    let said: Value = serde_json::from_str(object).ok()?;
    let items = said.get("Subtask3")?;
    let count = |key: &str, least: usize| items.get(key).and_then(Value::as_array).map_or(least, Vec::len);
    let predicted_steps = count("Action items in Answer1", question.predicted.len());
    let expected_steps = count("Action items in Answer2", question.expected.len());
    let similar = items.get("Count of similar action items")?;
    let similar = similar.as_u64().or_else(|| similar.as_str()?.trim().parse().ok())? as usize;
    Some(Comparison {
        solved: said.get("Subtask1")?.as_str()?.trim().eq_ignore_ascii_case("yes"),
        predicted_steps,
        expected_steps,
        matched: similar.min(predicted_steps).min(expected_steps),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> PlanQuestion {
        let expected = vec!["select kilo".to_owned(), "click Bold".to_owned()];
        PlanQuestion { task: "make kilo bold".into(), expected, predicted: vec!["click Bold".into()] }
    }

    #[test]
    fn the_matcher_counts_steps_and_demands_the_whole_plan() {
        let said = MatcherJudge.compare(&[question()]).unwrap();
        assert_eq!(said, [Comparison { solved: false, predicted_steps: 1, expected_steps: 2, matched: 1 }]);
    }

    #[test]
    fn a_judge_is_read_with_text_around_and_cannot_count_too_far() {
        let text = r#"Sure: {"Subtask1": "yes", "Subtask2": "Yes", "Subtask3": {"Action items in Answer1": ["a"],
            "Action items in Answer2": ["a", "b"], "Similar action items": ["a / a"],
            "Count of similar action items": "7"}, "Subtask4": {}}"#;
        let said = read_comparison(&question(), text);
        assert_eq!(said, Some(Comparison { solved: true, predicted_steps: 1, expected_steps: 2, matched: 1 }));
        assert_eq!(read_comparison(&question(), "I cannot say."), None);
    }

    #[test]
    fn the_prediction_is_the_first_answer() {
        let asked = messages(&question());
        assert!(asked[1].content.contains("<Answer1:>\n1. click Bold\n<Answer2:>\n1. select kilo\n2. click Bold"));
    }
}
