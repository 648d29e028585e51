//! Attempts to get out of a page: one that wants its reader elsewhere, on files, hosts and windows that are not its own.
//! Each is made by the calls that any policy makes, by script and by the browser's own input, and must leave the page
//! where it was, nothing read, nothing made, nobody called.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../tests/live.rs"]
mod live;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lam_env::{Confinement, Environment};
use lam_env_web::{Clicks, Parts, Web, WebEnvironment};
use lam_types::{Action, Observation, Split, Status, StepStatus};
use serde_json::{Value, json};

const SECRET: &str = "SECRET-OUTSIDE-7391";
const MADE: &str = "escaped";

/// What a click does, as HTML; `{secret}` is a file outside the pages, `{port}` one of this machine where somebody counts.
const CLICKS: &[(&str, &str)] = &[
    ("a file", r#"<a href="file://{secret}">"#),
    ("a file in a new window", r#"<a target="_blank" href="file://{secret}">"#),
    ("another page", r#"<a href="click-test.html">"#),
    ("a host", r#"<a href="http://127.0.0.1:{port}/">"#),
    ("a host in a new window", r#"<a target="_blank" rel="opener" href="http://127.0.0.1:{port}/">"#),
    ("a ping", r##"<a href="#" ping="http://127.0.0.1:{port}/">"##),
    ("data", r#"<a href="data:text/html,hello">"#),
    ("source", r#"<a href="view-source:file://{secret}">"#),
    ("the browser's pages", r#"<a href="chrome://version">"#),
    ("a download", r#"<a download="escaped.txt" href="data:text/plain,x">"#),
    ("a script's address", r#"<a href="javascript:location.href='file://{secret}'">"#),
    ("a window", r#"<button onclick="window.open('file://{secret}')">"#),
    ("a location", r#"<button onclick="location.href='http://127.0.0.1:{port}/'">"#),
    ("a replaced location", r#"<button onclick="location.replace('file://{secret}')">"#),
    ("a form", r#"<form action="http://127.0.0.1:{port}/" method="post"><button type="submit">"#),
    ("a form in a window", r#"<form action="http://127.0.0.1:{port}/" target="_blank"><button type="submit">"#),
    ("a request", r#"<button onclick="fetch('http://127.0.0.1:{port}/').then(r => r.text()).then(show, show)">"#),
    ("a request for a file", r#"<button onclick="fetch('file://{secret}').then(r => r.text()).then(show, show)">"#),
    (
        "an older request",
        r#"<button onclick="const r = new XMLHttpRequest(); r.onload = () => show(r.responseText); r.open('GET', 'file://{secret}'); r.send()">"#,
    ),
    (
        "a frame",
        r#"<button onclick="const f = document.createElement('iframe'); f.src = 'file://{secret}'; f.onload = () => show(f.contentDocument.body.textContent); document.body.append(f)">"#,
    ),
    ("a socket", r#"<button onclick="new WebSocket('ws://127.0.0.1:{port}/')">"#),
    ("a beacon", r#"<button onclick="navigator.sendBeacon('http://127.0.0.1:{port}/', 'x')">"#),
    ("a picture", r#"<button onclick="new Image().src = 'http://127.0.0.1:{port}/'">"#),
    (
        "a worker",
        r#"<button onclick="navigator.serviceWorker && navigator.serviceWorker.register('http://127.0.0.1:{port}/w.js').then(show, show)">"#,
    ),
    (
        "a saved file",
        r#"<button onclick="const a = document.createElement('a'); a.href = URL.createObjectURL(new Blob(['x'])); a.download = 'escaped.bin'; a.click()">"#,
    ),
    (
        "a refreshing page",
        r#"<button onclick="document.head.insertAdjacentHTML('beforeend', '<meta http-equiv=refresh content=&quot;0;url=http://127.0.0.1:{port}/&quot;>')">"#,
    ),
    ("a chosen file", r#"<button onclick="document.querySelector('[type=file]').click()">"#),
    ("a picked file", r#"<button onclick="document.querySelector('[type=file]').showPicker()">"#),
    ("a printed page", r#"<button onclick="window.print()">"#),
];

/// What is typed into a field or pressed there.
const TYPED: &[(&str, &str, &str)] = &[
    ("a new tab", "keyboard_input", "{VK_CONTROL}t"),
    ("the tools of developers", "keyboard_input", "{F12}"),
    ("a key of the driver", "keyboard_input", "\u{e009}o"),
    ("a control character", "set_edit_text", "a\0b"),
];

fn main() {
    let missing = || {
        let parts = Web::find(Clicks::Script).err().map(|error| error.to_string());
        parts.or((Confinement::here() == Confinement::None).then(|| Confinement::None.to_string()))
    };
    live::run(live::live_tests![
        missing() => attempts_by_script_are_held,
        missing() => attempts_by_the_browser_s_own_input_are_held,
    ])
}

fn attempts_by_script_are_held() {
    hold(Clicks::Script);
}

fn attempts_by_the_browser_s_own_input_are_held() {
    hold(Clicks::Native);
}

/// Makes every attempt, one after the other on the same page.
fn hold(clicks: Clicks) {
    let team = Team::new(clicks);
    let mut wrong = Vec::new();
    let (mut environment, mut screen) = team.open();
    for (name, function, args) in team.attempts() {
        match team.attempt(&mut environment, &screen, name, (function, args)) {
            Ok(seen) => screen = seen,
            Err(reason) => {
                wrong.push(format!("{name}: {reason}"));
                (environment, screen) = team.open();
            }
        }
    }
    let all = CLICKS.len() + TYPED.len();
    eprintln!("{} of {all} attempts held", all - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Team {
    parts: Arc<Parts>,
    clicks: Clicks,
    folder: tempfile::TempDir,
    calls: Arc<AtomicUsize>,
}

impl Team {
    /// A page with all attempts beside MiniWoB++'s own, and a listener that counts who calls.
    fn new(clicks: Clicks) -> Self {
        let found = Parts::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.txt");
        std::fs::write(&secret, SECRET).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        std::thread::spawn(move || listener.incoming().for_each(|_| _ = counted.fetch_add(1, Ordering::SeqCst)));
        let pages = folder.path().join("pages");
        copy(&found.pages.join("core"), &pages.join("core"));
        std::fs::create_dir(pages.join("miniwob")).unwrap();
        let page = std::fs::read_to_string(found.pages.join("miniwob/click-test.html")).unwrap();
        let page = page.replace("</body>", &format!("{}</body>", controls()));
        let page = page.replace("{secret}", &secret.display().to_string()).replace("{port}", &port.to_string());
        std::fs::write(pages.join("miniwob/click-test.html"), page).unwrap();
        Self { parts: Arc::new(Parts { pages, ..found }), clicks, folder, calls }
    }

    fn open(&self) -> (WebEnvironment, Observation) {
        let mut environment = WebEnvironment::new(Arc::clone(&self.parts), self.clicks);
        let screen = environment.start("click-test", 1, Split::Train).unwrap().1;
        (environment, screen)
    }

    fn attempts(&self) -> Vec<(&'static str, &'static str, Value)> {
        let secret = self.folder.path().join("secret.txt").display().to_string();
        let typed = |function: &str, text: &str| {
            let key = if function == "keyboard_input" { "keys" } else { "text" };
            json!({key: text.replace("{secret}", &secret)})
        };
        let typed = TYPED.iter().map(|(name, function, text)| (*name, *function, typed(function, text)));
        CLICKS.iter().map(|(name, _)| (*name, "click_input", json!({}))).chain(typed).collect()
    }

    /// The screen after an attempt of which nothing came.
    fn attempt(
        &self,
        environment: &mut WebEnvironment,
        screen: &Observation,
        name: &str,
        (function, args): (&str, Value),
    ) -> Result<Observation, String> {
        let target = if function == "click_input" { name } else { "field" };
        let control = screen.controls_named(target).next().ok_or("it is not on the screen")?;
        let action = Action {
            control_label: control.label.clone(),
            control_name: target.into(),
            function: function.into(),
            args: args.as_object().cloned().unwrap_or_default(),
            status: Status::Continue,
            ..Action::stop("")
        };
        let outcome = environment.act(&action).map_err(|error| error.to_string())?;
        if function != "click_input" && outcome.status == StepStatus::Ok {
            return Err("it was typed".into());
        }
        // What a page waits for comes a moment later.
        std::thread::sleep(Duration::from_millis(150));
        let look = Action {
            function: "wheel_mouse_input".into(),
            args: json!({"wheel_dist": 0}).as_object().cloned().unwrap(),
            ..action
        };
        let seen = environment.act(&look).map_err(|error| error.to_string())?.observation;
        let is_same = seen.controls_named(target).next().is_some();
        let made = made(&[
            Path::new("/root"),
            &std::env::temp_dir(),
            self.folder.path(),
            Path::new("/root/Downloads"),
            Path::new("."),
        ]);
        match format!("{seen:?}{}", outcome.message).contains(SECRET) {
            true => Err("the secret was read".into()),
            _ if self.calls.swap(0, Ordering::SeqCst) > 0 => Err("somebody was called".into()),
            _ if !is_same => Err("the page was left".into()),
            _ => made.map_or(Ok(seen), |path| Err(format!("{} was made", path.display()))),
        }
    }
}

/// The attempts as controls, a field for text, one for files, and where the page shows what it got.
fn controls() -> String {
    let ends = |html: &str| if html.contains("<a ") { "</a>" } else { "</button>" };
    let form = |html: &str| if html.contains("<form") { "</form>" } else { "" };
    let shown = CLICKS.iter().map(|(name, html)| format!("<div>{html}{name}{}{}</div>", ends(html), form(html)));
    let script = "<script>function show(text) { document.getElementById('got').textContent = String(text) }</script>";
    let fields = "<input type='text' placeholder='field'><input type='file'>";
    format!("{script}<p id='got'>nothing</p>{}{fields}", shown.collect::<String>())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A file that was made by an attempt.
fn made(folders: &[&Path]) -> Option<PathBuf> {
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    files
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(MADE)))
}
