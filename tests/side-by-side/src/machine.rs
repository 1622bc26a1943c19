//! On what and with what it was measured.
use crate::entrant::Hardware;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) device: Hardware,
    /// The processor's or the GPU's name.
    pub(crate) name: String,
    /// The processor's instructions for low precision.
    pub(crate) low_precision: Vec<String>,
    pub(crate) threads: i32,
    pub(crate) system: String,
    pub(crate) amp: String,
    /// libtorch here, torch there.
    pub(crate) libtorch: String,
    pub(crate) torch: Option<String>,
    pub(crate) rounds: usize,
    /// Freed memory stays with the process.
    pub(crate) keeps_memory: bool,
}

/// Those that change what bf16 and f16 cost.
const INSTRUCTIONS: [&str; 6] = ["avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_fp16"];

impl Machine {
    pub(crate) fn look(device: Hardware, threads: i32, rounds: usize, keeps_memory: bool) -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpu.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
        };
        let flags = field("flags");
        let has = |name: &&&str| flags.split(' ').any(|flag| flag == **name);
        let name = match device {
            Hardware::Cpu => field("model name"),
            Hardware::Cuda => gpu_name().unwrap_or_else(|| "a CUDA GPU".to_owned()),
        };
        Self {
            date: jiff::ZonedDateTime::now().date().to_string(),
            device,
            name: if name.is_empty() { std::env::consts::ARCH.to_owned() } else { name },
            low_precision: INSTRUCTIONS.iter().filter(has).map(|name| (*name).to_owned()).collect(),
            threads,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            amp: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: "2.11".to_owned(),
            torch: None,
            rounds,
            keeps_memory,
        }
    }
}

impl Machine {
    /// The name of what is recorded of it.
    pub(crate) fn key(&self) -> &'static str {
        match (self.device, self.keeps_memory) {
            (Hardware::Cpu, false) => "cpu",
            (Hardware::Cpu, true) => "cpu-kept-memory",
            (Hardware::Cuda, false) => "cuda",
            (Hardware::Cuda, true) => "cuda-kept-memory",
        }
    }

    /// All of it in one line.
    pub(crate) fn line(&self) -> String {
        let Self { name, threads, system, amp, libtorch, date, rounds, .. } = self;
        let memory = if self.keeps_memory { "; freed memory is kept" } else { "" };
        let torch = self.torch.as_deref().unwrap_or("none");
        let low = if self.device == Hardware::Cuda || self.low_precision.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.low_precision.join(", "))
        };
        format!(
            "{name}{low}, {threads} threads, {system}; amp {amp}, libtorch {libtorch}, torch {torch}; {date}, {rounds} rounds{memory}"
        )
    }
}

fn gpu_name() -> Option<String> {
    Some(ask_driver("name,driver_version")?.replace(", ", ", driver "))
}

/// All that the GPU has, in bytes.
pub(crate) fn gpu_memory() -> Option<u64> {
    ask_driver("memory.total")?.parse::<u64>().ok().map(|mib| mib << 20)
}

/// Of the driver's own tool: through tch libtorch does not say.
fn ask_driver(what: &str) -> Option<String> {
    let query = format!("--query-gpu={what}");
    let arguments = [&query, "--format=csv,noheader,nounits", "--id=0"];
    let output = std::process::Command::new("nvidia-smi").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}
