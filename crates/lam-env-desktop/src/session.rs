//! One desktop with one application, driven from the thread that owns it. Every call has its time limit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lam_env::GuardRules;
use lam_types::{Action, Observation};
use tokio::runtime::Runtime;

use crate::application::ApplicationFile;
use crate::desktop::{Desktop, Folder};
use crate::fault::Fault;
use crate::files::{self, Home};
use crate::perform::Actor;
use crate::running::{Running, Screen};

/// Longest time for one action with its look at the screen.
const ACTION_LIMIT: Duration = Duration::from_secs(45);

/// Times that Escape is tried on a window that should not be open.
const MOST_LEAVES: usize = 4;

/// Looks at a start that does not stop changing.
const MOST_LOOKS: usize = 10;

/// A desktop and what runs on it.
pub struct Session {
    // Declared in the order in which they have to end.
    running: Option<Running>,
    desktop: Desktop,
    runtime: Runtime,
    file: Arc<ApplicationFile>,
    rules: GuardRules,
    screen: Screen,
    home: Home,
}

impl Session {
    /// Starts the desktop in this folder and puts the application's files into its home.
    pub fn start(file: Arc<ApplicationFile>, folder: Arc<Folder>) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Fault::lost(format!("no runtime: {error}")))?;
        let desktop = runtime.block_on(Desktop::start(folder, file.screen))?;
        let home = Home::furnish(&desktop.folder(), &file.files)?;
        Ok(Self { running: None, desktop, runtime, rules: file.rules(), file, screen: Screen::default(), home })
    }

    /// Ends the application, puts its home back, empties the episode's folder, puts these files there and starts the
    /// application anew.
    ///
    /// `files` are names below the folder with their contents; the first is the document that is opened.
    pub fn open(&mut self, files: &[(String, Vec<u8>)]) -> Result<Observation, Fault> {
        self.running = None;
        self.home.restore()?;
        let folder = self.episode();
        for emptied in [&folder, &self.desktop.folder().join("temporary")] {
            files::empty(emptied)?;
        }
        for (name, bytes) in files {
            files::write(&folder.join(name), bytes)?;
        }
        let document = files.first().map_or_else(PathBuf::new, |(name, _)| folder.join(name));
        let started = Running::start(&self.desktop, &self.file, &document);
        let running = self.runtime.block_on(started);
        self.running = Some(self.explain(running)?);
        let observation = self.look_until_settled()?;
        self.home.keep()?;
        Ok(observation)
    }

    /// Looks until the screen of a start has stopped changing.
    fn look_until_settled(&mut self) -> Result<Observation, Fault> {
        let mut last = self.look()?;
        let pause = Duration::from_millis(self.file.settle.reset_ms);
        for _ in 0..if pause.is_zero() { 0 } else { MOST_LOOKS } {
            std::thread::sleep(pause);
            let now = self.look()?;
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }

    /// Looks at the screen. An application that is asked on its own socket may outlive its buses, whose keys it then misses:
    /// they are looked at too.
    pub fn look(&mut self) -> Result<Observation, Fault> {
        let Some(running) = &mut self.running else { return Err(Fault::lost("nothing was started")) };
        let looked = self.runtime.block_on(async {
            let looked = tokio::time::timeout(ACTION_LIMIT, running.look(&self.file)).await;
            let screen = looked.unwrap_or_else(|_| Err(late("look at the screen")))?;
            let alive = self.desktop.ended().await.is_none();
            alive.then_some(screen).ok_or_else(|| Fault::lost("its desktop does not answer"))
        });
        self.screen = self.explain(looked)?;
        Ok(self.screen.observation())
    }

    /// Carries out an action; the screen is looked at afterwards. A denied window that came of it, in whatever way, is
    /// left again.
    pub fn perform(&mut self, action: &Action) -> Result<(Result<String, Fault>, Observation), Fault> {
        let done = self.act("act", async |actor| match actor.perform(action).await {
            Err(lost @ Fault::Lost(_)) => Err(lost),
            done => Ok(done),
        })?;
        std::thread::sleep(Duration::from_millis(self.file.settle.action_ms));
        let observation = self.look()?;
        let denied = self.act("leave a window", async |actor| {
            let denied = actor.denied_window();
            for _ in 0..MOST_LEAVES {
                if actor.denied_window().is_none() {
                    break;
                }
                actor.leave().await?;
            }
            Ok(denied)
        })?;
        match denied {
            None => Ok((done, observation)),
            Some(reason) => Ok((Err(Fault::refused(reason)), self.look()?)),
        }
    }

    /// Closes what is open in front of the document and saves it, as the application's file says.
    pub fn save(&mut self) -> Result<(), Fault> {
        self.act("save", async |actor| actor.save().await)
    }

    /// Lets an actor work on the application, for a limited time; `what` it does is told when it is late.
    fn act<T>(&mut self, what: &str, work: impl AsyncFnOnce(&mut Actor<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let Some(running) = &mut self.running else { return Err(Fault::lost("nothing was started")) };
        let mut actor = Actor { running, file: &self.file, rules: &self.rules, screen: &mut self.screen };
        let done = self.runtime.block_on(async {
            tokio::time::timeout(ACTION_LIMIT, work(&mut actor)).await.unwrap_or_else(|_| Err(late(what)))
        });
        self.explain(done)
    }

    /// Where the episode's files lie.
    pub fn episode(&self) -> PathBuf {
        self.desktop.folder().join("episode")
    }

    /// The screen as a PNG file.
    pub fn screenshot(&self) -> Result<Vec<u8>, Fault> {
        self.desktop.screenshot()
    }

    /// A loss with the process that caused it, where one has ended: what dies of a lost display is not blamed itself.
    fn explain<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        let Err(Fault::Lost(reason)) = &result else { return result };
        let program = self.file.command[0].clone();
        let ended = self.runtime.block_on(self.desktop.ended()).map(str::to_owned);
        let ended = ended.or_else(|| self.running.as_ref()?.has_ended().then_some(program));
        match ended {
            Some(process) => Err(Fault::lost(format!("{process} has ended ({reason})"))),
            None => result,
        }
    }
}

fn late(what: &str) -> Fault {
    Fault::lost(format!("the application took more than {} s to {what}", ACTION_LIMIT.as_secs()))
}
