//! The families of one application, and the tasks that a query draws from them: families take turns, so that of any
//! number of tasks each family has as many as any other, or one more. A query for fewer tasks than there are families
//! draws which families have one, so that a small evaluation is no easier than a large one.

use lam_env::random::{hash, stream};
use lam_env::{EnvError, TaskQuery};
use lam_signal::Details;
use lam_types::{Phrasing, Split, Task};
use rand::Rng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

/// What has a name among its like.
pub trait Named {
    /// The name.
    fn name(&self) -> &'static str;
}

impl<Setup, Own> Named for crate::Family<Setup, Own> {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The families of an application, in the order in which they take turns.
#[derive(Clone, Debug)]
pub struct Catalog<F: 'static> {
    /// The environment they belong to.
    pub environment: &'static str,
    /// The application in it.
    pub application: String,
    /// What the ids of its tasks begin with.
    pub id_prefix: String,
    /// The families.
    pub families: Vec<&'static F>,
}

/// One family's turn in a query.
#[derive(Clone, Copy, Debug)]
pub struct Turn<F: 'static> {
    /// Whose turn it is.
    pub family: &'static F,
    /// The set that is drawn.
    pub split: Split,
    /// The sentences that may be used.
    pub phrasing: Phrasing,
    /// How many turns the family had before.
    pub round: usize,
}

impl<F: Named> Turn<F> {
    /// What tells this turn from every other with the same seed.
    pub fn names(&self) -> [String; 4] {
        let Self { family, split, phrasing, round } = self;
        [family.name().to_owned(), split.as_str().to_owned(), phrasing.as_str().to_owned(), round.to_string()]
    }
}

impl<F: Named> Catalog<F> {
    /// The family with this name.
    pub fn find(&self, name: &str) -> Option<&'static F> {
        self.families.iter().copied().find(|family| family.name() == name)
    }

    /// The family with this name, for a task or a query.
    ///
    /// # Errors
    /// There is none: the error names the nearest one.
    pub fn get(&self, task_id: &str, name: &str) -> Result<&'static F, EnvError> {
        self.find(name).ok_or_else(|| EnvError::UnknownFamily {
            task_id: task_id.to_owned(),
            family: name.to_owned(),
            environment: self.environment.to_owned(),
            hint: self.nearest(name).map(|family| format!("did you mean `{family}`?")).unwrap_or_default(),
        })
    }

    /// The name that begins most alike, if more than two letters are shared.
    fn nearest(&self, name: &str) -> Option<&'static str> {
        let shared = |family: &str| family.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let likeness = |family: &&str| (shared(family), std::cmp::Reverse(family.len().abs_diff(name.len())));
        let names = self.families.iter().map(|family| family.name());
        names.max_by_key(likeness).filter(|family| shared(family) > 2)
    }

    /// The families that a query draws from, each once.
    fn drawn_from(&self, query: &TaskQuery) -> Result<Vec<&'static F>, EnvError> {
        if query.families.is_empty() {
            return Ok(self.families.clone());
        }
        let mut families: Vec<&'static F> = Vec::new();
        for name in &query.families {
            let family = self.get("query", name)?;
            if families.iter().all(|known| known.name() != family.name()) {
                families.push(family);
            }
        }
        Ok(families)
    }

    /// The turns of a query.
    ///
    /// Without a wish, the training set asks in known wordings, the validation set in its own, and the test set in both,
    /// half and half. Which families are drawn does not hang on the wording: of two queries that differ in it and in
    /// nothing else, both ask the same families.
    ///
    /// # Errors
    /// A family that does not exist; wordings that are kept from training, asked for in the training set.
    pub fn turns(&self, query: &TaskQuery) -> Result<Vec<Turn<F>>, EnvError> {
        let families = self.drawn_from(query)?;
        if query.split == Split::Train && query.phrasing == Some(Phrasing::Unseen) {
            let what = "the train set has no unseen phrasings: they are kept for the two others";
            return Err(EnvError::usage(Details::new(what).hint("ask for split `validation` or `test`")));
        }
        let mut random = stream(&["turns", &self.id_prefix, query.split.as_str()], query.seed);
        let order = order_of_turns(families.len(), query.count, &mut random);
        let parity = usize::from(random.random_bool(0.5));
        // Rounds in known and in new wordings take turns; in what does not fill two rounds, their neighbours do.
        let whole_rounds = query.count / (2 * order.len().max(1)) * 2;
        let turn = |index: usize| {
            let (place, round) = (index % order.len(), index / order.len());
            let is_new = match query.split {
                Split::Train => false,
                Split::Validation => true,
                Split::Test if round < whole_rounds => round % 2 == 1,
                Split::Test => (place + round + parity) % 2 == 1,
            };
            let own = if is_new { Phrasing::Unseen } else { Phrasing::Seen };
            Turn { family: families[order[place]], split: query.split, phrasing: query.phrasing.unwrap_or(own), round }
        };
        Ok((0..if order.is_empty() { 0 } else { query.count }).map(turn).collect())
    }

    /// The tasks of a query whose requests are known without starting anything. Seeds come from the random stream of
    /// these names, and `request` says what a turn with its seed asks.
    ///
    /// # Errors
    /// As [`Catalog::turns`].
    pub fn draw(
        &self,
        query: &TaskQuery,
        stream: &[&str],
        request: impl Fn(&Turn<F>, u64) -> String,
    ) -> Result<Vec<Task>, EnvError> {
        let task = |turn: Turn<F>| {
            let names = turn.names();
            let names: Vec<&str> = stream.iter().copied().chain(names.iter().map(String::as_str)).collect();
            let seed = hash(&names, query.seed) >> 16;
            self.task(&turn, seed, request(&turn, seed))
        };
        Ok(self.turns(query)?.into_iter().map(task).collect())
    }

    /// The task of a turn. `seed` has at most 48 bits: signed columns and JSON numbers hold them without loss.
    pub fn task(&self, turn: &Turn<F>, seed: u64, request: String) -> Task {
        let [family, split, phrasing, _] = turn.names();
        Task {
            task_id: format!("{}-{family}-{split}-{phrasing}-{seed:012x}", self.id_prefix),
            family,
            request,
            environment: self.environment.to_owned(),
            application: self.application.clone(),
            seed,
            phrasing: turn.phrasing,
            split: turn.split,
        }
    }
}

/// In which order families take turns, by their places: their own where each has a turn, else as many of them as there
/// are tasks, drawn.
pub fn order_of_turns(families: usize, tasks: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    if tasks >= families { (0..families).collect() } else { sample(random, families, tasks).into_vec() }
}
