//! Pipelines and settings that make no sense: refused before anything runs, with file, line, value and hint.

use crate::support::{Place, RUN, trained};

/// A pipeline of one or more stages in a file `bad.toml`, refused with exit code 2 and these words.
#[track_caller]
fn refused(name: &str, stages: &str, words: &[&str]) {
    let place = Place::new(name);
    place.write("bad.toml", &format!("name = \"bad\"\n{stages}"));
    place.refuse(&["run", "bad.toml", "--runs-dir", "runs"], 2, words);
    assert!(!place.path("runs").exists(), "something ran");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let stages = "[[stage]]\nname = \"base\"\nkind = \"base\"\n[stage.set.train]\nlearning_rte = 3\n";
    refused("unknown-key", stages, &["bad.toml:6", "`base`", "`learning_rte`", "hint: did you mean `learning_rate`?"]);
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    let stages = "[[stage]]\nname = \"base\"\nkind = \"base\"\n[stage.set.train]\nlearning_rate = \"fast\"\n";
    refused("wrong-type", stages, &["bad.toml:6", "`train.learning_rate` must be a number", "\"fast\""]);
}

#[test]
fn a_missing_input_is_named_with_its_line_and_the_nearest() {
    let stages = "[[stage]]\nname = \"base\"\nkind = \"base\"\n\
                  [[stage]]\nname = \"lam1\"\nkind = \"phase1\"\ninputs = { model = \"bse\", plans = \"base\" }\n";
    refused("missing-input", stages, &["bad.toml:8", "`lam1` takes `bse` as `model`", "hint: did you mean `base`?"]);
}

#[test]
fn replay_that_leaves_nothing_for_the_stage_itself_is_refused() {
    let stages = "[[stage]]\nname = \"base\"\nkind = \"base\"\n\
                  [[stage]]\nname = \"lam1\"\nkind = \"phase1\"\n\
                  inputs = { model = \"base\", plans = \"base\", replay = [\"base/a\", \"base/b\"] }\n\
                  [stage.set]\nreplay_share = 0.5\n";
    let words = ["bad.toml:10", "`replay_share` = 0.5 for each of 2 files", "hint: it must be below 0.500"];
    refused("replay-share", stages, &words);
}

#[test]
fn a_cycle_is_spelled_out() {
    let stages = "[[stage]]\nname = \"one\"\nkind = \"phase1\"\ninputs = { model = \"two\", plans = \"two\" }\n\
                  [[stage]]\nname = \"two\"\nkind = \"phase1\"\ninputs = { model = \"one\", plans = \"one\" }\n";
    refused("cycle", stages, &["bad.toml:5", "one ← two ← one", "hint: "]);
}

#[test]
fn an_unknown_kind_and_an_unknown_environment_are_named() {
    let kind = "[[stage]]\nname = \"lam1\"\nkind = \"phaze1\"\n";
    refused("unknown-kind", kind, &["bad.toml:4", "`phaze1`", "hint: did you mean `phase1`?"]);
    let environment = "[[stage]]\nname = \"base\"\nkind = \"base\"\n[stage.set]\nenvironment = \"word\"\n";
    refused("unknown-environment", environment, &["bad.toml:6", "`environment` = word", "hint: registered are sim"]);
}

#[test]
fn a_path_that_leads_nowhere_is_refused_before_anything_runs() {
    let stage = |kind: &str, set: &str| format!("[[stage]]\nname = \"s\"\nkind = \"{kind}\"\n[stage.set]\n{set}\n");
    for (kind, set, words) in [
        (
            "plans",
            "plans = { sources = [{ kind = \"markdown\", path = \"manual\" }] }",
            "`plans.sources.0.path` = manual: no such file or directory\nhint: a path counts from",
        ),
        (
            "trajectories",
            "trajectories = { teacher = { recorded = { name = \"GPT-4o\", trajectories = \"rows.parquet\" } } }",
            "`trajectories.teacher.recorded.trajectories` = rows.parquet: no such file",
        ),
        ("plans", "environment = \"desktop:own.toml\"", "`environment` = desktop:own.toml: there is no file own.toml"),
        ("base", "model_config = \"shape.json\"", "`model_config` = shape.json: No such file"),
        ("base", "model_name_or_path = \"./model\"", "`model_name_or_path` = ./model: no such directory"),
    ] {
        refused("no-path", &stage(kind, set), &["bad.toml:6", words]);
    }
}

#[test]
fn another_language_and_a_list_of_one_are_understood_as_they_were_meant() {
    let place = Place::new("languages");
    place.write("p.yaml", "name: p\nstage:\n  - name: base\n    kind: base\n");
    place.refuse(&["plan", "p.yaml"], 2, &["p.yaml:1: ", "hint: this looks like YAML; write TOML: `key = value`"]);
    let planned = |set: &'static str| place.succeed(&[&["plan"][..], &RUN[1..], &["--set", set]].concat()).stdout;
    assert_eq!(planned("lam2.train.report_to=tensorboard"), planned("lam2.train.report_to=[\"tensorboard\"]"));
    let wrong = [&["plan"][..], &RUN[1..], &["--set", "lam2.train.report_to=trackio"]].concat();
    place.refuse(
        &wrong,
        2,
        &["`report_to` cannot be `trackio`", "hint: report to `tensorboard`, then `trackio.import"],
    );
}

#[test]
fn an_unknown_pipeline_is_refused_with_the_nearest_name() {
    let place = Place::new("unknown-pipeline");
    place.refuse(&["run", "quikstart"], 2, &["quikstart: neither", "hint: did you mean `quickstart`?"]);
    place.refuse(
        &["run", "runs/x.toml"],
        2,
        &["runs/x.toml: neither", "hint: name a pipeline file, or one of quickstart"],
    );
    place.refuse(&[&RUN[..], &["--from", "bse"]].concat(), 2, &["--from bse", "hint: did you mean `base`?"]);
}

#[test]
fn one_stage_alone_and_a_range_of_stages_are_two_wishes() {
    let place = Place::new("only-and-until");
    for range in ["--from", "--until"] {
        let said = ["'--only <STAGE>' cannot be used with", range];
        for command in ["run", "plan"] {
            place.refuse(&[command, "quickstart", "--runs-dir", "runs", "--only", "lam2", range, "lam1"], 2, &said);
        }
    }
    let planned = place.succeed(&["plan", "quickstart", "--runs-dir", "runs", "--only", "eval-step"]).stdout;
    assert!(planned.contains("eval-plan    left out") && planned.contains("eval-step    run "), "{planned}");
    assert!(!place.path("runs").exists(), "something ran");
}

#[test]
fn a_gpu_that_is_not_there_is_refused_before_anything_runs() {
    let place = Place::new("no-gpu");
    let mut command = place.command(&[&RUN[..], &["--device", "cuda"]].concat());
    let output = command.env("LAM_CUDA_LIBRARIES", place.path("nowhere")).output().expect("lam-train starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("no CUDA driver") && told.contains("hint: "), "{told}");
    assert!(!place.path("runs").exists(), "something ran");
    place.refuse(
        &[&RUN[..], &["--device", "gpu"]].concat(),
        2,
        &["`gpu` is not a device: write `auto`, `cpu`, `cuda`"],
    );
}

#[test]
fn numerics_that_are_not_known_are_refused() {
    let place = Place::new("numerics");
    let words = ["`exact` is not a kind of numerics: write `fast` or `portable`"];
    place.refuse(&[&RUN[..], &["--numerics", "exact"]].concat(), 2, &words);
    let words = ["`numerics` must be `fast` or `portable`, not \"exact\""];
    place.refuse(&[&RUN[..], &["--set", "numerics=exact"]].concat(), 2, &words);
}

#[test]
fn a_level_of_processors_that_is_not_known_is_refused() {
    let output = Place::new("no-level").command(&["doctor"]).env("LAM_CPU", "avx3").output().expect("lam-train starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let words = ["environment variable LAM_CPU", "`avx3`", "hint: write one of baseline, avx2, avx512, "];
    assert!(words.iter().all(|words| told.contains(words)), "{told}");
}

#[test]
fn the_exit_code_stays_where_nobody_reads_the_error() {
    let place = Place::new("nobody-reads");
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let status = place.command(&["plan", "no-such-pipeline"]).stderr(writer).status().expect("lam-train starts");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn values_without_a_meaning_are_refused_before_anything_runs() {
    let place = Place::new("values");
    let values = [
        ("base.train.learning_rate=-1.0", "`train.learning_rate` = -1"),
        ("base.min_controls=31", "`min_controls` = 31 is more than `max_controls` = 30"),
        ("base.max_steps=0", "`max_steps` = 0"),
        ("base.mixture.text=-0.5", "`mixture.text` = -0.5"),
        ("lam2.lora.lora_r=0", "`lora.lora_r` = 0"),
        (
            "lam2.lora.lora_target_modules=[\"head\"]",
            "`lora.lora_target_modules` names `head`, which matches no module",
        ),
        ("lam1.train.seed=7", "unknown key `seed` in `train`\nhint: a stage has the seed of its pipeline"),
        ("explore.limits.seed=7", "unknown key `seed` in `limits`\nhint: a stage has the seed of its pipeline"),
        ("plans.plans.test_fraction=1.0", "`plans.test_fraction` = 1.0: must be at least 0 and below 1"),
        ("lam1.replay_share=1.0", "`replay_share` = 1"),
        ("lam1.quantization_bit=3", "`quantization_bit` = 3: must be from 4 to 8"),
        ("lam2.validation_share=1.0", "`validation_share` = 1"),
        ("explore.attempts=0", "`attempts` = 0"),
        ("explore.ways=[]", "`ways` = []: must name one way at least"),
        ("explore.ways=[\"tries\", \"plans\", \"tries\"]", "`ways` = \"tries\": stands there twice"),
        ("explore.ways=[\"plan\"]", "`ways.0` cannot be `plan`\nhint: did you mean `plans`?"),
        ("explore.limits.max_steps=0", "`limits.max_steps` = 0"),
        ("reward.train.warmup_ratio=2.0", "`train.warmup_ratio` = 2"),
        ("lam4.batch_size=0", "`batch_size` = 0"),
        ("lam4.mini_batch_size=0", "`mini_batch_size` = 0"),
        ("lam4.gamma=1.5", "`gamma` = 1.5"),
        ("lam4.learning_rate=1e-4", "unknown key `learning_rate`\nhint: did you mean `lam4.train.learning_rate`?"),
        ("lam4.train.eval_steps=5", "`train.eval_steps` = 5: means nothing in PPO\nhint: "),
        ("lam4.lora.lora_dropout=0.1", "`lora.lora_dropout` = 0.1: PPO's ratio would measure the noise of dropout"),
        ("eval-online.limits.parallel=0", "`limits.parallel` = 0"),
        ("eval-online.split=train", "`split` = train: a model is not measured on what it was trained on"),
        ("expert.trajectories.tasks=0", "`trajectories.tasks` = 0"),
        ("lam2.lora.r=4294967295", "`lora.lora_r` = 4294967295: must be from 1 to 16384"),
        ("lam2.quantization_bit=5", "`quantization_bit` = 5: must be 4 (Q4_K) or 8 (Q8_0)"),
        ("lam2.quantization_bit=300", "`quantization_bit` must be a whole number from 0 to 255, not integer `300`"),
        ("base.tokenizer.vocab_size=1e18", "`tokenizer.vocab_size` must be a whole number"),
        (
            "base.tokenizer.vocab_size=1000000000000000000",
            "`tokenizer.vocab_size` = 1000000000000000000: must be from 1",
        ),
        ("export.tolerance=nan", "`tolerance` = nan: must be from 0"),
        (
            "eval-plan.judge={ usd_per_million_prompt_tokens = nan }",
            "`judge.usd_per_million_prompt_tokens` = nan: must be",
        ),
        (
            "eval-online.endpoints=[{ timeout_s = -1 }]",
            "`endpoints.0.timeout_s` = -1.0: must be above 0 and at most 86400",
        ),
    ];
    for (set, words) in values {
        place.refuse(&[&RUN[..], &["--set", set]].concat(), 2, &[&format!("--set {set}"), words]);
    }
    assert!(!place.path("runs").exists(), "something ran");
    place.refuse(&["doctor", "--threads", "100000"], 2, &["'100000' for '--threads <N>'", "1..=1024"]);
}

#[test]
fn a_value_that_only_the_stage_can_judge_is_a_configuration_error_too() {
    let place = Place::new("late-values");
    let only_base = ["--from", "base", "--until", "base", "--set"];
    let run = |set: &'static str| [&RUN[..], &only_base, &[set]].concat();
    place.refuse(
        &run("base.model_config=nano-9z"),
        2,
        &["`model_config` = nano-9z", "hint: name a config.json", "nano-2m"],
    );
    place.write("phase1.toml", "[train]\nmax_tokens = 600\nmax_memory_mib = 1\n");
    let (model, plans) = (trained().stage("base"), trained().stage("plans"));
    let phase = ["phase1", "-c", "phase1.toml", "--model", &model, "--data", &plans, "--output-dir", "runs/one"];
    place.refuse(&phase, 5, &["allowed are 1 MiB (`max_memory_mib`)", "hint: "]);
    let base = run("base.train.max_memory_mib=28");
    place.refuse(
        &base,
        5,
        &["allowed are 28 MiB (`max_memory_mib`)", "memory plan: ", "hint: any of these would fit: `"],
    );
}

#[test]
fn a_phases_own_file_is_named_with_its_line() {
    let place = Place::new("phase-settings");
    place.write("two.toml", "lora = { lora_r = 4 }\n[train]\nmox_tokens = 1\n");
    place.write("three.toml", "[explore]\nattempts = 1\n[train.train]\nmax_tokens = \"many\"\n");
    place.write("broken.toml", "a = [");
    let (model, expert) = (trained().stage("lam1"), trained().stage("expert"));
    let data = format!("{expert}/expert_success.parquet");
    let phase = |phase, file| {
        [phase, "-c", file, "--model", &model, "--data", &data, "--output-dir", "runs/p"].map(str::to_owned)
    };
    let refuse = |phase: [String; 9], more: &[&str], words: &[&str]| {
        let args: Vec<&str> = phase.iter().map(String::as_str).chain(more.iter().copied()).collect();
        place.refuse(&args, 2, words);
    };
    refuse(phase("phase2", "two.toml"), &[], &["two.toml:3", "`mox_tokens`", "hint: did you mean `max_tokens`?"]);
    refuse(phase("phase3", "three.toml"), &[], &["three.toml:4", "`lam3`", "`train.max_tokens` must be", "\"many\""]);
    refuse(
        phase("phase3", "three.toml"),
        &["--set", "explore.attempts=0"],
        &["--set explore.attempts=0", "`attempts` = 0"],
    );
    let no_planner = "\"plans\": needs the input `planner`, which is not given";
    refuse(phase("phase3", "three.toml"), &["--set", "explore.ways=[\"plans\"]"], &[no_planner, "hint: add the model"]);
    refuse(phase("phase2", "broken.toml"), &[], &["broken.toml:1"]);
    assert!(!place.path("runs").exists(), "something ran");
}

#[test]
fn a_file_where_a_directory_is_needed_is_named() {
    let place = Place::new("unwritable");
    place.write("occupied", "");
    let run = ["run", "miniature.toml", "--runs-dir", "occupied"];
    let words =
        ["occupied/miniature", "hint: a file stands where a directory is needed", "--runs-dir says where results"];
    place.refuse(&run, 2, &words);
    let collect = ["data", "collect", "--output-dir", "occupied/here"];
    place.refuse(&collect, 2, &["occupied/here", "--output-dir says where results go"]);
    // A system's own folder, which nobody may write into, not even root.
    if std::path::Path::new("/sys/kernel").is_dir() {
        let words =
            ["/sys/kernel/runs", "hint: see who may read and write there", "\n--runs-dir says where results go"];
        place.refuse(&["run", "miniature.toml", "--runs-dir", "/sys/kernel/runs"], 1, &words);
    }
    let words = ["occupied: not a directory that lam-train made", "hint: choose another directory"];
    place.refuse(&["model", "init", "nano-1m", "--output-dir", "occupied"], 2, &words);
}
