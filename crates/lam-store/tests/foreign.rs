//! Our tables as pandas, polars, `datasets` and pyarrow write them again. The fixtures are made by
//! `scripts/fixtures/make_tables.py`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_store::{TableKind, read_task_plans, read_trajectories, table_kind, visit_records};
use lam_types::{PlanSource, Split};

const WRITERS: [&str; 5] = ["pandas", "polars_zstd", "datasets", "categories_gzip", "views_brotli"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).with_extension("parquet")
}

#[test]
fn tables_that_others_wrote_again_hold_what_they_held() {
    let trajectories = read_trajectories(&fixture("trajectories")).unwrap();
    assert!(trajectories.len() == 2 && trajectories.iter().all(|one| one.steps[0].tokens.is_some()));
    let pairs = read_task_plans(&fixture("task_plans")).unwrap();
    assert_eq!(pairs.iter().map(|pair| pair.parent_id.is_some()).collect::<Vec<_>>(), [false, true]);
    for writer in WRITERS {
        let path = fixture(&format!("trajectories_{writer}"));
        assert_eq!(read_trajectories(&path).unwrap(), trajectories, "{writer}");
        assert_eq!(table_kind(&path).unwrap(), Some(TableKind::Trajectories), "{writer}");
        assert_eq!(read_task_plans(&fixture(&format!("task_plans_{writer}"))).unwrap(), pairs, "{writer}");
    }
}

#[test]
fn columns_that_may_be_empty_may_be_missing_and_tables_may_be() {
    let mut expected = read_trajectories(&fixture("trajectories")).unwrap();
    for trajectory in &mut expected {
        trajectory.environment_error = None;
        for step in &mut trajectory.steps {
            (step.reward, step.tokens) = (None, None);
            step.state.request.clone_from(&trajectory.task.request);
        }
    }
    assert_eq!(read_trajectories(&fixture("trajectories_fewer_lz4")).unwrap(), expected);
    let pairs = read_task_plans(&fixture("task_plans_fewer_lz4")).unwrap();
    assert!(pairs.len() == 2 && pairs.iter().all(|pair| pair.parent_id.is_none()));
    assert_eq!(read_trajectories(&fixture("trajectories_empty")).unwrap(), []);
    assert_eq!(read_task_plans(&fixture("task_plans_empty")).unwrap(), []);
}

#[test]
fn a_task_and_its_plan_are_a_pair() {
    let pairs = read_task_plans(&fixture("task_plans_two_columns")).unwrap();
    let pair = &pairs[0];
    assert_eq!(
        (pair.task.as_str(), pair.plan.len(), pair.source, pair.split),
        ("Print it", 2, PlanSource::Other, Split::Train)
    );
    assert!(pair.task_id.starts_with("plan-"), "{pair:?}");
}

#[test]
fn rows_of_any_table_are_objects() {
    let mut rows = Vec::new();
    visit_records(&fixture("task_plans_views_brotli"), |row, record| {
        rows.push((row, record));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1]);
    let pair = &read_task_plans(&fixture("task_plans")).unwrap()[0];
    assert_eq!(rows[0].1["task"], pair.task);
    assert_eq!(rows[0].1["plan"], serde_json::json!(pair.plan));
    assert!(rows[0].1["parent_id"].is_null() && rows[1].1["parent_id"].is_string());
}
