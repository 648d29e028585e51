//! One browser with one page: pages loaded, episodes started, actions carried out. Knows WebDriver and the script
//! that runs inside pages; knows no observation and no task.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::parts::Parts;
use crate::process::Driver;
use crate::webdriver::{Element, Session, WebDriverError, taken};

/// What runs inside the page.
const SCRIPT: &str = include_str!("page/script.js");
/// A cold browser on a busy machine.
const START: Duration = Duration::from_secs(60);
/// A page from the disk.
const LOAD: Duration = Duration::from_secs(30);
/// One script or one click.
const CALL: Duration = Duration::from_secs(15);
/// How long a page may take until its task is ready.
const READY: Duration = Duration::from_secs(5);

/// How clicks and texts reach the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clicks {
    /// As events that a script sends to the element: fast, and reaches what something else covers.
    #[default]
    Script,
    /// As the browser's own input at the element's place: slower, and what a person's hand would reach.
    Native,
}

/// One call on the page: the script's name for it, the control's label (0 for none), its arguments.
pub struct ScriptCall {
    /// Name in the script.
    pub name: &'static str,
    /// The control, from 1; 0 for none.
    pub label: usize,
    /// What the script takes.
    pub args: Vec<Value>,
}

/// A running browser.
pub struct Browser {
    session: Session,
    /// Kept for its end: it goes with the browser.
    driver: Driver,
    page: String,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    /// In words.
    pub fn start(parts: &Parts) -> Result<Self, String> {
        let driver = Driver::start(parts, START)?;
        let capabilities = capabilities(&driver);
        let session = Session::open(driver.port, &capabilities, START).map_err(|error| error.to_string())?;
        Ok(Self { session, driver, page: String::new() })
    }

    /// Ids of its processes, for whoever wants to see them gone.
    pub fn processes(&self) -> Vec<i32> {
        self.driver.processes()
    }

    /// Starts the task of a page from a seed. Returns the request and the first screen.
    ///
    /// # Errors
    /// When the page cannot be loaded, or does not get ready.
    pub fn episode(&mut self, address: &str, seed: u64, mode: &str) -> Result<(String, Value), WebDriverError> {
        let args = [json!(seed.to_string()), json!(mode)];
        let start =
            |browser: &Self| browser.session.run("return window.lam ? lam.start(...arguments) : null", &args, CALL);
        self.load(address)?;
        let mut started = start(self)?;
        // A page that is stale, or that the browser no longer shows, is loaded anew.
        if started["stale"] == true || started.is_null() {
            self.page.clear();
            self.load(address)?;
            started = start(self)?;
        }
        let request = started["request"].as_str().unwrap_or_default().to_owned();
        let until = Instant::now() + READY;
        while started["ready"] != true {
            if Instant::now() > until {
                let reason = format!("{address} does not get ready");
                return Err(WebDriverError::Lost { call: "start", reason });
            }
            std::thread::sleep(Duration::from_millis(10));
            started = self.session.run("return lam.ready()", &[], CALL)?;
        }
        Ok((request, taken(&mut started, "screen")))
    }

    /// Shows a page, unless it is there.
    fn load(&mut self, address: &str) -> Result<(), WebDriverError> {
        if self.page == address {
            return Ok(());
        }
        self.page.clear();
        self.session.go(address, LOAD)?;
        self.session.run(&format!("{SCRIPT}; return lam.install();"), &[], CALL)?;
        address.clone_into(&mut self.page);
        Ok(())
    }

    /// Carries out a call by script.
    ///
    /// # Errors
    /// When the browser fails.
    pub fn act(&self, call: &ScriptCall) -> Result<Value, WebDriverError> {
        let mut args = vec![json!(call.name), json!(call.label)];
        args.extend_from_slice(&call.args);
        self.session.run("return lam.act(...arguments)", &args, CALL)
    }

    /// Clicks with the browser's own mouse; the screen afterwards.
    ///
    /// # Errors
    /// When the browser fails. A click that cannot reach the element is a refusal in the result.
    pub fn click(&self, label: usize, button: u8, double: bool) -> Result<Value, WebDriverError> {
        let Some(element) = self.element("element", label)? else { return self.refused("the control is gone") };
        let clicked = match (button, double) {
            (0, false) => self.session.click(&element, CALL),
            _ => self.session.press(&element, button, if double { 2 } else { 1 }, CALL),
        };
        self.after(clicked)
    }

    /// Types with the browser's own keyboard, after emptying the field if asked; the screen afterwards.
    ///
    /// # Errors
    /// As [`Browser::click`].
    pub fn type_text(&self, label: usize, text: &str, empty: bool) -> Result<Value, WebDriverError> {
        let script = if empty { "prepare" } else { "element" };
        let Some(element) = self.element(script, label)? else { return self.refused("the control is gone") };
        self.after(self.session.type_text(&element, text, CALL))
    }

    /// How the page rewards what was done.
    ///
    /// # Errors
    /// When the browser fails.
    pub fn reward(&self) -> Result<Value, WebDriverError> {
        self.session.run("return lam.reward()", &[], CALL)
    }

    fn element(&self, script: &str, label: usize) -> Result<Option<Element>, WebDriverError> {
        let found = self.session.run(&format!("return lam.{script}(arguments[0])"), &[json!(label)], CALL)?;
        Ok(Element::of(&found))
    }

    /// The screen after native input; what the driver refused to do is the application's refusal.
    fn after(&self, done: Result<(), WebDriverError>) -> Result<Value, WebDriverError> {
        match done {
            Ok(()) => self.act(&ScriptCall { name: "none", label: 0, args: Vec::new() }),
            Err(WebDriverError::Refused { error, .. }) if is_refusal(&error) => self.refused(&error),
            Err(error) => Err(error),
        }
    }

    fn refused(&self, reason: &str) -> Result<Value, WebDriverError> {
        let mut result = self.act(&ScriptCall { name: "none", label: 0, args: Vec::new() })?;
        if let Value::Object(told) = &mut result {
            told.insert("refused".to_owned(), json!(reason));
        }
        Ok(result)
    }
}

/// What a driver says of an element that input cannot reach.
fn is_refusal(error: &str) -> bool {
    ["element click intercepted", "element not interactable", "stale element reference", "invalid element state"]
        .contains(&error)
}

fn capabilities(driver: &Driver) -> Value {
    let mut args = vec![
        "--headless".to_owned(),
        "--disable-gpu".into(),
        "--disable-quic".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--disable-dev-shm-usage".into(),
        "--block-new-web-contents".into(),
        "--host-resolver-rules=MAP * ~NOTFOUND".into(),
        "--deny-permission-prompts".into(),
        "--allow-file-access-from-files".into(),
        "--remote-debugging-pipe".into(),
        "--window-size=500,320".into(),
        "--lang=en-US".into(),
        format!("--user-data-dir={}", driver.profile().display()),
    ];
    // SAFETY: a plain system call without arguments.
    if unsafe { libc::geteuid() } == 0 {
        // Chromium's sandbox refuses to run as root.
        args.push("--no-sandbox".into());
    }
    json!({
        "browserName": "chrome",
        "timeouts": {"script": 10_000, "pageLoad": 25_000},
        "unhandledPromptBehavior": "accept",
        "goog:chromeOptions": {
            "binary": driver.browser,
            "args": args,
            // Nothing is downloaded, no other window opens.
            "prefs": {"download_restrictions": 3},
            "excludeSwitches": ["disable-popup-blocking"],
        },
    })
}
