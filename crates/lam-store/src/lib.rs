//! Files: Parquet tables, run directories with manifests, content hashes, atomic writes, journals, lineage, results that
//! runs share; the words of the cards that are given away with them.
//!
//! Knows the records of `lam-types` and how they lie on disk. Knows no tensor, no environment and no stage:
//! who writes what, and why, is decided above.
//!
//! ```
//! use lam_store::{StagingDir, hash_path, read_task_plans, write_task_plans};
//!
//! let folder = tempfile::tempdir()?;
//! let (results, table) = (folder.path().join("plans"), folder.path().join("plans/task_plans.parquet"));
//! let staging = StagingDir::open_empty(&results)?;
//! write_task_plans(&staging.path().join("task_plans.parquet"), &[])?;
//! assert!(!results.exists(), "a result appears as a whole");
//! staging.commit()?;
//! assert_eq!((read_task_plans(&table)?, hash_path(&table)?.len()), (vec![], 64));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
pub mod card;
mod error;
mod file_name;
mod hash;
mod journal;
mod lineage;
mod manifest;
mod owned;
mod shared;
mod table;

pub use atomic::{StagingDir, write_atomic, write_atomic_with};
pub use error::StoreError;
pub use file_name::file_name_of;
pub use hash::{CONFIG_FILE, MANIFEST_FILE, MARK_FILE, content_files, hash_bytes, hash_path, hash_tree};
pub use journal::{Journal, JournalLine};
pub use lineage::{Lineage, LineageInput, LineageNode, NodeState, lineage};
pub use manifest::{InputRef, MANIFEST_VERSION, Manifest, OutputFile, read_manifest, record_files};
pub use owned::{
    ATTEMPT_SUFFIX, claim, claim_new, distinct_paths, overlap, refuse_foreign, refuse_to_replace, remove_directory,
    remove_file, resolved,
};
pub use shared::{Cleaned, SHARED_DIR, SharedResults, Taken};
pub use table::{
    TABLE_VERSION, TableKind, read_task_plans, read_tasks, read_trajectories, table_kind, task_plan_id, trajectory_id,
    visit_records, visit_task_plans, visit_trajectories, write_task_plans, write_tasks, write_trajectories,
};
