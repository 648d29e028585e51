//! Pipeline files: what they mean, and what is said of those that cannot mean anything.

use lam_pipeline::{GraphFormat, check, graph};

use crate::fakes::{CHAIN, Place, chain};

/// What is said of a pipeline with these lines instead of the chain's.
fn refusal_of(text: &str) -> (u8, String) {
    let place = Place::new();
    place.write("p.toml", text);
    let refused = place.load(&[]).and_then(|pipeline| check(&pipeline, &place.registry()));
    place.refusal(refused)
}

fn refusal(from: &str, to: &str) -> String {
    assert!(CHAIN.contains(from));
    let (code, text) = refusal_of(&CHAIN.replace(from, to));
    assert_eq!(code, 2, "{text}");
    text
}

#[test]
fn an_unknown_kind_has_a_line_and_the_nearest_kind() {
    assert_eq!(
        refusal("kind = \"count\"", "kind = \"coutn\""),
        "p.toml:17: stage `c` is of unknown kind `coutn`\nhint: did you mean `count`?"
    );
}

#[test]
fn a_missing_input_has_a_line_and_the_nearest_stage() {
    let place = Place::new();
    place.write("p.toml", &CHAIN.replace("name = \"b\"", "name = \"lam1\"").replace("data = \"b\"", "data = \"lam0\""));
    let (code, text) = place.refusal(place.load(&[]));
    assert_eq!(
        (code, text.as_str()),
        (
            2,
            "p.toml:18: stage `c` takes `lam0` as `data`, which is neither a stage nor a path that exists\n\
             hint: did you mean `lam1`?"
        )
    );
}

#[test]
fn inputs_are_those_that_the_stage_takes() {
    assert_eq!(
        refusal("{ data = \"b\" }", "{ dat = \"b\" }"),
        "p.toml:17: stage `c` (count) takes no input `dat`\nhint: did you mean `data`?"
    );
    assert_eq!(
        refusal("inputs = { data = \"b\" }", ""),
        "p.toml:17: stage `c` (count) needs the input `data`\nhint: add `inputs = { data = \"…\" }`"
    );
    assert_eq!(
        refusal("{ data = \"b\" }", "{ data = [\"a\", \"b\"] }"),
        "p.toml:17: stage `c` takes one `data`, not 2\nhint: name one"
    );
}

#[test]
fn a_cycle_is_named() {
    assert_eq!(
        refusal("kind = \"write\"\nset", "kind = \"write\"\ninputs = { parts = \"c\" }\nset"),
        "p.toml:8: the stages wait for each other: a ← c ← b ← a\nhint: take one of these inputs out"
    );
}

#[test]
fn names_are_unique_and_plain() {
    assert_eq!(
        refusal("name = \"b\"", "name = \"a\""),
        "p.toml:11: two stages are called `a`\nhint: rename one of them"
    );
    let hint = "hint: use letters, digits, `-` and `_`, 64 at most, and no `-` at the beginning";
    let text = refusal("name = \"c\"", "name = \"c/d\"");
    assert_eq!(text, format!("p.toml:16: `c/d` cannot be a stage's name\n{hint}"));
    let long = "x".repeat(65);
    for name in ["", ".", "..", "../../x", "/home/u", "a b", "a\\u0000b", "-x", "CON", "a.b", "ü", &long] {
        let text = refusal("name = \"chain\"", &format!("name = \"{name}\""));
        assert!(text.starts_with("p.toml:2: `") && text.ends_with(hint), "{text}");
        assert!(text.contains("` cannot be a pipeline's name\n"), "{text}");
    }
    let place = chain();
    let (code, text) = place.refusal(place.load(&["name=../x"]));
    assert_eq!((code, text), (2, format!("--set name=../x: `../x` cannot be a pipeline's name\n{hint}")));
    assert!(refusal("name = \"c\"", "name = \"seed-7\"").contains("`seed-7` cannot be a stage's name"));
}

#[test]
fn stages_and_seeds_have_limits() {
    let many = "\n[[stage]]\nname = \"s\"\nkind = \"write\"\n".repeat(8_000);
    let (code, text) = refusal_of(&format!("name = \"many\"\n{many}"));
    assert_eq!(code, 2);
    assert!(text.starts_with("p.toml:3: 8000 stages are more than the 1000 that a pipeline may have\n"), "{text}");
    let seeds = (0..4_000).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
    assert!(refusal("seed = 7", &format!("seeds = [{seeds}]")).starts_with("12000 stages are more than the 10000"));
    assert!(refusal("seed = 7", "seeds = [1, 2, 1]").starts_with("seed 1 stands twice in `seeds`"));
    assert!(refusal("seed = 7", "seeds = []").starts_with("`seeds` is empty"));
}

#[test]
fn unknown_keys_have_lines_and_nearest_names() {
    assert_eq!(refusal("seed = 7", "sed = 7"), "p.toml:3: unknown key `sed`\nhint: did you mean `seed`?");
    assert_eq!(
        refusal("kind = \"count\"", "kind = \"count\"\nconfg = \"c.toml\""),
        "p.toml:18: unknown key `confg` in `stage.2`\nhint: did you mean `config`?"
    );
    assert_eq!(
        refusal("learning_rate", "learning_rat"),
        "p.toml:8: stage `a`: unknown key `learning_rat`\nhint: did you mean `learning_rate`?"
    );
    assert_eq!(
        refusal("0.5", "\"fast\""),
        "p.toml:8: stage `a`: `learning_rate` must be a number, not string \"fast\""
    );
}

#[test]
fn settings_come_from_file_table_and_command_line() {
    let place = chain();
    place.write("configs/c.toml", "units = 2\n\ntext = 3\n");
    place
        .write("pipelines/p.toml", &CHAIN.replace("kind = \"count\"", "kind = \"count\"\nconfig = \"configs/c.toml\""));
    let load = |overrides: &[&str]| {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let pipeline = lam_pipeline::Pipeline::load(&place.path("pipelines/p.toml"), &overrides)?;
        check(&pipeline, &place.registry()).map(|()| pipeline)
    };
    let (code, text) = place.refusal(load(&[]));
    assert_eq!(
        (code, text.as_str()),
        (2, "configs/c.toml:3: stage `c`: `text` must be text in quotes, not integer `3`")
    );
    let pipeline = load(&["c.text=later", "c.units=9", "a.lora_rank=4"]).unwrap();
    assert_eq!(pipeline.stages[2].config.table()["units"].as_integer(), Some(9));
    let (_, text) = place.refusal(load(&["c.text=x", "a.lr=often"]));
    assert_eq!(text, "--set a.lr=often: stage `a`: `learning_rate` must be a number, not string \"often\"");
    let (_, text) = place.refusal(load(&["aa.text=x"]));
    assert_eq!(text, "--set aa.text=x: no stage is called `aa`\nhint: did you mean `a`?");
    let (_, text) = place.refusal(load(&["sed=3"]));
    assert!(text.starts_with("--set sed=3: unknown key `sed`\nhint: "), "{text}");
}

#[test]
fn a_missing_config_file_and_a_missing_pipeline_are_named() {
    let text = refusal("kind = \"count\"", "kind = \"count\"\nconfig = \"no.toml\"");
    assert!(text.starts_with("p.toml:18: stage `c`: there is no configuration file no.toml\nhint: "), "{text}");
    let place = Place::new();
    let (_, text) = place.refusal(place.load(&[]));
    assert!(text.starts_with("cannot read p.toml: "), "{text}");
}

#[test]
fn stages_stand_after_their_inputs_whatever_the_file_says() {
    let place = Place::new();
    let (head, stages) = CHAIN.split_at(CHAIN.find("[[stage]]").unwrap());
    let mut stages: Vec<&str> = stages.split_inclusive("\n\n").collect();
    stages.reverse();
    place.write("p.toml", &format!("{head}{}", stages.join("\n")));
    let order: Vec<String> = place.load(&[]).unwrap().stages.into_iter().map(|stage| stage.id).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[test]
fn an_included_pipeline_is_repeated_for_each_seed() {
    let place = chain();
    place.write("chain.toml", CHAIN);
    place.write(
        "p.toml",
        "name = \"seeds\"\nseeds = [1, 2]\ninclude = \"chain.toml\"\n[set.c]\nunits = 2\n\
         [[stage]]\nname = \"all\"\nkind = \"write\"\ninputs = { parts = [\"b\"] }\n",
    );
    let pipeline = place.load(&[]).unwrap();
    let text = graph(&pipeline, &place.path("runs"), GraphFormat::Text);
    let expected = "seed-1/a  write\n\
                    seed-1/b  write  ← model: seed-1/a/out.txt, parts: seed-1/a\n\
                    seed-1/c  count  ← data: seed-1/b\n\
                    seed-2/a  write\n\
                    seed-2/b  write  ← model: seed-2/a/out.txt, parts: seed-2/a\n\
                    seed-2/c  count  ← data: seed-2/b\n\
                    all       write  ← parts: seed-1/b, parts: seed-2/b\n";
    assert_eq!(text, expected);
    place.run(&[]).unwrap();
    assert_eq!(place.read("runs/seeds/all/out.txt"), " 7\n 1\nhello 1\nhello 1\n 2\nhello 2\nhello 2\n");
    assert!(place.path("runs/seeds/seed-2/c/unit-1").exists() && !place.path("runs/seeds/seed-2/c/unit-2").exists());
    let lineage = lam_store::lineage(&place.path("runs/seeds/all")).unwrap().to_text();
    assert!(lineage.contains("─ parts: seeds/seed-2/b (write, seed 2)"), "{lineage}");
    assert!(lineage.contains("─ parts: seeds/seed-2/a (write, seed 2)"), "{lineage}");
    assert!(!lineage.contains("CHANGED") && !lineage.contains("MISSING"), "{lineage}");
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let (code, text) = refusal_of("name = \"x\"\ninclude = \"p.toml\"\n");
    assert_eq!((code, text.as_str()), (2, "p.toml:2: p.toml includes itself"));
}

#[test]
fn the_graph_has_a_mermaid_form() {
    let place = chain();
    let drawn = graph(&place.load(&[]).unwrap(), &place.path("runs"), GraphFormat::Mermaid);
    assert_eq!(
        drawn,
        "flowchart TD\n  s0[\"a<br>write\"]\n  s1[\"b<br>write\"]\n  s2[\"c<br>count\"]\n  \
         s0 -->|model| s1\n  s0 -->|parts| s1\n  s1 -->|data| s2\n"
    );
}
