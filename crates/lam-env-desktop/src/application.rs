//! An application as data: what starts it, when it is ready, what of it is shown, what is forbidden. Read from TOML.
//! Knows no widget and no bus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_env::{EnvError, GuardRules, Missing};
use lam_signal::Details;
use serde::Deserialize;

use crate::installed::missing_programs;

/// The application files that come with the program.
const SHIPPED: [(&str, &str); 3] = [
    ("writer", include_str!("../../../configs/applications/writer.toml")),
    ("mousepad", include_str!("../../../configs/applications/mousepad.toml")),
    ("galculator", include_str!("../../../configs/applications/galculator.toml")),
];

/// The keys that move and edit in any application: none of them opens a menu or a window.
const EDITING_KEYS: [&str; 7] = [
    "{HOME}{END}{LEFT}{RIGHT}{UP}{DOWN}{PGUP}{PGDN}",
    "{VK_SHIFT down}{HOME}{END}{LEFT}{RIGHT}{UP}{DOWN}{PGUP}{PGDN}{VK_SHIFT up}",
    "{VK_CONTROL down}{HOME}{END}{LEFT}{RIGHT}{UP}{DOWN}{PGUP}{PGDN}{VK_CONTROL up}",
    "{VK_CONTROL down}{VK_SHIFT down}{HOME}{END}{LEFT}{RIGHT}{UP}{DOWN}{PGUP}{PGDN}{VK_SHIFT up}{VK_CONTROL up}",
    "{ENTER}{TAB}{ESC}{SPACE}{BACKSPACE}{DELETE}{INSERT}",
    "{VK_SHIFT down}{ENTER}{TAB}{SPACE}{BACKSPACE}{VK_SHIFT up}",
    "{VK_CONTROL down}acvxyz{BACKSPACE}{DELETE}{VK_CONTROL up}",
];

/// One application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationFile {
    /// Name in tasks and registries, such as `writer`.
    pub name: String,
    /// Start of its name on the accessibility bus, in any case.
    pub accessible_name: String,
    /// Program and arguments; `{home}` and `{document}` stand for the paths of an episode.
    pub command: Vec<String>,
    /// Environment variables beyond the desktop's own.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Files put below the home folder before the first start.
    #[serde(default)]
    pub files: Vec<HomeFile>,
    /// Name of the document that an episode opens; "" for applications without documents.
    #[serde(default)]
    pub document: String,
    /// When it can be used.
    pub ready: Ready,
    /// How long its screen goes on changing by itself.
    #[serde(default)]
    pub settle: Settle,
    /// Size of the screen in pixels.
    #[serde(default = "screen")]
    pub screen: (u32, u32),
    /// Closed menu items that are shown as controls, by path such as `Format > Text > Bold`; `*` stands for any text.
    #[serde(default)]
    pub menus: Vec<String>,
    /// Controls that are not shown.
    #[serde(default)]
    pub hide: Vec<String>,
    /// Toggle buttons that come up again by themselves: a click on one is over when it is up.
    #[serde(default)]
    pub momentary: Vec<String>,
    /// Names and menu paths that may not be used, in any menu or window.
    #[serde(default)]
    pub deny: Vec<String>,
    /// Whole menu paths that may be used although a pattern of `deny` fits them.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Keys that may be pressed beside text, movement and editing, as UFO writes them, such as `{VK_CONTROL}b`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Files and folders beyond the system's that the application reads; it writes in the episode's folder only.
    #[serde(default)]
    pub readable: Vec<PathBuf>,
    /// Folders beyond its own in which the application makes sockets.
    #[serde(default)]
    pub sockets: Vec<PathBuf>,
    /// Names and menu paths that need consent.
    #[serde(default)]
    pub confirm: Vec<String>,
    /// Names of controls that its screens show, for the tokenizer of models that are made from nothing.
    #[serde(default)]
    pub vocabulary: Vec<String>,
    /// Functions on offer beside those of every application, by name.
    #[serde(default)]
    pub tools: BTreeMap<String, Vec<ToolStep>>,
    /// Clicked to put the document on disk before it is judged; "" for none.
    #[serde(default)]
    pub save: String,
    /// Control whose text says the result where there is no document; without one, all text on the screen does.
    #[serde(default)]
    pub result: String,
}

/// A file below the home folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeFile {
    /// Path below the home folder.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// When an application can be used: a control of this kind is on the screen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// Its accessible role, such as `paragraph`.
    pub role: String,
    /// Its name; any when "".
    #[serde(default)]
    pub name: String,
    /// How long that may take, in seconds.
    #[serde(default = "ready_seconds")]
    pub seconds: u64,
}

/// How long a screen goes on changing by itself: toolbars are brought up to date a while after what they show.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// A start is over when two looks so many milliseconds apart find the same.
    #[serde(default)]
    pub reset_ms: u64,
    /// An action is followed by a pause of so many milliseconds before the screen is looked at.
    #[serde(default)]
    pub action_ms: u64,
}

/// One step of a tool: a function that is a fixed sequence of simpler ones.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum ToolStep {
    /// Click the control with this name or path.
    Click {
        /// Name or path.
        click: String,
    },
    /// Put an argument's value into the control with this name; left out when the argument is not given.
    Set {
        /// Name of the control.
        set: String,
        /// Value, with arguments in braces such as `{rows}`.
        to: String,
    },
}

fn screen() -> (u32, u32) {
    (1280, 1024)
}

fn ready_seconds() -> u64 {
    60
}

impl ApplicationFile {
    /// A shipped application, or the one in the file at the path `name`.
    ///
    /// # Errors
    /// No such name or file, or a file that is no description of an application.
    pub fn load(name: &str) -> Result<Self, EnvError> {
        if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            return Self::parse(name, text);
        }
        if !name.ends_with(".toml") {
            let shipped = SHIPPED.map(|(name, _)| name).join(", ");
            let hint = format!("shipped are {shipped}; others are named by the path of their .toml file");
            return Err(EnvError::usage(Details::new(format!("unknown application `{name}`")).hint(hint)));
        }
        let text = std::fs::read_to_string(Path::new(name))
            .map_err(|error| EnvError::usage(Details::default().at(name).because(error).hint("check the path")))?;
        Self::parse(name, &text)
    }

    fn parse(place: &str, text: &str) -> Result<Self, EnvError> {
        let file: Self = toml::from_str(text)
            .map_err(|error| EnvError::usage(Details::default().at(place).because(error.to_string().trim_end())))?;
        file.check().map_err(|wrong| EnvError::usage(wrong.at(place)))?;
        Ok(file)
    }

    fn check(&self) -> Result<(), Details> {
        if self.command.is_empty() {
            return Err(Details::new("`command` is empty").hint("name the program and its arguments"));
        }
        let climbs =
            |path: &str| Path::new(path).components().any(|part| !matches!(part, std::path::Component::Normal(_)));
        if let Some(file) = self.files.iter().find(|file| climbs(&file.path)) {
            return Err(Details::new(format!("`files` names `{}`, which is not below the home folder", file.path)));
        }
        if self.document.contains('/') {
            return Err(Details::new(format!("`document` = `{}` is no plain file name", self.document)));
        }
        let wrong = |reason| Details::new("`keys`").because(reason).hint("`{VK_CONTROL}b` is the control key with b");
        self.rules().check().map_err(wrong)?;
        let (width, height) = self.screen;
        if !(320..=8192).contains(&width) || !(240..=8192).contains(&height) {
            let what = format!("`screen` = [{width}, {height}] is no size in pixels");
            return Err(Details::new(what).hint("[1280, 1024] is usual"));
        }
        Ok(())
    }

    /// What may be done in it.
    pub fn rules(&self) -> GuardRules {
        GuardRules {
            deny_controls: self.deny.clone(),
            allow_controls: self.allow.clone(),
            confirm_controls: self.confirm.clone(),
            allow_keys: EDITING_KEYS.iter().map(|&keys| keys.to_owned()).chain(self.keys.clone()).collect(),
            ..GuardRules::default()
        }
    }

    /// Refuses when the program, or what a private desktop is made of, is not installed.
    ///
    /// # Errors
    /// Names the first program that is missing: the application's own before those of every desktop.
    pub fn check_installed(&self) -> Result<(), EnvError> {
        let refused = |Missing { what, hint }| {
            Err(EnvError::usage(Details::new(format!("application `{}`: {what}", self.name)).hint(hint)))
        };
        self.missing().into_iter().next().map_or(Ok(()), refused)
    }

    /// The programs that are missing: the application's own, then those of every desktop.
    pub(crate) fn missing(&self) -> Vec<Missing> {
        missing_programs(&self.command[0])
    }
}
