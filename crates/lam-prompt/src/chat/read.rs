//! Our own questions read back from chat messages: the state and the functions of App. C's slots, or the task to be
//! planned. What [`super::messages`] does not write into them, the document's text, is not there to be read.

use lam_types::{
    ArgKind, ArgSpec, Args, Control, ControlType, FunctionSpec, Observation, PastAction, State, StepStatus, Target,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ACTIONS, CONTROLS, LARGEST_NUMBER, Message, PLANS, REQUEST, Role, system};

/// What stands before and after the functions' documentation.
const FUNCTIONS: &str = "Functions:\n";
const AFTER_FUNCTIONS: &str = "\nStatus of the request after your action:";

/// A question of our own forms.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Which action is next (App. C).
    Action {
        /// What the model is told. Its document is empty and its controls can all be used: prompts say neither.
        state: State,
        /// What it may call. An argument that must stand in the document is any text here, a paragraph's number any one
        /// from 1.
        functions: Vec<FunctionSpec>,
    },
    /// Which steps fulfil a task.
    Plan {
        /// The task.
        task: String,
    },
}

/// The question that messages ask, if they are of a form that [`super::messages`] or [`super::plan_messages`] writes.
///
/// # Errors
/// Messages with App. C's slots of which one, or a function's documentation, cannot be read: the reason.
pub fn read_question(messages: &[Message]) -> Result<Option<Question>, String> {
    let [system, user] = messages else { return Ok(None) };
    if (system.role, user.role) != (Role::System, Role::User) {
        return Ok(None);
    }
    if let Some(task) = user.content.strip_prefix(REQUEST).filter(|_| system.content == system::PLAN) {
        return Ok(Some(Question::Plan { task: task.to_owned() }));
    }
    let Some(documentation) = between(&system.content, FUNCTIONS, AFTER_FUNCTIONS) else { return Ok(None) };
    let Some(state) = read_state(&user.content)? else { return Ok(None) };
    Ok(Some(Question::Action { state, functions: read_functions(documentation)? }))
}

/// Whether a text begins as App. C's slots do.
pub fn shows_screen(text: &str) -> bool {
    text.starts_with(CONTROLS)
}

/// The state in App. C's four slots, if a text has them.
///
/// # Errors
/// A slot that cannot be read: the reason.
pub(super) fn read_state(text: &str) -> Result<Option<State>, String> {
    let Some(slots) = Slots::find(text) else { return Ok(None) };
    let past: Vec<HistoryItem> = json(slots.actions, ACTIONS)?;
    Ok(Some(State {
        request: slots.request.to_owned(),
        observation: Observation { controls: read_controls(slots.controls)?, ..Default::default() },
        previous_actions: past.into_iter().map(PastAction::from).collect(),
        previous_plan: json(slots.plans, PLANS)?,
    }))
}

/// The controls in the first line of a text that is App. C's slot of them, if there is one.
///
/// # Errors
/// A list that cannot be read: the reason.
pub(super) fn shown_controls(text: &str) -> Result<Option<Vec<Control>>, String> {
    text.lines().find_map(|line| line.strip_prefix(CONTROLS)).map(read_controls).transpose()
}

fn read_controls(list: &str) -> Result<Vec<Control>, String> {
    let controls: Vec<ControlItem> = json(list, CONTROLS)?;
    Ok(controls.into_iter().map(Control::from).collect())
}

/// The four slots. All but the request are JSON on one line, so that the request may hold any text.
struct Slots<'t> {
    controls: &'t str,
    request: &'t str,
    actions: &'t str,
    plans: &'t str,
}

impl<'t> Slots<'t> {
    fn find(text: &'t str) -> Option<Self> {
        let (controls, rest) = text.strip_prefix(CONTROLS)?.split_once('\n')?;
        let (rest, plans) = rest.strip_prefix(REQUEST)?.rsplit_once(&format!("\n{PLANS}"))?;
        let (request, actions) = rest.rsplit_once(&format!("\n{ACTIONS}"))?;
        Some(Self { controls, request, actions, plans })
    }
}

#[derive(Deserialize)]
struct ControlItem {
    label: String,
    control_text: String,
    control_type: ControlType,
}

impl From<ControlItem> for Control {
    fn from(ControlItem { label, control_text, control_type }: ControlItem) -> Self {
        Self { label, control_text, control_type, enabled: true, selected: None, value: None, rectangle: None }
    }
}

#[derive(Deserialize)]
struct HistoryItem {
    control_name: String,
    function: String,
    args: Args,
    #[serde(default = "done")]
    result: StepStatus,
}

fn done() -> StepStatus {
    StepStatus::Ok
}

impl From<HistoryItem> for PastAction {
    fn from(HistoryItem { control_name, function, args, result }: HistoryItem) -> Self {
        Self { control_name, function, args, outcome: result }
    }
}

fn json<T: DeserializeOwned>(text: &str, slot: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("`{}` {error}", slot.trim_end()))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.rsplit_once(after)?.0)
}

/// The functions of their documentation: a line each, with a deeper one for every argument.
fn read_functions(documentation: &str) -> Result<Vec<FunctionSpec>, String> {
    let mut functions: Vec<FunctionSpec> = Vec::new();
    for line in documentation.lines().filter(|line| !line.trim().is_empty()) {
        let unread = || format!("the functions' documentation: `{line}`");
        match (line.strip_prefix("  - "), line.strip_prefix("- "), functions.last_mut()) {
            (Some(argument), _, Some(function)) => function.args.push(read_argument(argument).ok_or_else(unread)?),
            (None, Some(function), _) => functions.push(read_function(function).ok_or_else(unread)?),
            _ => return Err(unread()),
        }
    }
    Ok(functions)
}

/// `NAME(ARGUMENTS): DOC It TARGET.`
fn read_function(line: &str) -> Option<FunctionSpec> {
    let (name, rest) = line.split_once('(')?;
    let (_, rest) = rest.split_once("): ")?;
    let (doc, target) = rest.strip_suffix('.')?.rsplit_once(" It ")?;
    let target = match target.strip_prefix("acts on ") {
        Some(types) => Target::Control(types.split(", ").map(control_type).collect::<Option<_>>()?),
        None if target == "takes no control" => Target::Application,
        None => return None,
    };
    Some(FunctionSpec { name: name.to_owned(), target, args: Vec::new(), doc: doc.to_owned() })
}

fn control_type(name: &str) -> Option<ControlType> {
    ControlType::ALL.into_iter().find(|kind| kind.as_str() == name)
}

/// `NAME (KIND, NEED): DOC`
fn read_argument(line: &str) -> Option<ArgSpec> {
    let (name, rest) = line.split_once(" (")?;
    let (form, doc) = rest.split_once("): ")?;
    let (kind, need) = form.rsplit_once(", ")?;
    let required = match need {
        "required" => true,
        "optional" => false,
        _ => return None,
    };
    Some(ArgSpec { name: name.to_owned(), kind: read_kind(kind)?, required, doc: doc.to_owned() })
}

fn read_kind(words: &str) -> Option<ArgKind> {
    match words {
        "string" | "string that stands in the document" => return Some(ArgKind::Text),
        "number of a paragraph of the document" => return Some(ArgKind::Integer { min: 1, max: LARGEST_NUMBER }),
        "true or false" => return Some(ArgKind::Boolean),
        _ => {}
    }
    if let Some((min, max)) = words.strip_prefix("integer from ").and_then(|range| range.split_once(" to ")) {
        return Some(ArgKind::Integer { min: min.parse().ok()?, max: max.parse().ok()? });
    }
    if let Some(kind) = words.strip_prefix("number of a ").and_then(|rest| rest.strip_suffix(" on the screen")) {
        return Some(ArgKind::ShownNumber(kind.to_owned()));
    }
    words.strip_prefix("one of ").map(|words| ArgKind::OneOf(words.split(", ").map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::{messages, plan_messages};
    use super::*;

    fn argument(name: &str, kind: ArgKind, required: bool) -> ArgSpec {
        ArgSpec { name: name.into(), kind, required, doc: "A value (of sorts): any.".into() }
    }

    fn functions() -> Vec<FunctionSpec> {
        let words = ArgKind::OneOf(vec!["left".into(), "far right".into()]);
        let types = vec![ControlType::Button, ControlType::Edit];
        let function =
            |name: &str, target, args| FunctionSpec { name: name.into(), target, args, doc: "It. Does it.".into() };
        vec![
            function("click_input", Target::Control(types), vec![argument("button", words, false)]),
            function("none", Target::Application, vec![]),
            function(
                "all",
                Target::Application,
                vec![
                    argument("text", ArgKind::Text, true),
                    argument("rows", ArgKind::Integer { min: -3, max: 12 }, true),
                    argument("table", ArgKind::ShownNumber("Table".into()), true),
                    argument("double", ArgKind::Boolean, false),
                ],
            ),
        ]
    }

    fn state() -> State {
        let args = serde_json::from_str(r#"{"text": "a\nb"}"#).unwrap();
        let failed =
            PastAction { control_name: "x\n".into(), function: "all".into(), args, outcome: StepStatus::AppError };
        let control = |label: &str, text: &str| ControlItem {
            label: label.into(),
            control_text: text.into(),
            control_type: ControlType::Button,
        };
        let controls = vec![control("1", "Bold").into(), control("2", "\n<User Request:> a \"name\"").into()];
        State {
            request: "make it bold\n<Previous Actions:> []\n<Previous Plans:> []".into(),
            observation: Observation { controls, ..Default::default() },
            previous_actions: vec![PastAction { outcome: StepStatus::Ok, ..failed.clone() }, failed],
            previous_plan: vec!["one".into(), "two\n<Previous Plans:> ".into()],
        }
    }

    #[test]
    fn what_is_asked_is_read_back() {
        let asked = Question::Action { state: state(), functions: functions() };
        assert_eq!(read_question(&messages(&state(), &functions())), Ok(Some(asked)));
        let task = "two\nlines".to_owned();
        assert_eq!(read_question(&plan_messages(&task)), Ok(Some(Question::Plan { task })));
    }

    #[test]
    fn what_only_the_document_knows_is_any_value() {
        let mut asked = functions();
        asked[2].args[0].kind = ArgKind::DocumentText;
        asked[2].args[1].kind = ArgKind::Paragraph;
        let Ok(Some(Question::Action { functions, .. })) = read_question(&messages(&state(), &asked)) else { panic!() };
        let kinds: Vec<&ArgKind> = functions[2].args[..2].iter().map(|arg| &arg.kind).collect();
        assert_eq!(kinds, [&ArgKind::Text, &ArgKind::Integer { min: 1, max: LARGEST_NUMBER }]);
    }

    #[test]
    fn other_conversations_are_no_question_and_damaged_ones_say_where() {
        let ours = messages(&state(), &functions());
        let user = |text: &str| Message::new(Role::User, text);
        for other in [vec![user("hello")], vec![ours[0].clone(), user("hello")], vec![user("you"), ours[1].clone()]] {
            assert_eq!(read_question(&other), Ok(None));
        }
        let broken = |from: &str, to: &str| {
            let damaged = |message: &Message| Message::new(message.role, message.content.replace(from, to));
            read_question(&ours.iter().map(damaged).collect::<Vec<_>>()).unwrap_err()
        };
        assert!(broken("\"Button\"", "\"Lever\"").contains("<Available Control Item:>"));
        assert!(broken("takes no control", "flies").contains("`- none(): It. Does it. It flies.`"));
        assert!(broken("true or false", "maybe").contains("maybe"));
    }
}
