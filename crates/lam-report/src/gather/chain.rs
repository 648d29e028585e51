//! From a run's stages to its ablations: which phase a model is of, what it was trained from, what it is held against.
//! Over seeds, figures are means. Knows no file.

use std::collections::BTreeMap;

use lam_types::Estimate;

use crate::ablations::{AblationRow, AblationTable, Difference, Group};
use crate::paired::Paired;
use crate::run::StageRecord;
use crate::seeds::mean_over_seeds;

/// One seed's evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The stage.
    pub stage: String,
    /// The set that its tasks were drawn from.
    pub split: String,
    /// The models, in order.
    pub models: Vec<Evaluated>,
}

/// A model in one seed's evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The stage that made it.
    pub stage: String,
    /// Online task success, in percent.
    pub tsr: Estimate,
    /// Whether it solved each task; none where the episodes are not there.
    pub outcomes: BTreeMap<String, bool>,
}

/// The tables of some evaluations, a list for each seed; `stages` are those of the first.
pub fn tables(stages: &[StageRecord], seeds: &[Vec<Evaluation>]) -> Vec<AblationTable> {
    let mut names: Vec<&str> = Vec::new();
    for one in seeds.iter().flatten() {
        if !names.contains(&one.stage.as_str()) {
            names.push(&one.stage);
        }
    }
    let of_each_seed = |name: &str| -> Vec<&Evaluation> {
        seeds.iter().filter_map(|seed| seed.iter().find(|one| one.stage == name)).collect()
    };
    names.into_iter().map(|name| Chain { stages, seeds: of_each_seed(name) }.of_all()).collect()
}

/// Whether an evaluation of these stages' models compares any within a phase.
pub fn compares(stages: &[StageRecord], models: &[&str]) -> bool {
    let phases: Vec<u8> = models.iter().filter_map(|model| phase(stages, model)).collect();
    (1..phases.len()).any(|index| phases[..index].contains(&phases[index]))
}

/// The phase that a stage's model is of.
pub fn phase(stages: &[StageRecord], name: &str) -> Option<u8> {
    let stage = find(stages, name)?;
    match stage.kind.as_str() {
        "phase1" => Some(1),
        "phase2" => Some(2),
        "phase3.train" => {
            let is_later = |parent: &StageRecord| parent.kind == "phase3.train" || parent.kind.starts_with("phase4");
            Some(if find(stages, parent(stage)).is_some_and(is_later) { 4 } else { 3 })
        }
        kind => kind.starts_with("phase4.").then_some(4),
    }
}

fn find<'a>(stages: &'a [StageRecord], name: &str) -> Option<&'a StageRecord> {
    stages.iter().find(|stage| stage.name == name)
}

/// The stage of the model that a stage trains further.
fn parent(stage: &StageRecord) -> &str {
    stage.inputs.iter().find(|input| input.role == "model").map_or("", |input| &input.stage)
}

struct Chain<'a> {
    stages: &'a [StageRecord],
    seeds: Vec<&'a Evaluation>,
}

impl Chain<'_> {
    /// The table with every model that some seed has.
    fn of_all(&self) -> AblationTable {
        let mut all = Evaluation::default();
        for seed in &self.seeds {
            (all.stage, all.split) = (seed.stage.clone(), seed.split.clone());
            for model in &seed.models {
                if !all.models.iter().any(|known| known.stage == model.stage) {
                    all.models.push(model.clone());
                }
            }
        }
        self.table(&all)
    }

    fn table(&self, one: &Evaluation) -> AblationTable {
        let of_phase = |wanted: u8| -> Vec<&str> {
            let names = one.models.iter().map(|model| model.stage.as_str());
            names.filter(|name| phase(self.stages, name) == Some(wanted)).collect()
        };
        let groups = (1..=4).filter(|phase| !of_phase(*phase).is_empty()).map(|phase| {
            let names = of_phase(phase);
            let reference = self.reference(phase, &names, one);
            let rows = names.iter().filter_map(|name| self.row(name, reference)).collect();
            Group { phase, reference: reference.map(str::to_owned), rows }
        });
        AblationTable { stage: one.stage.clone(), split: one.split.clone(), groups: groups.collect() }
    }

    /// What the models of a phase are held against: in phase 4 more of phase 3, in the others the model that later phases
    /// build on; else the first.
    fn reference<'n>(&self, of: u8, names: &[&'n str], one: &Evaluation) -> Option<&'n str> {
        let builds_on = |name: &str| {
            let later = one.models.iter().filter(|model| phase(self.stages, &model.stage) > Some(of));
            later.filter_map(|model| find(self.stages, &model.stage)).any(|model| parent(model) == name)
        };
        let is_baseline = |name: &str| find(self.stages, name).is_some_and(|stage| stage.kind == "phase3.train");
        let wanted = names.iter().find(|name| if of == 4 { is_baseline(name) } else { builds_on(name) });
        wanted.or(names.first()).copied().filter(|_| names.len() > 1)
    }

    fn row(&self, name: &str, reference: Option<&str>) -> Option<AblationRow> {
        let stage = find(self.stages, name)?;
        let own: Vec<Estimate> = self.evaluated(name).map(|model| model.tsr).collect();
        let tsr = match own.as_slice() {
            [one] => *one,
            several => mean_over_seeds(&several.iter().map(|one| one.value).collect::<Vec<_>>())?,
        };
        let parent = parent(stage);
        Some(AblationRow {
            stage: name.to_owned(),
            parent: parent.to_owned(),
            by: self.by(stage),
            tsr,
            from_parent: self.difference(name, parent),
            from_reference: reference.filter(|other| *other != name).and_then(|other| self.difference(name, other)),
        })
    }

    fn evaluated<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Evaluated> {
        self.seeds.iter().filter_map(move |seed| seed.models.iter().find(|model| model.stage == name))
    }

    fn difference(&self, name: &str, other: &str) -> Option<Difference> {
        let of_seed = |seed: &&Evaluation| {
            let outcomes =
                |name: &str| seed.models.iter().find(|model| model.stage == name).map(|model| &model.outcomes);
            Paired::of(outcomes(name)?, outcomes(other)?)
        };
        let paired: Vec<Paired> = self.seeds.iter().filter_map(of_seed).collect();
        let points = match paired.as_slice() {
            [] => return None,
            [one] => one.points(),
            several => mean_over_seeds(&several.iter().map(|one| one.points().value).collect::<Vec<_>>())?,
        };
        let sum = |of: fn(&Paired) -> u64| paired.iter().map(of).sum();
        Some(Difference { than: other.to_owned(), points, won: sum(|one| one.won), lost: sum(|one| one.lost) })
    }

    /// By what a stage's model learned, in words.
    fn by(&self, stage: &StageRecord) -> String {
        let text = |key: &str| stage.config[key].as_str().unwrap_or_default().to_owned();
        if stage.kind.starts_with("phase4.") {
            let is_anchored =
                text("method") == "ppo" && stage.config["anchor"].as_f64().is_some_and(|weight| weight > 0.0);
            return if is_anchored { "ppo, anchored".to_owned() } else { text("method") };
        }
        if phase(self.stages, &stage.name) == Some(4) {
            return "more of phase 3".to_owned();
        }
        let mut explored: Vec<String> = Vec::new();
        for input in &stage.inputs {
            let exploration = find(self.stages, &input.stage).filter(|stage| stage.kind == "phase3.explore");
            let ways = exploration.and_then(|stage| stage.config["ways"].as_array());
            let words = ways.into_iter().flatten().filter_map(|way| way.as_str()).map(str::to_owned);
            words.for_each(|way| {
                if !explored.contains(&way) {
                    explored.push(way)
                }
            });
        }
        explored.join(", ")
    }
}
