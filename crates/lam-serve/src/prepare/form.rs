//! What an answer must be: the form that is asked for, App. C's controls and functions, or calls of tools.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lam_prompt::{
    CallFormat, CallReader, OutputFormat, Question, Renderer, StructuredConstraint, TokenConstraint, Tool, ToolQuestion,
};
use lam_types::{FunctionSpec, Observation, State};

use super::prompt::Asks;
use crate::ask::{Ask, ToolChoice, Tools, is_any_object};
use crate::calls::Calls;
use crate::model::ServedModel;
use crate::refusal::Refusal;

/// Most calls of an answer that must make some.
const CALLS: usize = 16;
/// How long the tool is looked for whose schema is refused.
const SEARCH: Duration = Duration::from_millis(500);

/// What an answer must be.
pub enum Form {
    /// Anything.
    Free,
    /// Of a form that is compiled, and the field that asks for it.
    Structured(Box<StructuredConstraint>, &'static str),
    /// An action on a screen.
    Action { observation: Observation, functions: Vec<FunctionSpec> },
    /// An action on a screen with functions as tools, which must call one or may also do nothing.
    Call { question: Arc<ToolQuestion>, must_call: bool },
}

impl Form {
    /// A constraint for one answer.
    pub fn constraint(&self, renderer: &Renderer) -> Option<Box<dyn TokenConstraint>> {
        match self {
            Self::Free => None,
            Self::Structured(form, _) => Some(form.clone()),
            Self::Action { observation, functions } => Some(renderer.action_constraint(observation, functions)),
            Self::Call { question, must_call } => Some(renderer.question_constraint(question, *must_call)),
        }
    }

    /// The field that asks for it, where one does.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Structured(_, field) => Some(*field),
            Self::Free | Self::Action { .. } | Self::Call { .. } => None,
        }
    }
}

/// What the answers to a prompt must be, and how their calls are found. With `executable`, answers to App. C's question
/// and to UFO's are kept to its controls and functions.
///
/// # Errors
/// A form that is not understood, or calls that cannot be made.
pub fn form(ask: &Ask, asks: &mut Asks, model: &ServedModel, executable: bool) -> Result<(Form, Calls), Refusal> {
    let tools = ask.tools.as_ref().filter(|tools| tools.choice != ToolChoice::None);
    match (asks, tools) {
        (Asks::Tools(question), Some(tools)) => of_question(ask, question, tools),
        (_, Some(tools)) if !model.renderer.is_compact() => of_tools(ask, tools, model),
        // An answer without calls would be taken for the model's choice.
        (_, Some(tools)) => {
            let field = if tools.choice == ToolChoice::Auto { "tools" } else { "tool_choice" };
            let message = "this model writes a form of its own and calls functions on a screen alone: ask it with App. C's \
                           slots, or without tools";
            Err(Refusal::of_field(field, message).code("unsupported_parameter"))
        }
        (asks, None) => Ok((asked_for(ask, asks, model, executable)?, Calls::None)),
    }
}

fn asked_for(ask: &Ask, asks: &Asks, model: &ServedModel, executable: bool) -> Result<Form, Refusal> {
    match (&ask.format, asks) {
        // Its answers are objects, which is all that may be asked of them.
        (_, Asks::Ufo(asked)) if executable => {
            let (observation, functions) = (asked.state().observation.clone(), asked.functions().to_vec());
            Ok(Form::Action { observation, functions })
        }
        (_, Asks::Ufo(_)) => Ok(Form::Free),
        // So are those of App. C's form.
        (None, Asks::Question(Question::Action { state, functions })) if executable => of_screen(state, functions),
        (Some(format), Asks::Question(Question::Action { state, functions }))
            if executable && is_any_object(format) =>
        {
            of_screen(state, functions)
        }
        (Some(format), _) => {
            let field = "response_format";
            let refused = |reason| Refusal::of_field(field, reason).code("unsupported_response_format");
            Ok(Form::Structured(Box::new(model.constraint(format).map_err(refused)?), field))
        }
        _ => Ok(Form::Free),
    }
}

/// An action with a screen's controls and functions.
fn of_screen(state: &State, functions: &[FunctionSpec]) -> Result<Form, Refusal> {
    Ok(Form::Action { observation: state.observation.clone(), functions: functions.to_vec() })
}

/// App. C's action as a call of one of its functions.
fn of_question(ask: &Ask, question: &mut ToolQuestion, tools: &Tools) -> Result<(Form, Calls), Refusal> {
    if ask.format.is_some() {
        let message =
            "an answer to App. C's question with tools has its own form; leave `response_format` or `tools` out";
        return Err(Refusal::of_field("response_format", message).code("unsupported_response_format"));
    }
    if let ToolChoice::Named(place) = tools.choice {
        let name = tools.offered[place].name();
        let names: Vec<String> = question.functions.iter().map(|spec| spec.name.clone()).collect();
        question.functions.retain(|spec| spec.name == name);
        if question.functions.is_empty() {
            let message = format!("`{name}` is no function of the question, which has {}", names.join(", "));
            return Err(Refusal::of_field("tool_choice.function.name", message));
        }
    }
    let must_call = tools.choice != ToolChoice::Auto;
    if must_call && !question.can_call() {
        let message = "the screen has no control that a tool could be called on";
        return Err(Refusal::of_field("tool_choice", message));
    }
    let question = Arc::new(question.clone());
    Ok((Form::Call { question: Arc::clone(&question), must_call }, Calls::Action(question)))
}

/// Calls as the model writes them, or in a form to which it is kept.
fn of_tools(ask: &Ask, tools: &Tools, model: &ServedModel) -> Result<(Form, Calls), Refusal> {
    let (offered, most) = match tools.choice {
        ToolChoice::Named(place) => (vec![tools.offered[place].clone()], 1),
        _ => (tools.offered.clone(), if tools.parallel { CALLS } else { 1 }),
    };
    let names: Vec<String> = offered.iter().map(|tool| tool.name().to_owned()).collect();
    let content = match &ask.format {
        Some(OutputFormat::JsonSchema(schema)) if tools.choice == ToolChoice::Auto => Some(schema.clone()),
        _ => None,
    };
    if tools.choice == ToolChoice::Auto && content.is_none() {
        let most = if tools.parallel { usize::MAX } else { 1 };
        return Ok((Form::Free, Calls::Written(CallReader::new(names, most, false))));
    }
    let rest = if content.is_some() { "response_format" } else { "tools" };
    let form = model.constraint(&OutputFormat::Calls(CallFormat { tools: offered.clone(), most, content }));
    let form = form.map_err(|reason| refused_schema((&offered, rest), tools, model, reason))?;
    Ok((Form::Structured(Box::new(form), "tools"), Calls::Written(CallReader::new(names, most, true))))
}

/// The refusal of the tool whose schema cannot be compiled, or else of `rest`: the form of the content, or all tools.
fn refused_schema((called, rest): (&[Tool], &str), tools: &Tools, model: &ServedModel, reason: String) -> Refusal {
    let fault = |tool: &Tool| {
        let alone = CallFormat { tools: vec![tool.clone()], most: 1, content: None };
        let alone = model.constraint(&OutputFormat::Calls(alone));
        let place = tools.offered.iter().position(|offered| offered == tool)?;
        Some((format!("tools[{place}].function.parameters"), alone.err()?))
    };
    // What takes long, all of them together do.
    let until = Instant::now() + SEARCH;
    let mut searched = called.iter().take_while(|_| Instant::now() < until);
    let (param, reason) = searched.find_map(fault).unwrap_or((rest.to_owned(), reason));
    Refusal::of_field(param, reason).code("unsupported_schema")
}
