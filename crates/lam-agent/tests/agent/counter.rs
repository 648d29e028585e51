//! A counter as an application: the smallest world in which episodes can run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lam_env::{Application, Document, EnvError, Environment, Expert, Outcome, TaskQuery};
use lam_signal::Details;
use lam_types::{
    Action, ArgKind, ArgSpec, Args, Complete, Control, ControlType, FunctionSpec, Observation, Phrasing, PlanSource,
    Split, State, Status, StepStatus, Target, Task, Verdict,
};

/// "press N": the button must be pressed N times. Tasks of families `fragile`, `silent` and `panicking` kill the next
/// instances; those of family `short` end themselves once it is.
pub struct Counter {
    /// What can be called.
    pub functions: Vec<FunctionSpec>,
    /// At most so many instances, each in a thread of its own.
    pub instances: Option<usize>,
    /// How many more instances die.
    pub deaths_left: Arc<AtomicUsize>,
    /// Episodes that were started.
    pub resets: Arc<AtomicUsize>,
    /// The tasks that were announced as the next ones, each time.
    pub announced: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Counter {
    pub fn new(deaths: usize) -> Self {
        let button = ArgSpec {
            name: "button".into(),
            kind: ArgKind::OneOf(vec!["left".into(), "right".into()]),
            required: false,
            doc: "Mouse button.".into(),
        };
        let click = FunctionSpec {
            name: "click_input".into(),
            target: Target::Control(vec![ControlType::Button]),
            args: vec![button],
            doc: "Click the control.".into(),
        };
        let deaths_left = Arc::new(AtomicUsize::new(deaths));
        let (resets, announced) = (Arc::default(), Arc::default());
        Self { functions: vec![click], instances: None, deaths_left, resets, announced }
    }
}

pub fn task(family: &str, presses: u64) -> Task {
    Task {
        task_id: format!("{family}-{presses}"),
        family: family.into(),
        request: format!("press {presses}"),
        environment: "counter".into(),
        application: "counter".into(),
        seed: presses,
        phrasing: if presses.is_multiple_of(2) { Phrasing::Seen } else { Phrasing::Unseen },
        split: Split::Train,
    }
}

struct Instance {
    task: Task,
    pressed: u64,
    deaths_left: Arc<AtomicUsize>,
    resets: Arc<AtomicUsize>,
}

fn screen(pressed: u64) -> Observation {
    let control = |label: &str, text: &str| Control {
        label: label.into(),
        control_text: text.into(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let controls = vec![control("1", "Press"), control("2", "Press"), control("3", "Leave")];
    Observation { controls, document: pressed.to_string(), selection: String::new() }
}

impl Environment for Instance {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.resets.fetch_add(1, Ordering::SeqCst);
        (self.task, self.pressed) = (task.clone(), 0);
        Ok(screen(0))
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        let less = |left: usize| left.checked_sub(1);
        let is_deadly = ["fragile", "silent", "panicking"].contains(&self.task.family.as_str());
        if is_deadly && self.deaths_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            match self.task.family.as_str() {
                "panicking" => panic!("it burst"),
                "silent" => std::thread::sleep(std::time::Duration::from_millis(1500)),
                _ => return Err(EnvError::failed("counter", &Details::new("it fell"))),
            }
        }
        let (status, message) = match screen(0).control(&action.control_label) {
            Some(control) if control.control_text == "Press" => {
                self.pressed += 1;
                (StepStatus::Ok, "")
            }
            Some(_) => (StepStatus::Ok, ""),
            None => (StepStatus::InvalidAction, "no such label"),
        };
        Ok(Outcome { status, message: message.into(), observation: screen(self.pressed) })
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        let complete = if self.pressed == self.task.seed { Complete::Yes } else { Complete::No };
        let reason = format!("pressed {} times", self.pressed);
        Ok(Verdict { complete, reason, judge: "state".into(), sub_scores: Vec::new() })
    }

    fn has_ended(&self) -> bool {
        self.task.family == "short" && self.pressed == self.task.seed
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        screen(0).controls_named(&action.control_name).map(|control| control.label.clone()).collect()
    }
}

impl Application for Counter {
    fn environment(&self) -> &str {
        "counter"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn functions(&self) -> &[FunctionSpec] {
        &self.functions
    }

    fn instances(&self) -> Option<usize> {
        self.instances
    }

    fn prepare(&self, next: &[&Task]) {
        let ids = next.iter().map(|task| task.task_id.clone()).collect();
        self.announced.lock().expect("nobody panicked").push(ids);
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        let (deaths_left, resets) = (self.deaths_left.clone(), self.resets.clone());
        Ok(Box::new(Instance { task: task("none", 0), pressed: 0, deaths_left, resets }))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        let drawn = |number: usize| Task { split: query.split, ..task("press", number as u64 % 5 + query.seed * 100) };
        Ok((0..query.count).map(|number| Task { task_id: format!("press-{number}"), ..drawn(number) }).collect())
    }

    fn documents(&self, _entries: usize, _seed: u64) -> Vec<Document> {
        let text = "## Press the button\n<!-- family: press -->\n1. Select Press.\n2. Check the number.\n";
        vec![Document { name: "guide".into(), source: PlanSource::Documentation, text: text.into() }]
    }

    fn vocabulary(&self) -> Vec<String> {
        vec!["press the button".into()]
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        Some(Box::new(Presser))
    }
}

/// Presses as often as it is asked, but gives up above three.
struct Presser;

impl Expert for Presser {
    fn version(&self) -> String {
        "presser-1".into()
    }

    fn decide(&self, state: &State) -> Result<Action, EnvError> {
        let wanted: usize = state.request.trim_start_matches("press ").parse().unwrap_or(0);
        let done = state.previous_actions.len() + 1;
        Ok(match wanted {
            0 => leave(),
            _ => press("1", if done >= wanted.min(3) { Status::Finish } else { Status::Continue }),
        })
    }
}

pub fn press(label: &str, status: Status) -> Action {
    let plan = if status == Status::Finish { Vec::new() } else { vec!["Select Press.".to_owned()] };
    Action {
        thought: "press".into(),
        control_label: label.into(),
        control_name: "Press".into(),
        function: "click_input".into(),
        args: Args::new(),
        status,
        plan,
    }
}

pub fn leave() -> Action {
    Action { control_label: "3".into(), control_name: "Leave".into(), ..press("3", Status::Finish) }
}
