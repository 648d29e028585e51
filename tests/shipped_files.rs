//! Every file that is shipped is loaded: a pipeline or configuration that no longer fits is named here.

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace exists")
}

/// Files below a folder with this extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(workspace().join(folder))
        .unwrap_or_else(|e| panic!("{folder}: {e}"))
        .map(|entry| entry.expect("readable entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no .{extension} file");
    found
}

#[test]
fn every_pipeline_can_be_planned() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    for path in files("pipelines", "toml") {
        let output = Command::new(env!("CARGO_BIN_EXE_lam-train"))
            .args(["plan", path.to_str().expect("a UTF-8 path"), "--runs-dir"])
            .arg(runs.path())
            .output()
            .expect("lam-train starts");
        assert!(output.status.success(), "{}:\n{}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
}

/// Cargo's part is played here: it puts the program where it does for a target that was named, and says so.
#[cfg(unix)]
#[test]
fn an_archive_is_called_after_the_target_it_was_built_for() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).expect("writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path
    };
    let program = write("program", "#!/bin/sh\n[ \"$1\" != --version ] || echo 'lam-train 9.9.9'\n");
    write(
        "cargo",
        "#!/bin/sh\n[ \"$1\" = build ] || exit 0\nplace=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/dist\nmkdir -p \"$place\"\n\
         cp \"$PROGRAM\" \"$place/lam-train\"\n\
         echo \"{\\\"reason\\\":\\\"compiler-artifact\\\",\\\"executable\\\":\\\"$place/lam-train\\\",\\\"fresh\\\":true}\"\n",
    );
    let path = format!("{}:{}", place.path().display(), std::env::var("PATH").expect("a path"));
    let host = Command::new("rustc").arg("-vV").output().expect("rustc");
    let host = String::from_utf8(host.stdout).expect("UTF-8");
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    for (target, named) in [("riscv64gc-unknown-linux-musl", "riscv64gc-unknown-linux-musl"), ("", host)] {
        let mut command = Command::new("bash");
        command.arg(workspace().join("scripts/package.sh")).env("PATH", &path).env("PROGRAM", &program);
        command.env("CARGO_TARGET_DIR", place.path().join("built")).env("CARGO_BUILD_TARGET", target);
        let output = command.output().expect("bash");
        assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
        let archive = place.path().join(format!("built/package/lam-train-9.9.9-{named}.tar.gz"));
        assert!(archive.is_file(), "{target}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// MiniWoB++'s settings are chosen on the families that its figures are about, and never on the test set.
#[test]
fn shares_of_miniwob_are_chosen_on_its_own_families_and_on_the_validation_set() {
    let read = |name: &str| -> toml::Table {
        let text = std::fs::read_to_string(workspace().join("pipelines").join(name)).expect("readable");
        text.parse().expect("TOML")
    };
    let (whole, shares) = (read("miniwob.toml"), read("miniwob-shares.toml"));
    let families = &whole["set"]["eval-online"]["families"];
    assert_eq!(&whole["set"]["expert"]["trajectories"]["families"], families);
    let stages = shares["stage"].as_array().expect("stages");
    let evaluations: Vec<&toml::Value> =
        stages.iter().filter(|stage| stage["kind"].as_str() == Some("eval.online")).collect();
    assert_eq!(evaluations.len(), 1);
    assert_eq!(&evaluations[0]["set"]["families"], families);
    assert_eq!(evaluations[0]["set"]["split"].as_str(), Some("validation"));
    let tokens = |name: &str| {
        let stage = stages.iter().find(|stage| stage["name"].as_str() == Some(name)).expect(name);
        stage["set"]["train"]["max_tokens"].as_integer().expect("tokens")
    };
    for share in ["third", "half", "most"] {
        assert_eq!(tokens(&format!("lam2-{share}")) + tokens(&format!("lam3-{share}")), 6_000_000, "{share}");
    }
}

/// What `config schema pipeline` says of a pipeline's text: nothing, or why an editor would mark it.
fn marked(schema: &serde_json::Value, text: &str) -> Option<String> {
    let pipeline: toml::Table = text.parse().expect("TOML");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("pipeline.schema.json", schema.clone()).expect("a schema");
    let index = compiler.compile("pipeline.schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error}"));
    let value = serde_json::to_value(pipeline).expect("TOML without dates is JSON");
    schemas.validate(&value, index).err().map(|error| error.to_string())
}

#[test]
fn the_schema_of_pipelines_fits_every_pipeline_and_marks_mistakes() {
    let output = Command::new(env!("CARGO_BIN_EXE_lam-train")).args(["config", "schema", "pipeline"]).output();
    let schema = serde_json::from_slice(&output.expect("lam-train starts").stdout).expect("JSON");
    let miniature = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/miniature/pipeline.toml");
    for path in files("pipelines", "toml").into_iter().chain([miniature]) {
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(marked(&schema, &text), None, "{}", path.display());
    }
    let stage = |kind: &str, rest: &str| format!("name = \"p\"\n[[stage]]\nname = \"s\"\nkind = \"{kind}\"\n{rest}\n");
    let phase2 = |rest: &str| stage("phase2", &format!("inputs = {{ model = \"m\", trajectories = \"t\" }}\n{rest}"));
    for fine in [
        phase2("[stage.set.train]\nlr = 1e-3\nreport_to = [\"mlflow\", \"wandb\"]"),
        phase2("[stage.set]\nlora = { lora_rank = 8 }"),
        "name = \"p\"\nseeds = [1, 2]\ndevice = \"cuda:1\"\nreport_to = \"none\"\n".to_owned(),
    ] {
        assert_eq!(marked(&schema, &fine), None, "{fine}");
    }
    for wrong in [
        phase2("[stage.set.train]\nlearning_rat = 1e-3"),
        phase2("[stage.set.train]\nlearning_rate = \"fast\""),
        phase2("[stage.set.train]\nlearning_rate = -1.0"),
        phase2("[stage.set.train]\nreport_to = \"trackio\""),
        stage("phase2", "inputs = { model = \"m\" }"),
        stage("phase5", ""),
        "name = \"p\"\nseed = -1\n".to_owned(),
        "name = \"p\"\nstages = []\n".to_owned(),
    ] {
        assert!(marked(&schema, &wrong).is_some(), "taken:\n{wrong}");
    }
}

#[test]
fn every_model_configuration_is_valid() {
    for path in files("configs/model", "json") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let config: lam_model::DecoderConfig =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        config.check().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

#[test]
fn every_phase_configuration_is_understood() {
    let whole = |name: &str| -> toml::Table {
        let path = workspace().join("configs").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let part = |name: &str, table: &str| whole(name)[table].as_table().expect("a table").clone();
    decoded::<lam_collect::plans::PlansConfig>("plans.toml [plans]", &part("plans.toml", "plans"));
    decoded::<lam_phase1_pretrain::PretrainConfig>("phase1.toml", &whole("phase1.toml"));
    decoded::<lam_phase2_imitate::ImitateConfig>("phase2.toml", &whole("phase2.toml"));
    let mut own_data = whole("own-data.toml");
    let base = own_data.remove("base").expect("how a model is made from nothing");
    decoded::<lam_base::BaseConfig>("own-data.toml [base]", base.as_table().expect("a table"));
    decoded::<lam_phase2_imitate::ImitateConfig>("own-data.toml", &own_data);
    decoded::<lam_phase3_explore::ExploreConfig>("phase3.toml [explore]", &part("phase3.toml", "explore"));
    decoded::<lam_phase2_imitate::ImitateConfig>("phase3.toml [train]", &part("phase3.toml", "train"));
    decoded::<lam_phase4_reinforce::RewardConfig>("phase4.toml [reward]", &part("phase4.toml", "reward"));
    decoded::<lam_phase4_reinforce::PolicyConfig>("phase4.toml [policy]", &part("phase4.toml", "policy"));
}

/// The plan in a file's comment is the one that the program makes, and fits the card that the file is named after.
#[test]
fn settings_for_gpus_carry_their_memory_plan() {
    for path in files("configs/gpu", "toml") {
        let output = Command::new(env!("CARGO_BIN_EXE_lam-train"))
            .args(["model", "memory", "mistral-7b-v0.3", "--settings"])
            .arg(&path)
            .output()
            .expect("lam-train starts");
        let plan = String::from_utf8(output.stdout).expect("UTF-8");
        let text = std::fs::read_to_string(&path).expect("readable");
        for line in plan.lines() {
            assert!(text.contains(&format!("#     {line}\n")), "{}: the comment lacks `{line}`", path.display());
        }
        let card: u64 =
            path.file_stem().and_then(|name| name.to_str()?.strip_suffix("gb")?.parse().ok()).expect("a size");
        let total = plan.strip_prefix("memory plan: ").and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        // A tenth of a card is the driver's, the products' and what a plan does not see.
        assert!(total.is_some_and(|mib| (mib << 20) < card * 900_000_000), "{}: {plan}", path.display());
    }
}

fn decoded<C: serde::de::DeserializeOwned>(name: &str, table: &toml::Table) {
    if let Err(error) = lam_config::decode_table::<C>(table) {
        panic!("{name}: {error}");
    }
}
