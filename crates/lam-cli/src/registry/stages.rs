//! The kinds of stages that pipelines may name.

use lam_pipeline::{InputSpec, Registry};

use super::kind::Kind;
use super::{collect, evaluate, train};

/// Every kind of stage.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(Kind { name: "plans", inputs: &[], run: collect::plans });
    registry.register(Kind { name: "trajectories", inputs: &[], run: collect::trajectories });
    registry.register(Kind { name: "base", inputs: &[], run: train::base });
    registry.register(Kind { name: "phase1", inputs: &PLANS, run: train::phase1 });
    registry.register(Kind { name: "phase2", inputs: &TRAJECTORIES, run: train::imitate });
    registry.register(Kind { name: "phase3.explore", inputs: &FAILURES, run: train::explore });
    registry.register(Kind { name: "phase3.train", inputs: &TRAJECTORIES, run: train::imitate });
    registry.register(Kind { name: "phase4.reward", inputs: &SCORED, run: train::reward });
    registry.register(Kind { name: "phase4.ppo", inputs: &REWARDED, run: train::ppo });
    registry.register(Kind { name: "eval.plan", inputs: &EVALUATE_PLANS, run: evaluate::plan });
    registry.register(Kind { name: "eval.step", inputs: &EVALUATE_STEPS, run: evaluate::step });
    registry.register(Kind { name: "eval.online", inputs: &EVALUATE_ONLINE, run: evaluate::online });
    registry.register(lam_export::ExportStage);
    registry
}

const PLANS: [InputSpec; 3] = [InputSpec::one("model"), InputSpec::many("plans"), InputSpec::any("replay")];
const TRAJECTORIES: [InputSpec; 3] =
    [InputSpec::one("model"), InputSpec::many("trajectories"), InputSpec::any("replay")];
const SCORED: [InputSpec; 2] = [InputSpec::one("model"), InputSpec::many("trajectories")];
const FAILURES: [InputSpec; 2] = [InputSpec::one("model"), InputSpec::many("failures")];
const REWARDED: [InputSpec; 3] = [InputSpec::one("model"), InputSpec::one("reward"), InputSpec::many("failures")];
const EVALUATE_PLANS: [InputSpec; 2] = [InputSpec::any("models"), InputSpec::many("plans")];
const EVALUATE_STEPS: [InputSpec; 2] = [InputSpec::any("models"), InputSpec::many("trajectories")];
const EVALUATE_ONLINE: [InputSpec; 1] = [InputSpec::any("models")];
