//! Plans carried out step by step, without a model.

use std::collections::BTreeMap;

use lam_agent::{Grounding, Job, Limits, PlanFollower, Session, groundings, run_episodes};
use lam_env::{Application, TaskQuery};
use lam_env_sim::{Sim, family_names, reference_plan};
use lam_signal::{Cancel, NoProgress};
use lam_types::{PolicyId, Split, Status, StepStatus, Task, Trajectory};

use crate::counter::Counter;

type Plans = BTreeMap<(String, u32), Vec<String>>;

fn id() -> PolicyId {
    PolicyId { name: "plans of nobody".into(), hash: "1".into() }
}

fn tasks(families: &[&str], count: usize) -> Vec<Task> {
    let families = families.iter().map(|family| (*family).to_owned()).collect();
    Sim::new().tasks(&TaskQuery { split: Split::Train, phrasing: None, families, count, seed: 4 }).unwrap()
}

fn follow(tasks: &[Task], plan: impl Fn(&Task) -> Vec<String>) -> (Vec<Trajectory>, Plans) {
    let sim = Sim::new();
    let plans: Plans = tasks.iter().map(|task| ((task.task_id.clone(), 0), plan(task))).collect();
    let mut follower = PlanFollower::new(&sim, id(), plans.clone()).unwrap();
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &cancel };
    (run_episodes(&sim, &Job::for_tasks(tasks, 1), &mut follower, &session).unwrap(), plans)
}

#[test]
fn the_documented_procedure_of_every_family_can_be_followed() {
    let tasks = tasks(&[], 3 * family_names().len());
    let (episodes, plans) = follow(&tasks, |task| reference_plan(task).expect("the family exists"));
    for episode in &episodes {
        let request = &episode.task.request;
        assert!(episode.succeeded(), "{}: {request}", episode.task.family);
        assert!(episode.steps.iter().all(|step| step.status == StepStatus::Ok && !step.action.function.is_empty()));
        assert!(episode.steps[0].state.previous_plan.is_empty(), "nothing is planned before the first step");
        let (last, others) = episode.steps.split_last().expect("steps");
        assert_eq!((last.action.status, last.action.plan.len()), (Status::Finish, 0), "{request}");
        assert!(others.iter().all(|step| !step.action.plan.is_empty()), "{request}");
        let found = groundings(&Sim::new(), &plans[&(episode.task.task_id.clone(), 0)], episode).unwrap();
        let on_controls = episode.steps.iter().filter(|step| !step.action.control_label.is_empty()).count();
        assert_eq!(found, vec![Grounding::Exact; on_controls], "{request}");
    }
}

#[test]
fn a_step_that_cannot_be_made_ends_the_task() {
    let ends = [("jump over Bold", "it is not clear"), ("click Bagpipes", "it is not there")];
    for (step, thought) in ends {
        let (episodes, _) =
            follow(&tasks(&["ruler"], 3), |_| vec!["click View".into(), step.into(), "click Home".into()]);
        for episode in &episodes {
            let last = &episode.steps.last().expect("a step").action;
            assert_eq!((last.thought.as_str(), last.function.as_str(), last.status), (thought, "", Status::Finish));
            assert!(!episode.succeeded());
        }
    }
}

#[test]
fn a_plan_may_call_a_control_otherwise_than_the_screen() {
    let (episodes, plans) = follow(&tasks(&["ruler"], 3), |_| vec!["click the View tab".into(), "click Rular".into()]);
    for episode in &episodes {
        assert!(episode.succeeded(), "{:?}", episode.steps);
        let names: Vec<&str> = episode.steps.iter().map(|step| step.action.control_name.as_str()).collect();
        assert_eq!(names, ["View", "Ruler"]);
        let found = groundings(&Sim::new(), &plans[&(episode.task.task_id.clone(), 0)], episode).unwrap();
        assert_eq!(found, [Grounding::Containment, Grounding::Fuzzy]);
    }
}

#[test]
fn an_application_without_a_language_of_steps_says_so() {
    let counter = Counter::new(0);
    let refused = PlanFollower::new(&counter, id(), Plans::new()).err().expect("it has none").to_string();
    assert!(refused.contains("environment `counter` has no language of steps"), "{refused}");
    assert!(refused.contains("hint: explore by the model's own tries alone"), "{refused}");
}
