//! `act`: watch a model do one task, step by step.

use std::path::{Path, PathBuf};

use lam_agent::{AgentError, ExpertPolicy, Job, Limits, Policy, Session, run_episodes, run_watched};
use lam_cuda::DeviceChoice;
use lam_env::{Application, TaskQuery};
use lam_inference::{ModelDirectory, PolicyOptions};
use lam_report::EpisodePage;
use lam_signal::{Cancel, Failure, NoProgress};
use lam_types::{Split, Task, Trajectory};
use serde_json::json;

use super::episode::print;
use super::next;
use super::site::wait;
use crate::args::ActArgs;
use crate::interrupt::stop_on_interrupt;
use crate::output::{Output, tell};
use crate::registry::registry;

/// Where the page is served, unless another port is named.
const PORT: u16 = 8002;

/// Runs one episode and prints it, as far as it came; with `--web` it is shown in a browser meanwhile, and stays there.
pub fn act(args: &ActArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    if let Some(option) = args.page.given().filter(|_| !args.web) {
        let what = format!("`{option}` says where a page is served, and none is");
        return Err(Failure::config(what).hint("add --web, or leave it out"));
    }
    let registry = registry();
    let (environments, name) = (registry.environments(), environment(args)?);
    let own = args.web && args.screenshots.is_none() && environments.keeps_screenshots(&name);
    let own = own.then(PictureFolder::make).transpose()?;
    let pictures = args.screenshots.as_deref().or(own.as_ref().map(PictureFolder::path));
    let app = environments.open_with(&name, pictures)?;
    let task = task(args, app.as_ref())?;
    let cancel = Cancel::default();
    let mut page = args.web.then(|| show(args, &task, pictures, &cancel, output)).transpose()?;
    let mut episode = Episode { app: app.as_ref(), task: &task, page: page.as_mut(), cancel: &cancel };
    let done = if args.model == "expert" {
        episode.play(&mut ExpertPolicy::of(app.as_ref())?)
    } else {
        let directory = Path::new(&args.model);
        let name_of = |kind: &str| registry.model_name(kind);
        let model =
            ModelDirectory::load(directory, args.adapter.as_deref(), &name_of, (device.unwrap_or_default(), output))?
                .asked_in(args.dtype);
        let options = PolicyOptions { constrained: !args.unconstrained, ..PolicyOptions::greedy(model.id().clone()) };
        episode.play(&mut model.policy(app.as_ref(), options)?)
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
    if let Some(page) = page {
        page.close(done.as_ref().err().map(ToString::to_string));
        if !cancel.is_cancelled() {
            output.line("the episode stays in the browser until Ctrl-C");
        }
        wait(&cancel, || page.is_running())?;
    }
    done?;
    output.next(&next::evaluate(&args.model, &environment(args)?));
    Ok(())
}

/// Serves the page of the episode and says where.
fn show(
    args: &ActArgs,
    task: &Task,
    pictures: Option<&Path>,
    cancel: &Cancel,
    output: &Output,
) -> Result<EpisodePage, Failure> {
    stop_on_interrupt(cancel)?;
    let page = EpisodePage::start(task, pictures, super::site::page(&args.page, PORT)?)?;
    let url = format!("http://{}/", page.address());
    // In JSON mode the result alone goes to stdout.
    match output.json {
        true => tell(&json!({ "event": "page", "url": url }).to_string()),
        false => output.line(&format!("watch it at {url}; Ctrl-C stops")),
    }
    Ok(page)
}

/// A folder for pictures that nobody asked to keep.
struct PictureFolder(PathBuf);

impl PictureFolder {
    fn make() -> Result<Self, Failure> {
        Ok(Self(lam_store::claim_new(&std::env::temp_dir().join(format!("lam-act-{}", std::process::id())))?))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PictureFolder {
    fn drop(&mut self) {
        if let Err(error) = lam_store::remove_directory(&self.0) {
            tell(&format!("warning: {error}"));
        }
    }
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

/// One episode, and who sees it.
struct Episode<'a> {
    app: &'a dyn Application,
    task: &'a Task,
    page: Option<&'a mut EpisodePage>,
    cancel: &'a Cancel,
}

impl Episode<'_> {
    fn play(&mut self, policy: &mut dyn Policy) -> Result<Vec<Trajectory>, AgentError> {
        let jobs = Job::for_tasks(std::slice::from_ref(self.task), 1);
        let session = Session { limits: &Limits::default(), journal: None, progress: &NoProgress, cancel: self.cancel };
        match &mut self.page {
            Some(page) => {
                page.acts(&policy.id());
                run_watched(self.app, &jobs, policy, &session, *page)
            }
            None => run_episodes(self.app, &jobs, policy, &session),
        }
    }
}
