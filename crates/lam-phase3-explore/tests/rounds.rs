//! Rounds of exploration in the embedded editor: what is not tried again, what is carried over, when it stops, what is
//! refused. The model is a script that knows the procedures of some families.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lam_agent::{Decision, PlanFollower, Policy, PolicyError, Request};
use lam_env::{Application, TaskQuery};
use lam_env_sim::{Sim, reference_plan};
use lam_phase3_explore::{
    ATTEMPTS_FILE, COVERAGE_FILE, Coverage, ExploreConfig, ExploreError, ExploreIo, Explorers, SUCCESSES_FILE, explore,
};
use lam_signal::{Cancel, Fault, FaultKind, NoProgress};
use lam_store::{read_trajectories, write_trajectories};
use lam_types::{Complete, Phrasing, PolicyId, Split, Task, Tokens, Trajectory, Verdict};
use serde_json::Value;

const TASKS: usize = 60;

fn tasks(seed: u64) -> Vec<Task> {
    let query = TaskQuery { split: Split::Train, phrasing: Some(Phrasing::Seen), families: vec![], count: TASKS, seed };
    Sim::new().tasks(&query).unwrap()
}

/// Failures at some tasks, as the expert's stage leaves them: without a step.
fn failures(folder: &Path) -> PathBuf {
    let failed = |task: Task| Trajectory {
        trajectory_id: format!("failed-{}", task.task_id),
        task,
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "expert".into(), hash: String::new() },
        steps: Vec::new(),
        verdict: Verdict { complete: Complete::No, reason: String::new(), judge: "state".into(), sub_scores: vec![] },
        environment_error: None,
    };
    let file = folder.join("expert_failure.parquet");
    write_trajectories(&file, &tasks(5).into_iter().map(failed).collect::<Vec<_>>()).unwrap();
    file
}

/// A model that carries out the procedures of the first so many tasks, and reads 10 tokens and writes 3 for each answer.
struct Model<'a>(PlanFollower<'a>);

impl<'a> Model<'a> {
    fn knowing(sim: &'a Sim, name: &str, known: usize) -> Self {
        let plan = |task: Task| ((task.task_id.clone(), 0), reference_plan(&task).unwrap());
        let plans: BTreeMap<_, _> = tasks(5).into_iter().take(known).map(plan).collect();
        let id = PolicyId { name: name.into(), hash: name.into() };
        Self(PlanFollower::new(sim, id, plans).unwrap())
    }
}

impl Policy for Model<'_> {
    fn id(&self) -> PolicyId {
        self.0.id()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let tokens =
            Tokens { prompt_ids: vec![1; 10], action_ids: vec![2; 3], logprobs: vec![0.0; 3], ..Tokens::default() };
        let decided = self.0.decide(requests)?.into_iter();
        Ok(decided.map(|one| Decision { tokens: Some(tokens.clone()), ..one }).collect())
    }
}

/// A round of one try a task by a model that knows so many of the tasks.
fn round(
    folder: &Path,
    name: &str,
    (model, known, min_new_share): (&str, usize, f64),
    explored: &[PathBuf],
) -> Result<(Value, Coverage), ExploreError> {
    let output = folder.join(name);
    std::fs::create_dir_all(&output).unwrap();
    let (sim, cancel, failures) = (Sim::new(), Cancel::default(), [failures(folder)]);
    let io = ExploreIo { failures: &failures, explored, output: &output, progress: &NoProgress, cancel: &cancel };
    let config = ExploreConfig { attempts: 1, min_new_share, ..ExploreConfig::default() };
    let mut model = Model::knowing(&sim, model, known);
    let metrics = explore(&config, &sim, &mut Explorers { policy: Some(&mut model), ..Explorers::default() }, &io)?;
    let coverage = std::fs::read_to_string(output.join(COVERAGE_FILE)).unwrap();
    Ok((metrics, serde_json::from_str(&coverage).unwrap()))
}

fn read(folder: &Path, file: &str) -> Vec<Trajectory> {
    read_trajectories(&folder.join(file)).unwrap()
}

fn ids(trajectories: &[Trajectory]) -> BTreeSet<&str> {
    trajectories.iter().map(|one| one.task.task_id.as_str()).collect()
}

#[test]
fn a_later_round_tries_what_is_open_and_carries_over_what_is_solved() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    let (first, told) = round(folder, "explore", ("LAM2", 20, 0.0), &[]).unwrap();
    assert_eq!((first["tasks_solved"].as_u64(), first["tasks_solved_before"].as_u64()), (Some(20), Some(0)));
    assert_eq!((told.rounds.len(), first["note"].is_null()), (1, true), "a first round goes on without a word");

    let (second, told) = round(folder, "explore-2", ("LAM3", 35, 0.1), &[folder.join("explore")]).unwrap();
    let (before, now) =
        (read(&folder.join("explore"), SUCCESSES_FILE), read(&folder.join("explore-2"), SUCCESSES_FILE));
    assert_eq!((before.len(), now.len(), ids(&now).len()), (20, 35, 35), "each success once");
    assert_eq!(now[..20], before[..], "those of the round before come first, unchanged");
    let tried = read(&folder.join("explore-2"), ATTEMPTS_FILE);
    assert!(tried.len() == TASKS - 20 && ids(&tried).is_disjoint(&ids(&before)), "what is solved is not tried again");
    assert_eq!(second["tasks_solved"], 35);

    let of = &told.rounds[1];
    assert_eq!((of.round, of.model.as_str(), of.open, of.solved, of.episodes), (2, "LAM3", 40, 15, 40));
    let answers: usize = tried.iter().map(|episode| episode.steps.len()).sum();
    assert_eq!(of.model_tokens, 13 * answers as u64);
    assert!(!of.is_fruitless && second["note"].as_str().unwrap().starts_with("round 2 brought 15 of 40 open tasks"));
    assert_eq!((told.tasks, told.solved, told.earlier), (TASKS, 35, 20));
    let families: (usize, usize, usize) = told.families.values().fold((0, 0, 0), |(tasks, earlier, solved), family| {
        (tasks + family.tasks, earlier + family.earlier, solved + family.solved.values().sum::<usize>())
    });
    assert_eq!(families, (TASKS, 20, 15));

    let (third, told) = round(folder, "explore-3", ("LAM3b", 60, 0.1), &[folder.join("explore-2")]).unwrap();
    assert_eq!((told.rounds.len(), told.rounds[2].round, told.earlier), (3, 3, 35));
    assert_eq!(read(&folder.join("explore-3"), SUCCESSES_FILE).len() as u64, third["tasks_solved"].as_u64().unwrap());
}

#[test]
fn after_a_round_that_brought_too_little_nothing_is_explored() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    round(folder, "explore", ("LAM2", 20, 0.1), &[]).unwrap();
    let (second, told) = round(folder, "explore-2", ("LAM3", 22, 0.1), &[folder.join("explore")]).unwrap();
    let note = second["note"].as_str().unwrap();
    assert!(note.starts_with("round 2 brought 2 of 40 open tasks (5.0 %), less than the 10.0 %"), "{note}");
    assert!(told.rounds[1].is_fruitless);

    let (third, told) = round(folder, "explore-3", ("LAM3b", 60, 0.1), &[folder.join("explore-2")]).unwrap();
    assert_eq!((third["episodes"].as_u64(), third["tasks_solved"].as_u64()), (Some(0), Some(22)));
    assert_eq!(told.rounds.len(), 2, "what was not explored is no round");
    let note = third["note"].as_str().unwrap();
    assert!(note.starts_with("nothing was explored: round 2 brought 2 of 40"), "{note}");
    assert_eq!(read(&folder.join("explore-3"), SUCCESSES_FILE), read(&folder.join("explore-2"), SUCCESSES_FILE));
}

#[test]
fn files_of_an_earlier_round_stand_for_its_directory() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    round(folder, "explore", ("LAM2", 20, 0.0), &[]).unwrap();
    let files = [folder.join("explore").join(ATTEMPTS_FILE), folder.join("explore").join(SUCCESSES_FILE)];
    let (_, told) = round(folder, "explore-2", ("LAM3", 60, 0.0), &files).unwrap();
    assert_eq!((told.earlier, told.rounds.len(), told.rounds[0].round), (20, 1, 2), "files tell of no round but this");
    assert_eq!(ids(&read(&folder.join("explore-2"), SUCCESSES_FILE)).len(), told.solved);
    assert_eq!(read(&folder.join("explore-2"), SUCCESSES_FILE).len(), told.solved);
}

#[test]
fn a_round_of_something_else_is_refused_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    round(folder, "explore", ("LAM2", 20, 0.0), &[]).unwrap();
    let refuse = |explored: PathBuf, words: &[&str]| {
        let error = round(folder, "explore-2", ("LAM3", 60, 0.0), &[explored]).unwrap_err();
        assert_eq!(error.kind(), FaultKind::Data);
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    };
    let file = folder.join("other.parquet");
    let mut episodes = read(&folder.join("explore"), SUCCESSES_FILE);
    episodes[3].task.task_id = "elsewhere".into();
    write_trajectories(&file, &episodes).unwrap();
    refuse(
        file.clone(),
        &["other.parquet", "row 3, column `task_id`: `elsewhere`", "60 tasks", "hint: give each round"],
    );
    episodes[3].task.environment = "web".into();
    write_trajectories(&file, &episodes).unwrap();
    refuse(file, &["row 3, column `environment`: `web`", "are of `sim`", "hint: an earlier round is one in the same"]);
    let plans = folder.join("plans.parquet");
    lam_store::write_task_plans(&plans, &[]).unwrap();
    refuse(plans, &["plans.parquet"]);
    refuse(folder.to_owned(), &["holds no exploration", "hint: name the directory of a stage of kind phase3.explore"]);
}
