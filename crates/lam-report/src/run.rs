//! A run as the report sees it: what was read from disk, before anything is drawn. Knows no HTML.

use std::collections::BTreeMap;

use lam_types::Trajectory;
use serde_json::Value;

use crate::ablations::AblationTable;
use crate::coverage::Coverage;
use crate::families::Families;
use crate::tables::Tables;

/// Everything that one report shows.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Name of the pipeline.
    pub name: String,
    /// Where it lies, with a `/` at its end, as it was named; "" where that was an absolute path, which is nobody else's.
    pub place: String,
    /// The command that made it.
    pub command: String,
    /// Hash of what the manifests say: a report of the same state need not be made again.
    pub state: String,
    /// Seeds, one a repetition.
    pub seeds: Vec<u64>,
    /// Stages in the order in which they were run (of the first seed, if there are several).
    pub stages: Vec<StageRecord>,
    /// Stages that are left out: what they were made from has changed since.
    pub stale: Vec<StaleStage>,
    /// Those of the stages that ran once, beside the seeds.
    pub once: Vec<String>,
    /// Training metrics (of the first seed).
    pub curves: Vec<Curves>,
    /// What explorations solved (of the first seed).
    pub coverage: Vec<Coverage>,
    /// Evaluations that compare models within a phase.
    pub ablations: Vec<AblationTable>,
    /// The evaluation tables, averaged over seeds if there are several.
    pub tables: Tables,
    /// Each seed's own tables, when there are several.
    pub tables_by_seed: Vec<Tables>,
    /// What each family's tasks came to online.
    pub families: Families,
    /// Episodes for the viewer, those first that are to have room for their steps.
    pub episodes: Vec<Episode>,
    /// Screens before each step and after the last, as data URIs, by the id of the trajectory.
    pub pictures: BTreeMap<String, Vec<String>>,
    /// How many trajectories the data files hold.
    pub trajectories_total: usize,
    /// What the data files hold.
    pub data: Vec<DataFile>,
}

/// One stage that has completed, with the fields of its manifest.
#[derive(Clone, Debug, Default)]
pub struct StageRecord {
    pub name: String,
    pub kind: String,
    pub seed: u64,
    pub inputs: Vec<StageInput>,
    pub output_hash: String,
    /// Its settings.
    pub config: Value,
    pub config_hash: String,
    pub producer: String,
    /// Seconds since 1970, or 0 when not known.
    pub started_at: u64,
    pub duration_s: f64,
    pub metrics: Value,
    /// Run and stage that made it, where this run took it from there.
    pub reused_from: Option<String>,
}

/// A stage whose result does not belong to the others any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaleStage {
    /// Its name; with the seed's directory where there are several.
    pub name: String,
    /// The stage that it was made from, and that has another result now or is stale itself.
    pub input: String,
}

/// One input of a stage.
#[derive(Clone, Debug, Default)]
pub struct StageInput {
    /// What the stage uses it as, such as `model` or `data`.
    pub role: String,
    /// Stage that made it, or "" for an external file.
    pub stage: String,
    /// Where it lies.
    pub path: String,
    /// Its content hash.
    pub hash: String,
}

/// The metrics of one training loop, step by step.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Stage, and the part of it if it trains twice: `lam4/reward`.
    pub name: String,
    /// Metric name and its points (step, value), in the order of first appearance.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

/// One episode for the viewer.
#[derive(Clone, Debug)]
pub struct Episode {
    /// Name of its model's row in the online table, where it has one; else of who acted.
    pub model: String,
    /// The file that holds it, below the run's directory.
    pub file: String,
    /// The episode; without steps where there is no room for them.
    pub trajectory: Trajectory,
    /// How many steps it has.
    pub length: usize,
    /// The first of them that did not go well, from 0.
    pub fault: Option<usize>,
}

/// One data file of a run.
#[derive(Clone, Debug, Default)]
pub struct DataFile {
    /// Stage that wrote it.
    pub stage: String,
    /// File name.
    pub name: String,
    /// Rows by what they are: trajectories, successes, steps, tasks, …; none when the file holds something else.
    pub counts: Vec<(String, u64)>,
}

impl Run {
    /// Whether figures are means over several seeds.
    pub fn is_repeated(&self) -> bool {
        self.seeds.len() > 1
    }

    /// Seconds of all stages together; those that another run made took none of this one.
    pub fn total_seconds(&self) -> f64 {
        let own = self.stages.iter().filter(|stage| stage.reused_from.is_none());
        // A sum of nothing is -0.
        own.map(|stage| stage.duration_s).sum::<f64>() + 0.0
    }
}
