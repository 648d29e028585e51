//! What runs of other names take from each other, what they do not, and that a result stays what it is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use lam_pipeline::{
    InputCounts, InputSpec, NoView, Outcome, RunOptions, Stage, StageAction, StageContext, plan, run, status,
};
use lam_signal::Failure;
use lam_store::{SharedResults, hash_path, lineage, read_manifest};
use serde_json::Value;

use crate::fakes::{CHAIN, FakeConfig, Fuse, Place, chain, names};

const OTHER: &str = "name=other";

fn outcomes(place: &Place, overrides: &[&str]) -> Vec<Outcome> {
    place.run(overrides).unwrap().stages.iter().map(|stage| stage.outcome).collect()
}

fn actions(place: &Place, overrides: &[&str], options: &RunOptions) -> Vec<StageAction> {
    let plan = plan(&place.load(overrides).unwrap(), &place.registry(), options).unwrap();
    plan.stages.iter().map(|stage| stage.action).collect()
}

/// Where a stage's result lies for other runs.
fn entry(place: &Place, stage: &str) -> PathBuf {
    let manifest = read_manifest(&place.path(&format!("runs/{stage}"))).unwrap().unwrap();
    place.path(&format!("runs/.cache/{}/result", manifest.fingerprint))
}

fn inode(path: PathBuf) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_chain_of_stages_is_planned_and_taken_as_one() {
    let place = chain();
    let first = place.run(&[]).unwrap();
    place.ran();
    assert_eq!(actions(&place, &[OTHER], &place.options()), [StageAction::Reuse; 3]);
    let text = plan(&place.load(&[OTHER]).unwrap(), &place.registry(), &place.options()).unwrap().to_text();
    assert!(text.starts_with("a  reused:         made by chain/a (took "), "{text}");
    assert!(!place.path("runs/other").exists(), "a plan writes nothing");

    let summary = place.run(&[OTHER]).unwrap();
    assert_eq!((summary.count(Outcome::Reused), place.ran().len()), (3, 0));
    assert_eq!(summary.stages[2].why, "made by chain/c");
    assert_eq!(summary.stages[2].duration_s, first.stages[2].duration_s);
    let text = summary.to_text();
    assert!(
        text.starts_with("other: 0 ran, 3 reused (other runs took ") && text.contains("its results took 0.0 s\n"),
        "{text}"
    );
    for stage in ["a", "b", "c"] {
        let of = |run: &str| place.path(&format!("runs/{run}/{stage}"));
        assert_eq!(hash_path(&of("other")).unwrap(), hash_path(&of("chain")).unwrap());
        let (made, taken) =
            (read_manifest(&of("chain")).unwrap().unwrap(), read_manifest(&of("other")).unwrap().unwrap());
        assert_eq!((taken.pipeline.as_str(), taken.stage.as_str()), ("other", stage));
        assert_eq!(taken.reused_from, Some(format!("chain/{stage}")));
        assert_eq!(
            (taken.fingerprint, taken.output_hash, taken.started_at, taken.duration_s, taken.metrics, taken.files),
            (made.fingerprint, made.output_hash, made.started_at, made.duration_s, made.metrics, made.files)
        );
        assert_eq!(
            place.read(&format!("runs/other/{stage}/config.toml")),
            place.read(&format!("runs/chain/{stage}/config.toml"))
        );
    }
    assert_eq!(inode(place.path("runs/other/a/out.txt")), inode(place.path("runs/chain/a/out.txt")), "linked");
    let again = place.run(&[OTHER]).unwrap().to_text();
    assert!(
        again.starts_with("other: 0 ran, 3 cached; its results took 0.0 s\n"),
        "others' time stays theirs: {again}"
    );
    let text = status(&place.load(&[OTHER]).unwrap(), &place.path("runs")).unwrap().to_text();
    assert!(text.contains("reused: made by chain/a; bytes 8"), "{text}");
    let tree = lineage(&place.path("runs/other/c")).unwrap().to_text();
    assert!(tree.contains("other/b") && !tree.contains("chain") && !tree.contains("MISSING"), "{tree}");
}

#[test]
fn who_took_a_result_passes_on_who_made_it() {
    let place = chain();
    place.run(&[]).unwrap();
    place.run(&[OTHER]).unwrap();
    fs::remove_dir_all(place.path("runs/chain")).unwrap();
    SharedResults::of_runs(&place.path("runs")).clean(true, false).unwrap();
    assert_eq!(outcomes(&place, &[OTHER]), [Outcome::Cached; 3]);
    let third = place.run(&["name=third"]).unwrap();
    assert_eq!((third.stages[0].outcome, third.stages[0].why.as_str()), (Outcome::Reused, "made by chain/a"));
}

#[test]
fn only_what_is_the_same_is_taken() {
    let place = chain();
    place.run(&[]).unwrap();
    place.ran();
    assert_eq!(outcomes(&place, &[OTHER, "b.text=bye"]), [Outcome::Reused, Outcome::Ran, Outcome::Ran]);
    assert_eq!(place.ran(), ["b", "c"]);
    // What is known only once `b` has run is decided then: it comes out as before.
    let planned = actions(&place, &["name=third", "b.lora_r=8"], &place.options());
    assert_eq!(planned, [StageAction::Reuse, StageAction::Run, StageAction::Run]);
    assert_eq!(outcomes(&place, &["name=third", "b.lora_r=8"]), [Outcome::Reused, Outcome::Ran, Outcome::Reused]);
    // Sums in another order make other bits.
    let options = RunOptions { arithmetic: "another order".to_owned(), ..place.options() };
    assert_eq!(actions(&place, &["name=fourth"], &options)[0], StageAction::Run);
}

#[test]
fn what_comes_from_outside_bears_the_same_name() {
    let place = Place::new();
    let from = |folder: &str, name: &str| {
        place.write(&format!("{folder}/{name}"), "text\n");
        let stage =
            format!("[[stage]]\nname = \"a\"\nkind = \"write\"\ninputs = {{ parts = [\"{folder}/{name}\"] }}\n");
        place.write("p.toml", &format!("name = \"{folder}-{name}\"\nseed = 7\n\n{stage}"));
        outcomes(&place, &[])[0]
    };
    assert_eq!(from("one", "model"), Outcome::Ran);
    assert_eq!(from("two", "model"), Outcome::Reused, "wherever it lies");
    assert_eq!(from("two", "renamed"), Outcome::Ran, "a result may tell what it was called");
}

/// A stage in whose result names stand.
struct Tell;

impl Stage for Tell {
    type Settings = FakeConfig;

    fn kind(&self) -> &'static str {
        "tell"
    }

    fn crate_name(&self) -> &'static str {
        "fakes"
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 1] = [InputSpec::any("parts")];
        &INPUTS
    }

    fn tells_names(&self, inputs: &InputCounts) -> bool {
        inputs.of("parts") > 0
    }

    fn run(&self, _: &FakeConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        fs::write(context.output.join("out.txt"), "told\n").map_err(Failure::runtime)?;
        Ok(Value::Null)
    }
}

#[test]
fn a_result_that_tells_names_is_taken_where_all_names_are_the_same() {
    let place = chain();
    let told = |overrides: &[&str]| {
        let registry = place.registry().with(Tell);
        run(&place.load(overrides).unwrap(), &registry, &place.options(), &NoView).unwrap().stages[1].outcome
    };
    let write = |first: &str, tell: &str| {
        let stages = format!(
            "[[stage]]\nname = \"{first}\"\nkind = \"write\"\n\n\
             [[stage]]\nname = \"{tell}\"\nkind = \"tell\"\ninputs = {{ parts = [\"{first}\"] }}\n"
        );
        place.write("p.toml", &format!("name = \"chain\"\nseed = 7\n\n{stages}"));
        // What stood before was made for other names.
        let _ = fs::remove_dir_all(place.path("runs/chain"));
    };
    write("a", "t");
    assert_eq!(told(&[]), Outcome::Ran);
    assert_eq!(told(&[OTHER]), Outcome::Ran, "another run");
    write("a", "t");
    assert_eq!(told(&[]), Outcome::Reused, "the same run, once more");
    write("a", "told");
    assert_eq!(told(&[]), Outcome::Ran, "another stage");
    write("first", "t");
    assert_eq!(told(&[]), Outcome::Ran, "another input");
}

#[test]
fn a_stage_is_made_where_somebody_says_so() {
    let place = chain();
    place.run(&[]).unwrap();
    place.ran();
    let alone = RunOptions { reuse: false, ..place.options() };
    assert_eq!(actions(&place, &[OTHER], &alone), [StageAction::Run; 3]);
    run(&place.load(&[OTHER]).unwrap(), &place.registry(), &alone, &NoView).unwrap();
    assert_eq!(place.ran(), ["a", "b", "c"]);
    place.force(&["b"], &["name=third"]).unwrap();
    assert_eq!(place.ran(), ["b"]);

    let elsewhere = chain();
    let alone = RunOptions { reuse: false, ..elsewhere.options() };
    run(&elsewhere.load(&[]).unwrap(), &elsewhere.registry(), &alone, &NoView).unwrap();
    assert_eq!(names(&elsewhere.path("runs")), ["chain"], "nothing is left for others");
    // The next run leaves what it finds.
    elsewhere.run(&[]).unwrap();
    assert_eq!(outcomes(&elsewhere, &[OTHER]), [Outcome::Reused; 3]);
}

#[test]
fn a_damaged_result_is_removed_and_made_again() {
    let place = chain();
    place.run(&[]).unwrap();
    let file = entry(&place, "chain/a").join("out.txt");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "hellO 7\n").unwrap();
    fs::File::open(&file).unwrap().set_modified(before).unwrap();
    place.ran();
    assert_eq!(outcomes(&place, &[OTHER])[0], Outcome::Ran);
    assert_eq!((place.ran(), place.read("runs/other/a/out.txt")), (vec!["a".to_owned()], "hello 7\n".to_owned()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello 7\n", "what was made stands there now");
    // One whose size says so is not even planned.
    fs::write(&file, "hello\n").unwrap();
    assert_eq!(actions(&place, &["name=third"], &place.options())[0], StageAction::Run);
    assert_eq!(outcomes(&place, &["name=third"])[0], Outcome::Ran);
}

#[test]
fn what_stands_or_was_begun_is_not_replaced() {
    let place = chain();
    place.run(&["a.text=bye", OTHER]).unwrap();
    place.run(&[]).unwrap();
    let (code, text) = place.refusal(place.run(&[OTHER]));
    assert_eq!(code, 4, "{text}");
    assert_eq!(place.read("runs/other/a/out.txt"), "bye 7\n");

    place.light(Some((2, Fuse::Fail)));
    place.run(&["name=third", "c.units=6"]).unwrap_err();
    place.light(None);
    place.run(&["name=fourth", "c.units=6"]).unwrap();
    place.ran();
    place.run(&["name=third", "c.units=6"]).unwrap();
    assert_eq!(place.ran(), ["c+"], "it goes on with its own work");
}

#[test]
fn a_kill_leaves_nothing_that_looks_like_work() {
    let place = chain();
    place.run(&[]).unwrap();
    // As if it came before the renames, of one who takes and of one who stores.
    let half = place.path("runs/other/c.taken");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join(".lam-train"), "").unwrap();
    fs::hard_link(entry(&place, "chain/c").join("unit-0"), half.join("unit-0")).unwrap();
    let left = place.path("runs/.cache/staging-1-0/result");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("unit-0"), "0").unwrap();
    place.ran();
    assert_eq!(outcomes(&place, &[OTHER]), [Outcome::Reused; 3]);
    assert_eq!(names(&place.path("runs/other")), [".lock", "a", "b", "c", "events.jsonl"]);
    let cleaned = SharedResults::of_runs(&place.path("runs")).clean(false, false).unwrap();
    assert_eq!((cleaned.leftovers, cleaned.results, cleaned.kept), (1, 0, 3));
    assert!(!left.exists());
}

#[test]
fn what_a_run_holds_is_kept_and_the_rest_goes() {
    let place = chain();
    place.run(&[]).unwrap();
    place.run(&[OTHER, "a.text=bye"]).unwrap();
    fs::remove_dir_all(place.path("runs/other")).unwrap();
    let shared = SharedResults::of_runs(&place.path("runs"));
    let cleaned = shared.clean(false, false).unwrap();
    // `c` came out of another `b`, and is another result although its bytes are the same.
    assert_eq!((cleaned.results, cleaned.kept), (3, 3));
    assert_eq!(outcomes(&place, &["name=third"]), [Outcome::Reused; 3]);
    assert_eq!(outcomes(&place, &[OTHER, "a.text=bye"]), [Outcome::Ran; 3]);
}

#[test]
fn groups_take_from_groups_and_from_runs_without_them() {
    let place = chain();
    place.write("p.toml", &CHAIN.replace("seed = 7", "seeds = [7, 8]"));
    place.run(&["name=both"]).unwrap();
    place.ran();
    let more = place.run(&["name=more", "seeds=[8, 9]"]).unwrap();
    assert_eq!((more.count(Outcome::Reused), place.ran().len()), (3, 3));
    assert_eq!(more.stages[0].why, "made by both/seed-8/a");
    let one = place.run(&["name=one", "seed=7"]).unwrap();
    assert_eq!((one.count(Outcome::Reused), place.ran().len()), (3, 0));
    let manifest = read_manifest(&place.path("runs/one/b")).unwrap().unwrap();
    assert_eq!(manifest.inputs["model"][0].path, "a/out.txt");
}
