//! Processes that die in an episode: a recorded error, no hang, nothing left behind.

use std::time::{Duration, Instant};

use lam_env::{Application, EnvError};
use lam_types::{Action, Args, Status};

use crate::support::{application, processes, solve, task};

fn look() -> Action {
    Action {
        thought: String::new(),
        control_label: "1".into(),
        control_name: String::new(),
        function: "click_input".into(),
        args: Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    }
}

/// A program of a desktop and which of that name, in the order in which they start: the second D-Bus daemon is the
/// accessibility bus.
const PROGRAMS: [(&str, usize); 4] = [("galculator", 0), ("Xvfb", 0), ("dbus-daemon", 0), ("dbus-daemon", 1)];

fn kill((program, place): (&str, usize)) -> bool {
    let found = processes(std::process::id());
    let victim = found.iter().filter(|(_, name)| name == program).nth(place);
    // SAFETY: kill takes plain numbers; the process carries this test's marker.
    victim.is_some_and(|(id, _)| unsafe { libc::kill(*id, libc::SIGKILL) } == 0)
}

/// Kills a program of the desktop in an episode and returns the error that comes of it.
fn kill_in_episode(program: (&str, usize)) -> EnvError {
    let app = application("galculator");
    let mut environment = app.open().expect("a desktop");
    let task = task(&app, "sum");
    environment.reset(&task).expect("a reset");
    assert!(kill(program), "{program:?} in {:?}", processes(std::process::id()));
    let started = Instant::now();
    let error = (0..20).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        environment.act(&look()).err()
    });
    assert!(started.elapsed() < Duration::from_secs(60), "no hang");
    let error = error.unwrap_or_else(|| panic!("{program:?} died unnoticed"));
    drop(environment);
    // The next instance works: the pool opens one in the place of the dead one.
    let mut next = app.open().expect("another desktop");
    let (verdict, _) = solve(&app, next.as_mut(), &task).expect("an episode");
    assert_eq!(verdict.complete, lam_types::Complete::Yes, "{}", verdict.reason);
    drop(next);
    error
}

/// One test, because each looks at all desktops of this process.
pub fn killed_processes_end_the_episode_and_leave_nothing() {
    let blamed = ["galculator", "Xvfb", "dbus-daemon", "the accessibility bus"];
    for (program, blamed) in PROGRAMS.into_iter().zip(blamed) {
        let error = kill_in_episode(program);
        let EnvError::Failed { environment, reason, .. } = &error else { panic!("{program:?}: {error}") };
        assert_eq!(environment, "desktop");
        assert!(reason.starts_with(blamed), "{program:?}: {reason}");
        assert_eq!(processes(std::process::id()), [], "nothing is left behind");
    }
}

/// Whatever dies in the middle of a start, and whenever: an error or a start in time, and nothing is left behind.
pub fn killed_processes_end_a_start_and_leave_nothing() {
    let app = application("galculator");
    let task = task(&app, "sum");
    for (turn, program) in PROGRAMS.into_iter().cycle().take(16).enumerate() {
        let mut environment = app.open().expect("a desktop");
        let started = Instant::now();
        let came_up = std::thread::scope(|scope| {
            let reset = scope.spawn(|| environment.reset(&task));
            // As soon as it is there, and up to 75 ms later.
            while !reset.is_finished() && started.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5 * turn as u64));
                if kill(program) {
                    break;
                }
            }
            reset.join().expect("no panic")
        });
        assert!(started.elapsed() < Duration::from_secs(60), "{program:?}: no hang");
        assert!(matches!(came_up, Ok(_) | Err(EnvError::Failed { .. })), "{program:?}: {came_up:?}");
        drop(environment);
        assert_eq!(processes(std::process::id()), [], "{program:?}: nothing is left behind");
    }
}

/// What `a_killed_owner_leaves_no_process` kills: this program, with this variable set, waits in an episode.
pub const WAITS: &str = "LAM_TEST_DESKTOP_THAT_WAITS";

/// Opens a desktop and sleeps until it is killed.
pub fn a_desktop_that_waits() {
    let app = application("galculator");
    let mut environment = app.open().expect("a desktop");
    environment.reset(&task(&app, "sum")).expect("a reset");
    std::thread::sleep(Duration::from_secs(120));
}

pub fn a_killed_owner_leaves_no_process() {
    let own = std::env::current_exe().expect("this test");
    let mut child = std::process::Command::new(own)
        .env(WAITS, "1")
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("this test starts");
    let wait_until = |done: fn(&[(i32, String)]) -> bool| {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if done(&processes(child.id())) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    };
    assert!(wait_until(|found| found.iter().any(|(_, name)| name == "galculator")), "it starts");
    // SAFETY: kill takes plain numbers; the child is ours and not yet waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGKILL) };
    let gone = wait_until(|found| found.is_empty());
    child.wait().expect("the child ended");
    assert!(gone, "left behind: {:?}", processes(child.id()));
}

pub fn a_program_that_is_missing_names_the_script() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file");
    let text =
        "name = \"odd\"\naccessible_name = \"odd\"\ncommand = [\"no-such-program\"]\nready = { role = \"text\" }\n";
    std::fs::write(file.path(), text).expect("written");
    let app = lam_env_desktop::Desktop::load(file.path().to_str().expect("a path")).expect("a description");
    let error = app.open().err().expect("refused").to_string();
    assert!(error.contains("`no-such-program` is not installed\nhint: run scripts/setup_environments.sh"), "{error}");
}

pub fn an_application_that_never_gets_ready_is_an_error_in_time() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file");
    let text = "name = \"odd\"\naccessible_name = \"odd\"\ncommand = [\"sleep\", \"100\"]\nready = { role = \"text\", seconds = 1 }\n";
    std::fs::write(file.path(), text).expect("written");
    let app = lam_env_desktop::Desktop::load(file.path().to_str().expect("a path")).expect("a description");
    let mut environment = app.open().expect("a desktop");
    let task = lam_types::Task {
        task_id: "odd".into(),
        family: String::new(),
        request: "wait".into(),
        environment: "desktop".into(),
        application: "odd".into(),
        seed: 0,
        phrasing: lam_types::Phrasing::Seen,
        split: lam_types::Split::Test,
    };
    let error = environment.reset(&task).expect_err("it shows nothing").to_string();
    assert!(error.contains("sleep showed no text within 1 s"), "{error}");
}
