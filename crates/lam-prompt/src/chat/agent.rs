//! App. C's question in an agent's conversation: the functions are offered as tools, what was called is told as calls
//! and their results, and the answer's action is a call. Knows no tokens.

use std::collections::{BTreeMap, BTreeSet};

use lam_types::{
    Action, ArgKind, ArgSpec, Args, Control, ControlType, FunctionSpec, Observation, PastAction, State, StepStatus,
    Target,
};
use serde_json::{Map, Value, json};

use super::read::{Question, read_question, read_state, shown_controls};
use super::{LARGEST_NUMBER, Message, Role, Tool, ToolCall, messages};
use crate::answer::parse_action_text;
use crate::callable::Callable;

/// Parameters that hold the label of the control that is acted on, and its name.
const LABELS: [&str; 3] = ["control_label", "label", "id"];
const NAMES: [&str; 3] = ["control_name", "control_text", "name"];

/// App. C's question, asked with its functions as tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolQuestion {
    /// The question as App. C's two messages.
    pub messages: Vec<Message>,
    /// What the model is told.
    pub state: State,
    /// The functions that are offered as tools; their arguments are what both of them allow.
    pub functions: Vec<FunctionSpec>,
    /// All functions of the question.
    documented: Vec<FunctionSpec>,
    /// For each of them that acts on a control, where its call names the control.
    places: BTreeMap<String, ControlPlace>,
    /// The labels of the only controls of the screen that some of them may be called with.
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// Why a conversation with App. C's slots cannot be answered by calls: what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolQuestionError {
    /// With a message.
    Messages(String),
    /// With all tools.
    Tools(String),
    /// With the parameters of the tool at this place.
    Tool(usize, String),
}

impl From<String> for ToolQuestionError {
    fn from(reason: String) -> Self {
        Self::Messages(reason)
    }
}

/// Where a call names its control.
#[derive(Clone, Debug, PartialEq)]
struct ControlPlace {
    label: String,
    /// Whether the label is written as a number.
    is_number: bool,
    name: Option<String>,
    /// The only labels and names that the tool takes, where it says so.
    only: [Option<Vec<String>>; 2],
}

impl ControlPlace {
    /// Where a call names it if its tool does not say.
    fn usual() -> Self {
        Self { label: LABELS[0].to_owned(), is_number: false, name: Some(NAMES[0].to_owned()), only: [None, None] }
    }

    /// The parameters that do not take every control.
    fn limits(&self) -> String {
        let names = [Some(&self.label), self.name.as_ref()].into_iter().zip(&self.only);
        let names = names.filter(|(_, only)| only.is_some()).flat_map(|(name, _)| name);
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
    }

    /// The labels of the controls of a screen that the tool takes; `None` where it takes any.
    fn labels(&self, observation: &Observation) -> Option<BTreeSet<String>> {
        let [labels, names] = &self.only;
        let takes = |only: &Option<Vec<String>>, word: &String| only.as_ref().is_none_or(|only| only.contains(word));
        let taken = |shown: &&Control| takes(labels, &shown.label) && takes(names, &shown.control_text);
        let is_limited = labels.is_some() || names.is_some();
        is_limited.then(|| observation.usable().filter(taken).map(|shown| shown.label.clone()).collect())
    }
}

impl ToolQuestion {
    /// The question of a conversation that ends in App. C's slots, or in calls since then and their results. Without
    /// App. C's system text, the functions are made of the tools. What was called becomes a previous action, with the
    /// status that the result names (`app_error` and its like); a result with App. C's list of controls is the new
    /// screen. Other words of a result have no place in App. C's form.
    ///
    /// # Errors
    /// Slots that cannot be read, or tools that cannot be the functions of App. C.
    pub fn read(conversation: &[Message], tools: &[Tool]) -> Result<Option<Self>, ToolQuestionError> {
        let Some(user) = conversation.iter().rposition(|message| message.role == Role::User) else { return Ok(None) };
        let (head, turns) = conversation.split_at(user + 1);
        if !turns.iter().all(Message::is_of_tools) {
            return Ok(None);
        }
        let (state, documented) = match head {
            [user] => match read_state(&user.content)? {
                Some(state) if !tools.is_empty() => (state, functions_of(tools)?),
                _ => return Ok(None),
            },
            _ => match read_question(head)? {
                Some(Question::Action { state, functions }) => (state, functions),
                _ => return Ok(None),
            },
        };
        let (functions, places) = offered(&documented, tools)?;
        let labels = BTreeMap::new();
        let mut question = Self { messages: Vec::new(), state, functions, documented, places, labels };
        question.follow(turns)?;
        question.limit(tools)?;
        let own = messages(&question.state, &question.documented);
        let [own_system, own_user] = own.try_into().expect("App. C has two messages");
        let system = if head.len() > 1 { head[0].clone() } else { own_system };
        let user = if turns.is_empty() { conversation[user].clone() } else { own_user };
        question.messages = vec![system, user];
        Ok(Some(question))
    }

    /// Whether any of the tools can be called on the screen.
    pub fn can_call(&self) -> bool {
        let callable = self.callable(true);
        self.functions.iter().any(|spec| callable.can_call(spec, &self.state.observation))
    }

    /// What an answer may call.
    pub(crate) fn callable(&self, must_call: bool) -> Callable<'_> {
        Callable { functions: &self.functions, labels: Some(&self.labels), must_call }
    }

    /// The same question where nothing is called.
    pub fn without_tools(self) -> Question {
        Question::Action { state: self.state, functions: self.documented }
    }

    /// The call that an action is, as a tool's name and arguments; `None` where it calls nothing that is offered.
    pub fn call_of(&self, action: &Action) -> Option<(String, Args)> {
        self.functions.iter().find(|spec| spec.name == action.function)?;
        let mut arguments = Args::new();
        if let Some(place) = self.places.get(&action.function) {
            let label = match action.control_label.parse::<i64>() {
                Ok(number) if place.is_number => number.into(),
                _ => Value::from(action.control_label.as_str()),
            };
            arguments.insert(place.label.clone(), label);
            arguments.extend(place.name.clone().map(|name| (name, action.control_name.as_str().into())));
        }
        arguments.extend(action.args.clone());
        Some((action.function.clone(), arguments))
    }

    /// Takes what was called since the question, and what came of it.
    fn follow(&mut self, turns: &[Message]) -> Result<(), String> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for turn in turns {
            if let Some(action) = parse_action_text(&turn.content).ok().filter(|_| turn.role == Role::Assistant) {
                self.state.previous_plan = action.plan;
            }
            for call in &turn.tool_calls {
                places.insert(&call.id, self.state.previous_actions.len());
                let past = self.past(call);
                self.state.previous_actions.push(past);
            }
            let place = turn.tool_call_id.as_deref().and_then(|id| places.get(id));
            if let Some(place) = place {
                self.state.previous_actions[*place].outcome = outcome(&turn.content);
            }
            if turn.role == Role::Tool
                && let Some(controls) = shown_controls(&turn.content)?
            {
                self.state.observation.controls = controls;
            }
        }
        Ok(())
    }

    /// Takes what the tools say of the controls that they take.
    fn limit(&mut self, tools: &[Tool]) -> Result<(), ToolQuestionError> {
        let observation = &self.state.observation;
        for (name, place) in &self.places {
            let Some(labels) = place.labels(observation) else { continue };
            if labels.is_empty() {
                let tool = tools.iter().position(|tool| tool.name() == name).unwrap_or_default();
                let shown = observation.usable().map(|control| format!("{} {}", control.label, control.control_text));
                let (limits, shown) = (place.limits(), shown.collect::<Vec<_>>().join(", "));
                let reason = format!("`{name}`: `enum` or `const` of {limits} leaves none of the controls {shown}");
                return Err(ToolQuestionError::Tool(tool, reason));
            }
            self.labels.insert(name.clone(), labels);
        }
        Ok(())
    }

    fn past(&self, call: &ToolCall) -> PastAction {
        let mut args = call.function.arguments.clone();
        let usual = ControlPlace::usual();
        let place = self.places.get(&call.function.name).unwrap_or(&usual);
        let label = args.shift_remove(&place.label);
        let label = label.map(|label| text(&label).unwrap_or_else(|| label.to_string()));
        let name = place.name.as_ref().and_then(|name| args.shift_remove(name)).and_then(|name| text(&name));
        let shown = label.and_then(|label| self.state.observation.control(&label));
        let control_name = name.or_else(|| Some(shown?.control_text.clone())).unwrap_or_default();
        PastAction { control_name, function: call.function.name.clone(), args, outcome: StepStatus::Ok }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// What a result says of its call: a status alone, or as `status` or `result` of an object; any other text is what a
/// call that went well gave.
fn outcome(result: &str) -> StepStatus {
    let object: Option<Map<String, Value>> = serde_json::from_str(result).ok();
    let named = object.as_ref().and_then(|object| object.get("status").or_else(|| object.get("result")));
    let word = named.cloned().unwrap_or_else(|| json!(result.trim()));
    serde_json::from_value(word).unwrap_or(StepStatus::Ok)
}

/// The functions that are offered as tools, and where their calls name controls.
fn offered(
    documented: &[FunctionSpec],
    tools: &[Tool],
) -> Result<(Vec<FunctionSpec>, BTreeMap<String, ControlPlace>), ToolQuestionError> {
    let (mut functions, mut places) = (Vec::new(), BTreeMap::new());
    for spec in documented {
        let Some(place) = tools.iter().position(|tool| tool.name() == spec.name) else { continue };
        let fault = |reason| ToolQuestionError::Tool(place, reason);
        if spec.target != Target::Application {
            places.insert(spec.name.clone(), control_place(&tools[place], spec).map_err(fault)?);
        }
        functions.push(narrowed(spec, &tools[place]).map_err(fault)?);
    }
    if functions.is_empty() && !tools.is_empty() {
        let names: Vec<&str> = documented.iter().map(|spec| spec.name.as_str()).collect();
        let reason = format!("no tool is a function of the question, which has {}", names.join(", "));
        return Err(ToolQuestionError::Tools(reason));
    }
    Ok((functions, places))
}

/// Where a tool's call names its control: a parameter of a known name, or one that a tool without parameters gets.
fn control_place(tool: &Tool, spec: &FunctionSpec) -> Result<ControlPlace, String> {
    let known = properties(tool);
    let is_own = |name: &str| spec.args.iter().any(|arg| arg.name == name);
    let find = |names: [&'static str; 3]| names.into_iter().find(|name| known.contains_key(*name) && !is_own(name));
    let parameters = &tool.function.parameters;
    if known.is_empty() && parameters.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Ok(ControlPlace::usual());
    }
    let Some(label) = find(LABELS) else {
        let reason = "acts on a control, and none of its parameters holds the control's label";
        return Err(format!("`{}` {reason}: call one of them {}", tool.name(), LABELS.join(", ")));
    };
    let name = find(NAMES);
    let is_number = takes_numbers(&known[label]);
    let only = [Some(label), name].map(|name| words(&known[name?]));
    Ok(ControlPlace { label: label.to_owned(), is_number, name: name.map(str::to_owned), only })
}

/// Whether the values of a parameter are numbers.
fn takes_numbers(schema: &Value) -> bool {
    if let Some(ways) = schema["anyOf"].as_array() {
        return ways.iter().any(takes_numbers);
    }
    let is_of_numbers = |kind: &Value| matches!(kind.as_str(), Some("integer" | "number"));
    let types = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    types.iter().any(is_of_numbers) || schema["const"].is_number() || schema["enum"][0].is_number()
}

/// The only values of a parameter as texts, if its schema lists them.
fn words(schema: &Value) -> Option<Vec<String>> {
    let written = |value: &Value| text(value).unwrap_or_else(|| value.to_string());
    if let Some(ways) = schema["anyOf"].as_array() {
        return words(ways.iter().find(|way| way["type"] != "null")?);
    }
    match (&schema["const"], &schema["enum"]) {
        (Value::Null, Value::Array(values)) => Some(values.iter().map(written).collect()),
        (Value::Null, _) => None,
        (value, _) => Some(vec![written(value)]),
    }
}

/// A function with the arguments that its tool takes too.
fn narrowed(spec: &FunctionSpec, tool: &Tool) -> Result<FunctionSpec, String> {
    let (mut spec, known) = (spec.clone(), properties(tool));
    for arg in &mut spec.args {
        let Some(taken) = known.get(&arg.name).and_then(kind) else { continue };
        let both = both(&arg.kind, taken).ok_or_else(|| {
            let (tool, name) = (tool.name(), &arg.name);
            format!("the parameter `{name}` of `{tool}` takes nothing that the question's function `{tool}` takes")
        })?;
        arg.kind = both;
    }
    Ok(spec)
}

/// What a function takes as an argument and its tool too; `None` where that is nothing. Of other kinds the function's
/// own holds.
fn both(own: &ArgKind, taken: ArgKind) -> Option<ArgKind> {
    match (own, taken) {
        (ArgKind::OneOf(own), ArgKind::OneOf(words)) => {
            let both: Vec<String> = own.iter().filter(|word| words.contains(word)).cloned().collect();
            (!both.is_empty()).then_some(ArgKind::OneOf(both))
        }
        (ArgKind::Text, words @ ArgKind::OneOf(_)) => Some(words),
        (ArgKind::Integer { min, max }, ArgKind::Integer { min: low, max: high }) => {
            // The largest number is that of a tool which says nothing.
            let min = if low == -LARGEST_NUMBER { *min } else { low.max(*min) };
            let max = if high == LARGEST_NUMBER { *max } else { high.min(*max) };
            (min <= max).then_some(ArgKind::Integer { min, max })
        }
        (own, _) => Some(own.clone()),
    }
}

fn properties(tool: &Tool) -> Map<String, Value> {
    tool.function.parameters["properties"].as_object().cloned().unwrap_or_default()
}

/// The functions that tools are. One with a parameter for a control's label acts on any control.
fn functions_of(tools: &[Tool]) -> Result<Vec<FunctionSpec>, ToolQuestionError> {
    let function =
        |(place, tool): (usize, &Tool)| function_of(tool).map_err(|reason| ToolQuestionError::Tool(place, reason));
    tools.iter().enumerate().map(function).collect()
}

fn function_of(tool: &Tool) -> Result<FunctionSpec, String> {
    let properties = properties(tool);
    let of_control = [LABELS, NAMES].map(|names| names.into_iter().find(|name| properties.contains_key(*name)));
    let target = match of_control[0] {
        Some(_) => Target::Control(ControlType::ALL.to_vec()),
        None => Target::Application,
    };
    let required = tool.function.parameters["required"].as_array().cloned().unwrap_or_default();
    let is_control = |name: &str| of_control[0].is_some() && of_control.contains(&Some(name));
    let argument = |(name, schema): (&String, &Value)| {
        let unknown = || {
            let known = "strings, whole numbers, true or false, and one or more strings of an enum are known";
            format!("the parameter `{name}` of `{}` is no argument of App. C: {known}", tool.name())
        };
        Ok(ArgSpec {
            name: name.clone(),
            kind: kind(schema).ok_or_else(unknown)?,
            required: required.iter().any(|needed| needed == name),
            doc: on_one_line(schema["description"].as_str().unwrap_or_default()),
        })
    };
    let arguments = properties.iter().filter(|(name, _)| !is_control(name)).map(argument);
    Ok(FunctionSpec {
        name: tool.name().to_owned(),
        target,
        args: arguments.collect::<Result<_, String>>()?,
        doc: on_one_line(tool.function.description.as_deref().unwrap_or_default()),
    })
}

/// What a parameter may hold; of several types the first that is not `null`.
fn kind(schema: &Value) -> Option<ArgKind> {
    if let Some(ways) = schema["anyOf"].as_array() {
        return kind(ways.iter().find(|way| way["type"] != "null")?);
    }
    if let Some(word) = schema["const"].as_str() {
        return Some(ArgKind::OneOf(vec![word.to_owned()]));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(text).collect::<Option<_>>()?;
        // Of none, an answer could choose nothing.
        return (!words.is_empty()).then_some(ArgKind::OneOf(words));
    }
    let types = schema["type"].as_array().and_then(|types| types.iter().find(|kind| *kind != "null"));
    match types.unwrap_or(&schema["type"]).as_str()? {
        "string" => Some(ArgKind::Text),
        "boolean" => Some(ArgKind::Boolean),
        "integer" => {
            let bound = |name: &str, otherwise| schema[name].as_i64().unwrap_or(otherwise);
            let (min, max) = (bound("minimum", -LARGEST_NUMBER), bound("maximum", LARGEST_NUMBER));
            Some(ArgKind::Integer { min, max })
        }
        _ => None,
    }
}

/// Documentation is read back line by line.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
