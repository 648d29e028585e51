//! Both halves of the collection on the embedded editor: its documents are all usable, its expert is limited.

use lam_collect::plans::{self, PlansConfig};
use lam_collect::trajectories::{self, TrajectoriesConfig};
use lam_env_sim::Sim;
use lam_signal::{Cancel, NoProgress};

#[test]
fn no_procedure_of_the_editor_is_taken_for_unusable() {
    let root = tempfile::tempdir().unwrap();
    let config = PlansConfig { entries: 400, ..PlansConfig::default() };
    let stats = plans::run(&config, &Sim::new(), root.path(), &NoProgress, &Cancel::default()).unwrap();
    for source in ["documentation", "wikihow", "search_query"] {
        let rejected = &stats["sources"][source]["rejected"];
        for reason in ["language", "length", "not_actionable"] {
            assert_eq!(rejected[reason], 0, "{source}: {stats:#}");
        }
        assert!(stats["sources"][source]["kept"].as_u64() > Some(50), "{stats:#}");
    }
}

#[test]
fn the_expert_leaves_successes_and_failures() {
    let root = tempfile::tempdir().unwrap();
    let config = TrajectoriesConfig { tasks: 300, ..TrajectoriesConfig::default() };
    let stats = trajectories::run(&config, &Sim::new(), root.path(), &NoProgress, &Cancel::default()).unwrap();
    assert!(stats["successes"].as_u64() > Some(100) && stats["failures"].as_u64() > Some(20), "{stats:#}");
    assert_eq!(stats["environment_errors"], 0);
}
