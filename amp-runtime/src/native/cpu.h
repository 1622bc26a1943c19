// Gradients on the CPU: one pass where libtorch makes three, and one loop where it dispatches once per tensor.
#pragma once
#include <ATen/ATen.h>
#include <optional>

namespace amp {

// Whether these functions know the tensors: f32, on the CPU.
bool known_to_cpu(at::TensorList tensors);

// Multiplies every element by `inv_scale`; sets `found_inf` to 1 if one was not finite before.
// Returns the 2-norm of what it leaves: 0-dim f32, inf where f32's sum of squares overflows, as libtorch's.
at::Tensor check_unscale_and_norm(at::TensorList grads, float& found_inf, float inv_scale);

// Multiplies every element by `factor`.
void multiply_all(at::TensorList tensors, float factor);

}  // namespace amp
