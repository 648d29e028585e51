//! Starting the binary from tests, each in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

const PIPELINE: &str = include_str!("miniature/pipeline.toml");
const MODEL: &str = include_str!("miniature/model.json");

/// Arguments that run the whole pipeline in miniature.
pub const RUN: [&str; 4] = ["run", "miniature.toml", "--runs-dir", "runs"];

/// A folder with the pipeline in miniature, from which the binary is started.
pub struct Place {
    folder: PathBuf,
}

/// What became of a command.
pub struct Finished {
    /// The exit code.
    pub code: i32,
    /// What it printed for people.
    pub stdout: String,
    /// What it said while it worked, and errors.
    pub stderr: String,
}

impl Place {
    /// An empty folder of this name below the target directory.
    pub fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an earlier test's folder can be removed");
        }
        let place = Self { folder };
        for below in ["home", "tmp"] {
            std::fs::create_dir_all(place.path(below)).expect("the target directory is writable");
        }
        place.write("miniature.toml", PIPELINE);
        place.write("model.json", MODEL);
        place
    }

    /// A path in the folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// The path of a stage's result in the miniature run, as an argument.
    pub fn stage(&self, name: &str) -> String {
        self.path("runs/miniature").join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the target directory is writable");
    }

    /// The binary with these arguments, its home and temporary files in the folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lam-train"));
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp")).env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Finished {
        let output = self.command(args).output().expect("lam-train starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Finished {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Runs the binary to its end, which must be a good one.
    #[track_caller]
    pub fn succeed(&self, args: &[&str]) -> Finished {
        let finished = self.run(args);
        assert_eq!(finished.code, 0, "lam-train {}:\n{}{}", args.join(" "), finished.stdout, finished.stderr);
        finished
    }

    /// Runs the binary, which must refuse with this exit code and say all of these words.
    #[track_caller]
    pub fn refuse(&self, args: &[&str], code: i32, words: &[&str]) {
        let Finished { code: found, stderr, .. } = self.run(args);
        let said = stderr.split_once("error: ").map_or("", |(_, said)| said);
        assert_eq!(found, code, "lam-train {}:\n{stderr}", args.join(" "));
        for word in words {
            assert!(said.contains(word), "lam-train {}: no `{word}` in:\n{stderr}", args.join(" "));
        }
        assert!(!stderr.contains("panicked"), "lam-train {}:\n{stderr}", args.join(" "));
    }
}

/// The place where the whole pipeline in miniature has run, once for all tests.
pub fn trained() -> &'static Place {
    &TRAINED.0
}

/// A place with a run in miniature of its own, for tests that run it again, or that must not see another run it.
pub fn trained_apart(name: &str) -> Place {
    let place = Place::new(name);
    copy(&TRAINED.1.path("runs/miniature"), &place.path("runs/miniature"));
    place
}

/// The place, and another with the run as it was before any test could run it again.
static TRAINED: LazyLock<(Place, Place)> = LazyLock::new(|| {
    let (place, kept) = (Place::new("miniature"), Place::new("as-trained"));
    place.succeed(&RUN);
    copy(&place.path("runs/miniature"), &kept.path("runs/miniature"));
    (place, kept)
});

/// Every file below `folder` but manifests, which hold times: relative path and bytes, sorted.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "manifest.json") {
                let name = path.strip_prefix(folder).expect("it lies below").display().to_string();
                found.push((name, std::fs::read(&path).expect("readable")));
            }
        }
    }
    found.sort();
    found
}

/// Two stages' results must be the same bytes.
#[track_caller]
pub fn same_bytes(one: &Path, other: &Path) {
    let (left, right) = (contents(one), contents(other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right), "{} and {}", one.display(), other.display());
    for ((name, left), (_, right)) in left.iter().zip(&right) {
        assert!(left == right, "{name} differs between {} and {}", one.display(), other.display());
    }
}

/// A folder as another one, file by file.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the target directory is writable");
    for entry in std::fs::read_dir(from).expect("a model directory").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("the target directory is writable")),
        }
    }
}
