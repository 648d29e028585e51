use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::{CONFIG_FILE, MANIFEST_VERSION, hash_bytes};

fn manifest(directory: &Path) -> Manifest {
    let (files, output_hash) = record_files(directory).unwrap();
    Manifest {
        format_version: MANIFEST_VERSION,
        producer: "lam-train test".to_owned(),
        pipeline: "one".to_owned(),
        stage: "a".to_owned(),
        kind: "write".to_owned(),
        seed: 7,
        code: BTreeMap::new(),
        config: serde_json::json!({}),
        config_hash: String::new(),
        inputs: BTreeMap::new(),
        fingerprint: hash_bytes(b"a"),
        output_hash,
        files,
        metrics: serde_json::Value::Null,
        started_at: 0,
        duration_s: 0.0,
        arithmetic: String::new(),
        reused_from: None,
    }
}

/// A result with a link in it, as checkpoints have, stored.
fn stored() -> (TempDir, SharedResults, Manifest) {
    let root = tempfile::tempdir().unwrap();
    let result = root.path().join("one/a");
    fs::create_dir_all(result.join("checkpoint-3")).unwrap();
    for (name, text) in [("out.txt", "hello"), ("checkpoint-3/x", "3"), (CONFIG_FILE, "a = 1")] {
        fs::write(result.join(name), text).unwrap();
    }
    symlink("checkpoint-3", result.join("last")).unwrap();
    let manifest = manifest(&result);
    manifest.write(&result).unwrap();
    let shared = SharedResults::of_runs(root.path());
    let figures = |beside: &Path| fs::write(beside.join("loop.jsonl"), "1").map_err(StoreError::io("write", beside));
    shared.put(&result, &manifest, figures).unwrap();
    (root, shared, manifest)
}

#[test]
fn a_result_is_linked_with_its_links_and_taken_as_it_was() {
    let (root, shared, manifest) = stored();
    assert_eq!(shared.find(&manifest.fingerprint).unwrap(), manifest);
    assert!(shared.looks_whole(&manifest) && shared.contains(&manifest.fingerprint));
    assert_eq!(fs::read_to_string(shared.beside(&manifest.fingerprint).join("loop.jsonl")).unwrap(), "1");
    let other = root.path().join("two/a");
    assert_eq!(shared.take(&manifest, &other).unwrap(), Taken::Whole(manifest.files.clone()));
    assert_eq!(record_files(&other).unwrap(), (manifest.files.clone(), manifest.output_hash.clone()));
    assert_eq!(fs::read_link(other.join("last")).unwrap(), Path::new("checkpoint-3"));
    let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(other.join("out.txt")), inode(root.path().join("one/a/out.txt")));
    assert!(!other.join(CONFIG_FILE).exists() && !other.join("manifest.json").exists(), "each run writes its own");
}

#[test]
fn a_copy_counts_as_unchanged_by_its_time() {
    let (root, _, manifest) = stored();
    let copy = root.path().join("copy");
    tree::copy(&root.path().join("one/a/out.txt"), &copy).unwrap();
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(&copy), time(&root.path().join("one/a/out.txt")));
    fs::rename(&copy, root.path().join("one/a/out.txt")).unwrap();
    assert_eq!(manifest.damage(&root.path().join("one/a")).unwrap(), None);
}

#[test]
fn every_byte_is_read_before_a_result_is_taken() {
    let (root, shared, manifest) = stored();
    let file = shared.result(&manifest.fingerprint).join("out.txt");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "hellO").unwrap();
    File::open(&file).unwrap().set_modified(before).unwrap();
    assert!(shared.looks_whole(&manifest), "size and time say nothing");
    let taken = shared.take(&manifest, &root.path().join("two/a")).unwrap();
    assert_eq!(taken, Taken::Damaged("out.txt was changed".to_owned()));
    assert!(!shared.contains(&manifest.fingerprint), "it is removed");
    assert_eq!(shared.take(&manifest, &root.path().join("three/a")).unwrap(), Taken::Gone);
    assert_eq!(fs::read_dir(&shared.root).unwrap().count(), 2, "mark and lock are left");
}

#[test]
fn what_somebody_holds_stays() {
    let (root, shared, manifest) = stored();
    let left = shared.root.join("staging-1-0");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("x"), "123").unwrap();
    fs::write(shared.root.join("letter"), "mine").unwrap();
    let kept = shared.clean(false, true).unwrap();
    assert_eq!((kept.results, kept.kept, kept.leftovers, kept.bytes), (0, 1, 1, 3));
    assert_eq!(kept.foreign, [shared.root.join("letter")]);
    assert!(left.exists(), "a dry run removes nothing");
    shared.clean(false, false).unwrap();
    assert!(!left.exists() && shared.contains(&manifest.fingerprint));

    // A run with copies holds it by its manifest, and one that is gone by nothing.
    let out = root.path().join("one/a/out.txt");
    fs::remove_dir_all(root.path().join("one/a/checkpoint-3")).unwrap();
    fs::remove_file(&out).unwrap();
    assert_eq!(shared.clean(false, false).unwrap().kept, 1);
    fs::remove_dir_all(root.path().join("one")).unwrap();
    let removed = shared.clean(false, false).unwrap();
    assert_eq!((removed.results, removed.kept, removed.leftovers), (1, 0, 0));
    assert!(removed.bytes >= 6 && !shared.contains(&manifest.fingerprint));
    assert_eq!(fs::read_to_string(shared.root.join("letter")).unwrap(), "mine");
}

#[test]
fn all_of_them_go_and_runs_keep_what_they_have() {
    let (root, shared, manifest) = stored();
    let removed = shared.clean(true, false).unwrap();
    assert_eq!((removed.results, removed.kept), (1, 0));
    assert_eq!(manifest.damage(&root.path().join("one/a")).unwrap(), None);
}

#[test]
fn nothing_is_cleaned_while_a_run_is_at_work_or_where_somebody_else_is() {
    let (root, shared, _) = stored();
    let lock = shared.lock().unwrap();
    let busy = shared.clean(true, false).unwrap_err().to_string();
    assert!(busy.contains(".cache: a run stores a result there") && busy.contains("hint: try again"), "{busy}");
    drop(lock);
    let other = root.path().join("other");
    fs::create_dir_all(other.join(SHARED_DIR)).unwrap();
    fs::write(other.join(SHARED_DIR).join("letter"), "mine").unwrap();
    let foreign = SharedResults::of_runs(&other);
    let result = root.path().join("one/a");
    for refused in [foreign.clean(true, false).map(drop), foreign.put(&result, &manifest(&result), |_| Ok(()))] {
        assert!(refused.unwrap_err().to_string().contains("not a directory that lam-train made"));
    }
    assert_eq!(fs::read_dir(other.join(SHARED_DIR)).unwrap().count(), 1);
    assert_eq!(SharedResults::of_runs(&root.path().join("absent")).clean(true, false).unwrap(), Cleaned::default());
}

/// Makes the stored result again, with other bytes, and stores that.
fn make_anew(root: &TempDir, shared: &SharedResults) -> Manifest {
    let result = root.path().join("one/a");
    fs::remove_file(result.join("out.txt")).unwrap();
    fs::write(result.join("out.txt"), "other").unwrap();
    let new = manifest(&result);
    shared.put(&result, &new, |_| Ok(())).unwrap();
    new
}

#[test]
fn a_result_that_was_made_anew_replaces_the_one_that_is_stored() {
    let (root, shared, old) = stored();
    let new = make_anew(&root, &shared);
    assert_eq!(shared.find(&old.fingerprint).unwrap(), new);
    assert!(shared.looks_whole(&new));
}

#[test]
fn a_result_that_was_replaced_meanwhile_is_not_taken_for_damaged() {
    let (root, shared, old) = stored();
    let new = make_anew(&root, &shared);
    // Who found the old one takes now.
    assert_eq!(shared.take(&old, &root.path().join("two/a")).unwrap(), Taken::Gone);
    assert_eq!(shared.find(&new.fingerprint), Some(new), "the new one stays");
}

#[test]
fn many_may_store_and_take_at_once() {
    let (root, shared, manifest) = stored();
    let (root, shared, manifest) = (root.path(), &shared, &manifest);
    let work = |worker: usize| {
        for turn in 0..10 {
            if worker == 0 {
                shared.remove(&shared.entry(&manifest.fingerprint)).unwrap();
            }
            shared.put(&root.join("one/a"), manifest, |_| Ok(())).unwrap();
            let taken = shared.take(manifest, &root.join(format!("taken-{worker}-{turn}"))).unwrap();
            if let Taken::Whole(files) = taken {
                assert_eq!(files, manifest.files);
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || work(worker));
        }
    });
    shared.put(&root.join("one/a"), manifest, |_| Ok(())).unwrap();
    assert_eq!(shared.take(manifest, &root.join("last")).unwrap(), Taken::Whole(manifest.files.clone()));
    assert_eq!(shared.clean(false, true).unwrap().leftovers, 0);
}
