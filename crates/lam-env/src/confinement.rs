//! Confinement by the operating system, below every rule: a program sees the system's own files and what it is given,
//! writes only where it may, and has no network. Needs no rights: bubblewrap's namespaces where they can be had, else
//! Landlock with seccomp. Knows no particular program.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What of the system every program may read: programs, libraries, settings, fonts.
const SYSTEM: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/var/cache/fontconfig",
];
/// Chooses a confinement where more than one can be had: `bubblewrap`, `landlock`, or `none`.
const VARIABLE: &str = "LAM_CONFINEMENT";

/// How programs are confined here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Mount, network, process and IPC namespaces of its own, made by bubblewrap.
    Namespaces,
    /// Landlock for files, seccomp for sockets.
    Landlock,
    /// None can be had, or none is wanted.
    None,
}

/// What a program may reach beyond the system's own files.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Files and folders that it may read.
    pub read: Vec<PathBuf>,
    /// Folders in which it may do anything.
    pub write: Vec<PathBuf>,
    /// Folders in which it may make and remove sockets; a namespace has a `/tmp` of its own instead.
    pub sockets: Vec<PathBuf>,
    /// What it has of the network.
    pub network: Network,
}

/// What a program has of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// It may wait for connections from this machine, and makes none. Namespaces cannot give that.
    Listens,
}

impl fmt::Display for Confinement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Confinement::Namespaces => "confined to its own folder, without network (bubblewrap)",
            Confinement::Landlock => "confined to its own folder, without network (Landlock, seccomp)",
            Confinement::None => {
                "NOT confined by the operating system: only the rules stand before files and network; \
                 bubblewrap, or a kernel with Landlock, would confine it"
            }
        })
    }
}

impl Confinement {
    /// What can be had on this machine; tried once.
    pub fn here() -> Self {
        static HERE: OnceLock<Confinement> = OnceLock::new();
        *HERE.get_or_init(|| match std::env::var(VARIABLE).as_deref() {
            Ok("none") => Confinement::None,
            Ok("landlock") => Self::landlock(),
            _ if namespaces(Path::new("true"), &[], &Bounds::default())
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()) =>
            {
                Confinement::Namespaces
            }
            _ => Self::landlock(),
        })
    }

    fn landlock() -> Self {
        if landlock::can_be_had() { Confinement::Landlock } else { Confinement::None }
    }

    /// A command that starts `program` within its bounds.
    ///
    /// # Errors
    /// A confinement that the operating system refuses after all.
    pub fn command(self, program: &Path, args: &[String], bounds: &Bounds) -> std::io::Result<Command> {
        let bounds = with_program(program, bounds);
        let mut plain = Command::new(program);
        plain.args(args);
        match self {
            Confinement::Namespaces if bounds.network == Network::None => Ok(namespaces(program, args, &bounds)),
            Confinement::Namespaces | Confinement::None => Ok(plain),
            Confinement::Landlock => landlock::confine(&mut plain, &bounds).map(|()| plain),
        }
    }
}

/// The bounds with the folder of a program that lies outside the system's.
fn with_program(program: &Path, bounds: &Bounds) -> Bounds {
    let mut bounds = bounds.clone();
    let folder = program.canonicalize().ok().filter(|_| program.is_absolute());
    let folder = folder.and_then(|program| program.parent().map(Path::to_owned));
    bounds.read.extend(folder.filter(|folder| !SYSTEM.iter().any(|place| folder.starts_with(place))));
    bounds
}

/// The command of bubblewrap. Order counts: what is bound later lies over what was bound before.
fn namespaces(program: &Path, args: &[String], bounds: &Bounds) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]);
    for place in SYSTEM.map(Path::new) {
        match std::fs::read_link(place) {
            Ok(target) => command.arg("--symlink").arg(target).arg(place),
            Err(_) => command.arg("--ro-bind-try").arg(place).arg(place),
        };
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    for path in &bounds.read {
        command.arg("--ro-bind-try").arg(path).arg(path);
    }
    for path in &bounds.write {
        command.arg("--bind").arg(path).arg(path);
    }
    command.arg("--").arg(program).args(args);
    command
}

#[cfg(not(target_os = "linux"))]
mod landlock {
    pub fn can_be_had() -> bool {
        false
    }

    pub fn confine(_: &mut super::Command, _: &super::Bounds) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod landlock {
    //! Landlock's rules and a filter of system calls, made before the fork and put on after it.

    use std::io::Error;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
        RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
    };
    use seccompiler::{BackendError, SeccompRule};
    use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter};

    use super::{Bounds, Network, SYSTEM};

    /// What the kernel says of the machine. What it says of processes, their variables among it, is left out: Landlock
    /// could not tell the program's own from others.
    const MACHINE: [&str; 6] =
        ["/dev", "/proc/cpuinfo", "/proc/filesystems", "/proc/meminfo", "/proc/stat", "/proc/sys"];
    /// The newest version that is asked for; an older kernel gives what it has. Local sockets stay as they are: display
    /// and buses are reached over them.
    const VERSION: ABI = ABI::V6;
    /// Devices that programs read and write.
    const DEVICES: [&str; 7] =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm"];

    pub fn can_be_had() -> bool {
        let oldest = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        oldest.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
    }

    /// Lets the command confine itself between fork and exec.
    pub fn confine(command: &mut Command, bounds: &Bounds) -> std::io::Result<()> {
        let mut rules = Some(rules(bounds).map_err(Error::other)?);
        let filter = match bounds.network {
            Network::None => Some(filter().map_err(Error::other)?),
            Network::Listens => None,
        };
        // SAFETY: both are made already; what is left are system calls.
        unsafe {
            command.pre_exec(move || {
                let rules = rules.take().ok_or_else(|| Error::from_raw_os_error(libc::EINVAL))?;
                rules.restrict_self().map_err(|_| Error::from_raw_os_error(libc::EPERM))?;
                let filtered = filter.as_ref().map_or(Ok(()), |filter| seccompiler::apply_filter(filter));
                filtered.map_err(|_| Error::from_raw_os_error(libc::EPERM))
            });
        }
        Ok(())
    }

    fn rules(bounds: &Bounds) -> Result<RulesetCreated, RulesetError> {
        let (all, read) = (AccessFs::from_all(VERSION), AccessFs::from_read(VERSION));
        let readable = SYSTEM.iter().chain(&MACHINE).map(Path::new).chain(bounds.read.iter().map(AsRef::as_ref));
        // A browser asks what becomes of its own processes.
        let processes = (bounds.network == Network::Listens).then_some(Path::new("/proc"));
        let readable = readable.chain(processes);
        let writable = DEVICES.iter().map(Path::new).chain(bounds.write.iter().map(AsRef::as_ref));
        let network = match bounds.network {
            Network::None => AccessNet::from_all(VERSION),
            Network::Listens => AccessNet::ConnectTcp.into(),
        };
        Ruleset::default()
            .handle_access(all)?
            .handle_access(network)?
            .scope(Scope::Signal)?
            .create()?
            .add_rules(path_beneath_rules(readable, read))?
            .add_rules(path_beneath_rules(writable, all))?
            .add_rules(path_beneath_rules(&bounds.sockets, AccessFs::MakeSock | AccessFs::RemoveFile))
    }

    /// No socket but those of this machine's own files, nor a ring through which one could be made.
    fn filter() -> Result<BpfProgram, BackendError> {
        let other = |family: i32| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family as u64);
        let socket = SeccompRule::new(vec![other(libc::AF_UNIX)?, other(libc::AF_NETLINK)?])?;
        let rules = [(libc::SYS_socket, vec![socket]), (libc::SYS_io_uring_setup, Vec::new())];
        let denied = SeccompAction::Errno(libc::EAFNOSUPPORT as u32);
        SeccompFilter::new(rules.into(), SeccompAction::Allow, denied, std::env::consts::ARCH.try_into()?)?.try_into()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Runs a line of shell within a folder's bounds: whether it succeeded.
    fn succeeds(confinement: Confinement, folder: &Path, line: &str) -> bool {
        let bounds = Bounds { write: vec![folder.to_owned()], ..Bounds::default() };
        let args = ["-c".to_owned(), line.to_owned()];
        let mut command = confinement.command(Path::new("/bin/sh"), &args, &bounds).expect("a command");
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("a shell").success()
    }

    #[test]
    fn a_confined_program_writes_in_its_folder_and_has_no_network() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).expect("a folder");
        std::fs::write(folder.path().join("secret"), "x").expect("written");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let outside = folder.path().display();
        let lines = [
            (format!("echo x > {}/made && cat {}/made", inside.display(), inside.display()), true),
            ("cat /etc/hostname; ls /usr".to_owned(), true),
            // A namespace has a scratch folder of its own in the place of the system's.
            (format!("echo x > {outside}/made; exit 1"), false),
            (format!("cat {outside}/secret"), false),
            (format!("cat {}/../secret", inside.display()), false),
            (format!("ln -s {outside}/secret {0}/link; cat {0}/link", inside.display()), false),
            ("echo x > /etc/made || echo x > /usr/made || echo x > /var/tmp/made".to_owned(), false),
            ("cat /root/.* /home/*/.* 2>&1 | grep -v -e denied -e such -e directory".to_owned(), false),
            (format!("exec bash -c 'echo > /dev/tcp/127.0.0.1/{port}'"), false),
            (format!("exec bash -c 'echo > /dev/udp/192.0.2.1/{port}'"), false),
            (format!("grep -q . /proc/{}/environ", std::process::id()), false),
        ];
        for confinement in [Confinement::here(), Confinement::landlock()] {
            for (line, expected) in lines.iter().filter(|_| confinement != Confinement::None) {
                assert_eq!(succeeds(confinement, &inside, line), *expected, "{confinement:?}: {line}");
                assert!(!folder.path().join("made").exists(), "{confinement:?}: {line}");
            }
        }
    }
}
