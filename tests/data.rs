//! `data`: pairs from sources on disk, records of others, rows looked at one by one.

use serde_json::Value;

use crate::support::{Place, trained};

const CONFIG: &str =
    "[plans]\napplication_documents = false\n[[plans.sources]]\nkind = \"markdown\"\npath = \"manual\"\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn pairs_are_built_from_a_folder_counted_and_shown() {
    let place = Place::new("data-build");
    std::fs::create_dir(place.path("manual")).expect("writable");
    place.write(
        "manual/borders.md",
        "# Adding a Page Border\n\n1. Go to **Design**.\n2. Select OK.\n\n# Notes\n\n1. Relax.\n",
    );
    place.write("plans.toml", CONFIG);
    let built = place.succeed(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/build"]);
    assert!(
        built.stdout.contains("markdown: documents 1, procedures 2, kept 1, rejected 1 (no_task 1)"),
        "{}",
        built.stdout
    );
    let shown = place.succeed(&["data", "show", "runs/build/plans/task_plans.parquet", "--json"]).stdout;
    let pair = &json(&shown)[0];
    assert_eq!(
        (pair["task"].as_str(), pair["document"].as_str()),
        (Some("Add a page border"), Some("markdown/borders.md"))
    );
    assert_eq!(pair["document_hash"].as_str().map(str::len), Some(64));
    place.succeed(&["data", "check", "runs/build/plans"]);
    let stats = place.succeed(&["data", "stats", "runs/build/plans"]).stdout;
    let file = "runs/build/../build/plans/task_plans.parquet";
    let twice = place.succeed(&["data", "stats", "runs/build/plans", file]).stdout;
    assert_eq!(twice, stats, "a file in it has no more rows");
    assert!(stats.contains("1 pairs, 0 trajectories"), "{stats}");
    let preview = ["data", "preview", "runs/build/plans", "--model", &trained().stage("base")];
    assert!(place.succeed(&preview).stdout.contains("in all: 1 examples"));
}

#[test]
fn sources_that_cannot_be_meant_are_refused() {
    let place = Place::new("data-sources");
    let refuse = |text: &str, code: i32, words: &[&str]| {
        place.write("plans.toml", text);
        place.refuse(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/b"], code, words);
    };
    refuse(CONFIG, 2, &["plans.toml:5", "`plans.sources.0.path` = manual: no such file", "hint: a path counts from"]);
    refuse(&CONFIG.replace("markdown", "gnome_help"), 2, &["= manual: no such file", "hint: scripts/fetch_help.sh"]);
    refuse(&CONFIG.replace("\"markdown\"", "\"markdwn\""), 2, &["`markdwn`", "hint: did you mean `markdown`?"]);
    refuse(&CONFIG.replace("path =", "pth ="), 2, &["plans.toml:5", "`pth`", "hint: did you mean `path`?"]);
}

#[test]
fn why_a_stage_failed_is_told_once() {
    let place = Place::new("told-once");
    std::fs::create_dir(place.path("manual")).expect("writable");
    place.write("plans.toml", CONFIG);
    let finished = place.run(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/b"]);
    let told = finished.stderr;
    assert_eq!(finished.code, 3, "{told}");
    assert!(told.contains("[1/1] plans: stopped\nerror: stage `plans`: source `markdown`: manual: no file"), "{told}");
    assert_eq!((told.matches("no file with an end of").count(), told.matches("hint: ").count()), (1, 1), "{told}");
}

#[test]
fn a_path_counts_from_here_or_from_the_file_that_names_it() {
    let place = Place::new("data-paths");
    std::fs::create_dir_all(place.path("project/manual")).expect("writable");
    place.write("project/manual/borders.md", "# Adding a Page Border\n\n1. Go to **Design**.\n2. Select OK.\n");
    place.write("project/plans.toml", CONFIG);
    let build = |output: &'static str| ["data", "build", "-c", "project/plans.toml", "--output-dir", output];
    let built = place.succeed(&build("runs/a"));
    assert!(built.stdout.contains("markdown: documents 1, procedures 1, kept 1"), "{}", built.stdout);
    let typed =
        [&build("runs/b")[..], &["--set", "plans.sources=[{ kind = \"markdown\", path = \"manual\" }]"]].concat();
    place.refuse(&typed, 2, &["--set plans.sources=", "`plans.sources.0.path` = manual: no such file"]);
    std::fs::create_dir(place.path("manual")).expect("writable");
    place.write(
        "manual/two.md",
        "# Adding a Header\n\n1. Go to **Insert**.\n2. Select OK.\n\n# Opening a File\n\n1. Select Open.\n",
    );
    let built = place.succeed(&build("runs/c"));
    assert!(built.stdout.contains("markdown: documents 1, procedures 2"), "what is here comes first: {}", built.stdout);
}

#[test]
fn records_of_others_come_in_and_bad_ones_are_kept_aside() {
    let place = Place::new("data-import");
    let good = "{\"instruction\":\"Print the page\",\"output\":\"1. Open File.\\n2. Click Print.\"}";
    place.write("alpaca.jsonl", &format!("{good}\n{{\"instruction\":\"x\"}}\n"));
    let stats =
        json(&place.succeed(&["data", "import", "alpaca", "alpaca.jsonl", "--output-dir", "in", "--json"]).stdout);
    assert_eq!((stats["task_plans"].as_u64(), stats["unreadable"].as_u64()), (Some(1), Some(1)));
    let aside = json(&std::fs::read_to_string(place.path("in/unreadable.jsonl")).expect("written"));
    assert_eq!(
        (aside["file"].as_str(), aside["line"].as_u64(), aside["field"].as_str()),
        (Some("alpaca.jsonl"), Some(2), Some("output"))
    );
    place.succeed(&["data", "check", "in"]);
    let told = place.succeed(&["data", "import", "alpaca", "alpaca.jsonl", "--output-dir", "in"]);
    for words in ["unreadable 1: in/unreadable.jsonl", "rejected 0: in/rejected.jsonl"] {
        assert!(told.stdout.contains(words), "{}", told.stdout);
    }
    assert!(told.stderr.contains("warning: 1 of 2 records (50.0%)"), "{}", told.stderr);
    place.refuse(
        &["data", "import", "alpaca", "alpaca.jsonl", "--output-dir", "."],
        2,
        &["the import would lie in", "hint: choose another"],
    );
    place.refuse(&["data", "import", "alpacca", "alpaca.jsonl"], 2, &["`alpacca`", "hint: did you mean `alpaca`?"]);
    place.refuse(
        &["data", "import", "gui360", "alpaca.jsonl", "--output-dir", "none"],
        3,
        &["no usable record", "hint: none/unreadable.jsonl and none/rejected.jsonl"],
    );
}

#[test]
fn an_import_leaves_nothing_of_the_one_before() {
    let place = Place::new("data-import-again");
    let chat = |text: &str| {
        format!(
            "{{\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}},{{\"role\":\"assistant\",\"content\":\"1. Open it.\"}}]}}\n"
        )
    };
    place.write("two.jsonl", &[chat("Print it"), chat("Save the letter")].concat());
    place.write("one.jsonl", &chat("Print it"));
    place.write("none.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 5\n");
    let import = |file: &'static str| ["data", "import", "messages", file, "--output-dir", "o"];
    place.succeed(&import("two.jsonl"));
    place.succeed(&import("one.jsonl"));
    let stats = place.succeed(&["data", "stats", "o"]).stdout;
    assert!(stats.contains("1 pairs, 0 trajectories"), "{stats}");
    place.refuse(&import("none.jsonl"), 3, &["no usable record of 1", "o/unreadable.jsonl"]);
    place.refuse(&["data", "stats", "o"], 3, &["holds no .parquet file"]);
    let aside = std::fs::read_to_string(place.path("o/unreadable.jsonl")).expect("written");
    assert!(aside.contains("Git LFS pointer"), "{aside}");
}

#[test]
fn documents_are_read_however_they_are_kept_and_choices_numbers_and_marks_come_out_right() {
    let place = Place::new("data-kinds");
    std::fs::create_dir(place.path("manual")).expect("writable");
    for (file, text) in [
        ("bom.html", "\u{feff}<h1>Print a letter that is kept on a stick</h1><ol><li>Click Open.<li>Click Stick.</ol>"),
        (
            "choices.html",
            "<h1>Raising Letters Above the Line</h1><ol><li>Select the text.<li>Do one of the following:</ol>\
                          <ul><li>Choose Format > Raise.<li>Press Ctrl+Shift+P.</ul>",
        ),
        ("number.html", "<h2>9.2. Making a stamp from a picture</h2><ol><li>Select the area.<li>Click New.</ol>"),
        ("start.html", "<h1>Sort names</h1><ol><li>Select them.</ol><pre>a b</pre><ol start=2><li>Click Sort.</ol>"),
        ("cut.html", "<h1>Sort pages</h1><ol><li>Click Sort.<li>Do one of the following:</ol>"),
        ("deep.html", &format!("<h1>Open a door</h1>{}", "<div>".repeat(5000))),
    ] {
        place.write(&format!("manual/{file}"), text);
    }
    place.write("plans.toml", &CONFIG.replace("markdown", "html"));
    let built = place.succeed(&[
        "data",
        "build",
        "-c",
        "plans.toml",
        "--set",
        "plans.evolve_ratio=0",
        "--output-dir",
        "runs/b",
    ]);
    let counted = [
        "kept 4",
        "unfinished 1",
        "unreadable 1: runs/b/plans/unreadable.jsonl",
        "rejected 1: runs/b/plans/rejected.jsonl",
    ];
    for words in counted {
        assert!(built.stdout.contains(words), "{}", built.stdout);
    }
    assert!(built.stderr.contains("warning: 1 of 6 documents (16.7%)"), "{}", built.stderr);
    let shown = json(&place.succeed(&["data", "show", "runs/b/plans", "--count", "9", "--json"]).stdout);
    let pair = |row: &Value| format!("{}: {}", row["task"].as_str().unwrap_or(""), row["plan"]);
    let pairs: Vec<String> = shown.as_array().into_iter().flatten().map(pair).collect();
    let expected = [
        "Print a letter that is kept on a stick: [\"Click Open.\",\"Click Stick.\"]",
        "Raise letters above the line: [\"Select the text.\",\"Do one of the following: Choose Format > Raise.; Press Ctrl+Shift+P.\"]",
        "Make a stamp from a picture: [\"Select the area.\",\"Click New.\"]",
        "Sort names: [\"Select them.\",\"Click Sort.\"]",
    ];
    assert_eq!(pairs, expected);
}

#[test]
fn a_request_to_stop_is_answered_while_a_document_is_read() {
    let place = Place::new("data-stop");
    std::fs::create_dir(place.path("manual")).expect("writable");
    // Every paragraph is a list of its own, which takes a parser long whatever its limits.
    for file in 0..200 {
        place.write(&format!("manual/{file}.md"), &"1. a *b [c\n\ntext `d\n\n".repeat(20_000));
    }
    place.write("plans.toml", CONFIG);
    let mut build =
        place.command(&["data", "build", "-c", "plans.toml", "--output-dir", "runs/b"]).spawn().expect("starts");
    let started = std::time::Instant::now();
    while !place.path("runs/b/plans.partial").exists() && started.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let stopped = std::time::Instant::now();
    let signalled = std::process::Command::new("kill").args(["-TERM", &build.id().to_string()]).status();
    assert!(signalled.expect("kill is there").success());
    let code = build.wait().expect("it ends").code();
    assert!(stopped.elapsed() < std::time::Duration::from_secs(5), "after {:?}", stopped.elapsed());
    assert_eq!(code, Some(130));
}

#[test]
fn rows_are_shown_as_people_read_them_and_found_by_id_family_and_failure() {
    let place = Place::new("shown-rows");
    place.write("collect.toml", "[trajectories]\ntasks = 80\n");
    place.succeed(&["data", "collect", "-c", "collect.toml", "--output-dir", "runs/c"]);
    let failures = "runs/c/trajectories/expert_failure.parquet";
    let shown = place.succeed(&["data", "show", failures, "--count", "20"]).stdout;
    for words in ["task    ", "policy  expert", "\n1. ", "complete: no (", "; expected: ", "; found: "] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(shown.lines().filter(|line| line.starts_with("id      ")).count(), 20);
    let id = shown.lines().find_map(|line| line.strip_prefix("id      ")).expect("an id");
    let found = place.succeed(&["data", "show", failures, "--id", &id[..12]]).stdout;
    assert!(found.starts_with(&format!("id      {id}")), "{found}");
    let stored = json(&place.succeed(&["data", "show", failures, "--id", id, "--json"]).stdout);
    assert_eq!((stored.as_array().map(Vec::len), stored[0]["trajectory_id"].as_str()), (Some(1), Some(id)));
    let family = stored[0]["task"]["family"].as_str().expect("a family");
    let of_family = place.succeed(&["data", "show", failures, "--family", family, "--count", "99", "--failed"]).stdout;
    assert!(of_family.lines().filter(|line| line.starts_with("of ")).all(|line| line.contains(&format!("({family},"))));
    place.refuse(&["data", "show", failures, "--family", "no_such"], 3, &["no row fits", "hint: "]);
    let successes = "runs/c/trajectories/expert_success.parquet";
    place.refuse(&["data", "show", successes, "--failed"], 3, &["no row fits"]);
}
