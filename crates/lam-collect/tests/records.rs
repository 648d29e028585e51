//! Records of others as real exports have them: each shape is read, or refused by file, line, record and field.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::io::Write;
use std::path::Path;

use lam_collect::{ImportFormat, import};
use lam_signal::{Cancel, Fault, NoProgress};
use lam_store::{read_task_plans, read_trajectories};
use serde_json::{Value, json};

/// What became of an import.
struct Imported {
    /// `task: step | step` of each pair.
    pairs: Vec<String>,
    stats: Value,
    rejected: Vec<Value>,
    unreadable: Vec<Value>,
    error: Option<(u8, String)>,
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn imported(format: ImportFormat, path: &Path, output: &Path) -> Imported {
    let result = import(format, path, output, &NoProgress, &Cancel::default());
    let error = result.err().map(|error| (error.kind().exit_code(), error.to_string()));
    let table = output.join("task_plans.parquet");
    let pairs = if table.exists() { read_task_plans(&table).unwrap() } else { Vec::new() };
    Imported {
        pairs: pairs.iter().map(|pair| format!("{}: {}", pair.task, pair.plan.join(" | "))).collect(),
        stats: serde_json::from_slice(&std::fs::read(output.join("stats.json")).unwrap()).unwrap(),
        rejected: lines(&output.join("rejected.jsonl")),
        unreadable: lines(&output.join("unreadable.jsonl")),
        error,
    }
}

fn read(format: ImportFormat, name: &str, bytes: impl AsRef<[u8]>) -> Imported {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    imported(format, &path, &root.path().join("out"))
}

fn messages(bytes: impl AsRef<[u8]>) -> Imported {
    read(ImportFormat::Messages, "chat.jsonl", bytes)
}

/// A record with these turns, user and assistant in turn.
fn chat(turns: &[&str]) -> String {
    let role = |index: usize| if index.is_multiple_of(2) { "user" } else { "assistant" };
    let turns: Vec<Value> =
        turns.iter().enumerate().map(|(index, text)| json!({"role": role(index), "content": text})).collect();
    json!({"messages": turns}).to_string() + "\n"
}

const PRINT: &str = "Do this:\n\n1. Open File.\n2. Click Print.";
const PRINTED: &str = "Print it: Open File. | Click Print.";

impl Imported {
    #[track_caller]
    fn gives(&self, pairs: &[&str]) -> &Self {
        assert_eq!(self.pairs, pairs, "{}\n{:?}", self.stats, self.unreadable);
        self
    }

    /// The places and reasons of what could not be read, and that nothing could where `pairs` is empty.
    #[track_caller]
    fn refuses(&self, field: &str, words: &str) -> &Self {
        let fault = self.unreadable.iter().find(|fault| fault["field"] == field);
        let reason = fault.unwrap_or_else(|| panic!("no `{field}` in {:?}", self.unreadable))["reason"].as_str();
        assert!(reason.unwrap().contains(words), "{:?}", self.unreadable);
        if self.pairs.is_empty() {
            let (code, error) = self.error.as_ref().unwrap();
            assert!(*code == 3 && error.contains("unreadable.jsonl") && error.contains("rejected.jsonl"), "{error}");
        }
        self
    }

    #[track_caller]
    fn rejects(&self, reasons: &[&str]) -> &Self {
        let found: Vec<_> = self.rejected.iter().map(|one| one["reason"].as_str().unwrap()).collect();
        assert_eq!(found, reasons, "{:?}", self.rejected);
        self
    }
}

#[test]
fn an_answer_goes_with_the_question_before_it_and_every_exchange_is_read() {
    let early = json!({"messages": [{"role": "assistant", "content": PRINT}, {"role": "user", "content": "How do I save?"},
                                    {"role": "assistant", "content": "Press Ctrl+S."}]});
    messages(early.to_string())
        .gives(&[])
        .refuses("messages[0].content", "without a question")
        .refuses("messages[2].content", "no numbered list");
    let save = "1. Open File.\n2. Click Save.";
    let long = chat(&["Print it", PRINT, "Thanks", "Welcome!", "Save it", save]);
    messages(long).gives(&[PRINTED, "Save it: Open File. | Click Save."]).refuses("messages[3].content", "no numbered");
    let open = json!({"messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "Print it"}]});
    messages(open.to_string()).gives(&[]).refuses("", "nobody answers `Hello Print it`");
    messages(json!({"messages": []}).to_string()).gives(&[]).refuses("", "holds no question");
    let thought = format!("<think>\n\n1. Perhaps this.\n2. Or that.\n\n</think>\n\n{PRINT}");
    messages(chat(&["Print it", &thought])).gives(&[PRINTED]);
    messages(chat(&["Print it", "<think>\n\n1. Perhaps"])).gives(&[]).refuses("", "nobody answers `Print it`");
    let alpaca = json!({"instruction": "Print it", "output": thought}).to_string();
    read(ImportFormat::Alpaca, "a.json", alpaca).gives(&[PRINTED]);
    let role = json!({"messages": [{"role": "wizard", "content": "x"}]});
    messages(role.to_string()).gives(&[]).refuses("messages[0].role", "`wizard` is none of");
}

#[test]
fn interrupted_lists_are_one_procedure_and_unfinished_ones_are_kept_aside() {
    let whole = "1. Open File.\n\n```\ncode\n```\n\n2. Click Print.\n\n**Step 3:** done\n\n3. Close.";
    messages(chat(&["Print it", whole])).gives(&["Print it: Open File. | Click Print. | Close."]);
    let code = "1. Open the shell.\n2. Run this:\n\n```sh\nlp x\n```\n\n3. Wait.\n- one\n- two";
    messages(chat(&["Print it", code])).gives(&["Print it: Open the shell. | Run this: lp x | Wait."]);
    let words = "**Step 1:** Open File.\n\nIt is on the left.\n\n**Step 2:** Click Print.";
    messages(chat(&["Print it", words])).gives(&["Print it: Open File. It is on the left. | Click Print."]);
    let colon = "1. Open File.\n2. Do one of the following:";
    messages(chat(&["Print it", colon])).gives(&[]).rejects(&["unfinished"]);
    messages(chat(&["Print it", "3. Click Print."])).gives(&[]).rejects(&["unfinished"]);
    let two = "1. Open File.\n\n# Or\n\n1. Press Ctrl+P.";
    messages(chat(&["Print it", two])).gives(&["Print it: Open File."]).rejects(&["further_list"]);
}

#[test]
fn parts_tools_and_other_names_of_fields_are_read() {
    let part = |text: &str| json!([{"type": "text", "text": text}]);
    let turn = |role: &str, content: Value| json!({"role": role, "content": content});
    let parts = json!({"messages": [turn("user", json!([{"type": "image_url", "image_url": {"url": "x"}}, "Print it"])),
                                    turn("assistant", part(PRINT))]});
    messages(parts.to_string()).gives(&[PRINTED]);
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]});
    let tools = json!({"messages": [turn("system", json!("x")), turn("user", json!("Print it")), call,
                                    {"role": "tool", "tool_call_id": "c1", "content": "ok"}, turn("assistant", json!(PRINT))], "tools": []});
    messages(tools.to_string()).gives(&[PRINTED]);
    let null = json!({"messages": [turn("user", json!("Print it")), turn("assistant", Value::Null)]});
    messages(null.to_string()).gives(&[]).refuses("messages[1].content", "is missing");
    let said = |from: &str, value: &str| json!({"from": from, "value": value});
    let sharegpt = json!([{"id": "a", "conversations": [said("system", "x"), said("human", "<image>\nPrint it"), said("function_call", "{}"),
                                                        said("observation", "ok"), said("gpt", PRINT)]}]);
    read(ImportFormat::Sharegpt, "a.json", sharegpt.to_string()).gives(&[PRINTED]);
    for record in [
        json!({"data": [{"conversation": [said("user", "Print it"), said("chatgpt", PRINT)]}]}),
        json!({"prompt": "Print it", "completion": PRINT}),
        json!({"prompt": [turn("user", json!("Print it"))], "completion": [turn("assistant", json!(PRINT))], "label": true}),
        json!([turn("user", json!("Print it")), turn("assistant", json!(PRINT))]),
        json!({"messages": json!([turn("user", json!("Print it")), turn("assistant", json!(PRINT))]).to_string()}),
    ] {
        messages(record.to_string()).gives(&[PRINTED]);
    }
    for record in [
        json!({"instruction": "Print", "input": "it", "output": PRINT}),
        json!({"instruction": "Print it", "input": null, "output": [PRINT]}),
        json!({"prompt": "Print it", "response": PRINT}),
        json!({"instruction": "Save it", "output": "x", "history": [["Print it", PRINT]]}),
    ] {
        read(ImportFormat::Alpaca, "a.json", record.to_string()).gives(&[PRINTED]);
    }
}

#[test]
fn failed_records_are_failures_and_no_examples() {
    let turns = json!([{"role": "user", "content": "Print it"}, {"role": "assistant", "content": PRINT}]);
    for label in [json!({"label": false}), json!({"kto_tag": "false"}), json!({"success": 0}), json!({"reward": -1.0})]
    {
        let mut record = label;
        record["messages"] = turns.clone();
        messages(record.to_string()).gives(&[]).rejects(&["failed"]);
    }
    messages(json!({"messages": turns, "label": "printing"}).to_string()).gives(&[PRINTED]);
    let worse = "1. Throw it away.";
    let preferred = json!({"prompt": "Print it", "chosen": PRINT, "rejected": worse});
    messages(preferred.to_string()).gives(&[PRINTED]).rejects(&["failed"]);
    let said = |text: &str| json!({"from": "gpt", "value": text});
    let pairs = json!({"conversations": [{"from": "human", "value": "Print it"}], "chosen": said(PRINT), "rejected": said(worse)});
    read(ImportFormat::Sharegpt, "a.json", pairs.to_string()).gives(&[PRINTED]).rejects(&["failed"]);
    let judged = |judge: bool| {
        json!({"unique_id": "5", "app": "word", "original": {"original_task": "Put names into a list", "original_steps": ["1. Click Numbering"]},
               "instantiation_result": {"instantiation_evaluation": {"result": {"judge": judge}}}})
    };
    let both = json!([judged(false), judged(true)]).to_string();
    let found = read(ImportFormat::UfoDataflow, "a.json", both);
    found.gives(&["Put names into a list: Click Numbering"]).rejects(&["failed"]);
    assert_eq!((found.stats["usable_records"].as_u64(), found.stats["records"].as_u64()), (Some(1), Some(2)));
}

#[test]
fn files_are_read_however_they_are_kept() {
    let record =
        json!({"messages": [{"role": "user", "content": "Print it"}, {"role": "assistant", "content": PRINT}]});
    let text = record.to_string();
    let pretty = format!("{record:#}\n");
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (bytes, converted) in [
        (text.clone().into_bytes(), 0),
        (format!("\u{feff}[{text}]").into_bytes(), 0),
        (format!("\u{feff}{text}\r\n").into_bytes(), 0),
        (pretty.into_bytes(), 0),
        (format!("// which one\n{}", text.replace("}]}", "}, // last\n]}")).into_bytes(), 0),
        (utf16, 1),
        (gzip, 0),
        (zstd, 0),
    ] {
        let found = messages(&bytes);
        found.gives(&[PRINTED]);
        assert_eq!(found.stats["converted_files"], converted, "{bytes:?}");
    }
    let latin = text.replace("Print it", "Print the men\u{fc}").chars().map(|letter| letter as u8).collect::<Vec<u8>>();
    messages(latin).gives(&["Print the menü: Open File. | Click Print."]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 558000000\n";
    messages(pointer).gives(&[]).refuses("", "Git LFS pointer");
    messages("PK\x03\x04").gives(&[]).refuses("", "zip archive");
    messages("<!doctype html><p>Log in").gives(&[]).refuses("", "is a web page");
    messages("").gives(&[]).refuses("", "holds no record");
    let cut = format!(
        "{text}\n{{\"messages\": [{{\"role\": \"user\", \"con\n{}",
        text.replace("Print it", "Print the whole thing twice")
    );
    let found = messages(cut);
    found.gives(&[PRINTED, "Print the whole thing twice: Open File. | Click Print."]).refuses("", "(end of line 2)");
    assert_eq!(found.unreadable[0]["line"], 2);
}

#[test]
fn halves_of_surrogate_pairs_are_replaced_and_counted() {
    let text = chat(&["Insert X now", PRINT]).replace('X', "\\ud83d");
    let found = messages(text + &chat(&["Print it again and again", "1. Click Print."]));
    found.gives(&["Insert \u{fffd} now: Open File. | Click Print.", "Print it again and again: Click Print."]);
    assert_eq!(found.stats["replaced_characters"], 1);
}

#[test]
fn repetitions_are_left_out_and_counted() {
    let near = "Print the long letter that lies on the desk of the old office for me now";
    let text = [chat(&["Print it", PRINT]), chat(&["Print it", PRINT]), chat(&["print it.", PRINT])].concat();
    let found = messages(text + &chat(&[near, PRINT]) + &chat(&[&near.replace("old ", ""), PRINT]));
    assert_eq!(found.pairs.len(), 2, "{:?}", found.pairs);
    found.rejects(&["exact_duplicate", "exact_duplicate", "near_duplicate"]);
    assert_eq!((&found.stats["rejected"]["exact_duplicate"], &found.stats["usable_records"]), (&2.into(), &5.into()));
}

#[test]
fn a_new_import_replaces_the_files_of_the_one_before_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let (path, output) = (root.path().join("a.jsonl"), root.path().join("out"));
    let step = json!({"execution_id": "w", "app_domain": "word", "request": "Make it bold", "step_id": 1, "total_steps": 1,
                      "evaluation": {"complete": "yes"}, "step": {"action": {"function": "save_as", "args": {}}, "status": "CONTINUE",
                      "control_infos": {"uia_controls_info": []}}});
    std::fs::write(&path, step.to_string()).unwrap();
    imported(ImportFormat::Gui360, &path, &output);
    assert_eq!(read_trajectories(&output.join("trajectories.parquet")).unwrap().len(), 1);
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(&output)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    };
    std::fs::write(&path, chat(&["Print it", PRINT])).unwrap();
    imported(ImportFormat::Messages, &path, &output).gives(&[PRINTED]);
    assert_eq!(names(), ["rejected.jsonl", "stats.json", "task_plans.parquet", "unreadable.jsonl"]);
    std::fs::write(&path, "{}").unwrap();
    imported(ImportFormat::Messages, &path, &output).gives(&[]).refuses("messages", "must be a list");
    assert_eq!(names(), ["rejected.jsonl", "stats.json", "unreadable.jsonl"]);

    std::fs::write(&path, chat(&["Print it", PRINT])).unwrap();
    let foreign = import(ImportFormat::Messages, &path, root.path(), &NoProgress, &Cancel::default()).unwrap_err();
    assert_eq!(foreign.kind().exit_code(), 2);
    assert!(foreign.to_string().contains("not a directory that lam-train made") && path.exists(), "{foreign}");
}

#[test]
fn tables_of_conversations_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/messages.parquet");
    let root = tempfile::tempdir().unwrap();
    let found = imported(ImportFormat::Messages, &path, &root.path().join("out"));
    found.gives(&[PRINTED]).rejects(&["exact_duplicate", "exact_duplicate"]);
    let pairs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lam-store/tests/fixtures/task_plans.parquet");
    imported(ImportFormat::Messages, &pairs, &root.path().join("none"))
        .gives(&[])
        .refuses("messages", "must be a list");
}
