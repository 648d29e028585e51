//! Models that lack a part of the method, or have one alone, beside those of the whole: grouped by phase, each with
//! what it adds to the model that it was trained from and to the one that it is to be held against. Knows no file and
//! no page.

use lam_types::Estimate;
use serde::Serialize;

/// The online evaluation of several models of a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AblationTable {
    /// The stage that evaluated them.
    pub stage: String,
    /// The set that its tasks were drawn from.
    pub split: String,
    /// The phases with a model, in order.
    pub groups: Vec<Group>,
}

/// The models of a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Group {
    /// Its number. What phase 3 trains from a model of phase 3 stands with phase 4, which it is in the place of.
    pub phase: u8,
    /// The model that the others are held against; `None` where there is one alone.
    pub reference: Option<String>,
    /// The models, in the order in which they were evaluated.
    pub rows: Vec<AblationRow>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AblationRow {
    /// The stage that made it.
    pub stage: String,
    /// The stage of the model that it was trained from, or "".
    pub parent: String,
    /// By what it learned: ways of exploration, or the method of phase 4.
    pub by: String,
    /// Online task success, in percent.
    pub tsr: Estimate,
    /// What it adds to the model that it was trained from.
    pub from_parent: Option<Difference>,
    /// What it adds to the reference of its group.
    pub from_reference: Option<Difference>,
}

/// What one model adds to another at the same tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The stage of the other one.
    pub than: String,
    /// Points of percent: over tasks, or over seeds where there are several.
    pub points: Estimate,
    /// Tasks that it alone solved, of all seeds.
    pub won: u64,
    /// Tasks that the other alone solved.
    pub lost: u64,
}
