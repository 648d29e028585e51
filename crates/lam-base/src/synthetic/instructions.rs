//! Synthetic prompts and answers in the form of real ones: a request that spells out its steps, a screen of made-up
//! controls, and the answer that carries out the next step. The model needs no knowledge for them, it only copies: the
//! control's name and label from the screen, the arguments from the request, the remaining steps into the plan.
//!
//! Names and texts are drawn from the whole lexicon, so that words no task ever used can be copied too. Knows no
//! application: functions and the wording of a step come in.

use lam_types::{
    Action, ArgKind, ArgSpec, Args, Control, ControlType, FunctionSpec, Observation, PastAction, State, Status,
    StepStatus, Target,
};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// What synthetic instructions are made of.
pub struct Material<'a> {
    /// Functions that answers may call.
    pub functions: &'a [FunctionSpec],
    /// Words for names and texts.
    pub lexicon: &'a [String],
    /// How a step is worded.
    pub step_text: &'a dyn Fn(&lam_types::Call) -> String,
    /// Controls on a screen, at least and at most.
    pub controls: (usize, usize),
    /// Steps of a request at most.
    pub max_steps: usize,
}

/// One call of an instruction, before it is placed on a screen.
struct Call<'a> {
    function: &'a FunctionSpec,
    control_name: String,
    args: Args,
    text: String,
}

/// A state and its answer.
pub fn instruction(material: &Material<'_>, rng: &mut ChaCha8Rng) -> (State, Action) {
    let calls: Vec<Call<'_>> = (0..rng.random_range(1..=material.max_steps)).map(|_| call(material, rng)).collect();
    let now = rng.random_range(0..calls.len());
    let observation = screen(material, &calls[now], rng);
    let steps_after = |index: usize| calls[index + 1..].iter().map(|call| call.text.clone()).collect::<Vec<_>>();
    let label = observation.controls_named(&calls[now].control_name).next().map_or(String::new(), |c| c.label.clone());
    let state = State {
        request: request(&calls, rng),
        observation,
        previous_actions: calls[..now].iter().map(past).collect(),
        previous_plan: if now == 0 { Vec::new() } else { steps_after(now - 1) },
    };
    let action = Action {
        thought: calls[now].text.clone(),
        control_label: label,
        control_name: calls[now].control_name.clone(),
        function: calls[now].function.name.clone(),
        args: calls[now].args.clone(),
        status: if now + 1 == calls.len() { Status::Finish } else { Status::Continue },
        plan: steps_after(now),
    };
    (state, action)
}

fn call<'a>(material: &Material<'a>, rng: &mut ChaCha8Rng) -> Call<'a> {
    let function = material.functions.choose(rng).expect("an application offers functions");
    let control_name = match function.target {
        Target::Control(_) => words(material.lexicon, 1, 2, rng),
        Target::Application => String::new(),
    };
    let mut args = Args::new();
    for spec in function.args.iter().filter(|spec| spec.required) {
        args.insert(spec.name.clone(), value(spec, material.lexicon, rng));
    }
    let call = lam_types::Call { function: function.name.clone(), control_name, args };
    let text = (material.step_text)(&call);
    Call { function, control_name: call.control_name, args: call.args, text }
}

fn value(spec: &ArgSpec, lexicon: &[String], rng: &mut ChaCha8Rng) -> Value {
    match &spec.kind {
        ArgKind::Text | ArgKind::DocumentText => words(lexicon, 1, 3, rng).into(),
        ArgKind::Integer { min, max } => rng.random_range(*min..=(*max).min(min + 20)).into(),
        ArgKind::ShownNumber(_) | ArgKind::Paragraph => rng.random_range(1..=21).into(),
        ArgKind::Boolean => rng.random_bool(0.5).into(),
        ArgKind::OneOf(choices) => choices.choose(rng).cloned().unwrap_or_default().into(),
    }
}

/// So many words, separated by single spaces.
fn words(lexicon: &[String], least: usize, most: usize, rng: &mut ChaCha8Rng) -> String {
    let count = rng.random_range(least..=most);
    let drawn: Vec<&str> = (0..count).map(|_| lexicon.choose(rng).expect("the lexicon holds words").as_str()).collect();
    drawn.join(" ")
}

/// A screen with the call's control at a random place among others.
fn screen(material: &Material<'_>, call: &Call<'_>, rng: &mut ChaCha8Rng) -> Observation {
    let count = rng.random_range(material.controls.0..=material.controls.1);
    let mut named: Vec<(String, ControlType)> = (0..count)
        .map(|_| {
            let kind = *ControlType::ALL.choose(rng).expect("there are control types");
            (words(material.lexicon, 1, 2, rng), kind)
        })
        .filter(|(name, _)| *name != call.control_name)
        .collect();
    if let Target::Control(kinds) = &call.function.target {
        let kind = kinds.choose(rng).copied().unwrap_or(ControlType::Button);
        let place = rng.random_range(0..=named.len());
        named.insert(place, (call.control_name.clone(), kind));
    }
    let control = |(index, (control_text, control_type)): (usize, (String, ControlType))| Control {
        label: (index + 1).to_string(),
        control_text,
        control_type,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let document = call.args.values().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
    Observation { controls: named.into_iter().enumerate().map(control).collect(), document, selection: String::new() }
}

/// The steps in words, text arguments in quotes, joined in one of several ways.
fn request(calls: &[Call<'_>], rng: &mut ChaCha8Rng) -> String {
    let joint = [" , then ", " and ", " ; ", " , "].choose(rng).expect("there are joints");
    calls.iter().map(quoted).collect::<Vec<_>>().join(joint)
}

fn quoted(call: &Call<'_>) -> String {
    let mut text = call.text.clone();
    for value in call.args.values().filter_map(Value::as_str) {
        text = text.replacen(value, &format!("'{value}'"), 1);
    }
    text
}

fn past(call: &Call<'_>) -> PastAction {
    PastAction {
        control_name: call.control_name.clone(),
        function: call.function.name.clone(),
        args: call.args.clone(),
        outcome: StepStatus::Ok,
    }
}
