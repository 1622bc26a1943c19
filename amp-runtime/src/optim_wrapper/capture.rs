//! Forward and backward of a loss as work that can be replayed: warmed up, recorded, and given another batch.
use super::backward::backward;
use super::error::OptimWrapperError;
use super::wrapper::{OptimWrapper, Result};
use crate::native::{self, CudaGraph, Recording, SideStream, SpareGenerator, TensorList};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, TryLockError};
use tch::{Device, Kind, Tensor, no_grad};

/// Libraries choose algorithms and make their workspaces in the first ones (`num_warmup_iters` of
/// `torch.cuda.make_graphed_callables`).
const WARM_UPS: usize = 3;

/// A process records one graph at a time.
static RECORDING: Mutex<()> = Mutex::new(());

/// A loss of a batch.
pub(super) type Compute<'a> = &'a dyn Fn(&[Tensor]) -> Tensor;

/// What a forward and a backward read, and whose gradients they compute.
pub(super) struct Pass {
    pub(super) inputs: Vec<Tensor>,
    /// What the loss is differentiated from, 0-dim f32.
    loss_gradient: Tensor,
    pub(super) params: TensorList,
    /// The other variables of the store.
    buffers: TensorList,
    /// Where all of them lay.
    places: Vec<usize>,
}

/// A pass whose every replay reads and writes the same memory.
pub(super) struct Captured {
    graph: CudaGraph,
    pub(super) loss: Tensor,
    /// What the graph reads and libtorch may let go of.
    _states: TensorList,
    /// One per parameter, undefined where it has none.
    grads: TensorList,
}

impl Pass {
    pub(super) fn new(optim: &mut OptimWrapper, example: &[&Tensor]) -> Result<Self> {
        let device = optim.optimizer.device();
        let (params, buffers) = (optim.optimizer.parameters()?, optim.optimizer.buffers());
        Ok(Self {
            inputs: on_device(example, device)?.iter().map(own_copy).collect::<Result<_>>()?,
            loss_gradient: Tensor::f_ones([] as [i64; 0], (Kind::Float, device))?,
            places: places(&params, &buffers)?,
            params,
            buffers,
        })
    }

    /// Refuses variables that are not those of the capture, or not where they were.
    pub(super) fn check_variables(&self, optim: &mut OptimWrapper) -> Result<()> {
        let now = places(&optim.optimizer.parameters()?, &self.buffers)?;
        if now == self.places { Ok(()) } else { Err(OptimWrapperError::GraphedOtherVariables) }
    }

    /// Forward and backward, as often as it takes until nothing is done for the first time; then once more into a graph, where there
    /// are graphs. Parameters, buffers and random numbers are what they were.
    pub(super) fn capture(&self, optim: &OptimWrapper, compute: Compute<'_>) -> Result<Option<Captured>> {
        let device = self.loss_gradient.device();
        let numbers = native::generator_state(Device::Cpu)?;
        native::forget_accumulators(&self.params)?;
        let captured = if let Device::Cuda(_) = device {
            let one = RECORDING.try_lock();
            if let Err(TryLockError::WouldBlock) = one {
                return Err(OptimWrapperError::CaptureUnderWay);
            }
            let _side = SideStream::enter(device)?;
            self.warm_up(optim, compute, WARM_UPS).and_then(|()| self.record(optim, compute)).map(Some)
        } else {
            self.warm_up(optim, compute, 1).map(|()| None)
        };
        native::set_generator_state(Device::Cpu, &numbers)?;
        captured
    }

    fn warm_up(&self, optim: &OptimWrapper, compute: Compute<'_>, times: usize) -> Result<()> {
        let device = self.loss_gradient.device();
        let _numbers = if let Device::Cuda(_) = device { Some(SpareGenerator::enter(device)?) } else { None };
        let before = (0..self.buffers.len()).map(|at| own_copy(&self.buffers.get(at)?));
        let before: TensorList = before.collect::<Result<Vec<_>>>()?.iter().collect();
        let warm = (0..times).try_for_each(|_| {
            let ran = self.run(optim, compute);
            native::clear_gradients(&self.params)?;
            ran.map(drop)
        });
        native::restore(&self.buffers, &before)?;
        warm
    }

    fn record(&self, optim: &OptimWrapper, compute: Compute<'_>) -> Result<Captured> {
        let recording = Recording::begin()?;
        let loss = self.run(optim, compute);
        // Where an operation was refused, ending fails as well, and says less.
        let ended = recording.end();
        // What was cast in there was never computed.
        native::drop_casts();
        let grads = native::take_gradients(&self.params)?;
        let refusal = |error: OptimWrapperError| match error {
            OptimWrapperError::LossPanicked(said) => OptimWrapperError::Capture(said),
            other => OptimWrapperError::Capture(other.to_string()),
        };
        let (loss, states) = loss.map_err(refusal)?;
        let graph = ended.map_err(|error| refusal(error.into()))?;
        Ok(Captured { graph, loss, _states: states, grads })
    }

    /// The loss, whose gradients are left with the parameters, and what else a replay needs. tch's own methods panic where libtorch
    /// refuses.
    fn run(&self, optim: &OptimWrapper, compute: Compute<'_>) -> Result<(Tensor, TensorList)> {
        native::drop_casts();
        let computed = catch_unwind(AssertUnwindSafe(|| compute(&self.inputs)));
        let loss = computed.map_err(|panic| OptimWrapperError::LossPanicked(said(&*panic)))?;
        let wide = optim.widened(&loss)?;
        if native::reaches_back(&wide)? {
            return Err(OptimWrapperError::ComputedBeforeCapture);
        }
        let states = native::hidden_states(&wide)?;
        let gradient = self.loss_gradient.f_to_device_(wide.device(), wide.kind(), false, false)?;
        backward(&wide, &gradient, Some(&self.params))?;
        Ok((loss.f_detach()?, states))
    }
}

impl Captured {
    /// Adds one batch's gradients to the parameters': those of its loss divided by `factor`, times the scale.
    pub(super) fn replay(
        &self,
        pass: &Pass,
        optim: &mut OptimWrapper,
        inputs: &[&Tensor],
        factor: u32,
    ) -> Result<()> {
        native::keep_gradients(&pass.params, &self.grads)?;
        no_grad(|| -> Result<()> {
            for (target, input) in pass.inputs.iter().zip(inputs) {
                target.shallow_clone().f_copy_(input)?;
            }
            let scaled = optim.loss_gradient(pass.loss_gradient.device(), Kind::Float, factor)?;
            Ok(pass.loss_gradient.shallow_clone().f_copy_(&scaled)?)
        })?;
        self.graph.replay()?;
        Ok(native::add_gradients(&pass.params, &self.grads)?)
    }
}

fn places(params: &TensorList, buffers: &TensorList) -> Result<Vec<usize>> {
    let mut places = native::places(params)?;
    places.extend(native::places(buffers)?);
    Ok(places)
}

pub(super) fn on_device(tensors: &[&Tensor], device: Device) -> Result<Vec<Tensor>> {
    let moved = tensors.iter().map(|tensor| tensor.f_to_device(device));
    Ok(moved.collect::<std::result::Result<_, _>>()?)
}

/// In the same layout.
fn own_copy(tensor: &Tensor) -> Result<Tensor> {
    no_grad(|| {
        let mut copy = tensor.f_zeros_like()?;
        copy.f_copy_(tensor)?;
        Ok(copy)
    })
}

/// What a panic said; of libtorch's errors without the C++ stack, whose line breaks are written out there.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    text.split("\\nException raised from").next().unwrap_or(text).to_owned()
}
