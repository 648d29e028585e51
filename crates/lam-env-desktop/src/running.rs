//! An application that runs on a private desktop: started, waited for, looked at, ended.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lam_types::{Control, Observation};

use crate::access::{self, Menu, Node, Peer, Shown, TextPlace};
use crate::application::ApplicationFile;
use crate::desktop::{Desktop, Group};
use crate::fault::Fault;

/// Pause between two looks at something that is not there yet.
const PAUSE: Duration = Duration::from_millis(25);

/// What one look at the screen found.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// The tree.
    pub nodes: Vec<Node>,
    /// The controls, in label order.
    pub controls: Vec<Shown>,
    /// The document.
    pub paragraphs: Vec<TextPlace>,
}

impl Screen {
    /// The control with this label.
    pub fn control(&self, label: &str) -> Option<&Shown> {
        self.controls.get(label.parse::<usize>().ok()?.checked_sub(1)?)
    }

    /// What a policy is told.
    pub fn observation(&self) -> Observation {
        let control = |(place, shown): (usize, &Shown)| Control {
            label: (place + 1).to_string(),
            control_text: shown.name.clone(),
            control_type: shown.kind,
            enabled: shown.enabled,
            selected: shown.selected,
            value: shown.value.clone(),
            rectangle: None,
        };
        let lines = |text: fn(&TextPlace) -> String| {
            let lines: Vec<String> = self.paragraphs.iter().map(text).collect();
            lines.join("\n")
        };
        let selected: Vec<String> =
            self.paragraphs.iter().map(TextPlace::selected).filter(|text| !text.is_empty()).collect();
        Observation {
            controls: self.controls.iter().enumerate().map(control).collect(),
            document: lines(|place| place.text.clone()),
            selection: selected.join("\n"),
        }
    }

    /// Whether a dialog waits for an answer.
    pub fn has_dialog(&self) -> bool {
        self.nodes.iter().any(Node::is_modal)
    }
}

/// A started application.
pub struct Running {
    group: Group,
    /// Its objects.
    pub peer: Peer,
    menu: Menu,
    program: String,
    /// The episode's folder.
    episode: PathBuf,
    /// The document it was started with.
    pub document: PathBuf,
}

impl Running {
    /// Starts the application with a document and waits until it is ready.
    pub async fn start(desktop: &Desktop, file: &ApplicationFile, document: &Path) -> Result<Self, Fault> {
        let home = desktop.folder().join("home");
        let fill = |text: &String| {
            text.replace("{home}", &home.display().to_string()).replace("{document}", &document.display().to_string())
        };
        let args: Vec<String> = file.command[1..].iter().map(fill).filter(|arg| !arg.is_empty()).collect();
        let mut variables = desktop.variables().to_vec();
        variables.extend(file.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        let command = desktop.confined(file, &args)?;
        let group = Group::start(command, &variables, &desktop.folder().join("application.log"))?;
        let registry = Peer::registry(desktop.accessibility.clone());
        let (menu, program, document) = (Menu::default(), file.command[0].clone(), document.to_owned());
        let episode = desktop.folder().join("episode");
        let mut running = Self { group, peer: registry, menu, program, episode, document };
        running.wait_until_ready(desktop, file).await?;
        Ok(running)
    }

    async fn wait_until_ready(&mut self, desktop: &Desktop, file: &ApplicationFile) -> Result<(), Fault> {
        let started = Instant::now();
        let limit = Duration::from_secs(file.ready.seconds);
        loop {
            // A first process may appear on the bus and vanish again: its errors mean "not yet".
            if let Ok(Some(peer)) = find(desktop, &file.accessible_name).await
                && let Ok(nodes) = access::walk(&peer).await
                && nodes.iter().any(|node| is_ready(node, file))
            {
                self.peer = peer.directly().await;
                return Ok(());
            }
            if let Some(process) = desktop.ended().await {
                return Err(Fault::lost(format!("{process} has ended while {} started", self.program)));
            }
            if self.group.has_ended() {
                let log = std::fs::read_to_string(desktop.folder().join("application.log")).unwrap_or_default();
                let last = log.trim().lines().last().unwrap_or_default().to_owned();
                return Err(Fault::lost(format!("{} ended while it started: {last}", self.program)));
            }
            if started.elapsed() > limit {
                let (role, seconds) = (&file.ready.role, limit.as_secs());
                return Err(Fault::lost(format!("{} showed no {role} within {seconds} s", self.program)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Where the episode's files lie.
    pub fn episode(&self) -> &Path {
        &self.episode
    }

    /// Whether the application's process has ended.
    pub fn has_ended(&self) -> bool {
        self.group.has_ended()
    }

    /// Looks at the screen.
    pub async fn look(&mut self, file: &ApplicationFile) -> Result<Screen, Fault> {
        let nodes = access::walk(&self.peer).await?;
        if nodes.is_empty() {
            return Err(Fault::lost(format!("{} shows nothing any more", self.program)));
        }
        let mut controls = access::controls(&self.peer, &nodes).await?;
        let paragraphs = access::paragraphs(&self.peer, &nodes).await?;
        if !nodes.iter().any(Node::is_modal) && !file.menus.is_empty() {
            controls.extend(self.closed_menus(&nodes, file).await?);
        }
        for shown in &mut controls {
            shown.name = self.without_folder(&shown.name);
            shown.way = shown.way.iter().map(|name| self.without_folder(name)).collect();
            shown.value = shown.value.as_deref().map(|value| self.without_folder(value));
        }
        controls.retain(|shown| !file.hide.iter().any(|pattern| lam_env::pattern_matches(pattern, &shown.name)));
        Ok(Screen { nodes, controls, paragraphs })
    }

    /// The episode's folder is `~`, wherever it lies: the same screen is called the same on every desktop.
    fn without_folder(&self, text: &str) -> String {
        text.replace(&self.episode.display().to_string(), "~")
    }

    async fn closed_menus(&mut self, nodes: &[Node], file: &ApplicationFile) -> Result<Vec<Shown>, Fault> {
        if !self.menu.is_empty()
            && let Some(shown) = self.menu.shown(&self.peer).await?
        {
            return Ok(shown);
        }
        self.menu = Menu::find(&self.peer, nodes, &file.menus).await?;
        Ok(self.menu.shown(&self.peer).await?.unwrap_or_default())
    }
}

fn is_ready(node: &Node, file: &ApplicationFile) -> bool {
    let role = node.role.name();
    node.is_showing() && role == file.ready.role && (file.ready.name.is_empty() || file.ready.name == node.name)
}

/// The application on the bus whose name begins like this.
async fn find(desktop: &Desktop, wanted: &str) -> Result<Option<Peer>, Fault> {
    let registry = Peer::registry(desktop.accessibility.clone());
    for (name, path) in registry.children(access::ROOT).await? {
        let peer = registry.other(&name);
        let Ok(title) = peer.name(path.as_str()).await else { continue };
        let has_windows = peer.children(path.as_str()).await.is_ok_and(|children| !children.is_empty());
        if has_windows && title.to_lowercase().starts_with(&wanted.to_lowercase()) {
            return Ok(Some(peer));
        }
    }
    Ok(None)
}
