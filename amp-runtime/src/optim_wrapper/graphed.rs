//! A loss that is captured once and replayed for every batch, as users see it.
use super::capture::{Captured, Pass, on_device};
use super::error::OptimWrapperError;
use super::outcome::StepOutcome;
use super::step::Scaled;
use super::wrapper::{OptimWrapper, Result};
use crate::region::Around;
use std::fmt;
use tch::{Kind, Tensor};

/// A loss whose forward and backward are one CUDA graph: see [`OptimWrapper::capture`].
///
/// To keep one in a struct, box the closure: `GraphedLoss<Box<dyn Fn(&[Tensor]) -> Tensor>>`. It stays on its thread.
#[must_use = "a capture trains nothing yet: call `update_params` for each batch"]
pub struct GraphedLoss<F> {
    compute: F,
    /// What held around the capture.
    around: Around,
    pass: Pass,
    /// Of the wrapper that captured it.
    optimizer: u64,
    /// None where there are no graphs.
    captured: Option<Captured>,
    /// Of the batch before.
    loss: Option<Tensor>,
}

/// What an input has to be.
#[derive(Debug, PartialEq)]
struct Format {
    kind: Kind,
    shape: Vec<i64>,
}

impl OptimWrapper {
    /// Captures `loss` and its backward in a CUDA graph, which [`GraphedLoss::update_params`] replays for every batch: one launch for
    /// all of their kernels. It is for steps in which launching kernels takes longer than running them. On other devices than CUDA the
    /// same code computes the loss without a graph.
    ///
    /// `example` is a batch, in whose dtypes and shapes all others have to be. Batches are copied to the parameters' device; from the
    /// CPU to a GPU the host waits for that. `loss` gets them in the same order, to read, and gives a tensor of one element. It runs a
    /// few times here. Parameters, the other variables of the store and random numbers are afterwards what they were, but for the
    /// dropout of cuDNN's recurrent layers.
    ///
    /// On CUDA `loss` does not run again. What it does on the host (counters, prints) does not happen in a replay, and what was decided
    /// there stays: the precision, what is frozen, training or evaluation. Dropout draws anew in each replay. Other results than the
    /// loss are copied, detached, into tensors that live outside. Only this wrapper's parameters get gradients, in memory that the next
    /// replay writes to: copy what is to be kept of them.
    ///
    /// The update is not in the graph: scaling, clipping, accumulation, schedules and checkpoints work as without one. The graph holds
    /// the memory of one forward and backward as long as it lives.
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
    /// [`OpenWindow`](OptimWrapperError::OpenWindow), [`StrayGradient`](OptimWrapperError::StrayGradient), a loss that cannot be trained on
    /// as for [`update_params`](Self::update_params), [`LossPanicked`](OptimWrapperError::LossPanicked),
    /// [`ComputedBeforeCapture`](OptimWrapperError::ComputedBeforeCapture), [`CaptureUnderWay`](OptimWrapperError::CaptureUnderWay); and
    /// [`Capture`](OptimWrapperError::Capture) where it waits for the device.
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
            around: Around::now(self.optimizer.device()),
            pass,
            optimizer: self.optimizer.serial(),
            loss: None,
        })
    }
}

impl<F: Fn(&[Tensor]) -> Tensor> GraphedLoss<F> {
    /// Takes one batch all the way, as [`OptimWrapper::update_params`] does with a loss: forward, backward, and once its accumulation
    /// window is complete, the update.
    ///
    /// # Errors
    /// A batch of another format, another wrapper than captured it, variables that have moved, were frozen or added since, and those of
    /// [`OptimWrapper::update_params`].
    pub fn update_params(&mut self, optim: &mut OptimWrapper, inputs: &[&Tensor]) -> Result<StepOutcome> {
        self.backward(optim, inputs)?.finish()
    }

    /// Computes the loss of one batch and its gradients, as [`OptimWrapper::backward`] does those of a loss.
    ///
    /// # Errors
    /// As [`update_params`](Self::update_params).
    pub fn backward<'a>(&mut self, optim: &'a mut OptimWrapper, inputs: &[&Tensor]) -> Result<Scaled<'a>> {
        if self.optimizer != optim.optimizer.serial() {
            return Err(OptimWrapperError::GraphedOtherWrapper);
        }
        self.check(inputs)?;
        self.pass.check_variables(optim)?;
        optim.begin_batch()?;
        if let Some(captured) = &self.captured {
            optim.add_batch(|optim, factor| captured.replay(&self.pass, optim, inputs, factor))?;
            // The next replay writes over its own.
            self.loss = Some(captured.loss.f_detach_copy()?);
        } else {
            let inputs = on_device(inputs, optim.optimizer.device())?;
            let loss = self.around.call(|| (self.compute)(&inputs));
            optim.differentiate_for(&loss, Some(&self.pass.params))?;
            self.loss = Some(loss.f_detach()?);
        }
        Ok(Scaled { wrapper: optim })
    }

    /// The loss of the last batch, without a graph; none before the first.
    pub fn loss(&self) -> Option<&Tensor> {
        self.loss.as_ref()
    }

    fn check(&self, inputs: &[&Tensor]) -> Result<()> {
        let (found, expected) = (inputs.len(), self.pass.inputs.len());
        if found != expected {
            return Err(OptimWrapperError::GraphedInputs { found, expected });
        }
        for (index, (input, example)) in inputs.iter().zip(&self.pass.inputs).enumerate() {
            let (found, expected) = (Format::of(input), Format::of(example));
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(OptimWrapperError::GraphedInput { index, found, expected });
            }
        }
        Ok(())
    }
}

impl<F> fmt::Debug for GraphedLoss<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphedLoss")
            .field("inputs", &self.pass.inputs.iter().map(Format::of).collect::<Vec<_>>())
            .field("captured", &self.captured.is_some())
            .finish_non_exhaustive()
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
