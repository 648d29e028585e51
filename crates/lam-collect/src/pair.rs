//! A task-plan pair and where it comes from. Its id follows from both, so the same document gives the same ids again.

use lam_store::task_plan_id;
use lam_types::{PlanSource, Split, TaskPlan};

/// What the pairs of one document, or of one heading in it, have in common.
pub(crate) struct Origin {
    /// The application they are about.
    pub(crate) application: String,
    /// What kind of source the document is.
    pub(crate) source: PlanSource,
    /// The document.
    pub(crate) document: String,
    /// SHA-256 of its bytes, hex.
    pub(crate) document_hash: String,
    /// The rule that makes the pairs, with its version.
    pub(crate) producer: String,
}

impl Origin {
    /// The pair of `task` and `plan`, in the training set until the split is drawn.
    pub(crate) fn pair(&self, task: String, plan: Vec<String>) -> TaskPlan {
        TaskPlan {
            task_id: task_plan_id(&self.document, &task, &plan),
            application: self.application.clone(),
            source: self.source,
            task,
            plan,
            parent_id: None,
            document: self.document.clone(),
            document_hash: self.document_hash.clone(),
            producer: self.producer.clone(),
            family: String::new(),
            split: Split::Train,
        }
    }
}
