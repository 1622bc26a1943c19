//! A loss whose forward and backward are captured once and replayed for every batch.
use super::error::OptimWrapperError;
use super::outcome::StepOutcome;
use super::step::Scaled;
use super::wrapper::{OptimWrapper, Result};
use crate::native::{self, CudaGraph, Recording, SideStream, TensorList};
use crate::region::Region;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tch::{Device, Kind, Tensor, no_grad};

/// Libraries choose algorithms and make their workspaces in the first ones (`num_warmup_iters` of
/// `torch.cuda.make_graphed_callables`).
const WARM_UPS: usize = 3;

/// A loss whose forward and backward are one CUDA graph: see [`OptimWrapper::capture`].
pub struct GraphedLoss<F> {
    compute: F,
    /// Of the wrapper that captured it.
    optimizer: u64,
    formats: Vec<Format>,
    /// None where there are no graphs.
    captured: Option<Captured>,
    /// Of the batch before.
    loss: Option<Tensor>,
}

/// What an input has to be.
#[derive(Debug, Clone, PartialEq)]
struct Format {
    kind: Kind,
    shape: Vec<i64>,
}

type Compute<'a> = &'a dyn Fn(&[Tensor]) -> Tensor;

/// What a forward and a backward read, and whose gradients they compute.
struct Pass {
    inputs: Vec<Tensor>,
    /// What the loss is differentiated from, 0-dim f32.
    loss_gradient: Tensor,
    params: TensorList,
}

/// A pass whose every replay reads and writes the same memory.
struct Captured {
    graph: CudaGraph,
    pass: Pass,
    loss: Tensor,
    /// Where the parameters lay.
    addresses: Vec<usize>,
    /// One per parameter, undefined where it has none.
    grads: TensorList,
}

impl OptimWrapper {
    /// Captures `loss` and its backward in a CUDA graph, to be replayed by [`GraphedLoss::update_params`] for every batch: one launch
    /// instead of thousands. Where kernels are launched more slowly than the device runs them, which in low precision is often, a step
    /// takes as long as they run. On other devices than CUDA the loss is computed as ever, by the same code.
    ///
    /// `example`: a batch, whose dtypes and shapes all others must have; they are copied to the parameters' device. `loss` gets one in
    /// the same order and gives one element. It runs a few times here, which leaves parameters, the other variables of the store and
    /// random numbers as they were, and not again on CUDA: what it does on the host (counters, prints, a change of precision, of what
    /// is frozen or of training and evaluation) happens now or never. Dropout draws anew in each replay. Scaling, clipping,
    /// accumulation, updates and checkpoints go on as without a graph, since the update is not in it. The graph keeps the memory of one
    /// forward and backward to itself as long as it lives.
    ///
    /// Follows the whole-network capture of PyTorch's notes on CUDA graphs.
    ///
    /// ```
    /// use amp_runtime::prelude::*;
    /// use tch::{Device, Kind, Tensor, nn};
    ///
    /// #[amp]
    /// fn loss(layer: &nn::Linear, xs: &Tensor, ys: &Tensor) -> Tensor {
    ///     xs.apply(layer).cross_entropy_for_logits(ys)
    /// }
    ///
    /// let vs = nn::VarStore::new(Device::cuda_if_available());
    /// let layer = nn::linear(vs.root(), 4, 2, nn::LinearConfig::default());
    /// let mut optim = OptimWrapper::builder(Sgd { lr: 0.1, ..Sgd::default() }).precision(Precision::Bf16).build(&vs)?;
    /// let (xs, ys) = (Tensor::randn([8, 4], (Kind::Float, Device::Cpu)), Tensor::ones([8], (Kind::Int64, Device::Cpu)));
    ///
    /// let mut graphed = with_precision(Precision::Bf16, || optim.capture(&[&xs, &ys], |batch| loss(&layer, &batch[0], &batch[1])))?;
    /// for _ in 0..3 {
    ///     let _ = graphed.update_params(&mut optim, &[&xs, &ys])?;
    ///     println!("{:?}", graphed.loss().map(f64::try_from).transpose()?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An open accumulation window; a loss that cannot be trained on, as for [`update_params`](Self::update_params); and
    /// [`OptimWrapperError::Capture`] where it waits for the device, or panics.
    pub fn capture<F: Fn(&[Tensor]) -> Tensor>(
        &mut self,
        example: &[&Tensor],
        loss: F,
    ) -> Result<GraphedLoss<F>> {
        if let Some(batches) = self.open_batches() {
            return Err(OptimWrapperError::OpenWindow(batches));
        }
        self.refuse_stray_gradients()?;
        let device = self.optimizer.device();
        let pass = Pass {
            inputs: on_device(example, device)?.iter().map(own_copy).collect::<Result<_>>()?,
            loss_gradient: Tensor::f_ones([] as [i64; 0], (Kind::Float, device))?,
            params: self.optimizer.parameters()?,
        };
        // Casts from outside would be used in each replay, and those that were only recorded must not get out.
        let _outside = Region::suspend();
        native::drop_casts();
        let captured = if let Device::Cuda(_) = device {
            let _side = SideStream::enter(device)?;
            self.warm_up(&pass, &loss, WARM_UPS).and_then(|()| self.record(pass, &loss)).map(Some)
        } else {
            self.warm_up(&pass, &loss, 1).map(|()| None)
        };
        native::drop_casts();
        Ok(GraphedLoss {
            compute: loss,
            optimizer: self.optimizer.serial(),
            formats: example.iter().map(|input| Format::of(input)).collect(),
            captured: captured?,
            loss: None,
        })
    }

    /// Forwards and backwards that leave nothing behind.
    fn warm_up(&self, pass: &Pass, compute: Compute<'_>, times: usize) -> Result<()> {
        let trace = Trace::of(self)?;
        let warm = (0..times).try_for_each(|_| {
            let ran = self.forward_backward(pass, compute);
            native::clear_gradients(&pass.params)?;
            ran.map(drop)
        });
        trace.erase()?;
        warm
    }

    fn record(&self, pass: Pass, compute: Compute<'_>) -> Result<Captured> {
        let recording = Recording::begin()?;
        let run = || self.forward_backward(&pass, compute);
        let loss = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(refused(&*panic)));
        // Where an operation was refused, ending fails as well, and says less.
        let ended = recording.end();
        let grads = native::take_gradients(&pass.params)?;
        let (loss, graph) = (loss.map_err(refusal)?, ended.map_err(refusal)?);
        Ok(Captured { graph, loss, addresses: native::addresses(&pass.params), grads, pass })
    }

    /// The loss, whose gradients are left with the parameters.
    fn forward_backward(&self, pass: &Pass, compute: Compute<'_>) -> Result<Tensor> {
        let loss = compute(&pass.inputs);
        let wide = self.widened(&loss)?;
        native::drop_casts();
        let gradient = pass.loss_gradient.f_to_device_(wide.device(), wide.kind(), false, false)?;
        native::backward(&wide, &gradient)?;
        Ok(loss.f_detach()?)
    }
}

impl<F: Fn(&[Tensor]) -> Tensor> GraphedLoss<F> {
    /// Takes one batch all the way, as [`OptimWrapper::update_params`] does with a loss: forward, backward, and once its accumulation
    /// window is complete, the update.
    ///
    /// # Errors
    /// A batch of another format, another wrapper than captured it, parameters that have moved since, and those of
    /// [`OptimWrapper::update_params`].
    pub fn update_params(&mut self, optim: &mut OptimWrapper, inputs: &[&Tensor]) -> Result<StepOutcome> {
        let scaled = self.backward(optim, inputs)?;
        if scaled.should_update() { scaled.unscale()?.step() } else { Ok(scaled.accumulate()) }
    }

    /// Computes the loss of one batch and its gradients, as [`OptimWrapper::backward`] does those of a loss.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params).
    pub fn backward<'a>(&mut self, optim: &'a mut OptimWrapper, inputs: &[&Tensor]) -> Result<Scaled<'a>> {
        if self.optimizer != optim.optimizer.serial() {
            return Err(OptimWrapperError::GraphedElsewhere("another wrapper's parameters"));
        }
        self.check(inputs)?;
        let Some(captured) = &self.captured else {
            let loss = (self.compute)(&on_device(inputs, optim.optimizer.device())?);
            self.loss = Some(loss.f_detach()?);
            return optim.backward(&loss);
        };
        if captured.addresses != native::addresses(&captured.pass.params) {
            return Err(OptimWrapperError::GraphedElsewhere("parameters as they lay before they were moved"));
        }
        optim.begin_batch()?;
        optim.add_batch(|optim, factor| captured.replay(optim, inputs, factor))?;
        // The next replay writes over its own.
        self.loss = Some(captured.loss.f_detach_copy()?);
        Ok(Scaled { wrapper: optim })
    }

    /// The loss of the last batch, without a graph; none before the first.
    pub fn loss(&self) -> Option<&Tensor> {
        self.loss.as_ref()
    }

    fn check(&self, inputs: &[&Tensor]) -> Result<()> {
        if inputs.len() != self.formats.len() {
            let (found, expected) = (inputs.len(), self.formats.len());
            return Err(OptimWrapperError::GraphedInputs { found, expected });
        }
        for (index, (input, expected)) in inputs.iter().zip(&self.formats).enumerate() {
            let found = Format::of(input);
            if found != *expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(OptimWrapperError::GraphedInput { index, found, expected });
            }
        }
        Ok(())
    }
}

impl Captured {
    fn replay(&self, optim: &mut OptimWrapper, inputs: &[&Tensor], factor: u32) -> Result<()> {
        let Pass { inputs: read, loss_gradient, params } = &self.pass;
        let device = loss_gradient.device();
        no_grad(|| -> Result<()> {
            for (target, input) in read.iter().zip(on_device(inputs, device)?) {
                target.shallow_clone().f_copy_(&input)?;
            }
            let scaled = optim.loss_gradient(device, Kind::Float, factor)?;
            Ok(loss_gradient.shallow_clone().f_copy_(&scaled)?)
        })?;
        native::keep_gradients(params, &self.grads)?;
        self.graph.replay()?;
        Ok(native::add_gradients(params, &self.grads)?)
    }
}

impl Format {
    fn of(input: &Tensor) -> Self {
        Self { kind: input.kind(), shape: input.size() }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.kind, self.shape)
    }
}

/// What forwards change besides the parameters: running statistics, and the random numbers that they draw.
struct Trace {
    /// With their values.
    buffers: Vec<(Tensor, Tensor)>,
    generators: Vec<(Device, Tensor)>,
}

impl Trace {
    fn of(optim: &OptimWrapper) -> Result<Self> {
        let with_values = |buffer: Tensor| buffer.f_detach_copy().map(|values| (buffer, values));
        let buffers = optim.optimizer.buffers().into_iter().map(with_values);
        let devices = [Device::Cpu, optim.optimizer.device()].into_iter();
        let generators = devices.map(|device| Ok((device, native::generator_state(device)?)));
        Ok(Self {
            buffers: buffers.collect::<std::result::Result<_, _>>()?,
            generators: generators.collect::<Result<_>>()?,
        })
    }

    fn erase(self) -> Result<()> {
        no_grad(|| self.buffers.into_iter().try_for_each(|(mut buffer, values)| buffer.f_copy_(&values)))?;
        let mut generators = self.generators.iter();
        Ok(generators.try_for_each(|(device, state)| native::set_generator_state(*device, state))?)
    }
}

fn on_device(tensors: &[&Tensor], device: Device) -> Result<Vec<Tensor>> {
    let moved = tensors.iter().map(|tensor| tensor.f_to_device_(device, tensor.kind(), true, false));
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

fn refusal(error: impl fmt::Display) -> OptimWrapperError {
    OptimWrapperError::Capture(error.to_string())
}

/// How tch's own methods say that libtorch refused: without the C++ stack, which has its line breaks written out.
fn refused(panic: &(dyn Any + Send)) -> OptimWrapperError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    OptimWrapperError::Capture(text.split("\\nException raised from").next().unwrap_or(text).to_owned())
}
