//! A session bus of one's own that can start the accessibility service and nothing else.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Folder, Group};
use crate::fault::Fault;
use crate::installed::accessibility_launcher;

/// How long a daemon may take to let a client in.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// A running dbus-daemon.
pub struct SessionBus {
    group: Group,
    address: String,
    connection: zbus::Connection,
}

impl SessionBus {
    /// Starts the daemon and connects to it.
    pub async fn start(folder: &Folder, variables: &[(String, String)], limit: Duration) -> Result<Self, Fault> {
        let config = write_configuration(folder.path())?;
        let mut command = Command::new("dbus-daemon");
        command.args([format!("--config-file={config}").as_str(), "--nofork", "--nopidfile"]);
        let log = folder.path().join("session-bus.log");
        let group = Group::start(command, variables, &log)?;
        let socket = folder.path().join("run/bus");
        let address = format!("unix:path={}", socket.display());
        let started = Instant::now();
        loop {
            if socket.exists()
                && let Ok(connection) = connect(&address).await
            {
                return Ok(Self { group, address, connection });
            }
            if group.has_ended() || started.elapsed() > limit {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(Fault::lost(format!("dbus-daemon did not start: {}", said.trim())));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The address that clients use.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether the process is gone.
    pub fn has_ended(&self) -> bool {
        self.group.has_ended()
    }

    /// Starts the accessibility bus and connects to it.
    pub async fn accessibility(&self, limit: Duration) -> Result<zbus::Connection, Fault> {
        let failed = |error: zbus::Error| Fault::lost(format!("no accessibility bus: {error}"));
        let (name, path) = ("org.a11y.Bus", "/org/a11y/bus");
        let asked = self.connection.call_method(Some(name), path, Some(name), "GetAddress", &());
        let late = |_| Fault::lost(format!("no accessibility bus within {} s", limit.as_secs()));
        let answer = tokio::time::timeout(limit, asked).await.map_err(late)?.map_err(failed)?;
        let address: String = answer.body().deserialize().map_err(failed)?;
        connect(&address).await.map_err(failed)
    }
}

/// A daemon that is killed in the middle of its greeting answers nothing.
async fn connect(address: &str) -> zbus::Result<zbus::Connection> {
    let connected = zbus::connection::Builder::address(address)?.build();
    let late = |_| zbus::Error::InputOutput(Arc::new(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(GREETING_LIMIT, connected).await.map_err(late)?
}

/// Writes the daemon's configuration and the one service it may start; returns the configuration's path.
fn write_configuration(folder: &Path) -> Result<String, Fault> {
    let launcher = accessibility_launcher().ok_or_else(|| Fault::lost("at-spi-bus-launcher is not installed"))?;
    let service = format!("[D-BUS Service]\nName=org.a11y.Bus\nExec={launcher}\n");
    let place = folder.display();
    let configuration = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>\n  <type>session</type>\n  \
         <listen>unix:path={place}/run/bus</listen>\n  <auth>EXTERNAL</auth>\n  <servicedir>{place}/services</servicedir>\n  \
         <policy context=\"default\">\n    <allow send_destination=\"*\" eavesdrop=\"true\"/>\n    \
         <allow eavesdrop=\"true\"/>\n    <allow own=\"*\"/>\n  </policy>\n</busconfig>\n"
    );
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| Fault::lost(format!("{}: {error}", path.display())))
    };
    write("services/org.a11y.Bus.service", &service)?;
    write("session-bus.conf", &configuration)?;
    Ok(format!("{place}/session-bus.conf"))
}
