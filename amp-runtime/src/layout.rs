//! Channels-last: the memory layout that convolutions run fastest in, for a library without a `memory_format`.
use tch::nn::VarStore;
use tch::{TchError, Tensor, no_grad};

/// The tensor with its channels last in memory (`torch.channels_last`): same shape, same values. 4-D tensors `[N, C, H, W]`
/// only; others come back as they are.
///
/// Convolutions, norms, relu, pooling and upsampling keep the layout, forward and backward.
///
/// # Errors
/// libtorch's own.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.dim() == 4 {
        tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
    } else {
        Ok(tensor.shallow_clone())
    }
}

/// Puts all 4-D variables of `store` into channels-last (`module.to(memory_format=torch.channels_last)`).
/// Call it before an optimizer is built: its state takes on the layout that the variables have then.
///
/// # Errors
/// libtorch's own.
pub fn variables_to_channels_last(store: &VarStore) -> Result<(), TchError> {
    no_grad(|| {
        for (_, mut variable) in store.variables() {
            if variable.dim() == 4 {
                let relaid = channels_last(&variable.detach())?;
                variable.set_data(&relaid);
            }
        }
        Ok(())
    })
}
