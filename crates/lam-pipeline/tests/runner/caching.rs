//! What runs again, what does not, and the reason that is given.

use std::fs;
use std::time::SystemTime;

use lam_pipeline::{NoView, Outcome, RunOptions, plan, run};
use lam_store::read_manifest;

use crate::fakes::{CHAIN, Fuse, Place, chain, names};

/// The plan's lines, without durations.
fn planned(place: &Place, overrides: &[&str], options: &RunOptions) -> Vec<String> {
    let text = plan(&place.load(overrides).unwrap(), &place.registry(), options).unwrap().to_text();
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(|text| line(text.split(" (took").next().unwrap_or(text))).collect()
}

#[test]
fn a_second_run_is_cached_and_says_why() {
    let place = chain();
    assert_eq!(planned(&place, &[], &place.options()), ["a run new", "b run new; after a", "c run new; after b"]);
    assert!(!place.path("runs").exists(), "a plan writes nothing");
    let first = place.run(&[]).unwrap();
    assert_eq!((first.count(Outcome::Ran), place.ran().len()), (3, 3));
    assert_eq!(place.read("runs/chain/b/out.txt"), " 7\nhello 7\nhello 7\n");

    let second = place.run(&[]).unwrap();
    assert_eq!((second.count(Outcome::Cached), place.ran().len()), (3, 0));
    assert_eq!(second.stages[0].duration_s, first.stages[0].duration_s);
    assert_eq!(planned(&place, &[], &place.options())[2], "c cached nothing changed");
    assert_eq!(names(&place.path("runs/chain/a")), ["config.toml", "manifest.json", "out.txt"]);
    let config = place.read("runs/chain/a/config.toml");
    assert_eq!(config, "text = \"hello\"\nlearning_rate = 0.5\nlora_r = 0\nunits = 0\n");
}

#[test]
fn a_changed_key_is_named_with_both_values() {
    let place = chain();
    place.run(&[]).unwrap();
    let lines = planned(&place, &["a.text=bye", "a.lora_rank=8"], &place.options());
    assert_eq!(
        lines,
        [
            "a run config changed: lora_r 0 → 8, text \"hello\" → \"bye\"; needs `--force a`, as its finished result would \
             be lost",
            "b run if changed after a",
            "c run if changed after b"
        ]
    );
    place.ran();
    place.force(&["a"], &["a.text=bye", "a.lora_rank=8"]).unwrap();
    assert_eq!(place.ran(), ["a", "b", "c"]);
}

#[test]
fn what_comes_out_the_same_leaves_the_rest_cached() {
    let place = chain();
    place.run(&[]).unwrap();
    place.ran();
    // The text stays, so b's input has the same content although a ran again.
    let summary = place.force(&["a"], &["a.lora_r=8"]).unwrap();
    assert_eq!(place.ran(), ["a"]);
    assert_eq!(summary.stages[1].outcome, Outcome::Cached);
    // A default written out is no change.
    place.run(&["a.lora_r=8", "b.lora_r=0"]).unwrap();
    assert!(place.ran().is_empty());
}

#[test]
fn seed_code_and_inputs_count() {
    let place = chain();
    place.run(&[]).unwrap();
    assert_eq!(
        planned(&place, &["seed=8"], &place.options())[0],
        "a run seed changed: 7 → 8; needs `--force a`, as its finished result would be lost"
    );
    let newer = plan(&place.load(&[]).unwrap(), &place.registry_of_version("2"), &place.options()).unwrap();
    assert!(newer.to_text().starts_with("a  run             the code of fakes changed\n"), "{}", newer.to_text());

    let outside = place.write("help.txt", "one\n");
    let text = CHAIN.replace("parts = [\"a\"]", "parts = [\"a\", \"help.txt\"]");
    place.write("p.toml", &text);
    let line = place.shorten(&planned(&place, &[], &place.options())[1]);
    assert_eq!(line, "b run input parts changed: a, help.txt; needs `--force b`, as its finished result would be lost");
    place.force(&["b"], &[]).unwrap();
    fs::write(&outside, "two\n").unwrap();
    assert_eq!(planned(&place, &[], &place.options())[1].split(':').next(), Some("b run input parts changed"));
    place.force(&["b"], &[]).unwrap();
    assert!(place.read("runs/chain/b/out.txt").contains("two"));
}

#[test]
fn what_is_in_a_file_that_the_configuration_names_counts() {
    let place = chain();
    let source = place.write("source.txt", "one\n");
    let named = format!("a.text={}", source.display());
    place.run(&[&named]).unwrap();
    assert_eq!(planned(&place, &[&named], &place.options())[0], "a cached nothing changed");
    fs::write(&source, "another\n").unwrap();
    let changed = place.shorten(&planned(&place, &[&named], &place.options())[0]);
    assert!(changed.starts_with("a run input configuration changed: ") && changed.contains("source.txt"), "{changed}");
    fs::remove_file(&source).unwrap();
    let gone = &planned(&place, &[&named], &place.options())[0];
    assert!(gone.starts_with("a run input configuration is no longer given; needs `--force a`"), "{gone}");
}

#[test]
fn a_finished_result_is_not_replaced_by_another_without_a_word() {
    let place = chain();
    place.run(&[]).unwrap();
    let old = place.read("runs/chain/a/out.txt");
    place.ran();
    let (code, text) = place.refusal(place.run(&["a.text=bye", "c.units=3"]));
    assert_eq!(code, 4);
    assert_eq!(
        text,
        "finished results were made otherwise, and would be lost: `a` (config changed: text \"hello\" → \"bye\"), \
         `c` (config changed: units (default) → 3; after b)\n\
         hint: replace them with `--force a --force c`, or keep them and write elsewhere: another --runs-dir, or \
         `--set name=…`"
    );
    assert!(place.ran().is_empty() && place.read("runs/chain/a/out.txt") == old);
    place.run(&["a.text=bye", "c.units=3", "name=other"]).unwrap();
    assert_eq!(place.ran(), ["a", "b", "c"]);
    // What was begun with force goes on without it.
    place.light(Some((2, Fuse::Cancel)));
    place.force(&["c"], &["c.units=5"]).unwrap_err();
    place.light(None);
    place.ran();
    place.run(&["c.units=5"]).unwrap();
    assert_eq!(place.ran(), ["c+"]);
}

#[test]
fn force_from_and_until() {
    let place = chain();
    let pipeline = place.load(&[]).unwrap();
    let options = |from: Option<&str>, until: Option<&str>, force: &[&str]| RunOptions {
        from: from.map(str::to_string),
        until: until.map(str::to_string),
        force: force.iter().map(ToString::to_string).collect(),
        ..place.options()
    };
    let go = |options: &RunOptions| run(&pipeline, &place.registry(), options, &NoView);
    let (code, text) = place.refusal(go(&options(Some("b"), None, &[])));
    assert_eq!(code, 2);
    assert!(text.starts_with("stage `a` has no result, and `--from` leaves it out\nhint: "), "{text}");
    go(&options(None, Some("b"), &[])).unwrap();
    assert_eq!(place.ran(), ["a", "b"]);
    go(&options(Some("c"), None, &[])).unwrap();
    assert_eq!(place.ran(), ["c"]);
    assert_eq!(
        planned(&place, &[], &options(None, None, &["b"])),
        ["a cached nothing changed", "b run forced", "c run if changed after b"]
    );
    go(&options(None, None, &["b"])).unwrap();
    assert_eq!(place.ran(), ["b"]);
    let (_, text) = place.refusal(go(&options(None, None, &["bb"])));
    assert_eq!(text, "--force bb: no stage is called `bb`\nhint: did you mean `b`?");
}

/// A stage beside the chain that needs its first one alone, over two seeds.
#[test]
fn only_a_stage_and_what_it_needs() {
    let place = chain();
    let beside = "[[stage]]\nname = \"d\"\nkind = \"write\"\ninputs = { parts = [\"a\"] }\n";
    place.write("p.toml", &format!("{CHAIN}\n{beside}"));
    let only = |name: &str| RunOptions { only: Some(name.to_owned()), ..place.options() };
    assert_eq!(
        planned(&place, &[], &only("d")),
        ["a run new", "b left out left out", "c left out left out", "d run new; after a"]
    );
    let go = |options: &RunOptions| run(&place.load(&[]).unwrap(), &place.registry(), options, &NoView);
    go(&only("d")).unwrap();
    assert_eq!(place.ran(), ["a", "d"]);
    go(&RunOptions { until: Some("a".into()), ..only("c") }).unwrap();
    assert!(place.ran().is_empty(), "what both leave in is there");
    let (code, text) = place.refusal(go(&only("dd")));
    assert_eq!((code, text.as_str()), (2, "--only dd: no stage is called `dd`\nhint: did you mean `d`?"));

    let two = CHAIN.replace("seed = 7", "seeds = [1, 2]");
    place.write("p.toml", &format!("{}\n{beside}", two.replace("name = \"chain\"", "name = \"two\"")));
    go(&only("seed-2/b")).unwrap();
    assert_eq!(names(&place.path("runs/two")).iter().filter(|name| name.starts_with("seed-")).count(), 1);
    go(&only("b")).unwrap();
    assert!(place.path("runs/two/seed-1/b/out.txt").is_file() && !place.path("runs/two/seed-1/c").exists());
}

#[test]
fn a_damaged_result_is_made_again() {
    let place = chain();
    place.run(&[]).unwrap();
    place.ran();
    fs::write(place.path("runs/chain/a/out.txt"), "hellx 7\n").unwrap();
    assert_eq!(planned(&place, &[], &place.options())[0], "a run its result is damaged: out.txt was changed");
    place.run(&[]).unwrap();
    assert_eq!(place.ran(), ["a"]);
    fs::remove_file(place.path("runs/chain/b/out.txt")).unwrap();
    assert_eq!(planned(&place, &[], &place.options())[1], "b run its result is damaged: out.txt is missing");
    place.run(&[]).unwrap();
    let manifest = place.path("runs/chain/c/manifest.json");
    fs::write(&manifest, &fs::read(&manifest).unwrap()[..100]).unwrap();
    assert!(planned(&place, &[], &place.options())[2].starts_with("c run its result is damaged: manifest.json: EOF"));
    place.run(&[]).unwrap();
    place.ran();
    // Another time but the same content is no damage.
    let file = fs::File::options().append(true).open(place.path("runs/chain/a/out.txt")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    place.run(&[]).unwrap();
    assert!(place.ran().is_empty());
}

#[test]
fn a_newer_run_directory_is_refused() {
    let place = chain();
    place.run(&[]).unwrap();
    let path = place.path("runs/chain/b/manifest.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"format_version\": 1", "\"format_version\": 2");
    fs::write(&path, text).unwrap();
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 3);
    assert!(text.starts_with("runs/chain/b/manifest.json: format version 2 is newer than 1"), "{text}");
}

#[test]
fn a_file_that_an_input_names_must_be_there() {
    let place = chain();
    place.write("p.toml", &CHAIN.replace("a/out.txt", "a/in.txt"));
    let (code, text) = place.refusal(place.run(&[]));
    assert_eq!(code, 2);
    assert_eq!(text, "p.toml:12: stage `b`: the result of `a` has no in.txt\nhint: it holds out.txt");
    assert!(read_manifest(&place.path("runs/chain/a")).unwrap().is_some(), "what was done stays");
}
