//! A new stage: a module of its own, and one line where the kinds are listed.

use lam_pipeline::{NoView, Pipeline, check, run};
use serde_json::json;

use crate::fakes::{Place, chain};

/// What a crate with a stage holds: settings, the stage, and the line that registers it.
mod shout {
    use lam_pipeline::{InputSpec, Registry, Stage, StageContext};
    use lam_signal::Failure;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    pub fn register(registry: Registry) -> Registry {
        registry.with(Shout)
    }

    #[derive(Deserialize, Serialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct ShoutConfig {
        /// How often it is said.
        #[schemars(range(min = 1, max = 99))]
        times: usize,
        /// How it sounds.
        voice: Voice,
    }

    #[derive(Default, Deserialize, Serialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Voice {
        /// What it ends with; "" where none is given.
        ending: Option<String>,
        /// Whether all letters are large.
        loud: bool,
    }

    impl Default for ShoutConfig {
        fn default() -> Self {
            Self { times: 2, voice: Voice { loud: true, ..Voice::default() } }
        }
    }

    struct Shout;

    impl Stage for Shout {
        type Settings = ShoutConfig;

        fn kind(&self) -> &'static str {
            "shout"
        }

        fn crate_name(&self) -> &'static str {
            env!("CARGO_PKG_NAME")
        }

        fn inputs(&self) -> &'static [InputSpec] {
            const INPUTS: [InputSpec; 1] = [InputSpec::one("text")];
            &INPUTS
        }

        fn run(&self, settings: &ShoutConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
            let text = std::fs::read_to_string(context.input("text")?).map_err(Failure::data)?;
            let said = if settings.voice.loud { text.trim().to_uppercase() } else { text.trim().to_owned() };
            let ending = settings.voice.ending.as_deref().unwrap_or_default();
            let lines = format!("{said}{ending}\n").repeat(settings.times);
            std::fs::write(context.output.join("said.txt"), &lines).map_err(Failure::runtime)?;
            Ok(json!({ "lines": settings.times }))
        }
    }
}

const STAGE: &str = "\n[[stage]]\nname = \"loud\"\nkind = \"shout\"\ninputs = { text = \"a/out.txt\" }\n\
                     [stage.set.voice]\nending = \"!\"\n";

fn place() -> (Place, Pipeline) {
    let place = chain();
    place.write("p.toml", &format!("{}{STAGE}", crate::fakes::CHAIN));
    let pipeline = place.load(&[]).unwrap();
    (place, pipeline)
}

#[test]
fn it_runs_in_a_pipeline() {
    let (place, pipeline) = place();
    let summary = run(&pipeline, &shout::register(place.registry()), &place.options(), &NoView).unwrap();
    assert_eq!(place.read("runs/chain/loud/said.txt"), "HELLO 7!\nHELLO 7!\n");
    assert_eq!(summary.stages.last().unwrap().metrics, json!({ "lines": 2 }));
    assert_eq!(place.read("runs/chain/loud/config.toml"), "times = 2\n\n[voice]\nending = \"!\"\nloud = true\n");
}

#[test]
fn its_settings_are_checked_with_line_and_hint() {
    let (place, _) = place();
    let refusal = |set: &str| {
        let pipeline = place.load(&[set]).unwrap();
        place.refusal(check(&pipeline, &shout::register(place.registry())))
    };
    let (code, text) = refusal("loud.times=0");
    assert_eq!((code, text.as_str()), (2, "--set loud.times=0: stage `loud`: `times` = 0: must be from 1 to 99"));
    let (_, text) = refusal("loud.voice.lout=true");
    let expected =
        "--set loud.voice.lout=true: stage `loud`: unknown key `lout` in `voice`\nhint: did you mean `loud`?";
    assert_eq!(text, expected);
}

#[test]
fn its_settings_explain_themselves() {
    let registry = shout::register(Place::new().registry());
    assert_eq!(
        registry.page("shout").unwrap(),
        "# How often it is said. Must be from 1 to 99.\ntimes = 2\n\n# How it sounds.\n[voice]\n\
         # What it ends with; \"\" where none is given.\n# ending = …\n\
         # Whether all letters are large.\nloud = true\n"
    );
    let schema = registry.schema("shout").unwrap();
    assert_eq!(schema.as_value()["properties"]["times"]["default"], json!(2));
    assert_eq!(registry.hint("shot"), "did you mean `shout`?");
}
