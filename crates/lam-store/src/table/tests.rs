//! Tables on disk: what is written reads back, and what is broken is named.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, LargeStringArray, StringArray};
use arrow::record_batch::RecordBatch;
use lam_types::{
    Action, Args, Complete, Control, ControlType, Observation, PastAction, Phrasing, PlanSource, PolicyId, Split,
    State, Status, Step, StepStatus, Task, TaskPlan, Tokens, Trajectory, Verdict,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::*;

fn task(seed: u64) -> Task {
    Task {
        task_id: format!("sim-bold-{seed}"),
        family: "bold".to_string(),
        request: "make \"north\" bold".to_string(),
        environment: "sim".to_string(),
        application: "word".to_string(),
        seed,
        phrasing: Phrasing::Seen,
        split: Split::Train,
    }
}

fn step(step_index: u32) -> Step {
    let mut args = Args::new();
    args.insert("text".to_string(), "north".into());
    args.insert("count".to_string(), 2.into());
    let action = Action {
        thought: "select it".to_string(),
        control_label: String::new(),
        control_name: String::new(),
        function: "select_text".to_string(),
        args,
        status: Status::Continue,
        plan: vec!["select".to_string(), "click Bold".to_string()],
    };
    let control = Control {
        label: "1".to_string(),
        control_text: "Bold".to_string(),
        control_type: ControlType::Button,
        enabled: true,
        selected: Some(false),
        value: None,
        rectangle: None,
    };
    Step {
        step_index,
        state: State {
            request: task(0).request,
            observation: Observation {
                controls: vec![control],
                document: "the north\nwind".to_string(),
                selection: String::new(),
            },
            previous_actions: vec![PastAction::of(&action, StepStatus::Ok)],
            previous_plan: Vec::new(),
        },
        action,
        acceptable_labels: vec!["1".to_string()],
        status: StepStatus::Ok,
        message: String::new(),
        reward: (step_index == 1).then_some(-1.0),
        reward_source: "outcome".to_string(),
        tokens: (step_index == 1).then(|| Tokens {
            prompt_ids: vec![1, 2],
            action_ids: vec![3],
            logprobs: vec![-0.25],
            tokenizer_hash: "t".to_string(),
        }),
        policy_seconds: 0.5,
        environment_seconds: 0.25,
    }
}

fn trajectory(seed: u64, steps: u32) -> Trajectory {
    let mut trajectory = Trajectory {
        trajectory_id: String::new(),
        task: task(seed),
        environment_version: "1".to_string(),
        attempt: 0,
        policy: PolicyId { name: "expert".to_string(), hash: "v1".to_string() },
        steps: (0..steps).map(step).collect(),
        verdict: Verdict {
            complete: Complete::No,
            reason: "not bold".to_string(),
            judge: "state".to_string(),
            sub_scores: vec![("bold".to_string(), Complete::No)],
        },
        environment_error: (steps == 0).then(|| "no reset".to_string()),
    };
    trajectory.trajectory_id = trajectory_id(&trajectory);
    trajectory
}

/// Write columns of another program.
fn write_foreign(path: &Path, columns: Vec<(&str, ArrayRef)>, metadata: Vec<KeyValue>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn records_read_back_as_written() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("nested/t.parquet");
    let trajectories = vec![trajectory(1, 3), trajectory(2, 0), trajectory(1, 3), trajectory(u64::MAX, 1)];
    write_trajectories(&path, &trajectories).unwrap();
    assert_eq!(read_trajectories(&path).unwrap(), trajectories);

    let many: Vec<Task> = (0..2500).map(task).collect();
    write_tasks(&path, &many).unwrap();
    assert_eq!(read_tasks(&path).unwrap(), many);
    write_tasks(&path, &[]).unwrap();
    assert_eq!(read_tasks(&path).unwrap(), []);

    let pair = TaskPlan {
        task_id: "p".to_string(),
        application: "word".to_string(),
        source: PlanSource::SearchQuery,
        task: "add a table".to_string(),
        plan: vec!["click Insert".to_string()],
        parent_id: None,
        document: "help".to_string(),
        document_hash: "h".to_string(),
        producer: "rule".to_string(),
        family: String::new(),
        split: Split::Validation,
    };
    let pairs = vec![pair.clone(), TaskPlan { parent_id: Some("p".to_string()), plan: Vec::new(), ..pair }];
    write_task_plans(&path, &pairs).unwrap();
    assert_eq!(read_task_plans(&path).unwrap(), pairs);
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (root.path().join("a"), root.path().join("b"));
    let rows = [trajectory(1, 2)];
    write_trajectories(&a, &rows).unwrap();
    write_trajectories(&b, &rows).unwrap();
    assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
}

#[test]
fn the_id_leaves_timings_out_and_nothing_else() {
    let first = trajectory(1, 2);
    let mut second = first.clone();
    second.steps[0].policy_seconds = 9.0;
    assert_eq!(trajectory_id(&second), first.trajectory_id);
    second.steps[0].action.args.insert("count".to_string(), 3.into());
    assert_ne!(trajectory_id(&second), first.trajectory_id);
}

#[test]
fn a_file_cut_short_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    write_tasks(&path, &[task(1)]).unwrap();
    let bytes = fs::read(&path).unwrap();
    for keep in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..keep]).unwrap();
        let message = read_tasks(&path).unwrap_err().to_string();
        assert!(message.contains("t.parquet: damaged") && message.contains("hint: "), "{message}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    write_trajectories(&path, &[trajectory(1, 2)]).unwrap();
    let bytes = fs::read(&path).unwrap();
    for position in (0..bytes.len()).step_by(97) {
        let mut broken = bytes.clone();
        broken[position] ^= 0x55;
        fs::write(&path, &broken).unwrap();
        // Some flips only change a text; what counts is that reading returns.
        let _ = read_trajectories(&path);
    }
}

#[test]
fn missing_and_wrong_columns_are_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    let ids: ArrayRef = Arc::new(LargeStringArray::from(vec!["a"]));
    write_foreign(&path, vec![("task_id", ids.clone())], Vec::new());
    let message = read_tasks(&path).unwrap_err().to_string();
    assert!(
        message.ends_with("t.parquet: column `family`: missing\nhint: the file has the columns task_id"),
        "{message}"
    );

    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    write_foreign(&path, vec![("task_id", ids), ("family", numbers)], Vec::new());
    let message = read_tasks(&path).unwrap_err().to_string();
    assert!(message.ends_with("column `family`: holds whole numbers, not text"), "{message}");
}

#[test]
fn a_bad_value_has_its_row_and_column() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    let text = |a: &str, b: &str| -> ArrayRef { Arc::new(StringArray::from(vec![a, b])) };
    let seeds: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let mut columns: Vec<(&str, ArrayRef)> =
        ["task_id", "family", "request", "environment", "application"].map(|name| (name, text("a", "b"))).into();
    columns.extend([("seed", seeds), ("phrasing", text("seen", "seen")), ("split", text("train", "trian"))]);
    write_foreign(&path, columns, Vec::new());
    let message = read_tasks(&path).unwrap_err().to_string();
    assert!(message.contains("t.parquet: row 1, column `split`: unknown variant `trian`"), "{message}");
}

#[test]
fn malformed_json_has_its_row_and_column() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    write_trajectories(&path, &[trajectory(1, 2)]).unwrap();
    let file = File::open(&path).unwrap();
    let batch = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().next().unwrap().unwrap();
    let broken: ArrayRef = Arc::new(StringArray::from(vec!["{}", "{\"text\":"]));
    let column = |name: &str| batch.column_by_name(name).unwrap().clone();
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let columns = names.map(|name| (name, if name == "args" { broken.clone() } else { column(name) }));
    write_foreign(&path, columns.collect(), Vec::new());
    let message = read_trajectories(&path).unwrap_err().to_string();
    assert!(message.contains("row 1, column `args`: malformed JSON: EOF"), "{message}");
}

#[test]
fn newer_files_and_other_tables_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t.parquet");
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let metadata = vec![KeyValue::new(VERSION_KEY.to_string(), "9".to_string())];
    write_foreign(&path, vec![("task_id", ids)], metadata);
    let message = read_tasks(&path).unwrap_err().to_string();
    assert!(message.contains("format version 9 is newer than 1"), "{message}");

    write_tasks(&path, &[task(1)]).unwrap();
    let message = read_task_plans(&path).unwrap_err().to_string();
    assert!(message.contains("it holds `task` rows, not `task_plan` rows"), "{message}");
}

#[test]
fn a_missing_file_and_an_unwritable_place_are_named() {
    let root = tempfile::tempdir().unwrap();
    let message = read_tasks(&root.path().join("no.parquet")).unwrap_err().to_string();
    assert!(message.contains("no.parquet") && message.contains("hint: check the path"), "{message}");
    // A file where a directory should be: refused for every user, root included.
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let message = write_tasks(&file.join("t.parquet"), &[]).unwrap_err().to_string();
    assert!(message.starts_with("cannot create directory") && message.contains("file"), "{message}");
}
