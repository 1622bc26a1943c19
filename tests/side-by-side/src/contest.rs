//! A row: everyone has the same weights, the same batch and the same threads, and they take turns.
use crate::entrant::{Entrant, Hardware, Numbers, System, Task};
use crate::models::Spec;
use crate::process::{Process, Python};
use crate::results::{Absent, Measured, Row};
use anyhow::{Result, anyhow, bail};
use std::path::Path;
use tch::{Device, Tensor, nn};

/// How it is measured.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) device: Hardware,
    pub(crate) threads: i32,
    pub(crate) rounds: usize,
    pub(crate) keep_memory: bool,
    /// Bytes; none on a CPU.
    pub(crate) gpu_memory: Option<u64>,
    pub(crate) python: Python,
}

/// A turn is about so long, and has at least one step that is counted.
const TURN_SECONDS: f64 = 0.3;
const MOST_STEPS: usize = 50;
/// Whoever needs longer for a step on a CPU is measured once, and is no part of the turns.
const SLOW_SECONDS: f64 = 8.;
/// How much more memory a start may take than the first one's step did: graphs are captured beside what the forward left.
const ROOM: u64 = 2;

struct Contestant {
    process: Process,
    entrant: Entrant,
    loss: f64,
    /// In a turn.
    steps: usize,
    seconds: Vec<f64>,
}

/// Measures a model at a batch size; `say` hears what is going on. The version of Python's torch comes with the row.
pub(crate) fn row(
    spec: Spec,
    batch: i64,
    entrants: &[Entrant],
    rules: &Rules,
    mut say: impl FnMut(&str),
) -> Result<(Row, Option<String>)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("row.safetensors");
    let parameters = write(spec, batch, &file)?;
    let (mut contestants, mut absent, mut torch) = (Vec::new(), Vec::new(), None);
    let task = |entrant| Task {
        entrant,
        model: spec.name.to_owned(),
        file: file.clone(),
        device: rules.device,
        threads: rules.threads,
    };
    let mut waiting = entrants;
    while !waiting.is_empty() {
        let at_once = contestants.last_mut().map_or(1, |one| starts_at_once(one, rules));
        let (entrants, later) = waiting.split_at(at_once.min(waiting.len()));
        waiting = later;
        let labels: Vec<String> = entrants.iter().map(|entrant| entrant.label()).collect();
        say(&format!("{} batch {batch}: starting {}", spec.name, labels.join(", ")));
        let start = |entrant| Contestant::start(&task(entrant), rules);
        let started: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                entrants.iter().map(|&entrant| (entrant, scope.spawn(move || start(entrant)))).collect();
            let joined = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("starting it panicked")))
            };
            threads.into_iter().map(|(entrant, thread)| (entrant, joined(thread))).collect()
        });
        for (entrant, started) in started {
            match started {
                Ok((contestant, version)) => {
                    contestants.push(contestant);
                    torch = torch.or(version);
                }
                Err(error) => absent.push(Absent { entrant, reason: format!("{error:#}") }),
            }
        }
    }
    contestants = sort_out(contestants, &mut absent, |one| one.pace(rules.device));
    for round in 0..rules.rounds {
        say(&format!("{} batch {batch}: round {} of {}", spec.name, round + 1, rules.rounds));
        // Whoever comes after somebody finds other caches than who comes before.
        let backwards = round % 2 == 1;
        if backwards {
            contestants.reverse();
        }
        contestants = sort_out(contestants, &mut absent, Contestant::turn);
        if backwards {
            contestants.reverse();
        }
    }
    let measured = sort_out(contestants, &mut absent, Contestant::finish);
    same_model(spec, &measured)?;
    let (unit, items) = spec.unit;
    let row = Row {
        model: spec.name.to_owned(),
        batch,
        unit: unit.to_owned(),
        per_step: batch * items,
        parameters,
        measured,
        absent,
        remark: None,
    };
    Ok((row, torch))
}

/// On a CPU they start one after the other, since they would slow each other down; on a GPU as many as have memory for a first
/// step, because cuDNN takes other kernels, for good, where it is short.
fn starts_at_once(started: &mut Contestant, rules: &Rules) -> usize {
    let (Some(memory), Ok(peak)) = (rules.gpu_memory, started.process.ask("peak")) else { return 1 };
    fit(memory, peak.as_u64().unwrap_or(u64::MAX))
}

/// How many can have `ROOM` times this peak; one can always try.
fn fit(memory: u64, peak: u64) -> usize {
    usize::try_from(memory / peak.max(1).saturating_mul(ROOM)).unwrap_or(usize::MAX).max(1)
}

/// What `each` makes of those who get through it; who dies in the middle is absent with the reason, and the others go on.
fn sort_out<R>(
    contestants: Vec<Contestant>,
    absent: &mut Vec<Absent>,
    each: impl Fn(Contestant) -> Result<R>,
) -> Vec<R> {
    let mut through = Vec::new();
    for contestant in contestants {
        let entrant = contestant.entrant;
        match each(contestant) {
            Ok(result) => through.push(result),
            Err(error) => absent.push(Absent { entrant, reason: format!("{error:#}") }),
        }
    }
    through
}

/// What is compared must be the same thing: both sides begin with the same loss in f32.
fn same_model(spec: Spec, measured: &[Measured]) -> Result<()> {
    let loss = |system| {
        let entrants = measured.iter().filter(|one| one.entrant.numbers == Numbers::F32);
        entrants.filter(|one| one.entrant.system == system).map(|one| one.loss).next()
    };
    match (loss(System::Amp), loss(System::Pytorch)) {
        (Some(ours), Some(theirs)) if (ours - theirs).abs() > 1e-4 * ours.abs() => {
            bail!(
                "{} begins with a loss of {ours} here and of {theirs} in PyTorch: these are two models",
                spec.name
            )
        }
        _ => Ok(()),
    }
}

/// Random weights and a random batch, the same in every run; how many parameters there are.
fn write(spec: Spec, batch: i64, file: &Path) -> Result<i64> {
    tch::manual_seed(0);
    let store = nn::VarStore::new(Device::Cpu);
    let _model = spec.build(&store.root())?;
    let weights = store.variables().into_iter().map(|(name, weight)| (format!("weights/{name}"), weight));
    let inputs = spec.inputs(batch)?.into_iter().map(|(name, input)| (format!("inputs/{name}"), input));
    let tensors: Vec<(String, Tensor)> =
        weights.chain(inputs).map(|(name, tensor)| (name, tensor.detach().contiguous())).collect();
    Tensor::write_safetensors(&tensors, file)?;
    Ok(store.trainable_variables().iter().map(|weight| i64::try_from(weight.numel()).unwrap_or(0)).sum())
}

impl Contestant {
    /// With one step behind it, which is much slower than all others. Python says its version.
    fn start(task: &Task, rules: &Rules) -> Result<(Self, Option<String>)> {
        let (mut process, version) = Process::start(task, &rules.python, rules.keep_memory)?;
        let loss = process.ask("loss")?.as_f64().unwrap_or(f64::NAN);
        let seconds = process.steps(1)?;
        let contestant = Self { process, entrant: task.entrant, loss, steps: 0, seconds };
        Ok((contestant, task.entrant.is_python().then_some(version)))
    }

    /// How long a turn is, from the second of two more steps.
    fn pace(mut self, device: Hardware) -> Result<Self> {
        let is_slow = |seconds| device == Hardware::Cpu && seconds > SLOW_SECONDS;
        if !is_slow(self.seconds[0]) || self.entrant.is_compiled() {
            self.seconds = self.process.steps(2)?.split_off(1);
        }
        if !is_slow(self.seconds[0]) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small positive number
            let steps = (TURN_SECONDS / self.seconds[0]).ceil() as usize;
            self.steps = steps.clamp(1, MOST_STEPS);
            self.seconds.clear();
        }
        Ok(self)
    }

    /// The first step is not counted: others have just had the caches and the cores.
    fn turn(mut self) -> Result<Self> {
        if self.steps > 0 {
            self.seconds.extend(self.process.steps(self.steps + 1)?.split_off(1));
        }
        Ok(self)
    }

    fn finish(mut self) -> Result<Measured> {
        let peak_bytes = self.process.ask("peak")?.as_u64();
        let casts = if self.entrant.is_compiled() { None } else { self.process.ask("casts")?.as_u64() };
        self.seconds.sort_by(f64::total_cmp);
        let at = |quarter: usize| self.seconds[(self.seconds.len() - 1) * quarter / 4];
        Ok(Measured {
            entrant: self.entrant,
            seconds: at(2),
            quartiles: [at(1), at(3)],
            steps: self.seconds.len(),
            peak_bytes,
            casts,
            loss: self.loss,
        })
    }
}

#[cfg(test)]
mod checks {
    /// RetinaNet-R50 on a GPU of 139 GiB: at batch 8 in f32 each is alone, at batch 2 all thirteen start together.
    #[test]
    fn as_many_start_as_have_memory() {
        let memory = 139 << 30;
        assert_eq!(super::fit(memory, 52_522_489_856), 1);
        assert!(super::fit(memory, 4_791_000_000) >= 13);
        assert_eq!((super::fit(memory, u64::MAX), super::fit(memory, 0) > 1000), (1, true));
    }
}
