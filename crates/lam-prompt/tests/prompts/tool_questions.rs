//! App. C's question with its functions as tools: what is read of the conversation, what the answer's call is, and that
//! an answer which must call does.

use lam_prompt::{
    AnswerLimits, Message, Question, Renderer, Role, TokenConstraint, Tool, ToolCall, ToolQuestion, ToolQuestionError,
    messages, parse_action_text,
};
use lam_types::{Action, ArgKind, ControlType, FunctionSpec, StepStatus, Target};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::{fixture, templates};

fn arguments(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn schema(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// Three of the fixture's functions, each of which names controls in its own way, and a tool that is none of them.
fn tools() -> Vec<Tool> {
    let text = json!({"type": "string"});
    vec![
        Tool::new("click_input", None, schema(json!({"id": {"type": "integer"}, "name": text, "button": text}))),
        Tool::new("set_edit_text", None, schema(json!({"control_label": text, "text": text}))),
        Tool::new("insert_table", None, schema(json!({"rows": {"type": "integer"}, "columns": {"type": "integer"}}))),
        Tool::new("ask_somebody", None, schema(json!({}))),
    ]
}

fn read(conversation: &[Message], tools: &[Tool]) -> ToolQuestion {
    ToolQuestion::read(conversation, tools).expect("it can be read").expect("it is App. C's question")
}

fn names(functions: &[FunctionSpec]) -> Vec<&str> {
    functions.iter().map(|spec| spec.name.as_str()).collect()
}

fn action(function: &str, label: &str, name: &str, args: Value) -> lam_types::Action {
    let action = json!({"thought": "t", "control_label": label, "control_name": name, "function": function,
        "args": args, "status": "CONTINUE", "plan": ["next"]});
    parse_action_text(&action.to_string()).expect("an action")
}

#[test]
fn an_action_is_a_call_of_the_tool_with_its_functions_name() {
    let asked = messages(&fixture::state(), &fixture::functions());
    let question = read(&asked, &tools());
    assert_eq!(names(&question.functions), ["click_input", "set_edit_text", "insert_table"]);
    assert_eq!(question.messages, asked);
    let call = |function: &str, label: &str, name: &str, args: Value| {
        question.call_of(&action(function, label, name, args)).map(|(name, arguments)| (name, Value::Object(arguments)))
    };
    let expected = json!({"id": 1, "name": "Bold", "button": "left"});
    assert_eq!(call("click_input", "1", "Bold", json!({"button": "left"})), Some(("click_input".into(), expected)));
    let expected = json!({"control_label": "3", "text": "x"});
    assert_eq!(call("set_edit_text", "3", "Find", json!({"text": "x"})), Some(("set_edit_text".into(), expected)));
    let expected = json!({"rows": 1, "columns": 2});
    assert_eq!(call("insert_table", "", "", expected.clone()), Some(("insert_table".into(), expected)));
    assert_eq!(call("", "", "", json!({})), None);
    assert_eq!(call("set_font", "", "", json!({})), None, "it was not offered");
    let Question::Action { functions, .. } = question.without_tools() else { panic!() };
    assert_eq!(functions.len(), fixture::functions().len());
    // A tool without parameters gets the usual ones.
    let bare = read(&asked, &[Tool::new("click_input", None, schema(json!({})))]);
    let (_, arguments) = bare.call_of(&action("click_input", "1", "Bold", json!({}))).expect("a call");
    assert_eq!(Value::Object(arguments), json!({"control_label": "1", "control_name": "Bold"}));
}

#[test]
fn calls_and_results_since_the_question_are_previous_actions() {
    let asked = messages(&fixture::state(), &fixture::functions());
    let call = |id: &str, name: &str, value: Value| ToolCall::new(id, name, arguments(value));
    let result = |id: &str, text: &str| Message { tool_call_id: Some(id.into()), ..Message::new(Role::Tool, text) };
    let said = lam_prompt::action_json(&action("click_input", "1", "Bold", json!({})));
    let calls = vec![
        call("a", "click_input", json!({"id": 1, "button": "left"})),
        call("b", "insert_table", json!({"rows": 1})),
    ];
    let screen = r#"<Available Control Item:> [{"label": "9", "control_text": "New", "control_type": "Button"}]"#;
    let mut conversation = asked.clone();
    conversation.extend([
        Message { tool_calls: calls, ..Message::new(Role::Assistant, said) },
        result("a", &format!("Done.\n{screen}")),
        result("b", r#"{"status": "app_error", "why": "no table"}"#),
    ]);
    let question = read(&conversation, &tools());
    let past = &question.state.previous_actions;
    assert_eq!(
        (past[0].control_name.as_str(), past[0].function.as_str(), past[0].outcome),
        ("Bold", "click_input", StepStatus::Ok)
    );
    assert_eq!((&past[0].args, past[1].outcome), (&arguments(json!({"button": "left"})), StepStatus::AppError));
    assert_eq!(question.state.previous_plan, ["next"]);
    let controls = &question.state.observation.controls;
    assert_eq!((controls.len(), controls[0].control_text.as_str()), (1, "New"));
    assert_eq!(question.messages[0], asked[0]);
    assert!(question.messages[1].content.contains(r#""result": "app_error""#), "{}", question.messages[1].content);
    // Other turns, or none of ours, are no question; what cannot be read says so.
    for other in [vec![Message::new(Role::User, "hello")], [&asked[..], &[Message::new(Role::Assistant, "x")]].concat()]
    {
        assert_eq!(ToolQuestion::read(&other, &tools()), Ok(None));
    }
    conversation.push(result("a", "<Available Control Item:> [{}]"));
    let error = ToolQuestion::read(&conversation, &tools()).expect_err("no control");
    assert!(matches!(&error, ToolQuestionError::Messages(reason) if reason.contains("label")), "{error:?}");
}

#[test]
fn without_a_system_text_the_tools_are_the_functions() {
    let user = messages(&fixture::state(), &[]).pop().expect("App. C's slots");
    let described = json!({"type": "string", "description": "What is\n typed."});
    let tools = [
        Tool::new(
            "type_text",
            Some("Types\n  it.".into()),
            json!({"type": "object", "required": ["text"], "properties": {
                "label": {"type": "string"}, "text": described,
                "speed": {"enum": ["slow", "fast"]}, "times": {"type": "integer", "minimum": 1, "maximum": 3},
                "clear": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "count": {"type": ["null", "integer"]}}}),
        ),
        Tool::new("wait", None, schema(json!({"name": {"type": "string"}}))),
    ];
    let question = read(std::slice::from_ref(&user), &tools);
    let [typed, wait] = question.functions.as_slice() else { panic!("{:?}", question.functions) };
    assert_eq!((typed.doc.as_str(), &typed.target), ("Types it.", &Target::Control(ControlType::ALL.to_vec())));
    let kinds: Vec<_> = typed.args.iter().map(|arg| (arg.name.as_str(), &arg.kind, arg.required)).collect();
    let expected = [
        ("text", &ArgKind::Text, true),
        ("speed", &ArgKind::OneOf(vec!["slow".into(), "fast".into()]), false),
        ("times", &ArgKind::Integer { min: 1, max: 3 }, false),
        ("clear", &ArgKind::Boolean, false),
        ("count", &ArgKind::Integer { min: -999_999, max: 999_999 }, false),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        (typed.args[0].doc.as_str(), &wait.target, wait.args.len()),
        ("What is typed.", &Target::Application, 1)
    );
    let own = messages(&question.state, &question.functions);
    assert_eq!(question.messages, [own[0].clone(), user.clone()]);
    for (tool, words) in [
        (Tool::new("f", None, schema(json!({"x": {"type": "array"}}))), "parameter `x` of `f`"),
        (Tool::new("f", None, schema(json!({"x": {"enum": [1]}}))), "parameter `x` of `f`"),
        (Tool::new("f", None, schema(json!({"x": {"enum": []}}))), "parameter `x` of `f`"),
    ] {
        let error = ToolQuestion::read(std::slice::from_ref(&user), &[tools[1].clone(), tool]).expect_err(words);
        assert!(matches!(&error, ToolQuestionError::Tool(1, reason) if reason.contains(words)), "{error:?}");
    }
}

#[test]
fn tools_that_cannot_be_functions_are_told() {
    let asked = messages(&fixture::state(), &fixture::functions());
    let refused = |tool: Tool| ToolQuestion::read(&asked, &[tool]).expect_err("it cannot be called");
    let text = json!({"type": "string"});
    let error = refused(Tool::new("click_input", None, schema(json!({"button": text}))));
    assert!(
        matches!(&error, ToolQuestionError::Tool(0, reason) if reason.contains("control_label, label, id")),
        "{error:?}"
    );
    let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
    assert!(matches!(refused(Tool::new("click_input", None, closed)), ToolQuestionError::Tool(0, _)));
    let error = refused(Tool::new("fly", None, schema(json!({}))));
    assert!(matches!(&error, ToolQuestionError::Tools(reason) if reason.contains("click_input")), "{error:?}");
}

#[test]
fn a_call_is_what_the_question_and_its_tools_both_allow() {
    let asked = messages(&fixture::state(), &fixture::functions());
    let text = json!({"type": "string"});
    let rows = json!({"type": "integer", "minimum": 60});
    let words = json!({"enum": ["left", "up"]});
    let label = json!({"anyOf": [{"type": "integer", "enum": [1, 99]}, {"type": "null"}]});
    let tools = [
        Tool::new("click_input", None, schema(json!({"id": label, "button": words}))),
        Tool::new(
            "set_edit_text",
            None,
            schema(json!({"control_label": text, "name": {"const": "Find"}, "text": text})),
        ),
        Tool::new("insert_table", None, schema(json!({"rows": rows, "columns": {"type": "integer"}}))),
    ];
    let question = read(&asked, &tools);
    let kinds: Vec<&ArgKind> = question.functions.iter().flat_map(|spec| &spec.args).map(|arg| &arg.kind).collect();
    let number = |min, max| ArgKind::Integer { min, max };
    let expected =
        [&ArgKind::OneOf(vec!["left".into()]), &ArgKind::Boolean, &ArgKind::Text, &number(60, 64), &number(-3, 12)];
    assert_eq!(kinds, expected);
    let (_, call) = question.call_of(&action("click_input", "1", "Bold", json!({}))).expect("a call");
    assert_eq!(Value::Object(call), json!({"id": 1}), "a label is written as its parameter's type");
    let chat = templates::renderer(templates::CHATML).expect("ChatML");
    let limits = AnswerLimits { thought_tokens: 6, plan_steps: 3, step_tokens: 5, text_tokens: 6 };
    for renderer in [fixture::renderer(), chat].map(|renderer| renderer.with_limits(limits)) {
        let (mut random, mut called) = (ChaCha8Rng::seed_from_u64(3), std::collections::BTreeSet::new());
        for _ in 0..60 {
            let action = any_action(&renderer, renderer.question_constraint(&question, true), &mut random);
            called.insert((action.function, action.control_label, action.control_name));
        }
        let called: Vec<_> = called.iter().map(|(a, b, c)| [a, b, c].map(String::as_str)).collect();
        assert_eq!(called, [["click_input", "1", "Bold"], ["insert_table", "", ""], ["set_edit_text", "3", "Find"]]);
    }
    // What leaves nothing is told.
    let user = asked[1].clone();
    for (properties, words) in [
        (json!({"control_label": {"enum": ["77"]}}), "`control_label` leaves none"),
        (json!({"control_label": text, "control_name": {"enum": []}}), "leaves none"),
        (json!({"control_label": text, "button": {"enum": ["up"]}}), "the parameter `button` of `click_input`"),
    ] {
        let tool = Tool::new("click_input", None, schema(properties));
        let error = ToolQuestion::read(&asked, &[tools[1].clone(), tool]).expect_err(words);
        assert!(matches!(&error, ToolQuestionError::Tool(1, reason) if reason.contains(words)), "{error:?}");
    }
    let none = Tool::new("press", None, schema(json!({"label": {"enum": [77]}})));
    assert!(matches!(ToolQuestion::read(&[user], &[none]), Err(ToolQuestionError::Tool(0, _))));
}

/// The action of an answer whose tokens are drawn from those that are allowed.
fn any_action(renderer: &Renderer, mut constraint: Box<dyn TokenConstraint>, random: &mut ChaCha8Rng) -> Action {
    let mut ids = Vec::new();
    while !constraint.is_done() {
        let allowed = constraint.allowed();
        assert!(!allowed.is_empty(), "stuck behind {}", renderer.tokenizer().decode(&ids));
        let token = if random.random_bool(0.4) { allowed[0] } else { *allowed.choose(random).expect("some") };
        ids.push(token);
        constraint.advance(token);
        assert!(ids.len() < 5000, "an answer without end");
    }
    renderer.parse_action(&ids).expect("an allowed answer can be read")
}

#[test]
fn an_answer_that_must_call_calls_something() {
    let (functions, observation) = (fixture::functions(), fixture::observation());
    // Of these, one acts on a kind of control that is not there.
    let few: Vec<FunctionSpec> =
        functions.iter().filter(|spec| ["set_edit_text", "texts"].contains(&spec.name.as_str())).cloned().collect();
    assert_eq!(few.iter().map(|spec| spec.is_callable(&observation)).collect::<Vec<_>>(), [true, false]);
    let chat = templates::renderer(templates::CHATML).expect("ChatML");
    let limits = AnswerLimits { thought_tokens: 6, plan_steps: 3, step_tokens: 5, text_tokens: 6 };
    for renderer in [fixture::renderer(), chat].map(|renderer| renderer.with_limits(limits)) {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for offered in [&functions, &few] {
            for _ in 0..60 {
                let action = any_action(&renderer, renderer.call_constraint(&observation, offered), &mut random);
                assert!(offered.iter().any(|spec| spec.name == action.function), "{action:?}");
            }
        }
    }
}
