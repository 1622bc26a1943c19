//! What every `#[amp]` function of this program does: its sites, its layer calls, and how often it ran.
//!
//! The macro writes one [`FunctionPlan`] per function, also for generic ones; the linker gathers those of all crates of a
//! program, whether they ever ran or not. What a layer call does depends on the type of the layer, so that is counted when it runs.
use crate::precision::Precision;
use linkme::distributed_slice;
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the macro registers the plans.
#[doc(hidden)]
#[distributed_slice]
pub static PLANS: [&'static FunctionPlan];

/// What one `#[amp]` function does.
#[derive(Debug)]
pub struct FunctionPlan {
    /// Module path and name.
    pub function: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line on which the function begins.
    pub line: u32,
    /// The dtype that the attribute fixes; none where the program or the device decides.
    pub precision: Option<Precision>,
    /// How many sites are low, how many casts there are, and so on, in one line.
    pub headline: &'static str,
    /// The operations that the macro saw, in the order in which they run.
    pub sites: &'static [SitePlan],
    /// The calls whose precision the type of a layer decides.
    pub layers: &'static [LayerPlan],
    #[doc(hidden)]
    pub calls: AtomicU64,
}

impl FunctionPlan {
    /// How often the function, or a closure in it that has a region of its own, has run.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// An object with the fields of the structs here.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let site = |site: &SitePlan| {
            let SitePlan { op, line, class, precision, casts, reason } = site;
            json!({ "op": op, "line": line, "class": class, "precision": precision, "casts": casts, "reason": reason })
        };
        let layer = |layer: &LayerPlan| {
            let Seen { low, full, follow, amp, opaque } = layer.seen();
            let seen = json!({ "low": low, "full": full, "follow": follow, "amp": amp, "opaque": opaque });
            json!({ "call": layer.call, "line": layer.line, "seen": seen })
        };
        json!({
            "function": self.function,
            "file": self.file,
            "line": self.line,
            "precision": self.precision.map(|precision| precision.to_string()),
            "headline": self.headline,
            "calls": self.calls(),
            "sites": self.sites.iter().map(site).collect::<Value>(),
            "layers": self.layers.iter().map(layer).collect::<Value>(),
        })
    }
}

/// What happens to one operation.
#[derive(Debug, Clone, Copy)]
pub struct SitePlan {
    /// The operation as written.
    pub op: &'static str,
    /// Its line.
    pub line: u32,
    /// Its class in the op table, or what overrides it.
    pub class: &'static str,
    /// The precision that it runs in.
    pub precision: &'static str,
    /// Which operands are cast, and to what.
    pub casts: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl SitePlan {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        op: &'static str,
        line: u32,
        class: &'static str,
        precision: &'static str,
        casts: &'static str,
        reason: &'static str,
    ) -> Self {
        Self { op, line, class, precision, casts, reason }
    }
}

/// A call whose precision the type of its layer decides.
#[derive(Debug)]
pub struct LayerPlan {
    /// The method: `apply`, `forward_t`, `seq` and so on.
    pub call: &'static str,
    /// Its line.
    pub line: u32,
    #[doc(hidden)]
    pub seen: LayerSeen,
}

impl LayerPlan {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(call: &'static str, line: u32) -> Self {
        Self { call, line, seen: LayerSeen::new() }
    }

    /// What the layers of this call turned out to be so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let read = |class: LayerClass| self.seen.0[class as usize].load(Ordering::Relaxed);
        Seen {
            low: read(LayerClass::Low),
            full: read(LayerClass::Full),
            follow: read(LayerClass::Follow),
            amp: read(LayerClass::Amp),
            opaque: read(LayerClass::Opaque),
        }
    }
}

/// How often a call met a layer of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Computes in low precision: convolutions, linear and recurrent layers.
    pub low: u64,
    /// Computes in f32: layer and group norms; recurrent layers on CUDA in bf16, which libtorch would compute in f16.
    pub full: u64,
    /// Takes its input as it comes: batch norms, embeddings.
    pub follow: u64,
    /// Entered a region of its own.
    pub amp: u64,
    /// Ran under libtorch's own autocast, which lowers what it knows.
    pub opaque: u64,
}

/// The classes of [`Seen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerClass {
    Low,
    Full,
    Follow,
    Amp,
    Opaque,
}

/// The counts behind [`LayerPlan::seen`].
#[doc(hidden)]
#[derive(Debug)]
pub struct LayerSeen([AtomicU64; 5]);

impl LayerSeen {
    #[allow(clippy::new_without_default, reason = "generated statics need a const")]
    #[must_use]
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 5])
    }

    #[inline]
    pub(crate) fn record(&self, class: LayerClass) {
        self.0[class as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// Every `#[amp]` function of the program, by file and line.
pub fn all() -> impl Iterator<Item = &'static FunctionPlan> {
    let mut plans: Vec<&'static FunctionPlan> = PLANS.iter().copied().collect();
    plans.sort_by_key(|plan| (plan.file, plan.line, plan.function));
    plans.into_iter()
}

/// [`all`] as a text for people: per function its headline, then a line per site and layer call.
#[must_use]
pub fn text() -> String {
    let mut text = String::new();
    for plan in all() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{plan}");
    }
    text
}

/// Its headline, then a line per site and layer call.
impl fmt::Display for FunctionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, file, line, headline, .. } = self;
        write!(f, "{function} ({file}:{line}), ")?;
        match self.precision {
            Some(precision) => write!(f, "{precision}")?,
            None => write!(f, "by device")?,
        }
        write!(f, ", {} calls\n  {headline}", self.calls())?;
        for SitePlan { op, line, class, precision, casts, reason } in self.sites {
            write!(f, "\n  {line:>5}  {op}: {precision} ({class})")?;
            if !casts.is_empty() {
                write!(f, ", casts {casts}")?;
            }
            if !reason.is_empty() {
                write!(f, ": {reason}")?;
            }
        }
        for layer in self.layers {
            let Seen { low, full, follow, amp, opaque } = layer.seen();
            write!(f, "\n  {:>5}  {}: by layer", layer.line, layer.call)?;
            let counts = [("low", low), ("full", full), ("follow", follow), ("amp", amp), ("opaque", opaque)];
            let met: Vec<String> = counts
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(class, count)| format!("{count} {class}"))
                .collect();
            if met.is_empty() {
                write!(f, ", has not run")?;
            } else {
                write!(f, ", ran {}", met.join(", "))?;
            }
        }
        Ok(())
    }
}

/// [`all`] for programs: an array of objects with the fields of the structs here.
#[must_use]
pub fn json() -> Value {
    all().map(FunctionPlan::to_json).collect()
}
