//! A loss that is captured once and replayed for every batch, as users see it.
use super::capture::{Captured, Pass, on_device};
use super::error::OptimWrapperError;
use super::outcome::StepOutcome;
use super::step::Scaled;
use super::wrapper::{OptimWrapper, Result};
use std::fmt;
use tch::{Kind, Tensor};

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

impl OptimWrapper {
    /// Captures `loss` and its backward in a CUDA graph, to be replayed by [`GraphedLoss::update_params`] for every batch: one launch
    /// instead of thousands. Where kernels are launched more slowly than the device runs them, which in low precision is often, a step
    /// takes as long as they run. On other devices than CUDA the loss is computed as ever, by the same code.
    ///
    /// `example`: a batch, whose dtypes and shapes all others must have; they are copied to the parameters' device. `loss` gets one in
    /// the same order and gives one element. It runs a few times here, which leaves parameters, the other variables of the store and
    /// random numbers as they were (but for dropout in cuDNN's recurrent layers), and not again on CUDA: what it does on the host (counters, prints, a change of precision, of what
    /// is frozen or of training and evaluation) happens now or never. What else is wanted of a batch, it copies, detached, into tensors that
    /// live outside. Dropout draws anew in each replay. Only this wrapper's parameters get gradients. Scaling, clipping, accumulation,
    /// updates and checkpoints go on as without a graph, since the update is not in it. The graph keeps the memory of one forward and
    /// backward to itself as long as it lives.
    ///
    /// Nobody has run this on a GPU yet: its tests for one (`graphed` in the bundle of `cargo xtask bundle`) ran on a CPU only.
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
    /// An open accumulation window, gradients from elsewhere, a loss that cannot be trained on, as for
    /// [`update_params`](Self::update_params); and [`OptimWrapperError::Capture`] where it waits for the device, or panics.
    pub fn capture<F: Fn(&[Tensor]) -> Tensor>(
        &mut self,
        example: &[&Tensor],
        loss: F,
    ) -> Result<GraphedLoss<F>> {
        if let Some(batches) = self.open_batches() {
            return Err(OptimWrapperError::OpenWindow(batches));
        }
        let pass = Pass::new(self, example)?;
        self.refuse_stray_gradients()?;
        Ok(GraphedLoss {
            captured: pass.capture(self, &loss)?,
            compute: loss,
            optimizer: self.optimizer.serial(),
            formats: example.iter().map(|input| Format::of(input)).collect(),
            loss: None,
        })
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
        if let Some(captured) = &self.captured {
            if !captured.is_in_place() {
                return Err(OptimWrapperError::GraphedElsewhere(
                    "variables as they lay before they were moved",
                ));
            }
            optim.begin_batch()?;
            optim.add_batch(|optim, factor| captured.replay(optim, inputs, factor))?;
            // The next replay writes over its own.
            self.loss = Some(captured.loss.f_detach_copy()?);
        } else {
            let loss = (self.compute)(&on_device(inputs, optim.optimizer.device())?);
            let params = optim.optimizer.parameters()?;
            optim.differentiate_for(&loss, &params)?;
            self.loss = Some(loss.f_detach()?);
        }
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
