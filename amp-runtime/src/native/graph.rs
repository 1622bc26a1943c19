//! CUDA graphs, and the stream that they are recorded on.
use super::bridge::ffi;
use super::error::Result;
use super::handle::{inner, ordinal};
use super::list::TensorList;
use cxx::UniquePtr;
use tch::{Device, Tensor};

/// Work of this thread goes to another stream of the device until this drops. The host waits for the stream that it leaves.
pub(crate) struct SideStream {
    _guard: UniquePtr<ffi::SideStream>,
}

impl SideStream {
    pub(crate) fn enter(device: Device) -> Result<Self> {
        Ok(Self { _guard: ffi::side_stream(ordinal(device))? })
    }
}

/// The device draws from a copy of its default generator until this drops: what is drawn meanwhile was not.
pub(crate) struct SpareGenerator {
    _guard: UniquePtr<ffi::SpareGenerator>,
}

impl SpareGenerator {
    pub(crate) fn enter(device: Device) -> Result<Self> {
        Ok(Self { _guard: ffi::spare_generator(ordinal(device))? })
    }
}

/// Has each parameter's next graph begin anew, on the stream that is current then, also while an older graph of it is alive.
pub(crate) fn forget_accumulators(params: &TensorList) -> Result<()> {
    Ok(ffi::forget_accumulators(&params.0)?)
}

/// Whether something that was computed before [`forget_accumulators`] is part of a loss.
pub(crate) fn reaches_back(loss: &Tensor) -> Result<bool> {
    Ok(ffi::reaches_back(inner(loss))?)
}

/// Tensors that a loss, not yet differentiated, was computed with and nobody else may hold.
pub(crate) fn hidden_states(loss: &Tensor) -> Result<TensorList> {
    let mut states = TensorList::new();
    ffi::hidden_states(inner(loss), states.0.pin_mut())?;
    Ok(states)
}

/// Work on the current stream, recorded.
pub(crate) struct CudaGraph(UniquePtr<ffi::CudaGraph>);

/// What the current stream is given is recorded and does not run, until this ends or drops.
pub(crate) struct Recording(UniquePtr<ffi::CudaGraph>);

impl Recording {
    pub(crate) fn begin() -> Result<Self> {
        let mut graph = ffi::new_graph()?;
        graph.pin_mut().begin()?;
        Ok(Self(graph))
    }

    pub(crate) fn end(mut self) -> Result<CudaGraph> {
        self.0.pin_mut().end()?;
        Ok(CudaGraph(self.0))
    }
}

impl CudaGraph {
    /// Runs it on the current stream.
    pub(crate) fn replay(&self) -> Result<()> {
        Ok(self.0.replay()?)
    }
}
