//! Calls of tools: App. C's actions as calls of its functions, and calls in the form of a tool's schema.

use std::slice::from_ref;
use std::sync::{Arc, Mutex};

use lam_prompt::{Message, Role, action_json, messages, parse_action_text};
use lam_serve::{Server, ServerSettings};
use lam_types::{PastAction, StepStatus};
use serde_json::{Value, json};

use crate::executable::{TOKENS, ask, functions, own_answers, state};
use crate::tiny::{Tiny, answer, chat, post, renderer, streamed_text};

const CHAT: &str = "/v1/chat/completions";

/// App. C's `click_input` as a tool.
fn click() -> Value {
    let text = json!({"type": "string"});
    let parameters = json!({"type": "object", "properties": {"control_label": text, "control_name": text}});
    let function = json!({"name": "click_input", "description": "Click it.", "parameters": parameters});
    json!({"type": "function", "function": function})
}

/// A tool whose arguments are soon written.
fn choose(name: &str, words: &[&str]) -> Value {
    let properties = json!({"word": {"enum": words}});
    let parameters =
        json!({"type": "object", "properties": properties, "required": ["word"], "additionalProperties": false});
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

/// Content, calls as (name, arguments), and the reason for the end of a whole answer.
fn said(whole: &Value) -> (Option<&str>, Vec<(&str, Value)>, &str) {
    let choice = &whole["choices"][0];
    let arguments = |call: &Value| -> Value {
        assert!(call["type"] == "function" && call["id"].as_str().unwrap().starts_with("call_"), "{call}");
        serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap()
    };
    let calls = choice["message"]["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| (call["function"]["name"].as_str().unwrap(), arguments(call))).collect();
    (choice["message"]["content"].as_str(), calls, choice["finish_reason"].as_str().unwrap())
}

/// The same of a stream, put together as OpenAI's clients do it.
fn streamed(server: &Server, body: &Value) -> Value {
    let mut body = body.clone();
    body["stream"] = true.into();
    let events = post(server.address(), CHAT, &body).events();
    let content = streamed_text(&events, 0);
    let (mut calls, mut finish) = (Vec::<Value>::new(), Value::Null);
    for event in &events {
        let choice = &event["choices"][0];
        for piece in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = piece["index"].as_u64().unwrap() as usize;
            if index == calls.len() {
                assert!(
                    piece["id"].is_string() && piece["type"] == "function" && piece["function"]["name"].is_string()
                );
                calls.push(piece.clone());
                continue;
            }
            let more = piece["function"]["arguments"].as_str().unwrap();
            let text = calls[index]["function"]["arguments"].as_str().unwrap().to_owned() + more;
            calls[index]["function"]["arguments"] = text.into();
        }
        if !choice["finish_reason"].is_null() {
            assert!(finish.is_null(), "one end");
            finish = choice["finish_reason"].clone();
        }
    }
    let content = if content.is_empty() { Value::Null } else { content.into() };
    json!({"choices": [{"message": {"content": content, "tool_calls": calls}, "finish_reason": finish}]})
}

#[test]
fn an_action_is_a_call_and_has_the_bits_of_our_own_policy() {
    for (is_compact, tokens, seeds) in [(true, TOKENS, 6), (false, 3000, 2)] {
        let server = Tiny { is_compact, context: 10_000, ..Tiny::default() }.serve();
        let mut called = 0;
        for (seed, own) in (0..).zip(own_answers(is_compact, tokens, seeds)) {
            let mut body = ask(seed);
            (body["max_tokens"], body["tools"]) = (tokens.into(), json!([click(), choose("other", &["a"])]));
            let whole = answer(server.address(), &body);
            let (content, calls, finish) = said(&whole);
            let action = parse_action_text(content.unwrap()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(action_json(&action), own, "seed {seed}");
            let arguments = json!({"control_label": action.control_label, "control_name": action.control_name});
            let expected = if action.function.is_empty() { vec![] } else { vec![("click_input", arguments)] };
            assert_eq!(
                (&calls, finish),
                (&expected, if calls.is_empty() { "stop" } else { "tool_calls" }),
                "seed {seed}"
            );
            let stream = streamed(&server, &body);
            assert_eq!(said(&stream), said(&whole), "seed {seed}");
            // An answer that must call does.
            body["tool_choice"] = json!({"type": "function", "function": {"name": "click_input"}});
            let whole = answer(server.address(), &body);
            let (_, calls, finish) = said(&whole);
            assert_eq!((calls[0].0, calls.len(), finish), ("click_input", 1, "tool_calls"), "{whole}");
            assert!(["1", "2"].contains(&calls[0].1["control_label"].as_str().unwrap()), "{whole}");
            body["tool_choice"] = "required".into();
            assert_eq!(said(&answer(server.address(), &body)), said(&whole));
            called += usize::from(!expected.is_empty());
            // And one that must not, is free.
            (body["tool_choice"], body["max_tokens"]) = ("none".into(), 20.into());
            let free = answer(server.address(), &body);
            assert!(said(&free).1.is_empty() && free["choices"][0]["message"].get("tool_calls").is_none());
        }
        assert!(called > 0 || !is_compact, "some action calls");
    }
}

#[test]
fn what_was_called_since_the_question_stands_among_the_previous_actions() {
    let mut asked = messages(&state(), &functions());
    let call = json!({"id": "c", "type": "function",
        "function": {"name": "click_input", "arguments": "{\"control_label\": \"1\", \"control_name\": \"Bold\"}"}});
    let args = lam_types::Args::new();
    let past = |outcome| PastAction {
        control_name: "Bold".into(),
        function: "click_input".into(),
        args: args.clone(),
        outcome,
    };
    for is_compact in [true, false] {
        let server = Tiny { is_compact, context: 10_000, ..Tiny::default() }.serve();
        for (result, outcome) in [("clicked", StepStatus::Ok), ("{\"status\": \"app_error\"}", StepStatus::AppError)] {
            let mut body = ask(0);
            let history = body["messages"].as_array_mut().unwrap();
            history.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
            history.push(json!({"role": "tool", "tool_call_id": "c", "content": result}));
            (body["tools"], body["max_tokens"]) = (json!([click()]), 5.into());
            let mut now = state();
            now.previous_actions.push(past(outcome));
            let prompt = renderer(is_compact).action_prompt(&now, &functions()).unwrap();
            for choice in ["auto", "none"] {
                body["tool_choice"] = choice.into();
                assert_eq!(
                    answer(server.address(), &body)["usage"]["prompt_tokens"],
                    prompt.len(),
                    "{choice} {result}"
                );
            }
        }
    }
    // App. C's slots alone: the tools are the functions.
    let user = asked.pop().unwrap();
    let server = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let mut body = json!({"model": "tiny", "messages": [user], "tools": [click()]});
    (body["tool_choice"], body["max_tokens"]) = ("required".into(), TOKENS.into());
    assert_eq!(said(&answer(server.address(), &body)).1[0].0, "click_input");
}

#[test]
fn a_compact_model_calls_tools_whatever_the_system_text_is_and_says_that_it_has_no_place_for_that() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let log = Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
    let settings = ServerSettings { port: 0, log, ..ServerSettings::default() };
    let server = Tiny { is_compact: true, context: 10_000, settings, ..Tiny::default() }.serve();
    let user = messages(&state(), &functions()).pop().unwrap();
    let mut called = 0;
    for seed in 0..6 {
        let ask = |history: Value| {
            let body =
                json!({"model": "tiny", "messages": history, "tools": [click()], "max_tokens": TOKENS, "seed": seed});
            answer(server.address(), &body)
        };
        let with_system = ask(json!([{"role": "system", "content": "You are an agent."}, user]));
        assert_eq!(said(&with_system), said(&ask(json!([user]))), "seed {seed}");
        called += said(&with_system).1.len();
    }
    assert!(called > 0, "some action calls");
    let line = "`tiny` has no place in its form for the messages of role `system`, which change nothing";
    assert_eq!(*lines.lock().unwrap(), [line]);
}

#[test]
fn calls_that_must_be_made_fit_the_schema_of_their_tool() {
    let server = Tiny { context: 10_000, ..Tiny::default() }.serve();
    let tools = json!([choose("paint", &["red", "blue"]), choose("move", &["up"])]);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let more = json!({"tools": tools, "tool_choice": "required", "seed": seed, "max_tokens": 3000});
        let mut body = chat("go", more);
        body["parallel_tool_calls"] = (seed % 2 == 0).into();
        let whole = answer(server.address(), &body);
        let (content, calls, finish) = said(&whole);
        assert!(content.is_none() && finish == "tool_calls" && !calls.is_empty(), "{whole}");
        assert!(calls.len() == 1 || seed % 2 == 0, "{whole}");
        for (name, arguments) in &calls {
            let words: &[&str] = if *name == "paint" { &["red", "blue"] } else { &["up"] };
            assert!(words.iter().any(|word| *arguments == json!({"word": word})), "{whole}");
            seen.insert((*name).to_owned());
        }
        let ids: std::collections::BTreeSet<String> = whole["choices"][0]["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| call["id"].to_string())
            .collect();
        assert_eq!(ids.len(), calls.len(), "each has an id of its own");
        let stream = streamed(&server, &body);
        assert_eq!(said(&stream), said(&whole));
        body["tool_choice"] = json!({"type": "function", "function": {"name": "move"}});
        assert_eq!(said(&answer(server.address(), &body)).1, [("move", json!({"word": "up"}))]);
    }
    assert_eq!(seen.len(), 2, "each tool is called");
    // A form beside tools is that of an answer which calls none.
    let ok = json!({"ok": {"type": "boolean"}});
    let schema = json!({"type": "object", "properties": ok, "required": ["ok"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"schema": schema}});
    for seed in 0..4 {
        let mut more = json!({"tools": tools, "response_format": format, "seed": seed, "max_tokens": 3000});
        more["parallel_tool_calls"] = false.into();
        let whole = answer(server.address(), &chat("go", more));
        let (content, calls, finish) = said(&whole);
        match content {
            None => assert_eq!((calls.len(), finish), (1, "tool_calls")),
            Some(text) => assert!(["{\"ok\": true}", "{\"ok\": false}"].contains(&text) && finish == "stop", "{whole}"),
        }
    }
    // A string that ends the answer in a call leaves none that could be made.
    let body = chat("go", json!({"tools": tools, "tool_choice": "required", "stop": "}", "max_tokens": 3000}));
    for cut in [answer(server.address(), &body), streamed(&server, &body)] {
        let call = &cut["choices"][0]["message"]["tool_calls"][0];
        assert!(call["function"]["arguments"].as_str().unwrap().starts_with("{\"word\": "), "{cut}");
        assert_eq!(said_end(&cut), "stop", "{cut}");
    }
    // Cut off in a call, it says as much of it as there is, and none of it is text: before its arguments it is nothing.
    for max_tokens in [1, 4, 8, 16, 40] {
        let more = json!({"tools": tools, "tool_choice": "required", "max_tokens": max_tokens, "seed": 1});
        let body = chat("go", more);
        for cut in [answer(server.address(), &body), streamed(&server, &body)] {
            let text = cut["choices"][0]["message"]["content"].as_str().unwrap_or_default();
            assert_eq!((text, said_end(&cut)), ("", "length"), "{cut}");
        }
    }
}

fn said_end(whole: &Value) -> &str {
    whole["choices"][0]["finish_reason"].as_str().unwrap()
}

#[test]
fn tools_stand_in_the_prompt_and_a_history_of_calls_too() {
    let server = Tiny { context: 4000, ..Tiny::default() }.serve();
    let tool = choose("paint", &["red"]);
    let call =
        json!({"id": "c", "type": "function", "function": {"name": "paint", "arguments": "{\"word\": \"red\"}"}});
    let mut body = chat("go", json!({"tools": [tool], "temperature": 0}));
    let prompt_tokens =
        |body: &Value| answer(server.address(), body)["usage"]["prompt_tokens"].as_u64().unwrap() as usize;
    let offered = lam_prompt::Tool::new("paint", None, tool["function"]["parameters"].clone());
    let expected = |messages: &[Message], offered: &[lam_prompt::Tool]| {
        renderer(false).chat_prompt_with_tools(messages, offered).unwrap().len()
    };
    let user = Message::new(Role::User, "go");
    assert_eq!(prompt_tokens(&body), expected(from_ref(&user), from_ref(&offered)));
    body["tool_choice"] = "none".into();
    assert_eq!(prompt_tokens(&body), expected(from_ref(&user), &[]), "tools that are not to be called are left out");
    let history = json!([{"role": "user", "content": "go"}, {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"}]);
    (body["messages"], body["tool_choice"]) = (history, "auto".into());
    let arguments = json!({"word": "red"}).as_object().unwrap().clone();
    let calls = vec![lam_prompt::ToolCall::new("c", "paint", arguments)];
    let called = Message { tool_calls: calls, ..Message::new(Role::Assistant, "") };
    let told =
        Message { tool_call_id: Some("c".into()), name: Some("paint".into()), ..Message::new(Role::Tool, "done") };
    assert_eq!(prompt_tokens(&body), expected(&[user, called, told], &[offered]));
}

#[test]
fn calls_that_cannot_be_made_are_refused() {
    let refused = |server: &Server, body: &Value, param: &str, word: &str| {
        let reply = post(server.address(), CHAT, body);
        let error = reply.json()["error"].clone();
        assert_eq!((reply.status, error["param"].as_str()), (400, Some(param)), "{}", reply.text);
        assert!(error["message"].as_str().unwrap().contains(word), "no `{word}` in {error}");
    };
    let (compact, words) =
        (Tiny { is_compact: true, ..Tiny::default() }.serve(), Tiny { context: 4000, ..Tiny::default() }.serve());
    let paint = choose("paint", &["red"]);
    let with = |mut body: Value, tools: Value, choice: Value| {
        (body["tools"], body["tool_choice"]) = (tools, choice);
        body
    };
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    // A model of the compact form knows no tools but the functions of a screen.
    refused(&compact, &with(chat("x", json!({})), json!([paint]), json!("required")), "tool_choice", "App. C");
    refused(&compact, &with(chat("x", json!({})), json!([paint]), json!("auto")), "tools", "App. C");
    assert!(said(&answer(compact.address(), &with(chat("x", json!({})), json!([paint]), json!("none")))).1.is_empty());
    refused(&compact, &with(ask(0), json!([paint]), json!("auto")), "tools", "click_input");
    refused(
        &compact,
        &with(ask(0), json!([click(), paint]), named("paint")),
        "tool_choice.function.name",
        "click_input",
    );
    let mut formed = with(ask(0), json!([click()]), json!("auto"));
    formed["response_format"] = json!({"type": "json_object"});
    refused(&compact, &formed, "response_format", "tools");
    let bare = choose("click_input", &["a"]);
    refused(&compact, &with(ask(0), json!([bare]), json!("auto")), "tools[0].function.parameters", "control_label");
    let mut blank = with(ask(0), json!([click()]), json!("required"));
    blank["messages"][1]["content"] =
        blank["messages"][1]["content"].as_str().unwrap().replace("\"Button\"", "\"Edit\"").into();
    refused(&compact, &blank, "tool_choice", "no control");
    let mut history = chat("x", json!({}));
    history["messages"] = json!([{"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "y"}]);
    refused(&compact, &history, "messages", "no words for tools");
    let mut broken = choose("broken", &["a"]);
    broken["function"]["parameters"]["properties"]["word"] = json!({"type": "cube"});
    let required = |tools: Value| with(chat("x", json!({})), tools, json!("required"));
    refused(&words, &required(json!([paint, broken])), "tools[1].function.parameters", "cube");
    refused(&words, &with(chat("x", json!({})), json!([paint]), named("other")), "tool_choice.function.name", "paint");
    assert_eq!(answer(words.address(), &chat("x", json!({})))["object"], "chat.completion", "and it goes on");
}
