//! The running instances of an application: each is asked for one thing at a time, all of them side by side.
//!
//! Embedded applications are called in line. Real ones get a thread each, and a deadline for every call: one that
//! does not answer in time, or panics, is given up as dead. Knows environments, no episode and no policy.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lam_env::{Application, EnvError, Environment, Outcome};
use lam_signal::Details;
use lam_types::{Action, Observation, Task, Verdict};

/// How long instances may take to go away once the run is over.
const FAREWELL: Duration = Duration::from_secs(20);

/// What an instance is asked for.
pub(crate) enum Call {
    /// Start this task.
    Reset(Box<Task>),
    /// Carry this out.
    Act(Box<Action>),
    /// Judge the final state.
    Verify,
}

/// What it answered.
pub(crate) enum Answer {
    /// The first screen.
    Started(Observation),
    /// What came of an action.
    Acted {
        /// Labels that mean the same, asked before the action.
        acceptable_labels: Vec<String>,
        /// What came of it.
        outcome: Outcome,
        /// Whether the application ended the task itself.
        has_ended: bool,
    },
    /// The verdict.
    Judged(Verdict),
}

/// An answer with whom it belongs to.
pub(crate) struct Reply {
    /// The number given with the call.
    pub(crate) ticket: usize,
    /// The instance, free again; `None` once it is dead.
    pub(crate) instance: Option<Instance>,
    /// The answer, or what the instance died of.
    pub(crate) answer: Result<Answer, EnvError>,
    /// Seconds that the call took.
    pub(crate) seconds: f64,
}

/// One running instance.
pub(crate) enum Instance {
    /// Called where the run is.
    Inline(Box<dyn Environment>),
    /// Called in a thread of its own.
    Thread { calls: Sender<(u64, Call)>, thread: JoinHandle<()> },
}

struct Busy {
    ticket: usize,
    instance: Instance,
    started: Instant,
}

/// An answer under the number of its call.
type Message = (u64, Result<Answer, EnvError>);

/// All instances of a run.
pub(crate) struct Pool<'a> {
    app: &'a dyn Application,
    timeout: Duration,
    idle: Vec<Instance>,
    /// By the number of the call, which no other call ever gets: an answer after its deadline belongs to nobody.
    busy: BTreeMap<u64, Busy>,
    calls: u64,
    /// Replies of instances that were called in line.
    inline: VecDeque<Reply>,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    /// Threads of dead instances.
    leaving: Vec<JoinHandle<()>>,
}

impl<'a> Pool<'a> {
    /// No instance yet; each call may take `timeout`.
    pub(crate) fn new(app: &'a dyn Application, timeout: Duration) -> Self {
        let (sender, messages) = channel();
        let (idle, busy, inline, leaving) = (Vec::new(), BTreeMap::new(), VecDeque::new(), Vec::new());
        Self { app, timeout, idle, busy, calls: 0, inline, sender, messages, leaving }
    }

    /// A free instance, started if there is none; the second refusal in a row is final.
    pub(crate) fn acquire(&mut self) -> Result<Instance, EnvError> {
        if let Some(instance) = self.idle.pop() {
            return Ok(instance);
        }
        let environment = self.app.open().or_else(|_| self.app.open())?;
        Ok(match self.app.instances() {
            None => Instance::Inline(environment),
            Some(_) => threaded(environment, self.app.environment().to_owned(), self.sender.clone()),
        })
    }

    /// Tells the application which tasks come next.
    pub(crate) fn announce(&self, next: &[&Task]) {
        self.app.prepare(next);
    }

    /// Takes back an instance whose episode is over.
    pub(crate) fn release(&mut self, instance: Instance) {
        self.idle.push(instance);
    }

    /// Asks an instance; the answer comes out of [`Pool::reply`] under the same number.
    pub(crate) fn call(&mut self, ticket: usize, instance: Instance, call: Call) {
        let started = Instant::now();
        match instance {
            Instance::Inline(mut environment) => {
                let answer = perform(environment.as_mut(), call);
                let seconds = started.elapsed().as_secs_f64();
                let instance = answer.is_ok().then_some(Instance::Inline(environment));
                self.inline.push_back(Reply { ticket, instance, answer, seconds });
            }
            Instance::Thread { ref calls, .. } => {
                // A thread that is gone sends no answer: its deadline is told as any other.
                self.calls += 1;
                let _ = calls.send((self.calls, call));
                self.busy.insert(self.calls, Busy { ticket, instance, started });
            }
        }
    }

    /// Whether an answer is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.busy.is_empty() || !self.inline.is_empty()
    }

    /// The next answer, waited for at most so long.
    pub(crate) fn reply(&mut self, wait: Duration) -> Option<Reply> {
        if let Some(reply) = self.inline.pop_front() {
            return Some(reply);
        }
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok((call, answer)) => {
                    if let Some(busy) = self.busy.remove(&call) {
                        return Some(self.answered(busy, answer));
                    }
                }
                Err(_) => return self.overdue(),
            }
        }
    }

    fn answered(&mut self, busy: Busy, answer: Result<Answer, EnvError>) -> Reply {
        let Busy { ticket, instance, started } = busy;
        let seconds = started.elapsed().as_secs_f64();
        let instance = if answer.is_ok() { Some(instance) } else { self.discard(instance) };
        Reply { ticket, instance, answer, seconds }
    }

    /// An instance that did not answer in time.
    fn overdue(&mut self) -> Option<Reply> {
        let late = |busy: &&Busy| busy.started.elapsed() > self.timeout;
        let call = self.busy.iter().find(|(_, busy)| late(busy)).map(|(call, _)| *call)?;
        let busy = self.busy.remove(&call)?;
        let reason = format!("no answer within {} s", self.timeout.as_secs());
        let error = EnvError::failed(self.app.environment(), &Details::new(reason));
        Some(self.answered(busy, Err(error)))
    }

    /// Lets go of a dead instance; its thread ends with the call it is in.
    fn discard(&mut self, instance: Instance) -> Option<Instance> {
        if let Instance::Thread { thread, .. } = instance {
            self.leaving.push(thread);
        }
        None
    }
}

/// Every instance is closed before the run is over: what it started must not outlive it.
impl Drop for Pool<'_> {
    fn drop(&mut self) {
        self.app.prepare(&[]);
        let busy = std::mem::take(&mut self.busy).into_values().map(|busy| busy.instance);
        for instance in std::mem::take(&mut self.idle).into_iter().chain(busy) {
            self.discard(instance);
        }
        let until = Instant::now() + FAREWELL;
        while self.leaving.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// An instance in a thread of its own, which lives as long as calls can come.
fn threaded(mut environment: Box<dyn Environment>, name: String, replies: Sender<Message>) -> Instance {
    let (calls, received) = channel::<(u64, Call)>();
    let thread = std::thread::spawn(move || {
        for (number, call) in received {
            let answer = catch_unwind(AssertUnwindSafe(|| perform(environment.as_mut(), call)));
            let answer = answer.unwrap_or_else(|panic| Err(panicked(&name, panic.as_ref())));
            if replies.send((number, answer)).is_err() {
                break;
            }
        }
    });
    Instance::Thread { calls, thread }
}

fn perform(environment: &mut dyn Environment, call: Call) -> Result<Answer, EnvError> {
    match call {
        Call::Reset(task) => environment.reset(&task).map(Answer::Started),
        Call::Verify => environment.verify().map(Answer::Judged),
        Call::Act(action) => {
            let acceptable_labels = environment.acceptable_labels(&action);
            let outcome = environment.act(&action)?;
            Ok(Answer::Acted { acceptable_labels, outcome, has_ended: environment.has_ended() })
        }
    }
}

fn panicked(environment: &str, panic: &(dyn std::any::Any + Send)) -> EnvError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let reason = format!("it panicked: {}", text.unwrap_or("no message"));
    EnvError::failed(environment, &Details::new(reason))
}
