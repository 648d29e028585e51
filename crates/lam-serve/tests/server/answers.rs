//! What is answered: whole and as a stream, alone and in company, ended by strings, in a form.

use lam_serve::Server;
use serde_json::{Value, json};

use crate::tiny::{Tiny, answer, chat, get, post, renderer, streamed_text, text, tokenizer};

/// The text and the reason for the end of each answer in a stream.
fn streamed(events: &[Value], answers: usize) -> Vec<(String, String)> {
    let of = |number: usize| {
        let own: Vec<&Value> =
            events.iter().map(|event| &event["choices"][0]).filter(|c| c["index"] == number).collect();
        let ends: Vec<&str> = own.iter().filter_map(|choice| choice["finish_reason"].as_str()).collect();
        assert_eq!(ends.len(), 1);
        (streamed_text(events, number), ends[0].to_owned())
    };
    (0..answers).map(of).collect()
}

/// The bytes of each token of the first answer, those of special tokens left out, which no text has.
fn shown_bytes(answer: &Value) -> Vec<Vec<u8>> {
    let tokenizer = tokenizer();
    let special = (0..512).filter(|id| tokenizer.is_special(*id)).map(|id| tokenizer.token_bytes(id).to_vec());
    let special: Vec<Vec<u8>> = special.collect();
    let byte = |byte: &Value| u8::try_from(byte.as_u64().unwrap()).unwrap();
    let entries = answer["choices"][0]["logprobs"]["content"].as_array().unwrap().iter();
    let bytes = entries.map(|entry| entry["bytes"].as_array().unwrap().iter().map(byte).collect());
    bytes.filter(|bytes| !special.contains(bytes)).collect()
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let server = Tiny::default().serve();
    for more in [json!({"temperature": 0}), json!({"n": 3, "seed": 7}), json!({"seed": -2, "top_p": 0.9, "top_k": 40})]
    {
        let whole = answer(server.address(), &chat("make the title bold", more.clone()));
        let mut body = chat("make the title bold", more);
        body["stream"] = true.into();
        body["stream_options"] = json!({"include_usage": true});
        let reply = post(server.address(), "/v1/chat/completions", &body);
        assert!(reply.header("content-type").unwrap().starts_with("text/event-stream"), "{}", reply.head);
        let mut events = reply.events();
        let last = events.pop().unwrap();
        assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
        assert!(events.iter().all(|event| event["usage"].is_null() && event["object"] == "chat.completion.chunk"));
        assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
        let choices = whole["choices"].as_array().unwrap();
        let told: Vec<(String, String)> = choices
            .iter()
            .map(|choice| {
                (
                    choice["message"]["content"].as_str().unwrap().into(),
                    choice["finish_reason"].as_str().unwrap().into(),
                )
            })
            .collect();
        assert_eq!(streamed(&events, choices.len()), told);
        assert!(!told[0].0.is_empty() && whole["usage"]["completion_tokens"].as_u64().unwrap() <= 24 * 3);
        if choices.len() > 1 {
            assert_ne!(told[0].0, told[1].0, "each answer has a random stream of its own");
        }
    }
}

#[test]
fn an_answer_in_company_has_the_bits_that_it_has_alone() {
    let server = Tiny { slots: 5, ..Tiny::default() }.serve();
    let address = server.address();
    let body = |own: usize| {
        let more =
            json!({"seed": own, "temperature": 1.0, "logprobs": true, "top_logprobs": 2, "max_tokens": 10 + own});
        chat(&format!("make the title bold {}", own / 3), more)
    };
    let answers = |reply: Value| (reply["choices"].clone(), reply["usage"].clone());
    let threads: Vec<_> = (0..15).map(|own| std::thread::spawn(move || answers(answer(address, &body(own))))).collect();
    let together: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for (own, together) in together.iter().enumerate() {
        assert_eq!(&answers(answer(address, &body(own))), together, "request {own}");
    }
}

#[test]
fn a_stop_string_ends_an_answer_also_over_the_border_of_tokens() {
    let server = Tiny::default().serve();
    let whole = answer(server.address(), &chat("make it", json!({"temperature": 0, "logprobs": true})));
    let tokens = shown_bytes(&whole);
    let whole = text(&whole);
    // The end of one token and the beginning of the next, and the same with more before it.
    let is_plain = |bytes: &[u8]| bytes.iter().all(|byte| (32..127).contains(byte));
    let border = |pair: &[Vec<u8>]| Some([*pair[0].last()?, *pair[1].first()?]).filter(|pair| is_plain(pair));
    let pair = tokens.windows(2).filter_map(border).next_back().expect("two tokens that meet in ASCII");
    let pair = String::from_utf8(pair.to_vec()).unwrap();
    let place = whole.find(&pair).unwrap();
    let longer = whole[..place].chars().next_back().map(|before| format!("{before}{pair}"));
    for stop in [Some(pair.clone()), longer].into_iter().flatten() {
        let before = &whole[..whole.find(&stop).unwrap()];
        let more = json!({"temperature": 0, "stop": ["never there", stop]});
        let stopped = answer(server.address(), &chat("make it", more.clone()));
        assert_eq!((text(&stopped), &stopped["choices"][0]["finish_reason"]), (before, &json!("stop")), "{stop:?}");
        let mut body = chat("make it", more);
        body["stream"] = true.into();
        let events = post(server.address(), "/v1/chat/completions", &body).events();
        assert_eq!(streamed(&events, 1), [(before.to_owned(), "stop".to_owned())], "{stop:?}");
    }
}

#[test]
fn log_probabilities_stand_beside_each_token() {
    let server = Tiny::default().serve();
    let whole = answer(server.address(), &chat("x", json!({"logprobs": true, "top_logprobs": 3, "temperature": 0})));
    let entries = whole["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(String::from_utf8_lossy(&shown_bytes(&whole).concat()), text(&whole));
    for entry in entries {
        let top = entry["top_logprobs"].as_array().unwrap();
        assert_eq!((top.len(), &top[0]["logprob"], &top[0]["bytes"]), (3, &entry["logprob"], &entry["bytes"]));
        assert!(entry["logprob"].as_f64().unwrap() <= 0.0);
    }
    let body = json!({"model": "tiny", "prompt": "make", "logprobs": 2, "max_tokens": 5, "temperature": 0});
    let whole = post(server.address(), "/v1/completions", &body).json();
    let logprobs = &whole["choices"][0]["logprobs"];
    let count = logprobs["tokens"].as_array().unwrap().len();
    assert!(
        count > 0
            && ["token_logprobs", "top_logprobs", "text_offset"].iter().all(|key| logprobs[key]
                .as_array()
                .unwrap()
                .len()
                == count)
    );
    for (wanted, temperature) in [(0, 0.0), (1, 2.0)] {
        let body =
            json!({"model": "tiny", "prompt": "make", "logprobs": wanted, "temperature": temperature, "seed": 1});
        let whole = post(server.address(), "/v1/completions", &body).json();
        let logprobs = &whole["choices"][0]["logprobs"];
        let tokens = logprobs["tokens"].as_array().unwrap().iter().zip(logprobs["top_logprobs"].as_array().unwrap());
        for (place, (token, top)) in tokens.enumerate() {
            assert_eq!(top[token.as_str().unwrap()], logprobs["token_logprobs"][place], "the token itself: {logprobs}");
            assert!((1..=wanted + 1).contains(&top.as_object().unwrap().len()));
        }
    }
    assert!(answer(server.address(), &chat("x", json!({})))["choices"][0]["logprobs"].is_null());
}

#[test]
fn texts_and_their_tokens_are_continued_alike() {
    let server = Tiny::default().serve();
    let ask = |prompt: Value| {
        let body = json!({"model": "tiny", "prompt": prompt, "temperature": 0});
        let reply = post(server.address(), "/v1/completions", &body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    };
    let tokens = renderer(false).open_text("make the title").unwrap();
    let (words, ids) = (ask(json!("make the title")), ask(json!(tokens)));
    assert_eq!((&words["choices"], &words["usage"]), (&ids["choices"], &ids["usage"]));
    assert_eq!(words["usage"]["prompt_tokens"], tokens.len());
    assert!(words["usage"]["completion_tokens"].as_u64().unwrap() <= 16);
    let both = ask(json!(["make the title", "bold"]));
    assert_eq!(both["choices"][0], words["choices"][0]);
    assert_eq!((both["object"].as_str(), both["choices"][1]["index"].as_u64()), (Some("text_completion"), Some(1)));
    let body = json!({"model": "tiny", "prompt": "make the title", "temperature": 0, "stream": true});
    let events = post(server.address(), "/v1/completions", &body).events();
    assert_eq!(streamed(&events, 1)[0].0, words["choices"][0]["text"]);
}

#[test]
fn what_continues_a_text_is_whole_also_where_it_begins_as_answers_do() {
    let completion = |server: &Server, prompt: &str| {
        let body = json!({"model": "tiny", "prompt": prompt, "temperature": 0});
        let reply = post(server.address(), "/v1/completions", &body);
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["choices"][0]["text"].as_str().unwrap().to_owned()
    };
    let server = Tiny::default().serve();
    let begins_plainly = |text: &String| text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let mut found = ('a'..='z').map(|prompt| (prompt.to_string(), completion(&server, &prompt.to_string())));
    let (prompt, text) = found.find(|(_, text)| begins_plainly(text)).expect("a text that begins with a letter");
    // Templates such as Mistral's write a space before each answer; this one writes what the text begins with.
    let lead = &text[..1];
    let template = format!(
        "{{% for m in messages %}}{{% if m.role == 'assistant' %}}{{{{ '{lead}' + m.content + eos_token }}}}\
         {{% else %}}{{{{ '[' + m.content + ']' }}}}{{% endif %}}{{% endfor %}}"
    );
    let server = Tiny { template: Some(template), ..Tiny::default() }.serve();
    assert_eq!(completion(&server, &prompt), text);
}

#[test]
fn an_answer_has_the_form_that_is_asked_for() {
    for is_compact in [false, true] {
        let server = Tiny { is_compact, ..Tiny::default() }.serve();
        let properties = json!({"function": {"enum": ["click_input", "none"]}, "label": {"type": "integer", "minimum": 1, "maximum": 40}});
        let schema = json!({"type": "object", "properties": properties, "required": ["function", "label"], "additionalProperties": false});
        let format = json!({"type": "json_schema", "json_schema": {"name": "call", "strict": true, "schema": schema}});
        for seed in 0..4 {
            let more = json!({"response_format": format, "seed": seed, "max_tokens": 200});
            let whole = answer(server.address(), &chat("call", more));
            let call: Value = serde_json::from_str(text(&whole)).unwrap_or_else(|error| panic!("{error}: {whole}"));
            assert!(["click_input", "none"].contains(&call["function"].as_str().unwrap()), "{call}");
            assert!((1..=40).contains(&call["label"].as_i64().unwrap()), "{call}");
            assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        }
        let more = json!({"response_format": {"type": "json_object"}, "max_tokens": 30});
        assert!(text(&answer(server.address(), &chat("call", more))).starts_with('{'));
        // No type, a keyword that is not supported, and an error whose message is cut inside a character.
        for schema in [
            json!({"type": "cube"}),
            json!({"type": "array", "uniqueItems": true}),
            json!({"type": format!("x{}", "é".repeat(200))}),
            json!(7),
        ] {
            let format = json!({"type": "json_schema", "json_schema": {"schema": schema}});
            let body = chat("call", json!({"response_format": format}));
            let reply = post(server.address(), "/v1/chat/completions", &body);
            let found = (reply.status, reply.json()["error"]["param"].clone());
            assert_eq!(found, (400, json!("response_format")), "{schema}: {}", reply.text);
        }
    }
}

#[test]
fn an_answer_that_cannot_keep_its_form_is_refused_and_never_told_as_whole() {
    // Schemas are long, and the prompt names the tools alone.
    let template = "{% for t in tools or [] %}{{ t.function.name }}{% endfor %}{% for m in messages %}{{ m.content }}\
        {% if m.role == 'assistant' %}{{ eos_token }}{% endif %} {% endfor %}";
    let server = Tiny { template: Some(template.into()), ..Tiny::default() }.serve();
    let properties: serde_json::Map<String, Value> =
        (0..600).map(|number| (format!("a{number}"), json!({"type": "integer"}))).collect();
    let many = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let endless = json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]});
    let properties = json!({"n": {"type": "integer", "minimum": 0, "maximum": 99}, "many": many});
    let later =
        json!({"type": "object", "properties": properties, "required": ["n", "many"], "additionalProperties": false});
    let format =
        |schema: &Value| json!({"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}});
    let tools = |schemas: &[&Value]| {
        let tool = |(place, schema): (usize, &&Value)| json!({"type": "function", "function": {"name": format!("tool{place}"), "parameters": schema}});
        json!({"tools": schemas.iter().enumerate().map(tool).collect::<Vec<_>>(), "tool_choice": "required"})
    };
    // Those that can be known as the request comes are refused before there is a stream; the last cannot.
    for (more, param, is_early) in [
        (format(&many), "response_format", true),
        (format(&endless), "response_format", true),
        (tools(&[&many]), "tools[0].function.parameters", true),
        (tools(&[&endless]), "tools[0].function.parameters", true),
        (format(&later), "response_format", false),
        (tools(&[&later]), "tools", false),
    ] {
        let mut body = chat("go", more);
        body["max_tokens"] = 200.into();
        let refused = |error: &Value| {
            assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &json!(param)), "{error}");
            assert!(error["message"].as_str().unwrap().contains("items"), "{error}");
        };
        let whole = post(server.address(), "/v1/chat/completions", &body);
        assert_eq!(whole.status, 400, "{}", whole.text);
        refused(&whole.json()["error"]);
        body["stream"] = true.into();
        let stream = post(server.address(), "/v1/chat/completions", &body);
        assert_eq!(stream.status, if is_early { 400 } else { 200 }, "{}", stream.text);
        let last = stream.text.trim_end().rsplit("data: ").next().unwrap();
        refused(&serde_json::from_str::<Value>(last).unwrap()["error"]);
        assert!(!stream.text.contains("\"stop\"") && !stream.text.contains("[DONE]"), "{}", stream.text);
    }
    assert_eq!(answer(server.address(), &chat("x", json!({})))["object"], "chat.completion", "and it goes on");
}

#[test]
fn parts_roles_and_words_of_a_template_reach_the_model() {
    let server = Tiny::default().serve();
    let whole = answer(server.address(), &chat("make it bold", json!({"temperature": 0})));
    let parts = json!([{"type": "text", "text": "make "}, {"type": "text", "text": "it bold"}]);
    let mut body = chat("", json!({"temperature": 0}));
    body["messages"][0]["content"] = parts;
    assert_eq!(answer(server.address(), &body)["choices"], whole["choices"]);
    let system = json!({"role": "system", "content": "be short"});
    body["messages"] = json!([system, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]);
    let messages: Vec<lam_prompt::Message> = serde_json::from_value(body["messages"].clone()).unwrap();
    let prompt = renderer(false).chat_prompt(&messages).unwrap();
    assert_eq!(answer(server.address(), &body)["usage"]["prompt_tokens"], prompt.len());
    // What people spell is text: the end of sequence in a message is no end.
    let spelled = renderer(false).chat_prompt(&[lam_prompt::Message::new(lam_prompt::Role::User, "a</s>b")]).unwrap();
    assert!(!spelled.contains(&tokenizer().eos()));
}

#[test]
fn models_health_figures_and_the_page_are_there() {
    let server = Tiny::default().serve();
    answer(server.address(), &chat("x", json!({})));
    let models = get(server.address(), "/v1/models").json();
    assert_eq!((&models["data"][0]["id"], &models["data"][0]["object"]), (&json!("tiny"), &json!("model")));
    assert_eq!(get(server.address(), "/v1/models/tiny").json(), models["data"][0]);
    assert_eq!(get(server.address(), "/health").json(), json!({"status": "ok"}));
    let page = get(server.address(), "/");
    assert!(page.text.contains("v1/chat/completions") && page.header("content-type").unwrap().starts_with("text/html"));
    // An answer is told before the engine looks at what is left.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let metrics = loop {
        let metrics = get(server.address(), "/metrics").text;
        if metrics.contains("lam_serve_requests_running 0") || std::time::Instant::now() > until {
            break metrics;
        }
    };
    for line in [
        "lam_serve_requests_running 0",
        "lam_serve_requests_waiting 0",
        "lam_serve_time_to_first_token_seconds_count 1",
        "lam_serve_http_requests_total{path=\"/v1/chat/completions\",status=\"200\"} 1",
        "lam_serve_request_seconds_count 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
    let counted = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("counted");
        line.trim().parse().unwrap()
    };
    assert!(counted("lam_serve_generation_tokens_total") > 0 && counted("lam_serve_prompt_tokens_total") > 0);
}
