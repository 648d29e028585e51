//! What of the processor this process uses: found once, the same for every loop. Knows no loop.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::amx;

/// The environment variable that leaves instructions unused.
pub(crate) const VARIABLE: &str = "LAM_CPU";

/// Level of the processor's vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Baseline,
}

/// The same for the lanes of generation, which want more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LanesLevel {
    /// AVX-512 with bf16 and byte products.
    #[cfg(target_arch = "x86_64")]
    Native,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON with bf16 and byte products.
    #[cfg(target_arch = "aarch64")]
    Neon,
    Baseline,
}

/// The most that is used, as [`VARIABLE`] names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Most {
    /// What every processor of the architecture has.
    Baseline,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 without its products of bf16 and of bytes.
    Avx512,
    /// AVX-512 with them.
    Avx512Bf16,
    /// Tiles too.
    Amx,
    /// As `Avx512Bf16`, and tiles in plain Rust.
    TilesModel,
    /// NEON without products of bf16 and of bytes.
    Neon,
    /// NEON with them.
    NeonBf16,
}

impl Most {
    /// Every name.
    pub(crate) const NAMES: [(&'static str, Self); 8] = [
        ("baseline", Self::Baseline),
        ("avx2", Self::Avx2),
        ("avx512", Self::Avx512),
        ("avx512-bf16", Self::Avx512Bf16),
        ("amx", Self::Amx),
        ("tiles-model", Self::TilesModel),
        ("neon", Self::Neon),
        ("neon-bf16", Self::NeonBf16),
    ];

    /// What a name means; nothing for a name that is not known.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, most)| *most)
    }

    /// What the environment says; nothing where it says nothing, or what is not known (see [`crate::Processor::check`]).
    fn of_environment() -> Option<Self> {
        Self::named(&std::env::var(VARIABLE).ok()?)
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, most)| *most == self).map_or("", |(name, _)| name)
    }

    /// Whether it is a name for processors of this architecture.
    fn is_for(self, x86: bool) -> bool {
        match self {
            Self::Baseline | Self::TilesModel => true,
            Self::Avx2 | Self::Avx512 | Self::Avx512Bf16 | Self::Amx => x86,
            Self::Neon | Self::NeonBf16 => !x86,
        }
    }

    /// Whether an instruction set may be used.
    fn allows(self, set: Set) -> bool {
        match self {
            Self::Baseline => false,
            Self::Avx2 => set <= Set::F16c,
            Self::Avx512 => set <= Set::Avx512,
            Self::Avx512Bf16 | Self::TilesModel => set <= Set::Avx512Vnni || set >= Set::ArmBf16,
            Self::Amx => true,
            Self::Neon => false,
            Self::NeonBf16 => set >= Set::ArmBf16,
        }
    }
}

/// Instruction sets that loops are compiled for, in the order in which a mask leaves them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Set {
    Avx2,
    Fma,
    F16c,
    Avx512,
    Avx512Bf16,
    Avx512Vnni,
    Amx,
    ArmBf16,
    I8mm,
}

impl Set {
    const ALL: [Self; 9] = [
        Self::Avx2,
        Self::Fma,
        Self::F16c,
        Self::Avx512,
        Self::Avx512Bf16,
        Self::Avx512Vnni,
        Self::Amx,
        Self::ArmBf16,
        Self::I8mm,
    ];

    /// Those of this architecture.
    fn here() -> Vec<Self> {
        Self::ALL.into_iter().filter(|set| set.architecture() == std::env::consts::ARCH).collect()
    }

    fn architecture(self) -> &'static str {
        match self {
            Self::ArmBf16 | Self::I8mm => "aarch64",
            _ => "x86_64",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avx2 => "avx2",
            Self::Fma => "fma",
            Self::F16c => "f16c",
            Self::Avx512 => "avx512f",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Avx512Vnni => "avx512vnni",
            Self::Amx => "amx",
            Self::ArmBf16 => "bf16",
            Self::I8mm => "i8mm",
        }
    }

    /// Sets without which the loops for this one cannot run.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Avx512 => &[Self::Avx2, Self::Fma],
            Self::Avx512Bf16 | Self::Avx512Vnni => &[Self::Avx512],
            Self::Amx => &[Self::Avx512Bf16],
            _ => &[],
        }
    }

    /// Whether the processor, and for tiles the system, lets us use it; else why not.
    fn of_processor(self) -> Result<(), String> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::is_x86_feature_detected as has;
            let there = match self {
                Self::Avx2 => has!("avx2"),
                Self::Fma => has!("fma"),
                Self::F16c => has!("f16c"),
                Self::Avx512 => has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw"),
                Self::Avx512Bf16 => has!("avx512bf16"),
                Self::Avx512Vnni => has!("avx512vnni"),
                Self::Amx => return amx::usable().map_err(|why| why.unwrap_or_else(|| ABSENT.into())),
                Self::ArmBf16 | Self::I8mm => false,
            };
            if there { Ok(()) } else { Err(ABSENT.into()) }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let there = match self {
                Self::ArmBf16 => std::arch::is_aarch64_feature_detected!("bf16"),
                Self::I8mm => std::arch::is_aarch64_feature_detected!("i8mm"),
                _ => false,
            };
            if there { Ok(()) } else { Err(ABSENT.into()) }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Err(ABSENT.into())
    }
}

/// What is said of what the processor has not.
const ABSENT: &str = "this processor has none";

/// Who multiplies tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TileUnit {
    /// The processor.
    Hardware,
    /// Plain Rust with the same results, to be tested with.
    Model,
}

/// What this process uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Vectors.
    pub(crate) level: Level,
    /// Vectors with what generation wants of them.
    pub(crate) lanes: LanesLevel,
    /// Whether pairs of bf16 are multiplied.
    pub(crate) bf16: bool,
    /// Tiles, if any.
    pub(crate) tiles: Option<TileUnit>,
    /// Names of the sets that are used.
    pub(crate) used: Vec<&'static str>,
    /// What is not used, and why.
    pub(crate) unused: Vec<(&'static str, String)>,
}

impl Features {
    /// What may be used at `most` of `sets`; `of_processor` says what the processor has, and is not asked for what is masked.
    fn choose(most: Option<Most>, sets: &[Set], of_processor: impl Fn(Set) -> Result<(), String>) -> Self {
        let foreign = most.filter(|most| !most.is_for(cfg!(target_arch = "x86_64")));
        let mask = most.filter(|_| foreign.is_none());
        let (mut have, mut unused): (Vec<Set>, Vec<(&'static str, String)>) = (Vec::new(), Vec::new());
        if let Some(most) = foreign {
            unused.push((most.name(), "another kind of processor has it: all of this one is used".into()));
        }
        for &set in sets {
            let missing = set.needs().iter().find(|needed| !have.contains(needed));
            let answer = match (mask, missing) {
                (Some(most), _) if !most.allows(set) => Err(format!("left out by {VARIABLE}={}", most.name())),
                (_, Some(missing)) => Err(format!("needs {}", missing.name())),
                _ => of_processor(set),
            };
            match answer {
                Ok(()) => have.push(set),
                Err(why) => unused.push((set.name(), why)),
            }
        }
        let tiles = match mask {
            Some(Most::TilesModel) => Some(TileUnit::Model),
            _ => have.contains(&Set::Amx).then_some(TileUnit::Hardware),
        };
        let (level, lanes) = levels(|set| have.contains(&set));
        let bf16 = have.contains(&Set::Avx512Bf16) || have.contains(&Set::ArmBf16);
        // Every processor of this architecture has it.
        let always = cfg!(target_arch = "aarch64").then_some("neon");
        let used = always.into_iter().chain(have.into_iter().map(Set::name)).collect();
        Self { level, lanes, bf16, tiles, used, unused }
    }

    /// Whose order of sums is the fast one here.
    pub(crate) fn order(&self) -> &'static str {
        match (self.tiles, self.bf16, self.level) {
            (Some(_), ..) => "amx",
            (None, true, _) if cfg!(target_arch = "aarch64") => "bf16 dots of Arm",
            (None, true, _) => "bf16 pairs",
            #[cfg(target_arch = "x86_64")]
            (None, false, Level::Avx512 | Level::Avx2) => "chain of multiply-adds",
            (None, false, Level::Baseline) if cfg!(target_arch = "aarch64") => "multiply-adds",
            (None, false, Level::Baseline) => "baseline",
        }
    }

    /// Of this process.
    #[inline]
    pub(crate) fn here() -> &'static Self {
        static HERE: OnceLock<Features> = OnceLock::new();
        HERE.get_or_init(|| Self::choose(Most::of_environment(), &Set::here(), Set::of_processor))
    }
}

#[cfg(target_arch = "x86_64")]
fn levels(has: impl Fn(Set) -> bool) -> (Level, LanesLevel) {
    let wide = has(Set::Avx512Bf16) && has(Set::Avx512Vnni);
    match (has(Set::Avx512), has(Set::Avx2) && has(Set::Fma), has(Set::F16c)) {
        (true, _, true) if wide => (Level::Avx512, LanesLevel::Native),
        (true, _, true) => (Level::Avx512, LanesLevel::Avx512),
        (true, _, false) => (Level::Avx512, LanesLevel::Baseline),
        (false, true, true) => (Level::Avx2, LanesLevel::Avx2),
        (false, true, false) => (Level::Avx2, LanesLevel::Baseline),
        (false, false, _) => (Level::Baseline, LanesLevel::Baseline),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn levels(has: impl Fn(Set) -> bool) -> (Level, LanesLevel) {
    #[cfg(target_arch = "aarch64")]
    if has(Set::ArmBf16) && has(Set::I8mm) {
        return (Level::Baseline, LanesLevel::Neon);
    }
    let _ = has;
    (Level::Baseline, LanesLevel::Baseline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_others_are_not() {
        for (name, most) in Most::NAMES {
            assert_eq!(Most::named(name), Some(most));
            assert_eq!(most.name(), name);
        }
        assert_eq!(Most::named("AVX2"), None);
        assert_eq!(Most::named(""), None);
    }

    fn chosen(most: &str, has: &[Set]) -> Features {
        let of_processor = |set| if has.contains(&set) { Ok(()) } else { Err(ABSENT.into()) };
        Features::choose(Most::named(most), &Set::here(), of_processor)
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_mask_leaves_out_what_is_above_it_and_says_so() {
        let all = chosen("none at all", &Set::here());
        assert_eq!((all.level, all.lanes, all.bf16), (Level::Avx512, LanesLevel::Native, true));
        assert_eq!((all.tiles, all.unused.len()), (Some(TileUnit::Hardware), 0));
        for (most, level, lanes, bf16, tiles) in [
            ("avx512-bf16", Level::Avx512, LanesLevel::Native, true, None),
            ("tiles-model", Level::Avx512, LanesLevel::Native, true, Some(TileUnit::Model)),
            ("avx512", Level::Avx512, LanesLevel::Avx512, false, None),
            ("avx2", Level::Avx2, LanesLevel::Avx2, false, None),
            ("baseline", Level::Baseline, LanesLevel::Baseline, false, None),
        ] {
            let masked = chosen(most, &Set::here());
            assert_eq!((masked.level, masked.lanes, masked.bf16, masked.tiles), (level, lanes, bf16, tiles), "{most}");
            let why = ("amx", format!("left out by LAM_CPU={most}"));
            assert!(masked.unused.contains(&why), "{most}: {:?}", masked.unused);
        }
    }

    #[cfg(target_arch = "aarch64")]
    #[test]
    fn arm_has_products_of_bf16_with_and_without_those_of_bytes() {
        for (most, has, lanes, bf16, order) in [
            ("none at all", &[Set::ArmBf16, Set::I8mm][..], LanesLevel::Neon, true, "bf16 dots of Arm"),
            ("neon-bf16", &[Set::ArmBf16, Set::I8mm], LanesLevel::Neon, true, "bf16 dots of Arm"),
            ("neon-bf16", &[Set::ArmBf16], LanesLevel::Baseline, true, "bf16 dots of Arm"),
            ("neon-bf16", &[Set::I8mm], LanesLevel::Baseline, false, "multiply-adds"),
            ("neon", &[Set::ArmBf16, Set::I8mm], LanesLevel::Baseline, false, "multiply-adds"),
            ("baseline", &[Set::ArmBf16, Set::I8mm], LanesLevel::Baseline, false, "multiply-adds"),
        ] {
            let features = chosen(most, has);
            assert_eq!((features.lanes, features.bf16, features.order()), (lanes, bf16, order), "{most} {has:?}");
            assert_eq!(features.used.len() + features.unused.len(), 3, "{most} {has:?}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn what_a_processor_lacks_is_left_out_whatever_is_asked_for() {
        let small = chosen("amx", &[Set::Avx2, Set::Fma, Set::F16c, Set::Avx512Bf16]);
        assert_eq!((small.level, small.lanes, small.bf16), (Level::Avx2, LanesLevel::Avx2, false));
        assert!(small.unused.contains(&("avx512f", ABSENT.to_owned())));
        assert!(small.unused.contains(&("avx512bf16", "needs avx512f".to_owned())), "{:?}", small.unused);
        let foreign = chosen("neon", &[Set::Avx2, Set::Fma]);
        assert_eq!(foreign.level, Level::Avx2);
        assert!(foreign.unused[0].1.contains("another kind of processor"), "{:?}", foreign.unused);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn tiles_that_the_system_refuses_are_left_out_with_its_reason() {
        let refuses = |set| if set == Set::Amx { Err("the system refuses them".into()) } else { Ok(()) };
        let features = Features::choose(None, &Set::here(), refuses);
        assert_eq!((features.tiles, features.bf16), (None, true));
        assert_eq!(features.unused, [("amx", "the system refuses them".to_owned())]);
    }
}
