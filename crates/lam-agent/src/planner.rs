//! What a planner is: tasks in, plans out. Knows no model and no documentation.

use crate::PolicyError;

/// Whoever answers tasks with plans.
pub trait Planner {
    /// Name in reports.
    fn name(&self) -> String;

    /// One plan for each task, in their order; an empty one where no plan can be read from the answer.
    ///
    /// # Errors
    /// Only when the planner cannot continue at all.
    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError>;
}
