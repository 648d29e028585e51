//! One episode in each application, judged on what it leaves; the same actions give the same observations.

use lam_env::{Application, TaskQuery};
use lam_types::{Action, Complete, Control, ControlType, Observation, Split, StepStatus, Task};

use crate::support::{application, difference, processes, solve, task, tasks};

pub fn writer_formats_a_real_document() {
    let app = application("writer");
    let mut environment = app.open().expect("a desktop");
    for family in ["bold", "margin_top"] {
        let (verdict, _) = solve(&app, environment.as_mut(), &task(&app, family)).expect("an episode");
        assert_eq!(verdict.complete, Complete::Yes, "{family}: {}", verdict.reason);
        assert!(verdict.reason.starts_with("changed: "), "the environment change is told: {}", verdict.reason);
    }
}

/// Items of closed menus become usable with what is selected, and say so no sooner than their menu is opened.
pub fn items_of_closed_menus_can_be_chosen() {
    let app = application("writer");
    let mut environment = app.open().expect("a desktop");
    for family in ["row_above", "column_after", "delete_table"] {
        let (verdict, _) = solve(&app, environment.as_mut(), &task(&app, family)).expect("an episode");
        assert_eq!(verdict.complete, Complete::Yes, "{family}: {}", verdict.reason);
    }
}

/// One that is greyed out in its open menu refuses the click, and the menu is closed again.
pub fn an_item_that_is_greyed_out_refuses() {
    let app = application("writer");
    let mut environment = app.open().expect("a desktop");
    let shown = environment.reset(&task(&app, "bold")).expect("a reset");
    let item = shown.controls_named("Table > Insert > Rows Above").next().expect("an item");
    let action = Action {
        function: "click_input".to_owned(),
        control_label: item.label.clone(),
        control_name: item.control_text.clone(),
        ..Action::stop("")
    };
    let outcome = environment.act(&action).expect("an outcome");
    assert!(outcome.status != StepStatus::Ok && outcome.message.contains("cannot be used now"), "{outcome:?}");
    let names = |screen: &Observation| screen.controls.iter().map(|control| control.control_text.clone()).collect();
    let (before, after): (Vec<String>, Vec<String>) = (names(&shown), names(&outcome.observation));
    assert_eq!(before, after, "no menu is left open");
}

pub fn nothing_done_is_judged_wrong() {
    let app = application("writer");
    let mut environment = app.open().expect("a desktop");
    environment.reset(&task(&app, "italic")).expect("a reset");
    let verdict = environment.verify().expect("a verdict");
    assert_eq!(verdict.complete, Complete::No);
    assert!(verdict.reason.contains("italic") && verdict.reason.ends_with("nothing changed"), "{}", verdict.reason);
}

pub fn a_text_editor_and_a_calculator_need_no_code() {
    for (name, family) in [("mousepad", "note_retype"), ("galculator", "product")] {
        let app = application(name);
        let mut environment = app.open().expect("a desktop");
        let task = task(&app, family);
        let (verdict, first) = solve(&app, environment.as_mut(), &task).expect("an episode");
        assert_eq!(verdict.complete, Complete::Yes, "{name}: {}", verdict.reason);
        let (_, second) = solve(&app, environment.as_mut(), &task).expect("an episode");
        assert_eq!(first, second, "{name}: the same actions, the same screens");
    }
}

/// A file that no family belongs to: whoever acts brings the request, and nobody judges.
pub fn an_application_s_file_alone_can_be_acted_in() {
    let text = include_str!("../../../../configs/applications/mousepad.toml");
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file");
    std::fs::write(file.path(), text.replace("\nname = \"mousepad\"", "\nname = \"own\"")).expect("written");
    let app = lam_env_desktop::Desktop::load(file.path().to_str().expect("a path")).expect("a description");
    let query = TaskQuery { split: Split::Test, phrasing: None, families: Vec::new(), count: 1, seed: 1 };
    let task = Task { request: "write 'hello'".to_owned(), ..app.tasks(&query).expect("a task").remove(0) };
    let mut environment = app.open().expect("a desktop");
    let shown = environment.reset(&task).expect("a start");
    let is_document = |control: &&Control| control.control_type == ControlType::Document;
    let document = shown.controls.iter().find(is_document).expect("a document");
    let args = [("text".to_owned(), "hello".into())].into_iter().collect();
    let action = Action {
        function: "set_edit_text".to_owned(),
        control_label: document.label.clone(),
        control_name: document.control_text.clone(),
        args,
        ..Action::stop("")
    };
    let outcome = environment.act(&action).expect("an outcome");
    assert_eq!((outcome.status, outcome.observation.document.trim()), (StepStatus::Ok, "hello"));
    assert_eq!(environment.verify().expect("a verdict").complete, Complete::Unsure);
}

/// A key that is pressed again while it is still down would only come up.
pub fn a_calculator_s_keys_count_each_time() {
    let app = application("galculator");
    let mut environment = app.open().expect("a desktop");
    for task in tasks(&app, &["sum", "product"], 6) {
        let (verdict, _) = solve(&app, environment.as_mut(), &task).expect("an episode");
        assert_eq!(verdict.complete, Complete::Yes, "{}: {}", task.request, verdict.reason);
    }
}

/// The same task, seed and actions give the same screens, on another desktop and after other episodes. Writer's
/// toolbars follow late: here they are waited for, so that nothing has to be masked.
pub fn the_same_actions_give_the_same_screens() {
    let text = include_str!("../../../../configs/applications/writer.toml");
    let patient = text.replace("reset_ms = 350", "reset_ms = 700, action_ms = 700");
    assert_ne!(text, patient);
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file");
    std::fs::write(file.path(), patient).expect("written");
    let app = lam_env_desktop::Desktop::load(file.path().to_str().expect("a path")).expect("a description");
    compare(&app, &["replace_all", "description", "row_below", "font_and_size"], Observation::clone);
}

/// The same without the wait, as Writer is used: masked are what toolbars and closed menus say of the text, which may
/// be older than the text, and the toolbar of tables, which may be missing.
pub fn the_same_actions_give_the_same_text_dialogs_and_menus() {
    let app = application("writer");
    compare(&app, &["replace_all", "margin_left", "table", "space_above"], |screen| {
        let mut screen = screen.clone();
        let is_in_front = screen.controls.iter().any(|control| control.control_text == "Bold");
        if is_in_front {
            let is_late = |control: &Control| matches!(control.control_type, ControlType::Button | ControlType::Edit);
            screen.controls.retain(|control| !is_late(control));
            for control in &mut screen.controls {
                (control.enabled, control.selected) = (true, None);
                control.label.clear();
            }
        }
        screen
    });
}

/// Holds the screens of some episodes against those of the same in another order on another desktop.
fn compare(app: &lam_env_desktop::Desktop, families: &[&str], masked: fn(&Observation) -> Observation) {
    let tasks = tasks(app, families, families.len());
    let screens = |order: Vec<usize>| {
        let mut environment = app.open().expect("a desktop");
        let mut seen = vec![Vec::new(); order.len()];
        for place in order {
            let (verdict, screens) = solve(app, environment.as_mut(), &tasks[place]).expect("an episode");
            assert_eq!(verdict.complete, Complete::Yes, "{}: {}", tasks[place].request, verdict.reason);
            seen[place] = screens;
        }
        seen
    };
    let forwards = screens((0..tasks.len()).collect());
    let backwards = screens((0..tasks.len()).rev().collect());
    for ((first, second), task) in forwards.iter().zip(&backwards).zip(&tasks) {
        assert_eq!(first.len(), second.len(), "{}", task.task_id);
        for (step, (first, second)) in first.iter().zip(second).enumerate() {
            assert_eq!(difference(&masked(first), &masked(second)), "", "{} step {step}", task.task_id);
        }
    }
}

/// A task that comes next is opened on a spare desktop: its reset is the same start, only earlier.
pub fn a_spare_starts_like_a_cold_desktop_and_goes_with_the_run() {
    let app = application("writer");
    let tasks = tasks(&app, &["bold", "italic"], 2);
    let mut environment = app.open().expect("a desktop");
    let cold = environment.reset(&tasks[1]).expect("a cold reset");
    environment.reset(&tasks[0]).expect("a reset");
    app.prepare(&[&tasks[1]]);
    let (verdict, _) = solve(&app, environment.as_mut(), &tasks[1]).expect("an episode on the spare");
    assert_eq!(verdict.complete, Complete::Yes, "{}", verdict.reason);
    app.prepare(&[&tasks[1], &tasks[0]]);
    assert_eq!(difference(&environment.reset(&tasks[1]).expect("a warm reset"), &cold), "");
    app.prepare(&[]);
    let offices = || processes(std::process::id()).iter().filter(|(_, name)| name == "soffice.bin").count();
    assert_eq!(offices(), 1, "spares that nobody asks for any more are ended");
    drop(environment);
    assert_eq!(processes(std::process::id()), [], "nothing is left behind");
}

pub fn each_step_has_a_picture_before_and_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = application("galculator");
    let app = app.with_screenshots(folder.path().to_owned());
    let mut environment = app.open().expect("a desktop");
    let task = task(&app, "sum");
    let (_, screens) = solve(&app, environment.as_mut(), &task).expect("an episode");
    let pictures: Vec<Vec<u8>> = (0..screens.len())
        .map(|step| picture(&folder.path().join(&task.task_id).join(format!("{step:02}.png"))))
        .collect();
    assert!(pictures.iter().all(|picture| picture.len() == 3 * 800 * 600), "the whole screen");
    assert!(pictures[0].iter().any(|byte| *byte != pictures[0][0]), "something is on it");
    assert_ne!(pictures[0], pictures[screens.len() - 1], "the steps can be seen");
}

/// The pixels of a PNG file.
fn picture(path: &std::path::Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("whole");
    pixels
}
