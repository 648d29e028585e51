use std::collections::BTreeMap;
use std::path::Path;

use super::super::protobuf::{Value, fields};
use super::super::transaction_log::records;
use super::*;

const BEGUN: f64 = 1_796_035_305.25;

fn info(settings: &str) -> LoopInfo {
    let settings = settings.parse().unwrap();
    LoopInfo { pipeline: "p".into(), name: "seed-1/lam2".into(), kind: "phase2".into(), seed: 7, settings }
}

/// A folder that is ours, as `trackers/` of a run is.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    lam_store::claim(folder.path()).unwrap();
    folder
}

fn told(step: u64, values: &[(&str, f32)]) -> Record {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Record::new(BEGUN + 0.5 * (step - 1) as f64, step, &values)
}

fn bytes(message: &[u8], field: u32) -> Vec<Vec<u8>> {
    let value = |(number, value)| match value {
        Value::Bytes(bytes) if number == field => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(value).collect()
}

fn text(message: &[u8], field: u32) -> String {
    String::from_utf8(bytes(message, field).concat()).unwrap()
}

/// What is in the only log of a folder: its path, and its records by number of field, with their content.
fn read(folder: &Path) -> (PathBuf, Vec<(u32, Vec<u8>)>) {
    let [directory] = &directories(folder, &info(""))[..] else { panic!("one directory") };
    let id = directory.to_str().unwrap().rsplit('-').next().unwrap();
    let path = directory.join(format!("run-{id}.wandb"));
    let content = |(index, record): (usize, Vec<u8>)| match &mut fields(&record)[..] {
        [(1, Value::Number(number)), (field, Value::Bytes(content))] => {
            assert_eq!(*number, 1 + index as u64, "records are numbered");
            (*field, std::mem::take(content))
        }
        other => panic!("{other:?}"),
    };
    let records = records(&std::fs::read(&path).unwrap()).into_iter().enumerate().map(content).collect();
    (path, records)
}

/// Keys and JSON of items, which are field 1 of history, summary and config.
fn items_of(message: &[u8]) -> BTreeMap<String, String> {
    bytes(message, 1).iter().map(|item| (text(item, 1), text(item, 16))).collect()
}

/// The steps of the rows.
fn steps(records: &[(u32, Vec<u8>)]) -> Vec<String> {
    let rows = records.iter().filter(|(field, _)| *field == 2);
    rows.map(|(_, row)| items_of(row)["_step"].clone()).collect()
}

#[test]
fn a_run_has_its_settings_a_row_for_each_step_and_its_end() {
    let folder = folder();
    let info = info("model = \"base\"\n[train]\nlearning_rate = 0.001\n");
    let mut run = WandbRun::begin(folder.path(), &info, &[]).unwrap();
    assert!(!WandbRun::is_in(folder.path(), &info), "it is called by its first time");
    run.append(&told(1, &[("loss", 0.5), ("grad_norm", f32::NAN)])).unwrap();
    run.append(&told(3, &[("loss", 0.25)])).unwrap();
    run.append(&Record { at: BEGUN + 1.5, ..told(3, &[("eval_loss", 0.125)]) }).unwrap();
    run.end(RunState::Failed, BEGUN + 9.0).unwrap();

    let (path, records) = read(folder.path());
    let id = path.file_stem().unwrap().to_str().unwrap().strip_prefix("run-").unwrap().to_owned();
    assert_eq!(path.parent().unwrap(), folder.path().join(format!("offline-run-20261130_104145-{id}")));
    assert_eq!(records.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [17, 2, 3, 2, 3, 18]);
    let run = &records[0].1;
    assert_eq!([1, 3, 7, 8].map(|field| text(run, field)), [id.as_str(), "p", "phase2", "seed-1/lam2"]);
    let config = items_of(&bytes(run, 4).concat());
    let expected = [("model", "\"base\""), ("seed", "7"), ("train", "{\"learning_rate\":0.001}")];
    assert_eq!(config, expected.map(|(key, json)| (key.to_owned(), json.to_owned())).into());
    let start = fields(&bytes(run, 17).concat());
    assert_eq!(start, [(1, Value::Number(1_796_035_305)), (2, Value::Number(250_000_000))]);
    let rows = [
        vec![("train/loss", "0.5"), ("_step", "1"), ("_timestamp", "1796035305.25"), ("_runtime", "0")],
        vec![
            ("eval/loss", "0.125"),
            ("train/loss", "0.25"),
            ("_step", "3"),
            ("_timestamp", "1796035306.75"),
            ("_runtime", "1.5"),
        ],
    ];
    for (index, row) in rows.into_iter().enumerate() {
        let row = row.into_iter().map(|(key, json)| (key.to_owned(), json.to_owned())).collect();
        assert_eq!([1, 2].map(|at| items_of(&records[2 * index + at].1)), [&row, &row].map(BTreeMap::clone), "{index}");
    }
    assert_eq!(fields(&bytes(&records[3].1, 2).concat()), [(1, Value::Number(3))]);
    assert_eq!(fields(&records[5].1), [(1, Value::Number(1)), (2, Value::Number(9))]);
}

#[test]
fn a_run_that_was_killed_is_continued_in_its_file_without_what_is_void() {
    let folder = folder();
    let info = info("");
    let [first, second, third] = [1, 2, 3].map(|step| told(step, &[("loss", 1.0 / step as f32)]));
    let mut run = WandbRun::begin(folder.path(), &info, &[]).unwrap();
    for record in [&first, &second, &third] {
        run.append(record).unwrap();
    }
    drop(run);
    let (killed, records) = read(folder.path());
    assert_eq!(steps(&records), ["1", "2"], "more may still be told of the last step");

    let again = Record { at: BEGUN + 60.0, ..second };
    let mut run = WandbRun::begin(folder.path(), &info, std::slice::from_ref(&first)).unwrap();
    for record in [&again, &third] {
        run.append(record).unwrap();
    }
    run.end(RunState::Finished, BEGUN + 61.0).unwrap();
    let (path, records) = read(folder.path());
    assert_eq!((&path, steps(&records)), (&killed, vec!["1".to_owned(), "2".to_owned(), "3".to_owned()]));
    assert_eq!(items_of(&records[3].1)["_runtime"], "60");

    // From the start, it is another run, which is uploaded beside the first.
    let mut run = WandbRun::begin(folder.path(), &info, &[]).unwrap();
    run.append(&again).unwrap();
    run.end(RunState::Killed, BEGUN + 61.0).unwrap();
    let (path, records) = read(folder.path());
    assert!(path != killed && !killed.exists());
    assert_eq!(fields(&records.last().unwrap().1)[0], (1, Value::Number(255)));
}

#[test]
fn what_is_longer_than_a_block_comes_back() {
    let folder = folder();
    let settings = format!("text = \"{}\"", "x".repeat(100_000));
    let rows: Vec<Record> = (1..=500).map(|step| told(step, &[("loss", 0.5), ("entropy", 0.25)])).collect();
    WandbRun::begin(folder.path(), &info(&settings), &rows).unwrap().end(RunState::Finished, BEGUN + 500.0).unwrap();
    let (path, records) = read(folder.path());
    assert!(std::fs::metadata(path).unwrap().len() > 5 * 32 * 1024);
    assert_eq!(items_of(&bytes(&records[0].1, 4).concat())["text"].len(), 100_002);
    assert_eq!(steps(&records), (1..=500).map(|step| step.to_string()).collect::<Vec<_>>());
}
