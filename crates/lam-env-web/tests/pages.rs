//! The pages in a real browser. `tests/live.rs` of the workspace says what becomes of a test where chromium, its driver
//! or the pages are missing; `scripts/setup_environments.sh` brings them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../tests/live.rs"]
mod live;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lam_agent::{AgentError, ExpertPolicy, Job, Limits, Session, draw_tasks, run_episodes};
use lam_env::{Application, Document, EnvError, Environment, Expert, Outcome, TaskQuery};
use lam_env_web::{Clicks, Web, WebEnvironment, WebExpert, family_names, own_words};
use lam_signal::{Cancel, NoProgress};
use lam_types::{
    Action, Args, Complete, FunctionSpec, Observation, PastAction, Phrasing, Split, State, Status, StepStatus, Task,
    Trajectory, Verdict,
};

fn main() {
    let missing = || Web::find(Clicks::Script).err().map(|error| error.to_string());
    live::run(live::live_tests![
        missing() => the_expert_wins_on_every_page,
        missing() => drawing_says_how_far_it_is_and_stops_when_asked,
        missing() => native_input_reaches_what_a_script_reaches,
        missing() => the_same_seed_and_actions_show_the_same_screens,
        missing() => a_page_ends_its_task_and_then_takes_nothing_more,
        missing() => fields_lists_and_texts_take_what_is_put_into_them,
        missing() => alike_controls_are_named_by_their_row_in_as_few_words_as_will_do,
        missing() => a_killed_browser_is_an_error_and_leaves_no_process_behind,
        missing() => a_run_survives_browsers_that_are_killed,
    ])
}

fn web(clicks: Clicks) -> Web {
    Web::find(clicks).unwrap()
}

fn task(family: &str, seed: u64) -> Task {
    Task {
        task_id: format!("web-{family}-{seed}"),
        family: family.into(),
        request: String::new(),
        environment: "web".into(),
        application: "miniwob".into(),
        seed,
        phrasing: Phrasing::Seen,
        split: Split::Train,
    }
}

fn action(observation: &Observation, name: &str, function: &str, args: serde_json::Value) -> Action {
    let label = observation.controls_named(name).next().map_or(String::new(), |control| control.label.clone());
    let args = if let serde_json::Value::Object(args) = args { args } else { Args::new() };
    Action {
        thought: String::new(),
        control_label: label,
        control_name: name.into(),
        function: function.into(),
        args,
        status: Status::Continue,
        plan: Vec::new(),
    }
}

fn click(observation: &Observation, name: &str) -> Action {
    action(observation, name, "click_input", serde_json::Value::Null)
}

/// Tasks in the pages' own words.
fn own(web: &Web, families: &[&str], count: usize) -> Vec<Task> {
    let families = families.iter().map(|name| (*name).to_owned()).collect();
    let query = TaskQuery { split: Split::Test, phrasing: None, families, count, seed: 3 };
    let (mut tasks, mut environment) = (web.tasks(&query).unwrap(), web.instance());
    for task in &mut tasks {
        task.request = own_words(&mut environment, task).unwrap();
    }
    tasks
}

fn wins(web: &dyn Application, tasks: &[Task]) -> Vec<bool> {
    let limits = Limits::default();
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    let episodes = run_episodes(web, &Job::for_tasks(tasks, 1), &mut ExpertPolicy::of(web).unwrap(), &session).unwrap();
    assert!(episodes.iter().all(|episode| episode.environment_error.is_none()));
    episodes.iter().map(Trajectory::succeeded).collect()
}

fn the_expert_wins_on_every_page() {
    let web = web(Clicks::Script);
    let names = family_names();
    let tasks = own(&web, &names, 2 * names.len());
    let won = wins(&web, &tasks);
    let lost: Vec<&str> =
        tasks.iter().zip(&won).filter(|(_, won)| !**won).map(|(task, _)| task.family.as_str()).collect();
    assert!(lost.len() * 20 <= tasks.len(), "lost on {lost:?}");
    let never: Vec<_> = names.iter().filter(|name| lost.iter().filter(|family| family == name).count() == 2).collect();
    assert!(never.is_empty(), "lost twice on {never:?}");
}

fn drawing_says_how_far_it_is_and_stops_when_asked() {
    let web = web(Clicks::Script);
    let families = ["click-button", "enter-text"].map(str::to_owned).to_vec();
    let query = TaskQuery { split: Split::Train, phrasing: None, families, count: 6, seed: 3 };
    let heard = Mutex::new(Vec::new());
    let listen = |count: usize| {
        heard.lock().unwrap().push(count);
        true
    };
    assert_eq!(web.draw_tasks(&query, &listen).unwrap(), web.tasks(&query).unwrap());
    heard.lock().unwrap().sort_unstable();
    assert_eq!(*heard.lock().unwrap(), (1..=6).collect::<Vec<_>>());
    let (progress, cancel) = (NoProgress, Cancel::default());
    cancel.cancel();
    let error = draw_tasks(&web, &query, &progress, &cancel).unwrap_err();
    assert!(matches!(error, AgentError::Cancelled { finished: 0, total: 6 }), "{error}");
}

fn native_input_reaches_what_a_script_reaches() {
    let web = web(Clicks::Native);
    let families = ["click-button", "enter-text", "click-checkboxes", "choose-list", "login-user", "click-dialog"];
    assert_eq!(wins(&web, &own(&web, &families, 12)), [true; 12]);
}

/// Everything that was seen on the way of the expert through a task.
fn seen(environment: &mut WebEnvironment, task: &Task) -> Vec<Observation> {
    let mut screens = vec![environment.reset(task).unwrap()];
    let mut state = State {
        request: task.request.clone(),
        observation: screens[0].clone(),
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    };
    for _ in 0..8 {
        let action = WebExpert.decide(&state).unwrap();
        let outcome = environment.act(&action).unwrap();
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.observation = outcome.observation.clone();
        screens.push(outcome.observation);
        if environment.has_ended() || action.status == Status::Finish {
            break;
        }
    }
    screens
}

fn the_same_seed_and_actions_show_the_same_screens() {
    let web = web(Clicks::Script);
    let tasks = own(&web, &family_names(), family_names().len());
    let (mut once, mut other) = (web.instance(), web.instance());
    for task in &tasks {
        let first = seen(&mut once, task);
        assert_eq!(seen(&mut once, task), first, "{}: again in the same page", task.task_id);
        once.reset(&Task { seed: task.seed + 1, ..task.clone() }).unwrap();
        assert_eq!(seen(&mut once, task), first, "{}: after a task that was only looked at", task.task_id);
        assert_eq!(seen(&mut other, task), first, "{}: in another browser", task.task_id);
    }
}

fn a_page_ends_its_task_and_then_takes_nothing_more() {
    let web = web(Clicks::Script);
    let mut environment = web.instance();
    let screen = environment.reset(&task("click-test-2", 1)).unwrap();
    assert_eq!(environment.verify().unwrap().reason, "the page waits for more");
    let wrong = environment.act(&action(&screen, "THREE", "click_input", serde_json::json!({}))).unwrap();
    assert_eq!((wrong.status, wrong.message.as_str()), (StepStatus::InvalidAction, "no control with label ``"));
    assert!(!environment.has_ended());
    let done = environment.act(&click(&screen, "ONE")).unwrap();
    assert!(environment.has_ended() && done.observation.controls.is_empty());
    assert_eq!(environment.verify().unwrap().complete, Complete::Yes);
    assert_eq!(environment.act(&click(&screen, "TWO")).unwrap().status, StepStatus::InvalidAction);
    let screen = environment.reset(&task("click-test-2", 1)).unwrap();
    environment.act(&click(&screen, "TWO")).unwrap();
    assert_eq!(environment.verify().unwrap().complete, Complete::No, "the other button is wrong");
}

fn fields_lists_and_texts_take_what_is_put_into_them() {
    let web = web(Clicks::Script);
    let mut environment = web.instance();
    let value =
        |screen: &Observation, name: &str| screen.controls_named(name).next().and_then(|field| field.value.clone());
    let screen = environment.reset(&task("enter-text", 5)).unwrap();
    let typed =
        environment.act(&action(&screen, "text field", "set_edit_text", serde_json::json!({"text": "Zoë"}))).unwrap();
    assert_eq!(value(&typed.observation, "text field").as_deref(), Some("Zoë"));
    let keys = serde_json::json!({"keys": "x{BACKSPACE}y"});
    let more = environment.act(&action(&screen, "text field", "keyboard_input", keys)).unwrap();
    assert_eq!(value(&more.observation, "text field").as_deref(), Some("Zoëy"));
    let read = environment.act(&action(&screen, "text field", "texts", serde_json::json!({}))).unwrap();
    assert_eq!(read.message, "Zoëy");

    let screen = environment.reset(&task("enter-date", 5)).unwrap();
    let date = serde_json::json!({"text": "02/27/2015"});
    let typed = environment.act(&action(&screen, "date field", "set_edit_text", date)).unwrap();
    assert_eq!(value(&typed.observation, "date field").as_deref(), Some("2015-02-27"));
    let refused =
        environment.act(&action(&screen, "date field", "set_edit_text", serde_json::json!({"text": "soon"}))).unwrap();
    assert_eq!(refused.status, StepStatus::AppError);

    let screen = environment.reset(&task("choose-list", 5)).unwrap();
    let item = screen.controls.iter().rfind(|item| item.selected == Some(false)).unwrap().control_text.clone();
    let chosen = environment.act(&click(&screen, &item)).unwrap();
    assert_eq!(value(&chosen.observation, "list"), Some(item));

    let screen = environment.reset(&task("highlight-text", 5)).unwrap();
    let text = screen.controls[0].control_text.clone();
    let marked = environment.act(&action(&screen, "", "select_text", serde_json::json!({"text": text}))).unwrap();
    assert_eq!(marked.observation.selection.trim(), text);
}

fn alike_controls_are_named_by_their_row_in_as_few_words_as_will_do() {
    let web = web(Clicks::Script);
    let mut environment = web.instance();
    let mut names = |family: &str, icon: &str| {
        let screen = environment.reset(&task(family, 4)).unwrap();
        let buttons = screen.controls.into_iter().map(|control| control.control_text);
        let named: Vec<String> = buttons.filter(|name| name.ends_with(icon)).collect();
        assert!(named.len() > 1, "{family}: {named:?}");
        named
    };
    // The sender tells the mails apart, the address whose post it is, whatever the name beside it.
    assert!(names("email-inbox-delete", " trash").iter().all(|name| name.split(' ').count() == 2));
    assert!(names("social-media", " like").iter().all(|name| name.starts_with('@') && name.split(' ').count() == 2));
}

fn a_killed_browser_is_an_error_and_leaves_no_process_behind() {
    let web = web(Clicks::Script);
    let mut environment = web.instance();
    let screen = environment.reset(&task("click-test", 1)).unwrap();
    let processes = environment.processes();
    assert!(processes.len() > 2, "chromedriver, chromium and what it starts");
    kill(&processes);
    let died = environment.act(&click(&screen, "Click Me!")).unwrap_err();
    assert!(matches!(died, EnvError::Failed { .. }), "{died}");
    drop(environment);
    let alive = |id: &i32| std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| !line.is_empty());
    assert!(!processes.iter().any(alive));
}

/// The application, but its browsers are killed before the 7th, 20th and 33rd action of the run.
struct Fragile {
    web: Web,
    actions: Arc<AtomicUsize>,
}

struct FragileEnvironment {
    inner: WebEnvironment,
    actions: Arc<AtomicUsize>,
}

impl Environment for FragileEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.inner.reset(task)
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        if [7, 20, 33].contains(&self.actions.fetch_add(1, Ordering::SeqCst)) {
            kill(&self.inner.processes());
        }
        self.inner.act(action)
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        self.inner.verify()
    }

    fn has_ended(&self) -> bool {
        self.inner.has_ended()
    }
}

impl Application for Fragile {
    fn environment(&self) -> &str {
        self.web.environment()
    }

    fn version(&self) -> &str {
        self.web.version()
    }

    fn functions(&self) -> &[FunctionSpec] {
        self.web.functions()
    }

    fn instances(&self) -> Option<usize> {
        self.web.instances()
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(FragileEnvironment { inner: self.web.instance(), actions: Arc::clone(&self.actions) }))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        self.web.tasks(query)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        self.web.documents(entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        self.web.vocabulary()
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        self.web.expert()
    }
}

fn a_run_survives_browsers_that_are_killed() {
    let web = web(Clicks::Script);
    let tasks = own(&web, &["click-button", "enter-text", "login-user"], 24);
    let fragile = Fragile { web, actions: Arc::default() };
    assert_eq!(wins(&fragile, &tasks), [true; 24], "each that died was started again, none is lost");
    assert!(fragile.actions.load(Ordering::SeqCst) > 33, "three browsers were killed");
}

/// Kills processes; whether one is gone by itself does not matter.
fn kill(processes: &[i32]) {
    let ids = processes.iter().map(ToString::to_string);
    let _ = std::process::Command::new("kill").arg("-9").args(ids).output();
}
