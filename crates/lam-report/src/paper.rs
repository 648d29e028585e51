//! What the paper reports: Tables 1 to 4 of arXiv 2412.10047 v2, as printed. Knows nothing of our runs.

/// How to cite the figures in this file.
pub const CITATION: &str = "Wang et al., “Large Action Models: From Inception to Implementation”, arXiv 2412.10047 v2";

/// One row of Table 1.
#[derive(Debug)]
pub struct TrainingData {
    /// The model trained.
    pub model: &'static str,
    /// Kind of the data.
    pub data: &'static str,
    /// Where the paper's data comes from.
    pub source: &'static str,
    /// What the model learns to map to what.
    pub mapping: &'static str,
    /// The paper's data size.
    pub size: u64,
    /// What `size` counts.
    pub unit: &'static str,
}

/// Table 1: training data of each model.
pub const TRAINING_DATA: [TrainingData; 5] = [
    TrainingData {
        model: "LAM1",
        data: "task-plan pairs",
        source: "documentation, WikiHow, search queries, evolved data",
        mapping: "task → plan",
        size: 76_672,
        unit: "tasks",
    },
    TrainingData {
        model: "LAM2",
        data: "task-action trajectories",
        source: "GPT-4o",
        mapping: "state → action",
        size: 2_192,
        unit: "trajectories",
    },
    TrainingData {
        model: "LAM3",
        data: "task-action trajectories",
        source: "LAM2 + GPT-4o",
        mapping: "state → action",
        size: 2_688,
        unit: "trajectories",
    },
    TrainingData {
        model: "Reward model",
        data: "task-action-reward trajectories",
        source: "GPT-4o + LAM3",
        mapping: "state, action → reward",
        size: 4_476,
        unit: "trajectories",
    },
    TrainingData {
        model: "LAM4",
        data: "task-action-reward trajectories",
        source: "reward model + LAM3",
        mapping: "state, reward → action",
        size: 1_788,
        unit: "trajectories",
    },
];

/// One row of Tables 2 to 4: a model and its figures by metric key.
pub type PaperRow = (&'static str, &'static [(&'static str, f64)]);

/// Table 2: planning, in percent.
pub const PLANNING: &[PaperRow] = &[
    ("LAM1", &[("tsr", 82.2), ("step_precision", 54.7), ("step_recall", 55.7)]),
    ("GPT-4o", &[("tsr", 84.5), ("step_precision", 28.2), ("step_recall", 66.1)]),
    ("Mistral-7B", &[("tsr", 0.0), ("step_precision", 0.1), ("step_recall", 0.5)]),
];

/// Table 3: decision making, in percent.
pub const DECISION_MAKING: &[PaperRow] = &[
    ("LAM1", &[("object_acc", 39.4), ("operation_acc", 59.9), ("status_acc", 32.7), ("ssr", 33.0), ("tsr", 35.6)]),
    ("LAM2", &[("object_acc", 85.6), ("operation_acc", 97.3), ("status_acc", 97.8), ("ssr", 83.6), ("tsr", 76.8)]),
    ("LAM3", &[("object_acc", 87.4), ("operation_acc", 97.7), ("status_acc", 98.2), ("ssr", 85.9), ("tsr", 79.3)]),
    ("LAM4", &[("object_acc", 87.8), ("operation_acc", 97.7), ("status_acc", 99.0), ("ssr", 86.2), ("tsr", 81.2)]),
    ("GPT-4o", &[("object_acc", 73.2), ("operation_acc", 94.2), ("status_acc", 52.1), ("ssr", 68.8), ("tsr", 67.2)]),
    (
        "GPT-4o mini",
        &[("object_acc", 74.6), ("operation_acc", 91.5), ("status_acc", 67.4), ("ssr", 73.4), ("tsr", 62.3)],
    ),
];

/// Table 4: online. The paper's one LAM row is its final model, so it stands with LAM4.
pub const ONLINE: &[PaperRow] = &[
    ("LAM4", &[("tsr", 71.0), ("completion_time_s", 30.42), ("completion_steps", 5.62), ("step_latency_s", 5.41)]),
    ("GPT-4o", &[("tsr", 63.0), ("completion_time_s", 86.42), ("completion_steps", 6.73), ("step_latency_s", 12.84)]),
    (
        "GPT-4o mini",
        &[("tsr", 57.8), ("completion_time_s", 35.24), ("completion_steps", 5.99), ("step_latency_s", 5.88)],
    ),
    (
        "GPT-4o, with screenshots",
        &[("tsr", 75.5), ("completion_time_s", 96.48), ("completion_steps", 4.98), ("step_latency_s", 19.36)],
    ),
    (
        "GPT-4o mini, with screenshots",
        &[("tsr", 66.7), ("completion_time_s", 46.21), ("completion_steps", 6.34), ("step_latency_s", 7.29)],
    ),
];
