//! What an observer hears of episodes: everything, in order, and as it is recorded.

use lam_agent::{Job, Limits, Observer, Request, Session, run_watched};
use lam_signal::{Cancel, NoProgress};
use lam_types::{Action, Observation, Status, Step, Trajectory};

use crate::counter::{Counter, press, task};
use crate::script::{Script, decided, unreadable};

/// Writes down what it hears.
#[derive(Default)]
struct Ear {
    heard: Vec<String>,
    steps: Vec<Step>,
}

impl Observer for Ear {
    fn started(&mut self, job: &Job, screen: &Observation) {
        self.steps.clear();
        self.heard.push(format!("{} shows {}", job.task.task_id, screen.document));
    }

    fn decided(&mut self, _job: &Job, action: &Action) {
        self.heard.push(format!("{} {}", action.function, action.control_label));
    }

    fn stepped(&mut self, _job: &Job, step: &Step, screen: &Observation) {
        self.steps.push(step.clone());
        self.heard.push(format!("step {} is {}, now {}", step.step_index, step.status.as_str(), screen.document));
    }

    fn ended(&mut self, trajectory: &Trajectory) {
        assert_eq!(trajectory.steps.len(), self.steps.len());
        let statuses = |steps: &[Step]| steps.iter().map(|step| step.status).collect::<Vec<_>>();
        assert_eq!(statuses(&trajectory.steps), statuses(&self.steps), "what was told is what is recorded");
        self.heard.push(format!("complete: {}", trajectory.verdict.complete.as_str()));
    }
}

fn hear(app: &Counter, family: &str, answer: impl Fn(&Request<'_>) -> lam_agent::Decision) -> Vec<String> {
    let (jobs, limits, cancel) = (Job::for_tasks(&[task(family, 1)], 1), Limits::default(), Cancel::default());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &cancel };
    let mut ear = Ear::default();
    run_watched(app, &jobs, &mut Script(answer), &session, &mut ear).unwrap();
    ear.heard
}

#[test]
fn each_step_is_told_as_it_comes() {
    let heard = hear(&Counter::new(0), "press", |request| match request.step_index {
        0 => unreadable("what?"),
        _ => decided(press("1", Status::Finish)),
    });
    let expected =
        ["press-1 shows 0", "step 0 is invalid_action, now 0", "click_input 1", "step 1 is ok, now 1", "complete: yes"];
    assert_eq!(heard, expected);
}

#[test]
fn an_episode_whose_environment_dies_begins_again() {
    let heard = hear(&Counter::new(1), "fragile", |_| decided(press("1", Status::Finish)));
    let expected = [
        "fragile-1 shows 0",
        "click_input 1",
        "fragile-1 shows 0",
        "click_input 1",
        "step 0 is ok, now 1",
        "complete: yes",
    ];
    assert_eq!(heard, expected);
}
