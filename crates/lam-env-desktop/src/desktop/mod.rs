//! A private desktop: its own X display, session bus, accessibility bus, home folder and process groups, and nothing
//! of the user's. Knows no particular application.

mod display;
mod folder;
mod process;
mod session_bus;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use lam_env::{Bounds, Confinement, Network};

pub use display::Display;
pub use folder::Folder;
pub use process::Group;

use crate::application::ApplicationFile;
use crate::fault::Fault;
use session_bus::SessionBus;

/// How long the desktop's own processes may take to come up.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How long a bus that lives may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What of the desktop's folder is the application's own. The rest says what the buses may start.
const OWN: [&str; 4] = ["home", "run", "episode", "temporary"];

/// A running desktop without an application.
pub struct Desktop {
    /// Bus on which applications show their widgets.
    pub accessibility: zbus::Connection,
    variables: Vec<(String, String)>,
    display: Display,
    bus: SessionBus,
    // Last: whatever is still alive is ended and the folder removed when all the rest is gone.
    folder: Arc<Folder>,
}

impl Desktop {
    /// Starts display and buses in a folder; `width` and `height` of the screen are in pixels.
    pub async fn start(folder: Arc<Folder>, (width, height): (u32, u32)) -> Result<Self, Fault> {
        let mut variables = folder.variables();
        let display = Display::start(&folder, &variables, (width, height), START_LIMIT).await?;
        variables.push(("DISPLAY".into(), display.name()));
        let bus = SessionBus::start(&folder, &variables, START_LIMIT).await?;
        variables.push(("DBUS_SESSION_BUS_ADDRESS".into(), bus.address().into()));
        let accessibility = bus.accessibility(START_LIMIT).await?;
        Ok(Self { accessibility, variables, display, bus, folder })
    }

    /// Environment variables of everything that runs on this desktop.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// A command that starts an application: it reads the system's files and those of its description, writes in the
    /// folders that are its own, and has no network.
    pub fn confined(&self, file: &ApplicationFile, args: &[String]) -> Result<Command, Fault> {
        let program = &file.command[0];
        let read = file.readable.iter().cloned().chain([self.display.socket()]).collect();
        let write = OWN.map(|part| self.folder().join(part)).into();
        let bounds = Bounds { read, write, sockets: file.sockets.clone(), network: Network::None };
        let command = Confinement::here().command(Path::new(program), args, &bounds);
        command.map_err(|error| Fault::lost(format!("cannot confine {program}: {error}")))
    }

    /// The folder that holds home, profile and episode.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Which of the desktop's own processes has ended, if any.
    pub async fn ended(&self) -> Option<&'static str> {
        if self.display.has_ended() {
            return Some("Xvfb");
        }
        if self.bus.has_ended() {
            return Some("dbus-daemon");
        }
        let name = Some("org.freedesktop.DBus");
        let asked = self.accessibility.call_method(name, "/org/freedesktop/DBus", name, "GetId", &());
        let answered = tokio::time::timeout(ANSWER_LIMIT, asked).await;
        (!matches!(answered, Ok(Ok(_)))).then_some("the accessibility bus")
    }

    /// The screen as a PNG file.
    pub fn screenshot(&self) -> Result<Vec<u8>, Fault> {
        self.display.screenshot(self.folder.path())
    }
}
