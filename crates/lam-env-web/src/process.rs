//! One chromedriver with everything it starts, in a folder of its own: started, found again, ended. Nothing of it
//! outlives the value. Knows no protocol.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lam_env::{Bounds, Confinement, Network};

use crate::parts::Parts;

/// What chromedriver says once it listens; the port stands behind it.
const READY: &str = "started successfully on port ";
/// How long the processes may take to go once they were killed.
const FAREWELL: Duration = Duration::from_secs(5);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running chromedriver.
pub struct Driver {
    child: Child,
    folder: PathBuf,
    /// The program that starts the browser.
    pub browser: PathBuf,
    /// Where it listens.
    pub port: u16,
}

impl Driver {
    /// Starts chromedriver on a free port, and makes the command by which it starts the browser: both, or the browser
    /// alone, read the system's files and the pages and write in this folder only.
    ///
    /// # Errors
    /// In words, when it cannot be started or does not listen in time.
    pub fn start(parts: &Parts, timeout: Duration) -> Result<Self, String> {
        let chromedriver = &parts.chromedriver;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("lam-web-{}-{number}", std::process::id()));
        lam_store::claim(&folder).map_err(|error| error.to_string())?;
        let bounds = Bounds { read: vec![parts.pages.clone()], write: vec![folder.clone()], ..Bounds::default() };
        let cannot = |error: std::io::Error| format!("the browser cannot be confined: {error}");
        let browser = browser(parts, &bounds, &folder).map_err(cannot)?;
        let listens = Bounds { network: Network::Listens, ..bounds };
        let mut command =
            Confinement::here().command(chromedriver, &["--port=0".to_owned()], &listens).map_err(cannot)?;
        let kept = ["PATH", "LANG", "TZ"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).env("HOME", &folder).env("TMPDIR", &folder).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        die_with_parent(&mut command);
        let child = command.spawn().map_err(|error| format!("{}: {error}", chromedriver.display()));
        let mut child = child.inspect_err(|_| drop(lam_store::remove_directory(&folder)))?;
        let port = announced_port(&mut child);
        let mut driver = Self { child, folder, browser, port: 0 };
        driver.port = port.recv_timeout(timeout).map_err(|_| "chromedriver does not listen".to_owned())?;
        Ok(driver)
    }

    /// Folder of the browser's profile.
    pub fn profile(&self) -> PathBuf {
        self.folder.join("profile")
    }

    /// Ids of its living processes: those that were started with its folder in their arguments or environment.
    pub fn processes(&self) -> Vec<i32> {
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let bears = |id: &i32| ["cmdline", "environ"].iter().any(|file| holds(&format!("/proc/{id}/{file}"), folder));
        ids.filter(bears).collect()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let until = Instant::now() + FAREWELL;
        loop {
            for id in self.processes() {
                // SAFETY: a plain system call; the id was just read, and belongs to a process that bears our folder.
                unsafe { libc::kill(id, libc::SIGKILL) };
            }
            let _ = self.child.try_wait();
            if self.processes().is_empty() || Instant::now() > until {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = lam_store::remove_directory(&self.folder);
    }
}

/// The program that starts the browser: in namespaces of its own, it is a script that makes them first. The driver keeps
/// its port outside of them and reaches the browser over a pipe.
fn browser(parts: &Parts, bounds: &Bounds, folder: &Path) -> std::io::Result<PathBuf> {
    if Confinement::here() != Confinement::Namespaces {
        return Ok(parts.chromium.clone());
    }
    let command = Confinement::Namespaces.command(&parts.chromium, &[], bounds)?;
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    let script = folder.join("browser");
    std::fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))?;
    Ok(script)
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn holds(file: &str, part: &[u8]) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.windows(part.len()).any(|window| window == part))
}

/// Lets the driver die when its parent does, however that dies; the browser goes when the driver's pipe to it closes.
fn die_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec only this one async-signal-safe system call is made.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}

/// Reads what the driver says to its end, so that it never waits for a reader; hands over the port.
fn announced_port(child: &mut Child) -> Receiver<u16> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let port = line.split_once(READY).map(|(_, port)| port.trim_end_matches('.'));
                if let Some(port) = port.and_then(|port| port.parse().ok()) {
                    let _ = sender.send(port);
                }
            }
        });
    }
    receiver
}
