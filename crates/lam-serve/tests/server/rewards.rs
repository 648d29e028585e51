//! Reward models: the scores of phase 4 over HTTP, and which model is asked where.

use std::path::{Path, PathBuf};

use lam_cuda::DeviceChoice;
use lam_inference::{normalized_reward, reward_scores};
use lam_model::{Decoder, ScalarHead};
use lam_prompt::{Message, Renderer, Role, action_json, messages};
use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
use lam_signal::NoProgress;
use lam_types::{Action, Status};
use serde_json::{Value, json};

use crate::executable::{functions, state};
use crate::tiny::{Reply, answer, chat, config, decoder, get, post, renderer, save_words, tokenizer};

const PATH: &str = "/v1/rewards";

/// The directory of a reward model with opinions, in the chat template or in the compact one.
fn reward(root: &Path, is_compact: bool) -> PathBuf {
    let directory = root.join(if is_compact { "compact" } else { "reward" });
    std::fs::create_dir_all(&directory).unwrap();
    let head = ScalarHead::new(config().hidden_size, 3).unwrap();
    let weight = &head.variables()[0].1;
    weight.set(&weight.affine(50.0, 0.0).unwrap()).unwrap();
    decoder().save_reward_model(&head, tokenizer().pad(), &directory).unwrap();
    match is_compact {
        true => tokenizer().save(&directory).unwrap(),
        false => save_words(&directory),
    }
    directory
}

/// Serves a decoder, `base`, beside two reward models.
fn serve(root: &Path, slots: usize) -> Server {
    let base = root.join("base");
    std::fs::create_dir_all(&base).unwrap();
    decoder().save(&base).unwrap();
    save_words(&base);
    let places = [base, reward(root, false), reward(root, true)].map(|directory| ModelPlace { directory, name: None });
    let capacity = Capacity { slots, queue: 8, max_context: 500, ..Capacity::default() };
    let models = Models::load(&places, capacity, &|_| None, (DeviceChoice::Cpu, &NoProgress)).unwrap();
    Server::start(models, ServerSettings { port: 0, ..ServerSettings::default() }).unwrap()
}

/// Prompt and answer as tokens of the chat template.
fn tokens(question: &str, answer: &str) -> Vec<u32> {
    let renderer = renderer(false);
    let prompt = renderer.chat_prompt(&[Message::new(Role::User, question)]).unwrap();
    [prompt, renderer.chat_answer(None, answer).unwrap()].concat()
}

/// What the library says of texts, each alone.
fn library(directory: &Path, texts: &[Vec<u32>]) -> Vec<f32> {
    let (decoder, head) = Decoder::load_reward_model(directory).unwrap();
    texts.iter().map(|text| reward_scores(&decoder, &head, &[text]).unwrap()[0]).collect()
}

#[track_caller]
fn scores(server: &Server, body: &Value) -> Vec<f32> {
    let reply = post(server.address(), PATH, body);
    assert_eq!(reply.status, 200, "{}", reply.text);
    let reply = reply.json();
    let data = reply["data"].as_array().unwrap();
    for (index, entry) in data.iter().enumerate() {
        assert_eq!((entry["index"].as_u64(), &entry["object"]), (Some(index as u64), &json!("reward")));
        let score = entry["score"].as_f64().unwrap() as f32;
        assert_eq!(entry["reward"].as_f64().unwrap() as f32, normalized_reward(score));
    }
    data.iter().map(|entry| entry["score"].as_f64().unwrap() as f32).collect()
}

fn conversation(question: &str, answer: &str) -> Value {
    json!([{"role": "user", "content": question}, {"role": "assistant", "content": answer}])
}

#[test]
fn scores_have_the_bits_of_the_library_alone_and_in_company() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(root.path(), 2);
    let answers = ["make it", "bold", "", "make the title bold, please", "é"];
    let texts: Vec<Vec<u32>> = answers.iter().map(|answer| tokens("make the title bold", answer)).collect();
    let expected = library(&root.path().join("reward"), &texts);
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]), "it has opinions: {expected:?}");
    // Side by side they share what they begin with: the same but for rounding.
    let (decoder, head) = Decoder::load_reward_model(&root.path().join("reward")).unwrap();
    let together = reward_scores(&decoder, &head, &texts.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    assert!(together.iter().zip(&expected).all(|(one, other)| (one - other).abs() < 1e-4), "{together:?} {expected:?}");
    for (answer, score) in answers.iter().zip(&expected) {
        let body = json!({"model": "reward", "messages": conversation("make the title bold", answer)});
        assert_eq!(scores(&server, &body), [*score], "{answer}");
    }
    let prompt = json!([{"role": "user", "content": "make the title bold"}]);
    assert_eq!(scores(&server, &json!({"model": "reward", "prompt": prompt, "answers": answers})), expected);
    let input: Vec<Value> =
        answers.iter().map(|answer| json!({"messages": conversation("make the title bold", answer)})).collect();
    let body = json!({"model": "reward", "input": input});
    let reply = post(server.address(), PATH, &body).json();
    let total: usize = texts.iter().map(Vec::len).sum();
    assert_eq!(reply["usage"], json!({"prompt_tokens": total, "total_tokens": total}));
    let address = server.address();
    let ask = |_| {
        let body = body.clone();
        std::thread::spawn(move || post(address, PATH, &body).json()["data"].clone())
    };
    let threads: Vec<_> = (0..6).map(ask).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), reply["data"], "in company");
    }
    assert_eq!(scores(&server, &body), expected);
    let metrics = get(address, "/metrics").text;
    let lines =
        ["lam_serve_scored_answers_total 50", "lam_serve_http_requests_total{path=\"/v1/rewards\",status=\"200\"} 14"];
    for line in lines {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
}

#[test]
fn tools_that_would_not_be_read_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(root.path(), 2);
    let item =
        json!({"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": "red"}], "tools": []});
    let mut alone = item.clone();
    alone["model"] = "reward".into();
    for (body, param) in [(alone, "tools"), (json!({"model": "reward", "input": [item]}), "input[0].tools")] {
        let refused = post(server.address(), PATH, &body);
        assert_eq!((refused.status, refused.json()["error"]["param"].as_str()), (400, Some(param)));
    }
}

#[test]
fn texts_are_scored_as_they_are_continued() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(root.path(), 2);
    let renderer = renderer(false);
    let text = [renderer.open_text("make the ").unwrap(), renderer.open_answer("make the ", "title").unwrap()].concat();
    assert_eq!(text.last(), renderer.stop_tokens().first());
    let expected = library(&root.path().join("reward"), &[text]);
    assert_eq!(scores(&server, &json!({"model": "reward", "prompt": "make the ", "answer": "title"})), expected);
    assert_eq!(scores(&server, &json!({"model": "reward", "prompt": "make the ", "answer": "title</s>"})), expected);
}

#[test]
fn our_own_questions_are_scored_in_the_models_own_form() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(root.path(), 2);
    let action = Action {
        function: "click_input".into(),
        control_label: "1".into(),
        control_name: "Bold".into(),
        status: Status::Continue,
        ..Action::stop("it is not bold")
    };
    let mut asked = json!(messages(&state(), &functions()));
    asked.as_array_mut().unwrap().push(json!({"role": "assistant", "content": action_json(&action)}));
    let mut scored = Vec::new();
    for name in ["reward", "compact"] {
        let words = Renderer::load(&root.path().join(name)).unwrap();
        let prompt = words.action_prompt(&state(), &functions()).unwrap();
        let text = [prompt, words.action_answer(&action).unwrap()].concat();
        let reply = post(server.address(), PATH, &json!({"model": name, "messages": asked}));
        if text.len() > 500 {
            assert_eq!(
                (reply.status, reply.json()["error"]["param"].as_str()),
                (400, Some("messages")),
                "{}",
                reply.text
            );
            assert!(reply.text.contains(&format!("have {} tokens, and at most 500 fit", text.len())), "{}", reply.text);
            continue;
        }
        let expected = library(&root.path().join(name), &[text]);
        assert_eq!(reply.json()["data"][0]["score"].as_f64().unwrap() as f32, expected[0], "{name}");
        scored.push(name);
    }
    assert!(scored.contains(&"compact"), "the form of its own is short enough: {scored:?}");
    asked[2]["content"] = "not JSON".into();
    let reply = post(server.address(), PATH, &json!({"model": "compact", "messages": asked}));
    refused(&reply, 400, "messages[2].content", "not JSON");
    // A lone message is a task, and its answer a plan.
    let plan = json!({"model": "compact", "messages": conversation("make it bold", "{\"plan\": [\"click Bold\"]}")});
    let words = Renderer::load(&root.path().join("compact")).unwrap();
    let text =
        [words.plan_prompt("make it bold").unwrap(), words.plan_answer(&["click Bold".to_owned()]).unwrap()].concat();
    assert_eq!(scores(&server, &plan), library(&root.path().join("compact"), &[text]));
}

#[track_caller]
fn refused(reply: &Reply, status: u16, param: &str, word: &str) {
    let error = &reply.json()["error"];
    assert_eq!((reply.status, error["param"].as_str()), (status, Some(param)), "{}", reply.text);
    assert!(error["message"].as_str().unwrap().contains(word), "no `{word}` in {}", reply.text);
}

#[test]
fn each_kind_of_model_is_asked_by_its_own_path() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(root.path(), 2);
    let listed = get(server.address(), "/v1/models").json();
    let kinds: Vec<(&str, &str)> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| (model["id"].as_str().unwrap(), model["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("base", "decoder"), ("reward", "reward"), ("compact", "reward")]);
    assert_eq!(get(server.address(), "/v1/models/reward").json(), listed["data"][1]);
    let question = chat("x", json!({"model": "reward"}));
    refused(&post(server.address(), "/v1/chat/completions", &question), 400, "model", "/v1/rewards");
    let text = json!({"model": "reward", "prompt": "x"});
    refused(&post(server.address(), "/v1/completions", &text), 400, "model", "/v1/rewards");
    let scored = |name: &str| post(server.address(), PATH, &json!({"model": name, "prompt": "x", "answer": "y"}));
    refused(&scored("base"), 400, "model", "/v1/chat/completions");
    refused(&scored("none"), 404, "model", "base, reward, compact");
    assert_eq!(scored("reward").status, 200);
    assert_eq!(answer(server.address(), &chat("x", json!({"model": "base"})))["object"], "chat.completion");
    assert_eq!(get(server.address(), "/health").status, 200);
    let long = json!({"model": "reward", "prompt": "make the title bold ".repeat(400), "answer": "x"});
    refused(&post(server.address(), PATH, &long), 400, "prompt", "at most 500 fit");
    // Each of these fits, and together they are more than 64 contexts.
    let many = json!({"model": "reward", "prompt": "bold ".repeat(60), "answers": vec!["x"; 1000]});
    let reply = post(server.address(), PATH, &many);
    let place = reply.json()["error"]["param"].as_str().unwrap_or_default().to_owned();
    assert!(place.starts_with("answers["), "{}", reply.text);
    refused(&reply, 400, &place, "at most 32000");
    let metrics = get(server.address(), "/metrics").text;
    assert!(metrics.contains("lam_serve_request_seconds_count 2\n"), "what is refused is not timed: {metrics}");
    assert_eq!(get(server.address(), PATH).status, 405);
}
