//! An evaluator of the caller's: what it measures is recorded, decides what is kept and when training ends, and is neither
//! lost nor asked for twice by a run that is resumed.

use std::path::Path;

use lam_signal::{Cancel, Failure, NoProgress};
use lam_trainer::{
    Ending, Evaluation, Evaluator, Identity, Metrics, SchedulerType, ShuffledLoader, TrainOutcome, TrainRun,
    TrainerError, TrainingArguments, train_evaluated,
};

use crate::resume::{StopsAt, left_behind};
use crate::toy::{Toy, arguments, samples};

/// Success that is written down beforehand, for every second step.
const SUCCESS: [f64; 7] = [0.5, 0.6, 0.8, 0.7, 0.6, 0.9, 0.9];

/// Tells it, and keeps what it was asked about.
#[derive(Default)]
struct Scripted<'a> {
    asked: Vec<(u64, Vec<f32>)>,
    /// Asks for a stop in the middle of the evaluation of this step.
    stops: Option<(u64, &'a Cancel)>,
}

impl Evaluator<Toy> for Scripted<'_> {
    fn evaluate(&mut self, toy: &Toy, step: u64) -> Result<Metrics, Failure> {
        if let Some((_, cancel)) = self.stops.filter(|(stop, _)| *stop == step) {
            cancel.cancel();
            return Err(Failure::cancelled());
        }
        self.asked.push((step, toy.values()));
        Ok(Metrics::default().with("success_rate", SUCCESS[step as usize / 2] * 10.0, 10.0))
    }
}

fn settings(patience: u64) -> TrainingArguments {
    TrainingArguments {
        lr_scheduler_type: SchedulerType::Constant,
        max_steps: 12,
        eval_on_start: true,
        eval_steps: 2,
        save_steps: 3,
        load_best_model_at_end: true,
        metric_for_best_model: "success_rate".into(),
        greater_is_better: true,
        early_stopping_patience: patience,
        ..arguments()
    }
}

/// Trains a toy, perhaps stopped before a batch.
fn run(
    output: &Path,
    arguments: &TrainingArguments,
    evaluator: &mut Scripted<'_>,
    (stop, cancel): (u64, &Cancel),
) -> (Toy, Result<TrainOutcome, TrainerError>) {
    let identity = Identity::from([("model".into(), "toy".into())]);
    let run = TrainRun { arguments, output, identity: &identity, progress: &NoProgress, cancel };
    let mut loader = StopsAt { loader: ShuffledLoader::new(samples(13), arguments).unwrap(), step: stop, cancel };
    let mut toy = Toy::new();
    let evaluation = Evaluation { samples: &samples(4), evaluator: Some(evaluator) };
    let outcome = train_evaluated(&mut toy, &mut loader, evaluation, &run);
    (toy, outcome)
}

fn whole(output: &Path, arguments: &TrainingArguments) -> (Toy, TrainOutcome, Vec<(u64, Vec<f32>)>) {
    let mut evaluator = Scripted::default();
    let (toy, outcome) = run(output, arguments, &mut evaluator, (u64::MAX, &Cancel::default()));
    (toy, outcome.unwrap(), evaluator.asked)
}

#[test]
fn the_best_step_is_kept_and_training_stops_when_success_falls() {
    let root = tempfile::tempdir().unwrap();
    let (toy, outcome, asked) = whole(root.path(), &settings(2));
    assert_eq!((outcome.ending, outcome.global_step), (Ending::StoppedEarly, 8));
    let success = [(0, 0.5), (2, 0.6), (4, 0.8), (6, 0.7), (8, 0.6)];
    assert_eq!(outcome.series("eval_success_rate"), success);
    assert_eq!((outcome.best_global_step, outcome.best_metric), (Some(4), Some(0.8)));
    assert_eq!(asked.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
    assert_eq!(toy.values(), asked[2].1, "the weights of the best step");
    assert_ne!(toy.values(), asked[4].1);
    // The loss over held-out samples stands beside it.
    assert_eq!(outcome.series("eval_loss").len(), success.len());
}

#[test]
fn without_patience_a_later_step_may_be_better_and_of_equals_the_first_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let (toy, outcome, asked) = whole(root.path(), &settings(0));
    assert_eq!((outcome.ending, outcome.best_global_step), (Ending::Completed, Some(10)));
    assert_eq!(toy.values(), asked[5].1);
}

#[test]
fn where_no_step_is_better_training_ends_with_what_it_began_with() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments { greater_is_better: false, ..settings(2) };
    let (toy, outcome, asked) = whole(root.path(), &arguments);
    assert_eq!((outcome.ending, outcome.best_global_step), (Ending::StoppedEarly, Some(0)));
    assert_eq!(toy.values(), Toy::new().values());
    assert_eq!((asked.len(), outcome.global_step), (3, 4));
}

#[test]
fn a_run_stopped_before_any_step_or_in_any_evaluation_ends_with_the_same_bytes() {
    for patience in [0, 2] {
        let arguments = settings(patience);
        let root = tempfile::tempdir().unwrap();
        let (toy, outcome, asked) = whole(root.path(), &arguments);
        let in_evaluations = (0..=outcome.global_step).step_by(2).map(|step| (u64::MAX, Some(step)));
        for (batch, evaluation) in (0..outcome.global_step - 1).map(|step| (step, None)).chain(in_evaluations) {
            let stopped_at = format!("stopped at {batch} {evaluation:?}, patience {patience}");
            let (parts, cancel) = (tempfile::tempdir().unwrap(), Cancel::default());
            let mut first = Scripted { stops: evaluation.map(|step| (step, &cancel)), ..Scripted::default() };
            let (_, stopped) = run(parts.path(), &arguments, &mut first, (batch, &cancel));
            assert!(matches!(stopped, Err(TrainerError::Cancelled { .. })), "{stopped_at}");
            let (resumed, again, rest) = whole(parts.path(), &arguments);
            assert_eq!(again.log_history, outcome.log_history, "{stopped_at}");
            assert_eq!(again.best_global_step, outcome.best_global_step, "{stopped_at}");
            assert_eq!(resumed.values(), toy.values(), "{stopped_at}");
            assert_eq!([first.asked, rest].concat(), asked, "{stopped_at}");
            assert_eq!(left_behind(parts.path()), left_behind(root.path()), "{stopped_at}");
        }
    }
}

#[test]
fn an_evaluator_that_fails_stops_training_with_its_own_words() {
    struct Fails;
    impl Evaluator<Toy> for Fails {
        fn evaluate(&mut self, _: &Toy, step: u64) -> Result<Metrics, Failure> {
            Err(Failure::data(format!("no task at step {step}")).hint("draw some"))
        }
    }
    let (root, arguments) = (tempfile::tempdir().unwrap(), settings(0));
    let mut loader = ShuffledLoader::new(samples(13), &arguments).unwrap();
    let run = TrainRun {
        arguments: &arguments,
        output: root.path(),
        identity: &Identity::new(),
        progress: &NoProgress,
        cancel: &Cancel::default(),
    };
    let evaluation = Evaluation { samples: &[], evaluator: Some(&mut Fails) };
    let error = train_evaluated(&mut Toy::new(), &mut loader, evaluation, &run).unwrap_err();
    assert_eq!(lam_signal::Fault::kind(&error).exit_code(), 3);
    assert_eq!(error.to_string(), "no task at step 0\nhint: draw some");
}

#[test]
fn a_figure_that_nobody_measures_cannot_decide() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments { metric_for_best_model: "reward".into(), ..settings(0) };
    let (_, outcome) = run(root.path(), &arguments, &mut Scripted::default(), (u64::MAX, &Cancel::default()));
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("`metric_for_best_model` = reward: the evaluation knows loss"), "{error}");
    assert!(error.contains("success_rate 0.5000"), "{error}");
}
