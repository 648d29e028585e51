//! Child processes in groups of their own: they end with their owner, however it ends. Knows no particular program.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// How long killed processes may take to go.
const FAREWELL: Duration = Duration::from_secs(5);

/// A process and its children, killed together.
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts a command in a new process group with nothing but these variables; its output goes to `log`.
    ///
    /// The kernel kills the process when the calling thread ends, so that nothing survives a killed lam-train.
    pub fn start(mut command: Command, variables: &[(String, String)], log: &Path) -> Result<Self, Fault> {
        let program = command.get_program().display().to_string();
        let failed = |error: std::io::Error| Fault::lost(format!("cannot start {program}: {error}"));
        let output = std::fs::File::create(log).map_err(failed)?;
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(failed)?).stderr(output).process_group(0);
        // SAFETY: prctl is async-signal-safe and touches nothing of the parent.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        Ok(Self { child: command.spawn().map_err(failed)? })
    }

    /// Id of the first process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the first process of the group has ended. It is not waited for yet: as long as it is a zombie, its
    /// number, which is the group's, is given to nobody else.
    pub fn has_ended(&self) -> bool {
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: siginfo_t is plain data, which waitid fills in; si_pid is 0 while the child runs.
        unsafe {
            let mut found = std::mem::zeroed::<libc::siginfo_t>();
            libc::waitid(libc::P_PID, self.child.id(), &raw mut found, options) != 0 || found.si_pid() != 0
        }
    }

    /// Kills the whole group, also where its first process has ended already, and waits for that.
    fn kill(&mut self) {
        // SAFETY: kill takes plain numbers; the group is ours because its leader is not yet waited for.
        unsafe {
            libc::kill(-(self.child.id() as libc::pid_t), libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills every process of this user that carries `marker` among its environment variables, `NAME=value`, and waits
/// until they are gone.
///
/// Services that a bus has started leave their process group; the marker stays with them.
pub fn kill_marked(marker: &str) {
    let until = Instant::now() + FAREWELL;
    loop {
        let left = marked(|variables| variables.contains(&marker));
        if left.is_empty() || Instant::now() > until {
            return;
        }
        for pid in left {
            // SAFETY: kill takes plain numbers; the process carries our marker.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ids of the processes whose environment variables fit.
pub fn marked(fits: impl Fn(&[&str]) -> bool) -> Vec<libc::pid_t> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<libc::pid_t>().ok());
    let own = std::process::id() as libc::pid_t;
    ids.filter(|pid| *pid != own)
        .filter(|pid| {
            let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let variables = String::from_utf8_lossy(&variables);
            fits(&variables.split('\0').collect::<Vec<_>>())
        })
        .collect()
}
