//! UFO's agents over HTTP: the AppAgent answered by the model, the others by rule, in texts of our own that have the
//! form of UFO's prompts.

use lam_serve::ServerSettings;
use serde_json::{Value, json};

use crate::tiny::{Tiny, answer, chat, post, streamed_text, text};

/// What a picture is sent as.
fn picture() -> Value {
    json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
}

/// A request of the AppAgent; its limit on tokens is larger than the context, as UFO's is.
fn app(is_third: bool, parts: &[Value]) -> Value {
    let (functions, controls) = if is_third {
        let tool = "Tool name: click_input\nDescription: Click.\n\nParameters:\n\
                    - id (string, required): Which. Default: N/A\n\
                    - name (string, required): Its name. Default: N/A\n- button (string, optional): Which. Default: left\n\n\
                    Returns: \n";
        let control = |name: &str, id: &str| json!({"name": name, "id": id, "type": "Button"});
        (tool, json!([control("Bold", "1"), control("Italic", "2")]))
    } else {
        let call = "\"click_input\" is to click.\n[1] API call: click_input(button: str, double: bool = False)\n\
                    [2] Args:\n- button: Which. (Default: 'left')\n[4] Available control item: All control items.\n";
        let control = |name: &str, label: &str| json!({"control_type": "Button", "control_text": name, "label": label});
        (call, json!([control("Bold", "1"), control("Italic", "2")]))
    };
    let user = format!(
        "\n<Available Control Item:> {controls}\n<Overall User Request:> make it bold\n<Previous Sub-tasks Results:> []\n\
         <Sub-task for you to complete:> make it bold\n\
         <The actions you took at the last step and their results:> []\n\
         <Current Application You are Working on:> a - Word\n<Message and Tips from the HostAgent:> []\n\
         <Your Next Plan:> []\n<Your response:>"
    );
    let mut content = parts.to_vec();
    content.push(json!({"type": "text", "text": user}));
    let messages = [json!({"role": "system", "content": functions}), json!({"role": "user", "content": content})];
    json!({"model": "tiny", "messages": messages, "temperature": 1.0, "top_p": 1.0, "n": 1, "max_tokens": 2000})
}

/// The HostAgent's request.
fn host(more: &Value) -> Value {
    let windows = json!([
        {"label": "1", "control_text": "Command Prompt", "control_type": "Window"},
        {"label": "2", "control_text": "a - Word", "control_type": "Window"},
    ]);
    let user = format!(
        "<Available Applications:> {windows}\n<Previous Sub-tasks:> []\n<Previous Plan:> []\n\
         <Current User Request:> make it bold\n<Your response:>"
    );
    let messages = json!([{"role": "system", "content": "\"CurrentSubtask\""}, {"role": "user", "content": user}]);
    let mut body = json!({"model": "tiny", "messages": messages});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn answered(whole: &Value) -> Value {
    serde_json::from_str(text(whole)).unwrap_or_else(|error| panic!("{error} in {whole}"))
}

#[test]
fn executable_answers_to_the_app_agent_are_carried_out() {
    for is_third in [false, true] {
        let settings = ServerSettings { port: 0, executable: true, ..ServerSettings::default() };
        let server = Tiny { is_compact: true, context: 10_000, settings, ..Tiny::default() }.serve();
        for seed in 0..4 {
            let mut body = app(is_third, &[]);
            body["seed"] = seed.into();
            let whole = answer(server.address(), &body);
            let found = answered(&whole);
            let call = if is_third { &found["action"] } else { &found };
            let status = if is_third { &call["status"] } else { &call["Status"] };
            assert!(["CONTINUE", "FINISH"].contains(&status.as_str().unwrap()), "{found}");
            assert!(whole["usage"]["prompt_tokens"].as_u64().unwrap() > 4, "it is the model's own prompt");
            body["stream"] = true.into();
            let events = post(server.address(), "/v1/chat/completions", &body).events();
            assert_eq!(streamed_text(&events, 0), text(&whole));
        }
    }
}

#[test]
fn every_answer_is_in_the_schema_also_one_that_the_model_cannot_write() {
    let server = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let mut body = app(false, &[]);
    body["max_tokens"] = 1.into();
    body["temperature"] = 0.into();
    let found = answered(&answer(server.address(), &body));
    assert_eq!((&found["Status"], &found["Function"]), (&json!("FAIL"), &json!("")));
    assert!(found["Comment"].as_str().unwrap().contains("cannot be carried out"), "{found}");
    // Any object may be asked for, since it is one.
    body["response_format"] = json!({"type": "json_object"});
    assert_eq!(answered(&answer(server.address(), &body)), found);
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}});
    assert_eq!(answered(&answer(server.address(), &body)), found, "that schema asks for no more");
    body["response_format"]["json_schema"]["schema"] = json!({"type": "string"});
    let error = post(server.address(), "/v1/chat/completions", &body).json()["error"].clone();
    assert_eq!(error["param"], "response_format", "{error}");
}

#[test]
fn images_are_passed_over_in_ufos_prompts_and_nowhere_else() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&lines);
    let settings = ServerSettings {
        port: 0,
        log: std::sync::Arc::new(move |line| log.lock().unwrap().push(line.to_owned())),
        ..ServerSettings::default()
    };
    let server = Tiny { is_compact: true, settings, ..Tiny::default() }.serve();
    let said = json!({"type": "text", "text": "Current Screenshots:"});
    let found = answered(&answer(server.address(), &app(false, &[said, picture()])));
    assert!(found["Observation"].as_str().unwrap().contains("Screenshots are not looked at"), "{found}");
    assert!(lines.lock().unwrap().iter().any(|line| line.contains("messages[].content[].image_url")));
    let mut other = chat("", json!({}));
    other["messages"][0]["content"] = json!([picture()]);
    let refused = |body: &Value, param: &str| {
        let error = post(server.address(), "/v1/chat/completions", body).json()["error"].clone();
        assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!("unsupported_content")), "{error}");
    };
    refused(&other, "messages[0].content[0].type");
    // A question that only ends as UFO's do is none of them.
    let text = json!({"type": "text", "text": "what is this?\n<Your response:>"});
    other["messages"][0]["content"] = json!([text, picture(), text]);
    refused(&other, "messages[0].content[1].type");
}

#[test]
fn the_host_agent_is_answered_by_rule() {
    let settings = ServerSettings { port: 0, application: Some("word".into()), ..ServerSettings::default() };
    let server = Tiny { settings, ..Tiny::default() }.serve();
    let whole = answer(server.address(), &host(&json!({"n": 2})));
    assert_eq!(whole["usage"], json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}));
    assert_eq!(whole["choices"].as_array().unwrap().len(), 2);
    assert_eq!((&whole["choices"][1]["finish_reason"], &whole["choices"][1]["index"]), (&json!("stop"), &json!(1)));
    let found = answered(&whole);
    assert_eq!((&found["Status"], &found["ControlLabel"]), (&json!("ASSIGN"), &json!("2")));
    let events = post(server.address(), "/v1/chat/completions", &host(&json!({"stream": true}))).events();
    assert_eq!(streamed_text(&events, 0), text(&whole));
    let mut unknown = host(&json!({}));
    unknown["model"] = "none".into();
    assert_eq!(post(server.address(), "/v1/chat/completions", &unknown).status, 404);
}

#[test]
fn a_prompt_that_cannot_be_read_and_the_first_question_are_refused() {
    let server = Tiny::default().serve();
    let mut damaged = app(false, &[]);
    damaged["messages"][0]["content"] = "no functions".into();
    let error = post(server.address(), "/v1/chat/completions", &damaged).json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("no function that the model can call"), "{error}");
    let form =
        json!({"type": "json_schema", "json_schema": {"name": "HostAgentResponse", "schema": {"type": "object"}}});
    let first = chat("Hello", json!({"response_format": form}));
    let reply = post(server.address(), "/v1/chat/completions", &first);
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(reply.status, 400);
    assert!(message.contains("'response_format' of type 'json_schema' is not supported"), "{message}");
}
