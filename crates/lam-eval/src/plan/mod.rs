//! Plans held against the ground truth (paper §5.2, Table 2). Knows planners and judges by their traits only.

mod judge;
mod matcher;
mod planner;

use lam_agent::Planner;
use lam_signal::Monitor;
use lam_types::{Estimate, PlanSource, TaskPlan};
use serde::{Deserialize, Serialize};

pub use judge::{ChatJudge, Comparison, MatcherJudge, PlanJudge, PlanQuestion};
pub use matcher::matching;
pub use planner::RemotePlanner;

use crate::{BATCH, Bootstrap, EvalError, Ratio};

/// A row of Table 2, rates in percent; precision and recall are summed over steps before they are divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planning {
    /// Plans that solve their task as a whole.
    pub tsr: Estimate,
    /// Predicted steps that stand in the ground truth.
    pub step_precision: Estimate,
    /// Steps of the ground truth that were predicted.
    pub step_recall: Estimate,
    /// Tasks.
    pub tasks: usize,
    /// Who compared: `matcher`, or a model's name.
    pub judge: String,
}

/// One task, the plan that was expected and the one that was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanItem {
    /// Id of the pair.
    pub task_id: String,
    /// Its family.
    pub family: String,
    /// Where it comes from.
    pub source: PlanSource,
    /// What is asked.
    pub task: String,
    /// The ground truth.
    pub expected: Vec<String>,
    /// What the planner answered; empty when that could not be read.
    pub predicted: Vec<String>,
    /// What the judge says.
    pub comparison: Comparison,
}

/// The row and the plans behind it.
#[derive(Clone, Debug)]
pub struct PlanReport {
    /// The row.
    pub row: Planning,
    /// The plans, in the order of the pairs.
    pub items: Vec<PlanItem>,
}

/// Asks the planner for a plan for each pair and has the judge compare them.
///
/// # Errors
/// When there are no pairs, or the planner or the judge cannot continue.
pub fn evaluate_plans(
    pairs: &[TaskPlan],
    planner: &mut dyn Planner,
    judge: &mut dyn PlanJudge,
    bootstrap: &Bootstrap,
    monitor: &Monitor<'_>,
) -> Result<PlanReport, EvalError> {
    if pairs.is_empty() {
        return Err(EvalError::Nothing("plan evaluation: no task-plan pairs in the test set".into()));
    }
    monitor.progress.begin(&format!("plans of {}", planner.name()), Some(pairs.len() as u64));
    let mut items: Vec<PlanItem> = Vec::with_capacity(pairs.len());
    for batch in pairs.chunks(BATCH) {
        if monitor.cancel.is_cancelled() {
            return Err(EvalError::Cancelled);
        }
        let tasks: Vec<&str> = batch.iter().map(|pair| pair.task.as_str()).collect();
        let predicted = planner.plan(&tasks)?;
        let questions: Vec<_> = batch.iter().zip(predicted).map(|(pair, plan)| question(pair, plan)).collect();
        let comparisons = judge.compare(&questions)?;
        items.extend(batch.iter().zip(questions).zip(comparisons).map(|((pair, asked), said)| item(pair, asked, said)));
        let solved = items.iter().filter(|item| item.comparison.solved).count() as f64;
        monitor.progress.advance(items.len() as u64, &format!("tsr {:.1} %", 100.0 * solved / items.len() as f64));
    }
    monitor.progress.end();
    Ok(PlanReport { row: planning(&items, judge.name(), bootstrap), items })
}

fn question(pair: &TaskPlan, predicted: Vec<String>) -> PlanQuestion {
    PlanQuestion { task: pair.task.clone(), expected: pair.plan.clone(), predicted }
}

fn item(pair: &TaskPlan, asked: PlanQuestion, comparison: Comparison) -> PlanItem {
    PlanItem {
        task_id: pair.task_id.clone(),
        family: pair.family.clone(),
        source: pair.source,
        task: asked.task,
        expected: asked.expected,
        predicted: asked.predicted,
        comparison,
    }
}

fn planning(items: &[PlanItem], judge: String, bootstrap: &Bootstrap) -> Planning {
    let ratios = |of: fn(&Comparison) -> Ratio| items.iter().map(|item| of(&item.comparison)).collect::<Vec<_>>();
    Planning {
        tsr: bootstrap.percent(&ratios(|said| Ratio::of_one(said.solved))),
        step_precision: bootstrap
            .percent(&ratios(|said| Ratio { part: said.matched as f64, of: said.predicted_steps as f64 })),
        step_recall: bootstrap
            .percent(&ratios(|said| Ratio { part: said.matched as f64, of: said.expected_steps as f64 })),
        tasks: items.len(),
        judge,
    }
}
