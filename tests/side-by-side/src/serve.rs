//! Our side of a row: a process that trains one model and answers one line of JSON to each request.
//!
//! Requests: `loss` (of the weights that it was given), `steps N` (seconds of each), `casts` (of forward and backward), `peak` (bytes).
use crate::entrant::{Hardware, Numbers, System, Task};
use crate::models::{Inputs, Model, Spec};
use amp_runtime::prelude::*;
use amp_runtime::{
    GraphedLoss, StepOutcome, channels_last, count_ops, empty_cache, keep_freed_memory, peak_memory,
    peak_reserved_memory, reset_peak_memory, variables_to_channels_last,
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Instant;
use tch::{Device, Tensor, nn};

struct Trainer {
    model: Rc<dyn Model>,
    optim: OptimWrapper,
    inputs: Inputs,
    captures: bool,
    graphed: Option<GraphedLoss<Loss>>,
    precision: Precision,
    /// tch's autocast instead of the attribute, which is off then.
    by_tch: bool,
    device: Device,
    /// What the process held before there was a model.
    empty: u64,
}

/// Of a batch in the order of its names.
type Loss = Box<dyn Fn(&[Tensor]) -> Tensor>;

/// Answers until there are no more requests.
pub(crate) fn run(task: &Task) -> Result<()> {
    // As the README has it.
    keep_freed_memory();
    tch::set_num_threads(task.threads);
    let mut trainer = Trainer::new(task)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "ready": "libtorch" }))?;
    for line in std::io::stdin().lines() {
        let answer = trainer.answer(&line?).unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// An ordinary step of training, as a user writes it.
#[amp(train_step)]
fn step(
    model: &dyn Model,
    optim: &mut OptimWrapper,
    inputs: &Inputs,
) -> Result<StepOutcome, OptimWrapperError> {
    let loss = model.loss(inputs);
    loss.backward();
    optim.step()
}

impl Trainer {
    fn new(task: &Task) -> Result<Self> {
        let device = match task.device {
            Hardware::Cpu => Device::Cpu,
            Hardware::Cuda => Device::Cuda(0),
        };
        let _ = reset_peak_memory(device);
        let empty = if device == Device::Cpu { peak_memory(device)? } else { 0 };
        let spec = Spec::find(&task.model)?;
        let store = nn::VarStore::new(device);
        let model = spec.build(&store.root())?;
        let mut tensors: HashMap<String, Tensor> =
            Tensor::read_safetensors(&task.file)?.into_iter().collect();
        for (name, mut variable) in store.variables() {
            let weight = tensors.remove(&format!("weights/{name}"));
            let weight = weight.with_context(|| format!("the file has no weight `{name}`"))?;
            tch::no_grad(|| variable.f_copy_(&weight))?;
        }
        let mut inputs = Inputs::new();
        for (name, tensor) in tensors {
            let Some(name) = name.strip_prefix("inputs/") else { bail!("the model has no `{name}`") };
            let tensor = tensor.to_device(device);
            let tensor = if task.entrant.channels_last { channels_last(&tensor)? } else { tensor };
            inputs.insert(name.to_owned(), tensor);
        }
        if task.entrant.channels_last {
            variables_to_channels_last(&store)?;
        }
        let precision = match task.entrant.numbers {
            Numbers::F32 | Numbers::Tf32 => Precision::Full,
            Numbers::Bf16 => Precision::Bf16,
            Numbers::F16 => Precision::F16,
        };
        let (optimizer, clip) = spec.optimizer();
        let optim = OptimWrapper::builder(optimizer).precision(precision).clip_grad(clip).build(&store)?;
        let by_tch = task.entrant.system == System::TchAutocast;
        let captures = task.entrant.system == System::AmpGraph;
        Ok(Self { model, optim, inputs, captures, graphed: None, precision, by_tch, device, empty })
    }

    fn answer(&mut self, request: &str) -> Result<Value> {
        match request.split_once(' ').unwrap_or((request, "")) {
            ("loss", _) => Ok(json!(f64::try_from(self.loss())?)),
            ("steps", count) => Ok(json!(self.timed_steps(count.parse()?)?)),
            ("casts", _) => {
                // On CUDA a backward runs on libtorch's own thread, which is not counted: the forward's are, on both sides.
                let (outcome, ops) = count_ops(|| {
                    let loss = self.loss();
                    if self.device == Device::Cpu { loss.f_backward() } else { Ok(()) }
                })?;
                outcome?;
                self.optim.zero_grad()?;
                Ok(json!(ops.get("aten::_to_copy").copied().unwrap_or(0)))
            }
            // What a graph computes in is its own, and no tensor's.
            ("peak", _) if self.captures => Ok(json!(peak_reserved_memory(self.device)?)),
            ("peak", _) => Ok(json!(peak_memory(self.device)?.saturating_sub(self.empty))),
            _ => bail!("unknown request `{request}`"),
        }
    }

    fn loss(&self) -> Tensor {
        if self.by_tch {
            with_precision(Precision::Full, || tch::autocast(true, || self.model.loss(&self.inputs)))
        } else {
            with_precision(self.precision, || self.model.loss(&self.inputs))
        }
    }

    fn step(&mut self) -> Result<()> {
        if self.by_tch {
            let loss = self.loss();
            let _ = self.optim.update_params(&loss)?;
        } else if self.captures {
            self.graphed_step()?;
        } else {
            let step = || step(&*self.model, &mut self.optim, &self.inputs);
            let _ = with_precision(self.precision, step)?;
        }
        Ok(())
    }

    /// As a user writes it who captures the loss before the first step.
    fn graphed_step(&mut self) -> Result<()> {
        let batch: Vec<&Tensor> = self.inputs.values().collect();
        let graphed = match &mut self.graphed {
            Some(graphed) => graphed,
            none => {
                let (model, names) =
                    (Rc::clone(&self.model), self.inputs.keys().cloned().collect::<Vec<_>>());
                let loss: Loss = Box::new(move |batch| {
                    model.loss(&names.iter().cloned().zip(batch.iter().map(Tensor::shallow_clone)).collect())
                });
                none.insert(with_precision(self.precision, || self.optim.capture(&batch, loss))?)
            }
        };
        let _ = graphed.update_params(&mut self.optim, &batch)?;
        Ok(())
    }

    /// On a GPU the peak is that of the last turn (a first step tries algorithms, each with memory of its own), and what is
    /// not in use is left to the others.
    fn timed_steps(&mut self, count: u32) -> Result<Vec<f64>> {
        let gpu = self.device != Device::Cpu;
        if gpu {
            reset_peak_memory(self.device)?;
        }
        let seconds = (0..count).map(|_| self.timed_step()).collect();
        if gpu {
            empty_cache(self.device)?;
        }
        seconds
    }

    fn timed_step(&mut self) -> Result<f64> {
        let start = Instant::now();
        self.step()?;
        if let Device::Cuda(index) = self.device {
            tch::Cuda::synchronize(i64::try_from(index)?);
        }
        Ok(start.elapsed().as_secs_f64())
    }
}
