//! The scripted expert as a policy. It is told the state, and nothing else.

use std::panic::resume_unwind;
use std::time::Instant;

use lam_env::{Application, EnvError, Expert};
use lam_signal::Fault;
use lam_types::PolicyId;

use crate::{Decision, Policy, PolicyError, Request};

/// A policy that asks a scripted teacher.
pub struct ExpertPolicy {
    expert: Box<dyn Expert>,
}

impl ExpertPolicy {
    /// A policy that asks `expert`.
    pub fn new(expert: Box<dyn Expert>) -> Self {
        Self { expert }
    }

    /// The application's own expert.
    ///
    /// # Errors
    /// When the application has none.
    pub fn of(app: &dyn Application) -> Result<Self, PolicyError> {
        let missing = || PolicyError::Config {
            policy: "expert".into(),
            reason: format!("environment `{}` has no scripted expert", app.environment()),
            hint: "name a model, an endpoint or a recording".into(),
        };
        app.expert().map(Self::new).ok_or_else(missing)
    }
}

/// An expert somewhere else that cannot be asked.
fn unreachable(error: EnvError) -> PolicyError {
    PolicyError::failed("expert", error.details().sentence())
}

impl Policy for ExpertPolicy {
    fn id(&self) -> PolicyId {
        PolicyId { name: "expert".into(), hash: self.expert.version() }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let expert = self.expert.as_ref();
        let threads = expert.parallel().min(requests.len());
        if threads < 2 {
            return answers(expert, requests);
        }
        std::thread::scope(|scope| {
            let parts = requests.chunks(requests.len().div_ceil(threads));
            let asked: Vec<_> = parts.map(|part| scope.spawn(move || answers(expert, part))).collect();
            let answered = asked.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            // In the order of the requests, whoever answers first.
            Ok(answered.collect::<Result<Vec<_>, _>>()?.concat())
        })
    }
}

/// The answers to requests, one after the other.
fn answers(expert: &dyn Expert, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
    let answer = |request: &Request<'_>| {
        let started = Instant::now();
        let action = expert.decide(request.state).map_err(unreachable)?;
        Ok(Decision { answer: Ok(action), tokens: None, seconds: started.elapsed().as_secs_f64() })
    };
    requests.iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use lam_signal::Details;
    use lam_types::{Action, Observation, State};

    use super::*;

    /// Waits a while for three to ask at once, and answers with what was asked. Some of it cannot be answered.
    #[derive(Default)]
    struct Elsewhere {
        asking: AtomicUsize,
        most: AtomicUsize,
    }

    impl Expert for &'static Elsewhere {
        fn version(&self) -> String {
            "1".into()
        }

        fn parallel(&self) -> usize {
            3
        }

        fn decide(&self, state: &State) -> Result<Action, EnvError> {
            let until = Instant::now() + Duration::from_secs(30);
            let now = self.asking.fetch_add(1, Ordering::AcqRel) + 1;
            self.most.fetch_max(now, Ordering::AcqRel);
            while self.most.load(Ordering::Acquire) < 3 && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            self.asking.fetch_sub(1, Ordering::AcqRel);
            match state.request.parse::<u32>() {
                Ok(number) if number > 90 => Err(EnvError::failed("elsewhere", &Details::new(&state.request))),
                _ => Ok(Action::stop(&state.request)),
            }
        }
    }

    fn decide(numbers: &[u32]) -> (Result<Vec<String>, String>, usize) {
        let expert: &'static Elsewhere = Box::leak(Box::<Elsewhere>::default());
        let state = |number: &u32| State {
            request: number.to_string(),
            observation: Observation::default(),
            previous_actions: Vec::new(),
            previous_plan: Vec::new(),
        };
        let states: Vec<State> = numbers.iter().map(state).collect();
        let request = |state| Request { state, task_id: "t", attempt: 0, step_index: 0, seed: 0 };
        let requests: Vec<_> = states.iter().map(request).collect();
        let decided = ExpertPolicy::new(Box::new(expert)).decide(&requests).map_err(|error| error.to_string());
        let thought = |decision: Decision| decision.answer.map(|action| action.thought).unwrap_or_default();
        (decided.map(|all| all.into_iter().map(thought).collect()), expert.most.load(Ordering::Acquire))
    }

    #[test]
    fn an_expert_elsewhere_is_asked_side_by_side_and_answers_in_order() {
        let (answers, most) = decide(&[5, 4, 3, 2, 1, 0, 9]);
        assert_eq!(answers.unwrap(), ["5", "4", "3", "2", "1", "0", "9"]);
        assert_eq!(most, 3);
        // The first failure in the order of the requests, whichever comes first.
        assert!(decide(&[1, 2, 3, 91, 92]).0.unwrap_err().contains("91"));
    }
}
