//! `act`: watch a model do one task, step by step.

use std::path::Path;

use lam_agent::{AgentError, ExpertPolicy, Job, Limits, Policy, Session, run_episodes};
use lam_cuda::DeviceChoice;
use lam_env::{Application, TaskQuery};
use lam_inference::{ModelDirectory, PolicyOptions};
use lam_signal::{Cancel, Failure, NoProgress};
use lam_types::{Split, Step, Task, Trajectory};

use crate::args::ActArgs;
use crate::output::Output;
use crate::registry::registry;

/// Runs one episode and prints it, as far as it came.
pub fn act(args: &ActArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let registry = registry();
    let app = registry.environments().open_with(&environment(args)?, args.screenshots.as_deref())?;
    let task = task(args, app.as_ref())?;
    let done = if args.model == "expert" {
        episode(app.as_ref(), &task, &mut ExpertPolicy::of(app.as_ref())?)
    } else {
        let directory = Path::new(&args.model);
        let name_of = |kind: &str| registry.model_name(kind);
        let model =
            ModelDirectory::load(directory, args.adapter.as_deref(), &name_of, (device.unwrap_or_default(), output))?;
        let options = PolicyOptions { constrained: !args.unconstrained, ..PolicyOptions::greedy(model.id().clone()) };
        episode(app.as_ref(), &task, &mut model.policy(app.as_ref(), options)?)
    };
    if let Some(confinement) = app.confinement() {
        output.line(&format!("programs {confinement}"));
    }
    let trajectories = match &done {
        Ok(trajectories) | Err(AgentError::AllDied { trajectories, .. }) => trajectories.as_slice(),
        Err(_) => &[],
    };
    for trajectory in trajectories {
        print(trajectory, args.task.is_none(), output);
        output.value(trajectory)?;
    }
    done.map(drop).map_err(Failure::from)
}

/// The environment's name: `--env desktop --app writer` is `desktop:writer`.
fn environment(args: &ActArgs) -> Result<String, Failure> {
    match (args.environment.as_str(), &args.application) {
        (environment, None) => Ok(environment.to_owned()),
        ("desktop", Some(application)) => Ok(format!("desktop:{application}")),
        (environment, Some(_)) => {
            let what = format!("environment `{environment}` has no applications");
            Err(Failure::config(what).hint("--app belongs to --env desktop"))
        }
    }
}

/// A test task; with `--task`, its start state and another request.
fn task(args: &ActArgs, app: &dyn Application) -> Result<Task, Failure> {
    let query = TaskQuery {
        split: Split::Test,
        phrasing: None,
        families: args.family.iter().cloned().collect(),
        count: 1,
        seed: args.seed,
    };
    let drawn = app.tasks(&query).map_err(Failure::config)?;
    let mut task = drawn.into_iter().next().ok_or_else(|| Failure::config("the environment drew no task"))?;
    if let Some(request) = &args.task {
        request.clone_into(&mut task.request);
    }
    if task.request.trim().is_empty() {
        let what = format!("environment `{}` has no task of its own", args.environment);
        return Err(Failure::config(what).hint("give --task"));
    }
    Ok(task)
}

fn episode(app: &dyn Application, task: &Task, policy: &mut dyn Policy) -> Result<Vec<Trajectory>, AgentError> {
    let jobs = Job::for_tasks(std::slice::from_ref(task), 1);
    let session =
        Session { limits: &Limits::default(), journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    run_episodes(app, &jobs, policy, &session)
}

fn print(trajectory: &Trajectory, judged: bool, output: &Output) {
    output.line(&format!("task    {}", trajectory.task.request));
    output.line(&format!("policy  {}\n", trajectory.policy.name));
    for step in &trajectory.steps {
        print_step(step, output);
    }
    let verdict = &trajectory.verdict;
    output.line(&match (&trajectory.environment_error, judged) {
        (Some(_), _) => "not judged: the environment ended the episode".to_owned(),
        (None, true) => format!("complete: {} ({})", verdict.complete.as_str(), verdict.reason),
        (None, false) => "not judged: only tasks of the environment have a predicate".to_owned(),
    });
}

fn print_step(step: &Step, output: &Output) {
    let action = &step.action;
    let args = serde_json::to_string(&action.args).unwrap_or_default();
    let control = if action.control_label.is_empty() {
        String::new()
    } else {
        format!(" on [{}] {}", action.control_label, action.control_name)
    };
    output.line(&format!("{}. {}", step.step_index + 1, action.thought));
    output.line(&format!("   {}{control} {args}  {}", action.function, action.status.as_str()));
    if !action.plan.is_empty() {
        output.line(&format!("   then: {}", action.plan.join("; ")));
    }
    let outcome = if step.message.is_empty() { String::new() } else { format!(": {}", step.message) };
    output.line(&format!(
        "   {}{outcome}  ({} controls, {:.0} ms)",
        step.status.as_str(),
        step.state.observation.controls.len(),
        1000.0 * step.policy_seconds
    ));
}
